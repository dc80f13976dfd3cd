//! What was said before? Answers of the Responses dialect that a client may refer to, kept for a while, sealed, and
//! found only by the client they belong to.

mod chain;
mod shelf;

pub(crate) use chain::{Recalled, recall};
pub(crate) use shelf::{Keep, Turn, forget, load};
