//! Where do log lines go? To the console, one JSON object each; Cloudflare keeps them when observability is on.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::set_global_default,
};

/// Logs from now on. Of the filter only its level counts: a Worker has no log of anything but Tidegate.
pub(crate) fn init(filter: &str) {
    // Fails when a panic has started the Worker's code anew in the same isolate; then it logs already.
    let _ = set_global_default(Console { level: level(filter) });
}

fn level(filter: &str) -> LevelFilter {
    // Nothing at all would parse as well, to the least there is.
    let mut parts = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.find_map(|part| part.parse().ok()).unwrap_or(LevelFilter::INFO)
}

struct Console {
    level: LevelFilter,
}

impl Subscriber for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line::default();
        line.put("level", metadata.level().as_str());
        line.put("target", metadata.target());
        event.record(&mut line);
        let line = Value::from(line.0);
        match *metadata.level() {
            Level::ERROR => worker::console_error!("{line}"),
            Level::WARN => worker::console_warn!("{line}"),
            _ => worker::console_log!("{line}"),
        }
    }

    // Spans are not kept: a line names its request by itself.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_of_a_filter_counts() {
        let check = |filter, expected| assert_eq!(level(filter), expected, "{filter}");
        check("debug", LevelFilter::DEBUG);
        check("tidegate_core=trace,warn", LevelFilter::WARN);
        check("tidegate_core=trace", LevelFilter::INFO);
        check("", LevelFilter::INFO);
    }
}
