//! What does `tidegate export` do? It writes everything into one file.

use tidegate_core::{
    Error, Result,
    config::Config,
    error::Kind,
    moving::{self, Told, Wanted, limits::MOVING_TRIES_MAX},
};

use super::{file::Written, passphrase, place::Opening, report};
use crate::{cli::Export, console::say};

/// Runs it.
pub(crate) async fn export(export: Export, config: Config) -> Result<()> {
    let passphrase = passphrase(export.passphrase_file.as_deref())?;
    let wanted = if export.records { Wanted::Everything } else { Wanted::Configuration };
    super::file::refuse_existing(&export.out)?;
    let opening = Opening::to_read(config).await?;
    for _ in 0..MOVING_TRIES_MAX {
        let mut written = Written::new(&export.out)?;
        let mut sink = |line: &[u8]| written.write(line);
        let done = moving::export(opening.side(), wanted, &passphrase, &mut sink).await;
        match done {
            Ok(told) => return end(written, &told, &export),
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    let message = "The configuration is being changed all the time: export when nobody changes it.";
    Err(Error::new(Kind::Conflict, message))
}

fn end(written: Written, told: &Told, export: &Export) -> Result<()> {
    written.finish()?;
    report(told, "exported");
    say(&format!(
        "Everything is in {}. Whoever has it and the passphrase has every secret of this gateway.",
        export.out.display()
    ));
    Ok(())
}
