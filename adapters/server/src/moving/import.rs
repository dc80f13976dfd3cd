//! What does `tidegate import` do with a file of this gateway's? It reads all of it first, and then takes it in.

use std::path::Path;

use tidegate_core::{
    Error, Result,
    config::{Config, RootSecret},
    error::Kind,
    moving::{self, Manner, check, collisions, take},
    store::sql::moving::content,
};

use super::{file::Lines, passphrase, place::Opening, report};
use crate::{cli::Import, console::say, data::Data};

/// Runs it.
pub(super) async fn import(import: &Import, config: Config) -> Result<()> {
    let path = Path::new(&import.file);
    let passphrase = passphrase(import.passphrase_file.as_deref())?;
    let mut lines = Lines::open(path)?;
    let checked = check(&mut || lines.next(), &passphrase)?;
    let (data, declared) = (Data::new(&config.data), config.secret.is_some());
    let opening = Opening::to_write(config).await?;
    let manner = manner(import, &opening, path).await?;
    let unknown = opening.unknown(&checked.roots);
    if !declared {
        // First, so that nothing comes that could not be read.
        data.add_old_secrets(&unknown)?;
    }
    let mut lines = Lines::open(path)?;
    let told = take(&mut || lines.next(), &checked, opening.side(), manner).await?;
    report(&told, "taken");
    say_of_secrets(&unknown, declared);
    Ok(())
}

/// Into an empty store everything comes as it was. Otherwise somebody must have said that both are to be one.
async fn manner(import: &Import, opening: &Opening, path: &Path) -> Result<Manner> {
    if import.merge {
        return Ok(Manner::Merge);
    }
    let side = opening.side();
    let stood = content(side.database).await?;
    if stood.documents == 0 && !stood.has_records {
        return Ok(if stood.revision == 0 && !stood.has_audit {
            Manner::Whole
        } else {
            Manner::Merge
        });
    }
    let mut lines = Lines::open(path)?;
    let found = collisions(&mut || lines.next(), side).await?;
    let records = if stood.has_records { " and records" } else { "" };
    let mut told = vec![format!(
        "The database is in use: it has {} documents{records}. With --merge, what is there stays and the rest comes beside it.",
        stood.documents
    )];
    told.extend(found.iter().map(|moving::Collision { kind, id, name }| {
        let same = name.is_empty() || name == id;
        let called = if same { String::new() } else { format!(" ({name})") };
        format!("Both have the {} {id}{called}.", kind.name())
    }));
    Err(Error::new(Kind::Conflict, told.join("\n")))
}

fn say_of_secrets(unknown: &[RootSecret], declared: bool) {
    if unknown.is_empty() {
        return;
    }
    say(if declared {
        "The keys of clients were hashed with the other gateway's root secret: set TIDEGATE_SECRET_OLD to it (its \
         TIDEGATE_SECRET, or the file `secret` of its data folder), or these clients are refused."
    } else {
        "The other gateway's root secret is in the file `secret.old` of the data folder: clients keep their keys. \
         `tidegate secret rotate` removes it when nobody needs it any more."
    });
}
