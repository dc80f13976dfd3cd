//! What does a whole answer hold?

use super::Part;
use crate::store::Usage;

/// A chat answer, in no dialect's words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// The provider's id of the answer; empty when it gave none.
    pub(crate) id: String,
    /// The model, as the provider calls it.
    pub(crate) model: String,
    /// What it says, in order.
    pub(crate) parts: Vec<Part>,
    /// Why it ends.
    pub(crate) stop: Stop,
    /// What it used; `None` when that is not told.
    pub(crate) usage: Option<Usage>,
}

impl Reply {
    /// Whether a filter, or the model itself, has left nothing of it.
    pub(crate) fn is_held_back(&self) -> bool {
        self.stop.holds_back() && !self.parts.iter().any(Part::says_something)
    }
}

/// Why an answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is complete.
    #[default]
    End,
    /// It came upon a text that ends it, if the provider says which.
    Sequence(Option<String>),
    /// It waits for tools.
    Tools,
    /// It has reached the most tokens.
    Length,
    /// It was held back.
    Filtered,
    /// The model would not.
    Refused,
    /// The provider wants the conversation sent again to go on.
    Paused,
    /// It could not go on, such as after a malformed call.
    Failed,
}

impl Stop {
    /// Whether somebody took offence.
    pub(crate) fn holds_back(&self) -> bool {
        match self {
            Self::Filtered | Self::Refused => true,
            Self::End
            | Self::Sequence(_)
            | Self::Tools
            | Self::Length
            | Self::Paused
            | Self::Failed => false,
        }
    }
}
