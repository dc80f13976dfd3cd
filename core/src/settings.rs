//! What can be set while the gateway runs? How long records are kept, whose bodies are captured, and whose answers are given
//! again.

use serde::{Deserialize, Serialize};

use crate::{
    limits::{CAPTURE_BYTES, CAPTURE_DAYS, RETENTION_DAYS},
    recall::limits::RECALL_SECONDS,
};

/// The id of their document.
pub(crate) const ID: &str = "gateway";

/// The settings. There is one document of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(default)]
pub(crate) struct Settings {
    /// How many days records are kept.
    #[cfg_attr(test, schemars(range(min = 1, max = 3_650)))]
    pub(crate) retention_days: u32,
    /// Whose bodies are captured, and for how long. Nobody's unless said.
    pub(crate) capture: Capturing,
    /// Who is given an answer again, and for how long. Nobody unless said.
    pub(crate) recall: Recalling,
}

/// Whose requests and answers are kept, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(default)]
pub(crate) struct Capturing {
    /// Clients, by the public ids of their keys.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    pub(crate) clients: Vec<String>,
    /// Teams, by their ids.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    pub(crate) teams: Vec<String>,
    /// How many days bodies are kept.
    #[cfg_attr(test, schemars(range(min = 1, max = 90)))]
    pub(crate) days: u32,
    /// What is kept of one body; the rest is cut.
    #[cfg_attr(test, schemars(range(min = 1, max = 524_288)))]
    pub(crate) bytes_max: u32,
}

/// Who is given the same answer again when they ask the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(default)]
pub(crate) struct Recalling {
    /// Every client, each its own answers.
    pub(crate) everybody: bool,
    /// Clients, by the public ids of their keys.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    pub(crate) clients: Vec<String>,
    /// Teams, by their ids. Each of their clients is given its own answers alone.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    pub(crate) teams: Vec<String>,
    /// How many seconds answers are kept.
    #[cfg_attr(test, schemars(range(min = 1, max = 604_800)))]
    pub(crate) seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let (capture, recall) = (Capturing::default(), Recalling::default());
        Self { retention_days: RETENTION_DAYS, capture, recall }
    }
}

impl Default for Recalling {
    fn default() -> Self {
        let (clients, teams) = (Vec::new(), Vec::new());
        Self { everybody: false, clients, teams, seconds: RECALL_SECONDS }
    }
}

impl Default for Capturing {
    fn default() -> Self {
        let (clients, teams) = (Vec::new(), Vec::new());
        Self { clients, teams, days: CAPTURE_DAYS, bytes_max: CAPTURE_BYTES }
    }
}

impl Capturing {
    /// Whether the bodies of this client's requests are kept.
    pub(crate) fn covers(&self, client: &str, team: &str) -> bool {
        lists(&self.clients, client) || lists(&self.teams, team)
    }
}

impl Recalling {
    /// Whether this client is given its answers again.
    pub(crate) fn covers(&self, client: &str, team: &str) -> bool {
        self.everybody || lists(&self.clients, client) || lists(&self.teams, team)
    }
}

fn lists(list: &[String], id: &str) -> bool {
    !id.is_empty() && list.iter().any(|of| of == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_captured_unless_listed() {
        let nobody = Settings::default().capture;
        assert!(!nobody.covers("alice", "sales") && !nobody.covers("", ""));
        let (clients, teams) = (vec!["alice".to_owned()], vec!["sales".to_owned()]);
        let some = Capturing { clients, teams, ..nobody };
        assert!(some.covers("alice", "") && some.covers("bob", "sales"));
        assert!(!some.covers("bob", "support") && !some.covers("", ""));
    }

    #[test]
    fn nobody_is_given_answers_again_unless_said() {
        let nobody = Settings::default().recall;
        assert!(!nobody.covers("alice", "sales") && !nobody.covers("", ""));
        let (clients, teams) = (vec!["alice".to_owned()], vec!["sales".to_owned()]);
        let some = Recalling { clients, teams, ..nobody.clone() };
        assert!(some.covers("alice", "") && some.covers("bob", "sales"));
        assert!(!some.covers("bob", "support") && !some.covers("", ""));
        assert!(Recalling { everybody: true, ..nobody }.covers("bob", ""));
    }
}
