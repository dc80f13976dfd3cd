//! What can be set while the gateway runs? How long records are kept, and whose bodies are captured.

use serde::{Deserialize, Serialize};

use crate::limits::{CAPTURE_BYTES, CAPTURE_DAYS, RETENTION_DAYS};

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

impl Default for Settings {
    fn default() -> Self {
        Self { retention_days: RETENTION_DAYS, capture: Capturing::default() }
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
        let listed = |list: &[String], id: &str| !id.is_empty() && list.iter().any(|of| of == id);
        listed(&self.clients, client) || listed(&self.teams, team)
    }
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
}
