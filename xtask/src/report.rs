//! What was done, how did it end, and how long did it take? Every command of this tool ends with this summary.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// What a step returns.
pub(crate) type Result<T = Done> = std::result::Result<T, Stop>;

/// A step that ended well.
#[derive(Default)]
pub(crate) struct Done {
    /// The tests it ran; `None` counts the step itself as one check.
    pub(crate) tally: Option<Tally>,
    /// A figure worth a line in the summary.
    pub(crate) note: String,
}

/// Why a step did not end well.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong; the tests that ran are still counted.
    Failed(String, Tally),
    /// It could not be done here. Never counted as passed.
    Skipped(String),
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    outcome: Result,
    time: Duration,
}

impl Done {
    /// Ended well, with a figure for the summary.
    pub(crate) fn noted(note: impl Into<String>) -> Self {
        Self { tally: None, note: note.into() }
    }
}

impl From<Tally> for Done {
    fn from(tally: Tally) -> Self {
        Self { tally: Some(tally), note: String::new() }
    }
}

impl Stop {
    /// Something is wrong.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into(), Tally::default())
    }

    /// It could not be done here, for this reason.
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

impl Report {
    /// Does one step, says that it begins and how it ended. The steps after a failure still run.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = work();
        let step = Step { name: name.to_owned(), outcome, time: start.elapsed() };
        println!("== {step}");
        self.steps.push(step);
    }

    /// Prints the summary and, alone on the last line, the sum; nothing after a command without steps. True when
    /// nothing failed.
    pub(crate) fn close(&self) -> bool {
        if self.steps.is_empty() {
            return true;
        }
        println!("\nsummary");
        for step in &self.steps {
            println!("  {step}");
        }
        let total: Duration = self.steps.iter().map(|step| step.time).sum();
        println!("  {:<28} {:>8}", "total", seconds(total));
        let sum = self.sum();
        println!("{sum}");
        sum.failed == 0
    }

    fn sum(&self) -> Tally {
        self.steps.iter().fold(Tally::default(), |sum, step| sum.plus(step.tally()))
    }
}

impl Step {
    /// A step without tests of its own counts as one check; a failed one counts at least one failure.
    fn tally(&self) -> Tally {
        match &self.outcome {
            Ok(done) => done.tally.unwrap_or(Tally { passed: 1, ..Tally::default() }),
            Err(Stop::Failed(_, tally)) => Tally { failed: tally.failed.max(1), ..*tally },
            Err(Stop::Skipped(_)) => Tally { skipped: 1, ..Tally::default() },
        }
    }
}

impl Tally {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Reads the closing line of a libtest run: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            let part = counts.split("; ").find_map(|part| part.strip_suffix(word));
            part.and_then(|number| number.trim().parse().ok())
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            skipped: count("ignored")?,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, note) = match &self.outcome {
            Ok(done) => {
                let tally = done.tally.map(|tally| tally.to_string()).unwrap_or_default();
                let gap = if tally.is_empty() || done.note.is_empty() { "" } else { "; " };
                ("passed", format!("{tally}{gap}{}", done.note))
            }
            Err(Stop::Failed(why, _)) => ("FAILED", why.clone()),
            Err(Stop::Skipped(why)) => ("skipped", why.clone()),
        };
        write!(f, "{:<28} {:>8}  {word:<7}  {note}", self.name, seconds(self.time))
    }
}

/// `4.2 s`, `3 m 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} m {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_line_is_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 4 filtered out; finished in 0.02s";
        assert_eq!(Tally::read(line), Some(Tally { passed: 12, failed: 0, skipped: 3 }));
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(Tally::read(line), Some(Tally { passed: 1, failed: 2, skipped: 0 }));
        assert_eq!(Tally::read("test a::b ... ok"), None);
    }

    #[test]
    fn a_failed_step_fails_the_sum_and_a_skipped_one_never_passes() {
        let mut report = Report::default();
        report.step("good", || Ok(Done::default()));
        report.step("absent", || Err(Stop::skipped("no such tool")));
        assert!(report.close());
        report.step("bad", || Err(Stop::failed("exit status 1")));
        assert_eq!(report.sum(), Tally { passed: 1, failed: 1, skipped: 1 });
        assert!(!report.close());
    }
}
