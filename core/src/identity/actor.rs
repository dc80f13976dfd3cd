//! Who acts on the control plane, and what may they do?

use serde::{Deserialize, Serialize};

/// What somebody may do under `/api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Role {
    /// Looks at everything but secrets and bodies.
    Viewer,
    /// Changes things.
    Admin,
}

/// Whoever asks the control plane for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What the audit log calls it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The user's id; `None` is a program with the admin token.
    pub user: Option<String>,
}
