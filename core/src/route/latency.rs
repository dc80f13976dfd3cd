//! How long did a model take lately until its first byte? A moving mean, which is forgotten little by little.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    limits::{LATENCIES_MAX, LATENCY_HALF_LIFE},
    ports::Millis,
};

/// What is measured together: a stream begins long before a whole answer is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sample {
    /// Whose model.
    pub(crate) provider: String,
    /// Which model.
    pub(crate) model: String,
    /// Whether it streamed.
    pub(crate) streams: bool,
}

/// A mean, in thousandths of a millisecond, and when it was last added to.
#[derive(Clone, Copy)]
struct Mean {
    micros: i64,
    at: Millis,
}

/// What this process has measured.
#[derive(Default)]
pub(crate) struct Latencies(Mutex<HashMap<Sample, Mean>>);

impl Latencies {
    /// Takes a time in.
    pub(crate) fn note(&self, sample: Sample, took_ms: Millis, now: Millis) {
        let took = took_ms.clamp(0, 3_600_000) * 1000;
        let mut means = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if means.len() >= LATENCIES_MAX && !means.contains_key(&sample) {
            means.clear();
        }
        let mean = means.entry(sample).or_insert(Mean { micros: took, at: now });
        mean.micros += (took - mean.micros) * 3 / 10;
        mean.at = now;
    }

    /// The mean of now. What was slow long ago counts less and less, so that it is tried again.
    pub(crate) fn of(&self, sample: &Sample, now: Millis) -> Option<Millis> {
        let mean = *self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sample)?;
        let halvings = u32::try_from((now - mean.at).max(0) / half_life()).unwrap_or(u32::MAX);
        Some(mean.micros.checked_shr(halvings).unwrap_or(0) / 1000)
    }
}

fn half_life() -> Millis {
    Millis::try_from(LATENCY_HALF_LIFE.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(model: &str) -> Sample {
        Sample { provider: "p".to_owned(), model: model.to_owned(), streams: true }
    }

    #[test]
    fn a_mean_follows_and_is_forgotten() {
        let latencies = Latencies::default();
        assert_eq!(latencies.of(&sample("m"), 0), None);
        latencies.note(sample("m"), 1000, 0);
        assert_eq!(latencies.of(&sample("m"), 0), Some(1000));
        latencies.note(sample("m"), 2000, 10);
        assert_eq!(latencies.of(&sample("m"), 10), Some(1300));
        let later = 10 + half_life();
        assert_eq!(latencies.of(&sample("m"), later), Some(650));
        assert_eq!(latencies.of(&sample("m"), Millis::MAX / 2), Some(0));
        let whole = Sample { streams: false, ..sample("m") };
        assert_eq!(latencies.of(&whole, 10), None);
    }

    #[test]
    fn there_is_no_end_of_names_but_one_of_memory() {
        let latencies = Latencies::default();
        for at in 0..=LATENCIES_MAX {
            latencies.note(sample(&at.to_string()), 5, 0);
        }
        assert!(latencies.0.lock().unwrap().len() <= LATENCIES_MAX);
        assert_eq!(latencies.of(&sample(&LATENCIES_MAX.to_string()), 0), Some(5));
    }
}
