//! How is the log written? To standard error, for people or as JSON, through a filter.

use std::{
    io::{self, IsTerminal},
    panic::PanicHookInfo,
};

use tidegate_core::{
    Error, Result,
    config::{Config, LogFormat},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
};

/// Starts the log as declared. Only the first call of a process has an effect. A filter that cannot be read is an
/// error that says so.
pub fn init_log(config: &Config) -> Result<()> {
    let log = subscriber(config, io::stderr, io::stderr().is_terminal())?;
    // A second start in one process fails and leaves the first one as it is.
    let _ = tracing::subscriber::set_global_default(log);
    std::panic::set_hook(Box::new(report));
    Ok(())
}

fn subscriber<W>(config: &Config, writer: W, colours: bool) -> Result<impl Subscriber>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(&config.log_filter)
        .map_err(|error| Error::bad_request(format!("The log filter cannot be read: {error}.")))?;
    let lines = fmt::layer().with_writer(writer);
    let lines = match config.log {
        LogFormat::Human => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(registry().with(lines.with_filter(wanted.and(filter_fn(is_discreet)))))
}

/// Only our own code promises that nothing it logs is a secret. In detail, libraries write down what they send.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("tidegate") || *metadata.level() <= Level::INFO
}

/// The payload may hold whatever the code was working on, so only the place is told.
fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    tracing::error!(%place, "panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(variables: &[(&str, &str)], write: impl FnOnce()) -> String {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let config = Config::read(None, &variable).unwrap();
        let paper = Paper::default();
        let writer = paper.clone();
        let log = subscriber(&config, move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(log, write);
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn libraries_are_not_heard_in_detail() {
        let text = logged(&[("TIDEGATE_LOG", "trace")], || {
            tracing::trace!(target: "h2::codec", "authorization: sk-secret");
            tracing::warn!(target: "h2::codec", "library warning");
            tracing::trace!(target: "tidegate_core::relay", "own detail");
        });
        assert!(!text.contains("sk-secret"), "{text}");
        assert!(text.contains("library warning") && text.contains("own detail"), "{text}");
    }

    #[test]
    fn the_filter_holds_and_json_is_json() {
        let variables = [("TIDEGATE_LOG", "warn"), ("TIDEGATE_LOG_FORMAT", "json")];
        let text = logged(&variables, || {
            tracing::info!("quiet");
            tracing::warn!(answer = 42, "loud");
        });
        assert!(text.starts_with('{') && text.trim_end().ends_with('}'), "{text}");
        assert!(text.contains("\"message\":\"loud\"") && text.contains("\"answer\":42"), "{text}");
        assert!(!text.contains("quiet"), "{text}");
    }

    #[test]
    fn a_wrong_filter_is_told() {
        let variable = |name: &str| (name == "TIDEGATE_LOG").then(|| "a=b=c".to_owned());
        let config = Config::read(None, &variable).unwrap();
        assert!(subscriber(&config, io::sink, false).is_err());
    }
}
