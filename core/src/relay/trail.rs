//! Who was asked for a request, one after another, and what came of each? Its record tells, where there is something to.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::resolve::Target;
use crate::{
    error::{Error, Kind},
    limits::RECORD_TRIED_BYTES_MAX,
    ports::Millis,
    route::Step,
};

/// What is said of one that came good, and of one that was not waited for.
pub(super) const OK: &str = "ok";
const DROPPED: &str = "dropped";
/// What is said of an answer of which a filter has left nothing, while others are asked.
pub(super) const HELD_BACK: &str = "held_back";

/// What came of an attempt: a word for the answer, or the error.
pub(super) type Came<'e> = Result<(&'static str, StatusCode), &'e Error>;

/// The way of a request so far.
#[derive(Default)]
pub(super) struct Trail {
    /// The groups on the way to its first target.
    picked: Vec<Arc<Step>>,
    asked: Vec<Asked>,
}

struct Asked {
    who: Who,
    begun: Millis,
    /// How it ended, and when; nothing as long as it has not.
    ended: Option<(Millis, &'static str, u16)>,
}

/// Stands for one who was asked.
#[derive(Clone, Copy)]
pub(super) struct Ticket(usize);

/// Who is asked.
pub(super) struct Who {
    /// As `provider/model`, or the name of a proxy.
    pub(super) to: String,
    /// The id of the upstream key; empty without one.
    pub(super) key: String,
}

impl From<&Target> for Who {
    fn from(target: &Target) -> Self {
        let to = format!("{}/{}", target.provider.id, target.model);
        Self { to, key: target.key().map(|key| key.id.clone()).unwrap_or_default() }
    }
}

/// A step of the way: a group's choice, an attempt, or how many attempts are left out.
#[derive(Serialize, Default)]
#[serde(rename = "Tried")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Told<'a> {
    /// Who picked, such as `group chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Why this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// Who was asked, as `provider/model` or `proxy:name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    /// The id of the upstream key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// How long it took until it was known what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<Millis>,
    /// `ok`, `dropped` when somebody else was faster or the client left, `held_back` when a filter has left nothing,
    /// else the kind of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// The HTTP status; 0 when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// So many steps are left out here.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
}

impl Trail {
    /// Groups have picked the first target.
    pub(super) fn picked(&mut self, target: &Target) {
        target.steps().clone_into(&mut self.picked);
    }

    /// Somebody is asked.
    pub(super) fn begin(&mut self, who: impl Into<Who>, now: Millis) -> Ticket {
        self.asked.push(Asked { who: who.into(), begun: now, ended: None });
        Ticket(self.asked.len() - 1)
    }

    /// It is known what came of it.
    pub(super) fn end(&mut self, Ticket(at): Ticket, came: Came<'_>, now: Millis) {
        let (why, status) = match came {
            Ok((why, status)) => (why, status.as_u16()),
            Err(Error { kind: kind @ Kind::Upstream(status), .. }) => {
                (kind.name(), status.as_u16())
            }
            Err(error) => (error.kind.name(), 0),
        };
        if let Some(asked) = self.asked.get_mut(at) {
            asked.ended.get_or_insert((now, why, status));
        }
    }

    /// The same, and nobody else is waited for.
    pub(super) fn last(&mut self, ticket: Ticket, came: Came<'_>, now: Millis) {
        self.end(ticket, came, now);
        for asked in &mut self.asked {
            asked.ended.get_or_insert((now, DROPPED, 0));
        }
    }

    /// For the record; empty where nothing was picked and nobody was asked twice. Where that is too much, the middle is
    /// left out.
    pub(super) fn told(&self, now: Millis) -> String {
        if self.picked.is_empty() && self.asked.len() < 2 {
            return String::new();
        }
        let picked = self.picked.iter().map(|step| Told::from(&**step));
        let steps: Vec<_> = picked.chain(self.asked.iter().map(|asked| asked.told(now))).collect();
        let mut shortened = (0..=steps.len()).rev().map(|kept| written(&steps, kept));
        shortened.find(|text| text.len() <= RECORD_TRIED_BYTES_MAX).unwrap_or_default()
    }
}

/// So many of these, those at the ends.
fn written(steps: &[Told<'_>], kept: usize) -> String {
    let (front, behind) = steps.split_at(kept.div_ceil(2));
    let (middle, back) = behind.split_at(steps.len() - kept);
    let gap =
        (!middle.is_empty()).then(|| Told { left_out: Some(middle.len()), ..Told::default() });
    let told: Vec<_> = front.iter().chain(&gap).chain(back).collect();
    serde_json::to_string(&told).expect("texts and numbers always serialize")
}

impl Asked {
    fn told(&self, now: Millis) -> Told<'_> {
        let (at, why, status) = self.ended.unwrap_or((now, DROPPED, 0));
        Told {
            to: Some(&self.who.to),
            key: Some(&self.who.key),
            ms: Some((at - self.begun).max(0)),
            why: Some(why),
            status: Some(status),
            ..Told::default()
        }
    }
}

impl From<&Step> for Told<'_> {
    fn from(Step { group, target: _, why }: &Step) -> Self {
        Self { by: Some(format!("group {group}")), rule: Some(why.to_string()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Read {
        key: Option<String>,
        ms: Option<Millis>,
        why: Option<String>,
        left_out: Option<usize>,
    }

    #[test]
    fn the_middle_is_left_out_where_there_is_too_much() {
        let asked = |at: usize| Asked {
            // Each of these needs six bytes.
            who: Who { to: "\u{1}".repeat(100), key: at.to_string() },
            begun: 5,
            ended: (at < 7).then_some((6, "upstream_status", 503)),
        };
        let trail = Trail { picked: Vec::new(), asked: (0..8).map(asked).collect() };
        let text = trail.told(9);
        assert!(text.len() <= RECORD_TRIED_BYTES_MAX && text.len() > RECORD_TRIED_BYTES_MAX / 2);
        let told: Vec<Read> = serde_json::from_str(&text).unwrap();
        let parts = told.iter().map(|step| {
            let Read { key, ms, why, left_out } = step;
            (key.as_deref(), *ms, why.as_deref(), *left_out)
        });
        let failed = |key| (Some(key), Some(1), Some("upstream_status"), None);
        let dropped = (Some("7"), Some(4), Some("dropped"), None);
        assert!(parts.eq([failed("0"), failed("1"), (None, None, None, Some(5)), dropped]));
        // A single one that is too long is left out, too.
        let who = || Who { to: "x".repeat(3_000), key: String::new() };
        let long = || Asked { who: who(), ..asked(0) };
        let trail = Trail { picked: Vec::new(), asked: vec![long(), long()] };
        assert_eq!(trail.told(9), r#"[{"left_out":2}]"#);
    }
}
