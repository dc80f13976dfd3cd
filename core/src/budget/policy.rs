//! What is a team or a client held to? Its limits, and what it may use, from where and until when.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{limit::Limit, range::Range};
use crate::{
    error::{Error, Kind, Result},
    limits::{LIMITS_MAX, MODEL_BYTES_MAX, PATTERNS_MAX},
    ports::Millis,
};

/// All that a node of the tree says. The default allows everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Policy {
    /// Whether anything goes at all.
    pub enabled: bool,
    /// How much there is of what.
    pub limits: Vec<Limit>,
    /// Names of models, each with a `*` at its end for all that begin so; none stands for all.
    pub models: Vec<String>,
    /// Ids of providers, in the same way.
    pub providers: Vec<String>,
    /// Where requests may come from; none stands for anywhere.
    pub ips: Vec<Range>,
    /// When it ends, if ever.
    pub expires_at_ms: Option<Millis>,
    /// What happens to a stream that uses up a budget.
    pub on_exhausted: Exhausted,
    /// When a record must be safe.
    pub ledger: Ledger,
    /// What happens to a request whose budgets cannot be checked.
    pub on_outage: Unchecked,
}

/// What happens to a stream that has used what was reserved for it, when there is no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Exhausted {
    /// It goes on; what it takes too much is missing from what comes after.
    #[default]
    Finish,
    /// It ends there.
    Cut,
}

/// When a record must be safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Ledger {
    /// It follows the answer; a process that is killed may lose the last tenth of a second.
    #[default]
    Async,
    /// Before the client sees the end of its answer.
    Strict,
}

/// What happens to a request while nobody can say what is left of its budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Unchecked {
    /// It is refused, so that no budget is passed.
    #[default]
    Refuse,
    /// It goes on, and its record says so; what it takes is counted when that is possible again.
    Allow,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: true,
            limits: Vec::new(),
            models: Vec::new(),
            providers: Vec::new(),
            ips: Vec::new(),
            expires_at_ms: None,
            on_exhausted: Exhausted::default(),
            ledger: Ledger::default(),
            on_outage: Unchecked::default(),
        }
    }
}

impl Policy {
    /// Checks what the form alone does not say.
    pub fn check(&self) -> Result<()> {
        let most = |at: &'static str, given: usize, most: usize| {
            let message = format!("`{at}` has at most {most} entries.");
            if given > most { Err(Error::bad_request(message).at(at)) } else { Ok(()) }
        };
        most("limits", self.limits.len(), LIMITS_MAX)?;
        most("models", self.models.len(), PATTERNS_MAX)?;
        most("providers", self.providers.len(), PATTERNS_MAX)?;
        most("ips", self.ips.len(), PATTERNS_MAX)?;
        for (at, limit) in self.limits.iter().enumerate() {
            if self.limits[..at].iter().any(|other| other.clashes(limit)) {
                let message = format!("Two limits count the same: {limit}.");
                return Err(Error::bad_request(message).at("limits"));
            }
        }
        for (at, patterns) in [("models", &self.models), ("providers", &self.providers)] {
            if patterns.iter().any(|pattern| !is_pattern(pattern)) {
                let message = format!("`{at}` holds names, with a `*` at the end if at all.");
                return Err(Error::bad_request(message).at(at));
            }
        }
        Ok(())
    }

    /// Whether a request may come at this time from this address. `who` is named in the refusal.
    pub(crate) fn open(&self, who: &str, peer: Option<IpAddr>, now_ms: Millis) -> Result<()> {
        let refuse = |why: &str| Err(Error::new(Kind::Forbidden, format!("The {who} {why}.")));
        if !self.enabled {
            return refuse("is disabled");
        }
        if self.expires_at_ms.is_some_and(|end| end <= now_ms) {
            return refuse("has expired");
        }
        let held = |peer: IpAddr| self.ips.iter().any(|range| range.holds(peer));
        if !self.ips.is_empty() && !peer.is_some_and(held) {
            return refuse("may not be used from this address");
        }
        Ok(())
    }

    /// Whether it may ask for this model.
    pub(crate) fn allows_model(&self, name: &str) -> bool {
        self.models.is_empty() || fits(&self.models, name)
    }

    /// Whether it may be answered by this provider.
    pub(crate) fn allows_provider(&self, id: &str) -> bool {
        self.providers.is_empty() || fits(&self.providers, id)
    }
}

/// Whether a name is one of some patterns.
#[must_use]
pub fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    })
}

fn is_pattern(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    !text.is_empty() && text.len() <= MODEL_BYTES_MAX && !name.contains(['*', ' ', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, String> {
        let policy: Policy = serde_json::from_str(text).map_err(|error| error.to_string())?;
        policy.check().map_err(|error| error.to_string())?;
        Ok(policy)
    }

    #[test]
    fn a_star_stands_for_any_end() {
        let patterns = ["gpt-4o", "claude-*"].map(str::to_owned);
        for (name, expected) in [
            ("gpt-4o", true),
            ("gpt-4o-mini", false),
            ("claude-", true),
            ("claude-x", true),
            ("", false),
        ] {
            assert_eq!(fits(&patterns, name), expected, "{name}");
        }
    }

    #[test]
    fn who_may_not_come_is_told_why() {
        let policy = read(r#"{"ips":["10.0.0.0/8"],"expires_at_ms":100}"#).unwrap();
        let open = |peer: Option<&str>, now| {
            let peer = peer.map(|peer| peer.parse().unwrap());
            policy.open("team `a`", peer, now).map_err(|error| error.message.into_owned())
        };
        assert_eq!(open(Some("10.1.1.1"), 99), Ok(()));
        assert_eq!(open(Some("10.1.1.1"), 100), Err("The team `a` has expired.".to_owned()));
        let elsewhere = Err("The team `a` may not be used from this address.".to_owned());
        assert_eq!(open(Some("11.1.1.1"), 99), elsewhere);
        assert_eq!(open(None, 99), elsewhere);
        assert!(read(r#"{"enabled":false}"#).unwrap().open("client `a`", None, 0).is_err());
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        assert_eq!(read("{}").unwrap(), Policy::default());
        for text in [
            r#"{"limit":[]}"#,
            r#"{"models":["a*b"]}"#,
            r#"{"models":[""]}"#,
            r#"{"ips":["nowhere"]}"#,
            r#"{"on_exhausted":"panic"}"#,
            r#"{"on_outage":"pray"}"#,
            r#"{"limits":[{"requests":1,"per":"day"},{"requests":2,"per":"day"}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
