//! What does `tidegate backup` do? It copies the database file, whether a server is running or not.

use tidegate_core::{Error, Result, config::Config, error::Kind};
use tidegate_native::Place;

use super::{
    file::{place, refuse_existing},
    place::open,
};
use crate::{admin::Admin, cli::Backup, console::say, copies, data::Data};

/// Runs it.
pub(crate) async fn backup(backup: Backup, config: Config) -> Result<()> {
    let out = backup.out;
    refuse_existing(&out)?;
    let data = Data::new(&config.data);
    let path = match Place::parse(config.store_url.as_deref(), data.folder())? {
        Place::File { path, .. } => path,
        Place::Memory | Place::Remote(_) | Place::Postgres(_) | Place::Mysql(_) => {
            let message = "Only a database file is copied: back a server up with its own tools, or use `tidegate export`.";
            return Err(Error::bad_request(message));
        }
    };
    if !path.exists() {
        return Err(Error::not_found(format!("{} is not there.", path.display())));
    }
    match open(&config) {
        Ok(opened) => {
            let file = opened.file.as_ref().ok_or_else(|| Error::internal("a file is open"))?;
            copies::copy(file, &out)?;
        }
        Err(error) if error.kind == Kind::Conflict => {
            let copy = Admin::running(&data, error)?.copy().await?;
            place(&copy, &out)?;
        }
        Err(error) => return Err(error),
    }
    say(&format!(
        "The database is in {}. The root secret is not: keep the file `secret` of the data folder beside it.",
        out.display()
    ));
    Ok(())
}
