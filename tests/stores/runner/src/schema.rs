//! Which steps has a database's schema taken, and how does one get the schema of the version before? Asked while no
//! process of Tidegate has it open.

use std::{path::Path, sync::Arc};

use tidegate_native::{HttpClient, Opened, Place, SystemClock, Writing, open_store};

/// Opens the database behind a URL, or the file of the data folder, without touching its schema.
pub fn open(url: Option<&str>, folder: &Path, writing: Writing) -> Result<Opened, String> {
    let client = Arc::new(HttpClient::new().map_err(|error| error.to_string())?);
    let place = Place::parse(url, folder);
    place
        .and_then(|place| open_store((place, writing), None, client, Arc::new(SystemClock)))
        .map_err(|error| error.to_string())
}

/// Gives an empty database the schema of the version before.
pub async fn give_previous(url: Option<&str>, folder: &Path) -> Result<(), String> {
    let opened = open(url, folder, Writing::Alone)?;
    let given = tidegate_stores::give_previous(&*opened.database).await;
    given.map_err(|failure| failure.to_string())
}

/// Whether every step is in the ledger, once.
pub async fn is_whole(url: Option<&str>, folder: &Path) -> Result<bool, String> {
    let opened = open(url, folder, Writing::Alone)?;
    let whole = tidegate_stores::is_whole(&*opened.database).await;
    whole.map_err(|failure| failure.to_string())
}
