//! How many cases hold, which do not, and is each of those known by name?

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// One thing that was looked at.
pub(crate) struct Verdict {
    /// Which check.
    pub(crate) check: Check,
    /// From which dialect to which: `anthropic>gemini`.
    pub(crate) pair: String,
    /// The case.
    pub(crate) id: String,
    /// What does not hold; empty when everything does.
    pub(crate) failures: Vec<Failure>,
    /// What the gateway said when it refused the request, rightly or not.
    pub(crate) refused: Option<String>,
}

/// Something that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// In words that are the same for all cases of its kind.
    pub(crate) what: String,
    /// In this case.
    pub(crate) detail: String,
}

/// A check, with its bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Check {
    /// A provider of the client's own dialect: nothing may change.
    Same,
    /// Answers into the other dialects.
    Replies,
    /// Requests into the other dialects.
    Requests,
    /// Errors, in every client dialect.
    Errors,
    /// Counters.
    Usage,
    /// The judges themselves: what is taken out of a request or an answer must be missed.
    Mutations,
    /// What they cost.
    Cost,
}

/// Cases that are known not to hold, each with its reason.
pub(crate) struct Exceptions(BTreeMap<(String, String, String), bool>);

impl Check {
    /// All checks.
    pub(crate) const ALL: [Self; 7] = [
        Self::Same,
        Self::Replies,
        Self::Requests,
        Self::Errors,
        Self::Usage,
        Self::Mutations,
        Self::Cost,
    ];

    /// The word in the list of exceptions.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Replies => "replies",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::Usage => "usage",
            Self::Mutations => "mutations",
            Self::Cost => "cost",
        }
    }

    /// How many of ten thousand must hold, of each pair.
    fn bar(self) -> u64 {
        match self {
            Self::Same => 10_000,
            Self::Replies | Self::Requests | Self::Errors => 9_950,
            Self::Usage | Self::Cost => 9_900,
            Self::Mutations => 9_500,
        }
    }
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), detail: detail.into() }
    }
}

impl Exceptions {
    /// Reads lines of case, check, pair and reason, parted by tabs. A line without a reason is an error.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut known = BTreeMap::new();
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [case, check, pair, reason] = fields[..] else {
                return Err(format!("an exception has four fields: {line}"));
            };
            if reason.trim().is_empty() {
                return Err(format!("an exception has a reason: {line}"));
            }
            known.insert((case.to_owned(), check.to_owned(), pair.to_owned()), false);
        }
        Ok(Self(known))
    }

    /// Whether a failing case is known. Notes that it was asked for.
    fn take(&mut self, verdict: &Verdict) -> bool {
        let check = verdict.check.name().to_owned();
        let key = (verdict.id.clone(), check, verdict.pair.clone());
        self.0.get_mut(&key).is_some_and(|seen| {
            *seen = true;
            true
        })
    }

    /// Those of judged cases that hold all the same.
    fn idle(&self, ran: &BTreeSet<(&str, &str)>) -> impl Iterator<Item = String> {
        let idle = self.0.iter().filter(|((case, check, _), seen)| {
            !**seen && ran.contains(&(check.as_str(), case.as_str()))
        });
        idle.map(|((case, check, pair), _)| format!("{case} {check} {pair}"))
    }
}

/// The summary: its text, and whether every bar was reached.
pub(crate) fn summarize(
    verdicts: &[Verdict],
    mut exceptions: Exceptions,
    show: usize,
) -> (String, bool) {
    let mut groups: BTreeMap<(Check, &str), Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts {
        groups.entry((verdict.check, &verdict.pair)).or_default().push(verdict);
    }
    let (mut text, mut good) = (String::new(), true);
    let mut lines = String::new();
    for ((check, pair), verdicts) in &groups {
        let failed: Vec<&Verdict> =
            verdicts.iter().copied().filter(|verdict| !verdict.failures.is_empty()).collect();
        let unknown: Vec<&Verdict> =
            failed.iter().copied().filter(|verdict| !exceptions.take(verdict)).collect();
        describe(&mut text, *check, pair, &unknown, show);
        if show > 0 {
            list_refusals(&mut text, pair, verdicts);
        }
        let (all, failing) = (verdicts.len() as u64, failed.len() as u64);
        let refused = verdicts.iter().filter(|verdict| verdict.refused.is_some()).count();
        let rate = (all - failing) * 10_000 / all.max(1);
        // A mutation that changes nothing is no case of its own that anybody could explain.
        let explained = unknown.is_empty() || *check == Check::Mutations;
        let reached = rate >= check.bar() && explained;
        good &= reached;
        let _ = writeln!(
            lines,
            "{:9} {pair:41} {:>5} of {all:>5} hold, {:>6.2} % (bar {:.2} %), {refused} refused, {} excepted{}",
            check.name(),
            all - failing,
            hundredths(rate),
            hundredths(check.bar()),
            failed.len() - unknown.len(),
            if reached { "" } else { "  BELOW" },
        );
    }
    let ran = verdicts.iter().map(|verdict| (verdict.check.name(), verdict.id.as_str())).collect();
    for idle in exceptions.idle(&ran) {
        good = false;
        let _ = writeln!(text, "no longer an exception: {idle}");
    }
    (text + &lines, good)
}

/// How many mutations of all pairs the judges noticed; `None` when there were none.
pub(crate) fn noticed(verdicts: &[Verdict]) -> Option<String> {
    let of_judges = || verdicts.iter().filter(|verdict| verdict.check == Check::Mutations);
    let (all, seen) = (
        of_judges().count() as u64,
        of_judges().filter(|verdict| verdict.failures.is_empty()).count() as u64,
    );
    let rate = (seen * 10_000).checked_div(all)?;
    Some(format!("{seen} of {all} mutations noticed, {:.2} %", hundredths(rate)))
}

#[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
fn hundredths(count: u64) -> f64 {
    count as f64 / 100.0
}

/// The failures of one pair by the first thing that differs, most frequent first.
fn describe(text: &mut String, check: Check, pair: &str, failed: &[&Verdict], show: usize) {
    let mut kinds: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for verdict in failed {
        if let Some(first) = verdict.failures.first() {
            kinds.entry(&first.what).or_default().push((&verdict.id, &first.detail));
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    for (what, cases) in kinds {
        let ids: Vec<&str> = cases.iter().take(3).map(|(id, _)| *id).collect();
        let _ = writeln!(text, "{} {pair}: {} x {what}", check.name(), cases.len());
        let _ = writeln!(text, "    {}", ids.join("  "));
        for (id, detail) in cases.iter().take(show) {
            let _ = writeln!(text, "    -- {id}\n       {}", detail.replace('\n', "\n       "));
        }
    }
}

/// Why requests were refused, most frequent first.
fn list_refusals(text: &mut String, pair: &str, verdicts: &[&Verdict]) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for verdict in verdicts {
        if let Some(reason) = &verdict.refused {
            reasons.entry(reason).or_default().push(&verdict.id);
        }
    }
    for (reason, ids) in reasons {
        let _ = writeln!(text, "refused {pair}: {} x {reason} ({})", ids.len(), ids[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &str, failing: bool) -> Verdict {
        let failures = failing.then(|| Failure::new("text differs", "")).into_iter().collect();
        Verdict {
            check: Check::Replies,
            pair: "a>b".to_owned(),
            id: id.to_owned(),
            failures,
            refused: None,
        }
    }

    fn check(failing: usize, exceptions: &str, expected: bool) {
        let verdicts: Vec<_> =
            (0..1_000).map(|at| verdict(&at.to_string(), at < failing)).collect();
        let exceptions = Exceptions::read(exceptions).unwrap();
        let (text, good) = summarize(&verdicts, exceptions, 0);
        assert_eq!(good, expected, "{text}");
    }

    #[test]
    fn every_failure_is_excepted_and_few_are() {
        check(0, "", true);
        check(1, "", false);
        check(1, "0\treplies\ta>b\tit is so", true);
        check(0, "0\treplies\ta>b\tit was so", false);
        check(0, "0\tusage\ta>b\tof a check that did not run", true);
        let many: Vec<_> = (0..6).map(|at| format!("{at}\treplies\ta>b\tso")).collect();
        check(5, &many[..5].join("\n"), true);
        check(6, &many.join("\n"), false);
        assert!(Exceptions::read("0\treplies\ta>b\t ").is_err());
    }
}
