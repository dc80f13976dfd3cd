//! What is wrong with the declaration, and where? A sentence and a line.

use std::{borrow::Cow, fmt};

/// Something wrong with the declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line of the file; `None` for the environment.
    pub line: Option<usize>,
    /// What is wrong, and what would be right. It names keys and variables and never repeats a value, because any
    /// value may be a secret in the wrong place.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Where something was said, and the words that name it: `` `listen` `` in line 3, or `TIDEGATE_LISTEN`.
#[derive(Clone)]
pub(super) struct Spot {
    /// The line of the file; `None` for the environment.
    pub(super) line: Option<usize>,
    /// What the sentence is about.
    pub(super) subject: Cow<'static, str>,
}

impl Spot {
    /// A key or a table of the file.
    pub(super) fn line(line: usize, subject: impl Into<Cow<'static, str>>) -> Self {
        Self { line: Some(line), subject: subject.into() }
    }

    /// A variable of the environment.
    pub(super) fn variable(name: impl Into<Cow<'static, str>>) -> Self {
        Self { line: None, subject: name.into() }
    }

    /// A sentence about this spot: its subject, then `predicate`.
    pub(super) fn mistake(&self, predicate: impl fmt::Display) -> Mistake {
        Mistake { line: self.line, message: format!("{} {predicate}", self.subject) }
    }
}
