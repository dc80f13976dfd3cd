//! What has this process done since it began? Numbers of bounded variety, as Prometheus reads them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use crate::{
    limits::METRIC_NAMES_MAX,
    ports::{Backlog, Millis},
    store::{LATENCY_BOUNDS_MS, LATENCY_BUCKETS, Record, Usage},
};

/// Counted as requests end, and read now and then.
#[derive(Default)]
pub(crate) struct Metrics {
    began_at_ms: AtomicI64,
    store_errors: AtomicU64,
    captures_dropped: AtomicU64,
    recalled: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// By endpoint, provider and class of status.
    requests: BTreeMap<(String, String, u16), u64>,
    /// By endpoint.
    times: BTreeMap<String, Times>,
    /// By provider.
    used: BTreeMap<String, (Usage, i64)>,
}

#[derive(Default)]
struct Times {
    buckets: [u64; LATENCY_BUCKETS],
    sum_ms: i64,
}

/// What is true at the moment of reading.
pub(crate) struct Now {
    pub(crate) at_ms: Millis,
    pub(crate) in_flight: usize,
    pub(crate) backlog: Option<Backlog>,
}

impl Metrics {
    /// The process has begun, if it had not.
    pub(crate) fn begin(&self, now: Millis) {
        let _ = self.began_at_ms.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// How long the process has been there.
    pub(crate) fn uptime_ms(&self, now: Millis) -> i64 {
        (now - self.began_at_ms.load(Ordering::Relaxed)).max(0)
    }

    /// The store did not answer.
    pub(crate) fn store_failed(&self) {
        self.store_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// A captured body is lost.
    pub(crate) fn capture_dropped(&self) {
        self.captures_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has ended.
    pub(crate) fn count(&self, record: &Record) {
        self.recalled.fetch_add(record.recalled.into(), Ordering::Relaxed);
        let mut counts = self.counts();
        let known = counts.used.len() < METRIC_NAMES_MAX
            || counts.used.contains_key(record.provider.as_str());
        // Endpoints are routes, which are few; providers may come and go.
        let provider = if known { record.provider.clone() } else { "other".to_owned() };
        let key = (record.endpoint.clone(), provider.clone(), record.status / 100);
        *counts.requests.entry(key).or_default() += 1;
        let times = counts.times.entry(record.endpoint.clone()).or_default();
        let bucket = LATENCY_BOUNDS_MS.partition_point(|bound| *bound < record.total_ms);
        times.buckets[bucket.min(LATENCY_BUCKETS - 1)] += 1;
        times.sum_ms = times.sum_ms.saturating_add(record.total_ms);
        let (usage, cost_nano) = counts.used.entry(provider).or_default();
        *usage = usage.plus(&record.usage);
        *cost_nano = cost_nano.saturating_add(record.cost_nano);
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, now: &Now) -> String {
        let mut text = String::new();
        let counts = self.counts();
        counts.write_requests(&mut text);
        counts.write_times(&mut text);
        counts.write_used(&mut text);
        drop(counts);
        let captures = self.captures_dropped.load(Ordering::Relaxed);
        let mut numbers = vec![
            ("in_flight", "gauge", now.in_flight as u64),
            ("uptime_seconds", "gauge", self.uptime_ms(now.at_ms).unsigned_abs() / 1000),
            ("store_errors_total", "counter", self.store_errors.load(Ordering::Relaxed)),
            ("captures_dropped_total", "counter", captures),
            ("recalled_total", "counter", self.recalled.load(Ordering::Relaxed)),
        ];
        if let Some(backlog) = now.backlog {
            numbers.push(("queue_records", "gauge", backlog.waiting as u64));
            numbers.push(("log_dropped_total", "counter", backlog.dropped));
            numbers.push(("records_aside", "gauge", backlog.aside));
            let blocked = u64::from(backlog.trouble.is_some());
            numbers.push(("records_blocked", "gauge", blocked));
        }
        for (name, kind, number) in numbers {
            head(&mut text, name, kind);
            let _ = writeln!(text, "tidegate_{name} {number}");
        }
        text
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Every change is complete before anything in here could panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn write_requests(&self, text: &mut String) {
        head(text, "requests_total", "counter");
        for ((endpoint, provider, class), count) in &self.requests {
            let (endpoint, provider) = (label(endpoint), label(provider));
            let _ = writeln!(
                text,
                "tidegate_requests_total{{endpoint=\"{endpoint}\",provider=\"{provider}\",status=\"{class}xx\"}} {count}"
            );
        }
    }

    fn write_times(&self, text: &mut String) {
        let name = "tidegate_request_duration_seconds";
        head(text, "request_duration_seconds", "histogram");
        for (endpoint, times) in &self.times {
            let endpoint = label(endpoint);
            let mut below = 0;
            for (count, bound_ms) in times.buckets.iter().zip(LATENCY_BOUNDS_MS) {
                below += count;
                let bound =
                    if bound_ms == i64::MAX { "+Inf".to_owned() } else { seconds(bound_ms) };
                let _ = writeln!(
                    text,
                    "{name}_bucket{{endpoint=\"{endpoint}\",le=\"{bound}\"}} {below}"
                );
            }
            let sum = seconds(times.sum_ms);
            let _ = writeln!(text, "{name}_sum{{endpoint=\"{endpoint}\"}} {sum}");
            let _ = writeln!(text, "{name}_count{{endpoint=\"{endpoint}\"}} {below}");
        }
    }

    fn write_used(&self, text: &mut String) {
        head(text, "tokens_total", "counter");
        for (provider, (usage, _)) in &self.used {
            let provider = label(provider);
            for (kind, count) in [
                ("prompt", usage.prompt),
                ("cached", usage.cached),
                ("completion", usage.completion),
                ("reasoning", usage.reasoning),
            ] {
                let _ = writeln!(
                    text,
                    "tidegate_tokens_total{{provider=\"{provider}\",kind=\"{kind}\"}} {count}"
                );
            }
        }
        head(text, "cost_nano_dollars_total", "counter");
        for (provider, (_, cost_nano)) in &self.used {
            let provider = label(provider);
            let _ = writeln!(
                text,
                "tidegate_cost_nano_dollars_total{{provider=\"{provider}\"}} {cost_nano}"
            );
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str) {
    let _ = writeln!(text, "# TYPE tidegate_{name} {kind}");
}

fn seconds(ms: i64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(provider: &str, total_ms: i64) -> Record {
        let usage = Usage { prompt: 10, completion: 5, ..Usage::default() };
        let (endpoint, provider) = ("/v1/messages".to_owned(), provider.to_owned());
        Record {
            endpoint,
            provider,
            status: 200,
            total_ms,
            usage,
            cost_nano: 7,
            ..Record::default()
        }
    }

    #[test]
    fn what_ended_is_counted() {
        let metrics = Metrics::default();
        metrics.begin(1_000);
        metrics.count(&record("up", 3));
        metrics.count(&Record { recalled: true, ..record("up", 1_500) });
        let backlog = Some(Backlog { waiting: 2, dropped: 1, aside: 3, trouble: None });
        let text = metrics.text(&Now { at_ms: 61_000, in_flight: 4, backlog });
        for line in [
            "tidegate_requests_total{endpoint=\"/v1/messages\",provider=\"up\",status=\"2xx\"} 2",
            "tidegate_request_duration_seconds_bucket{endpoint=\"/v1/messages\",le=\"0.004\"} 1",
            "tidegate_request_duration_seconds_bucket{endpoint=\"/v1/messages\",le=\"+Inf\"} 2",
            "tidegate_request_duration_seconds_sum{endpoint=\"/v1/messages\"} 1.503",
            "tidegate_tokens_total{provider=\"up\",kind=\"prompt\"} 20",
            "tidegate_cost_nano_dollars_total{provider=\"up\"} 14",
            "tidegate_recalled_total 1",
            "tidegate_in_flight 4",
            "tidegate_uptime_seconds 60",
            "tidegate_queue_records 2",
            "tidegate_log_dropped_total 1",
            "tidegate_records_aside 3",
            "tidegate_records_blocked 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_variety_of_names_is_bounded() {
        let metrics = Metrics::default();
        for number in 0..3 * METRIC_NAMES_MAX {
            metrics.count(&record(&format!("p{number}"), 1));
        }
        let text = metrics.text(&Now { at_ms: 0, in_flight: 0, backlog: None });
        let names = text.lines().filter(|line| line.starts_with("tidegate_requests_total")).count();
        assert_eq!(names, METRIC_NAMES_MAX + 1);
        assert!(text.contains("provider=\"other\",status=\"2xx\"} 200"), "{text}");
    }
}
