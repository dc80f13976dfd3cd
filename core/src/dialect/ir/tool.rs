//! What may a model call?

use serde_json::value::RawValue;

use super::{Cache, Schema};
use crate::dialect::Dialect;

/// A tool and where a cache ends.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// What it is.
    pub(crate) kind: ToolKind,
    /// Whether a cache ends here.
    pub(crate) cache: Option<Cache>,
}

/// What a tool is.
#[derive(Clone, Debug)]
pub(crate) enum ToolKind {
    /// The client runs it, with arguments that fit a schema.
    Function(Function),
    /// The client runs it, with free text.
    Custom {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The grammar of its text, as it came.
        format: Option<Box<RawValue>>,
    },
    /// The provider searches the web.
    Search {
        /// Only these sites, when there are any.
        allowed: Vec<String>,
        /// Not these sites.
        blocked: Vec<String>,
        /// The tool as its dialect has it, for the way back.
        origin: Option<(Dialect, Box<RawValue>)>,
    },
    /// The provider runs code.
    RunCode {
        /// The tool as its dialect has it, for the way back.
        origin: Option<(Dialect, Box<RawValue>)>,
    },
    /// A tool that only one dialect's provider has.
    Opaque {
        /// Whose it is.
        dialect: Dialect,
        /// The dialect's name for it.
        kind: String,
        /// The tool as it came.
        json: Box<RawValue>,
    },
}

/// A function that the client runs.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// The schema of its arguments; none when it takes none.
    pub(crate) schema: Option<Schema>,
    /// Whether the provider must enforce the schema. `None` where nothing was said, in a dialect where that means no.
    pub(crate) strict: Option<bool>,
}

/// Whether a model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// As it likes.
    Auto,
    /// It must call one.
    Required,
    /// It must not.
    Never,
    /// It must call this one.
    Only(String),
    /// It may call these, and must call one of them if `required`.
    Among {
        /// Their names.
        names: Vec<String>,
        /// Whether one of them must be called.
        required: bool,
    },
}
