//! How is the log written? To standard error, for people or as JSON, through a filter.

use std::{
    io::{self, IsTerminal},
    panic::PanicHookInfo,
};

use tidegate_core::{
    Error, Result,
    config::{Config, LogFormat},
};
use tracing_subscriber::{EnvFilter, fmt};

/// Starts the log as declared. Only the first call of a process has an effect. A filter that cannot be read is an
/// error that says so.
pub fn init_log(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log_filter)
        .map_err(|error| Error::bad_request(format!("The log filter cannot be read: {error}.")))?;
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second start in one process fails and leaves the first one as it is.
    let _ = match config.log {
        LogFormat::Human => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(report));
    Ok(())
}

/// The payload may hold whatever the code was working on, so only the place is told.
fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    tracing::error!(%place, "panicked");
}
