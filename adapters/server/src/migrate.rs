//! What does `tidegate migrate` do? It brings a database's schema to what this version needs.

use std::sync::Arc;

use tidegate_core::{Result, config::Config};
use tidegate_native::{HttpClient, Place, SystemClock, Writing, open_store};

use crate::{console::say, data::Data};

/// Applies what is missing.
pub(crate) async fn migrate(config: Config) -> Result<()> {
    let data = Data::new(&config.data);
    let place = Place::parse(config.store_url.as_deref(), data.folder())?;
    let upstream = Arc::new(HttpClient::new()?);
    let opened =
        open_store((place, Writing::Alone), config.store_token, upstream, Arc::new(SystemClock))?;
    match opened.migrate(&SystemClock).await? {
        0 => say("The schema is up to date."),
        statements => say(&format!("The schema is up to date after {statements} statements.")),
    }
    Ok(())
}
