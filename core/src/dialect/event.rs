//! What happens in a stream, whatever its dialect?

use crate::{error::Error, store::Usage};

/// One thing that a stream says.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// More of the answer: text, reasoning or the arguments of a tool.
    Delta {
        /// What was added.
        text: String,
    },
    /// Usage; may come more than once, the last one counts.
    Usage(Usage),
    /// The model has finished.
    Finish,
    /// The stream says that it is over.
    Done,
    /// An error inside a stream that began well.
    Fail(Error),
    /// Something without a meaning to us.
    Other,
}
