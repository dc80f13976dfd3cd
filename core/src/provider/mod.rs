//! What is a provider? A row of data: where it is, which dialect it speaks, with which keys.

use crate::{dialect::Dialect, identity::Secret};

/// A host that answers.
#[derive(Clone)]
pub struct Provider {
    /// Unique; the part before the slash in `provider/model`.
    pub id: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub host: Host,
    /// Credentials toward it. May be empty: a local model needs none.
    pub keys: Vec<Key>,
    /// The models it serves under their own names. Any name passes with `provider/model`.
    pub models: Vec<String>,
    /// A disabled provider is shown and not used.
    pub enabled: bool,
    /// Who declared it.
    pub source: Source,
}

/// Where a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In this process: the demo provider.
    Echo,
    /// An http or https URL without a trailing slash, such as `https://api.openai.com/v1`.
    Url(String),
}

/// An upstream credential.
#[derive(Clone)]
pub struct Key {
    /// Unique within the provider; safe to show.
    pub id: String,
    /// What the provider wants to see.
    pub secret: Secret,
}

/// Who declared something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file: locked.
    File,
    /// A variable such as `OPENAI_API_KEY`: locked.
    Environment,
    /// The database: editable.
    Database,
}
