//! What of the world may be fetched because a client names its address? What is public, what the operator allows, and
//! what looks like the media it is said to be.

mod address;
mod fetch;
mod gate;
mod kind;

pub use address::is_global;
pub(crate) use fetch::{Fetched, Fetcher, refused};
pub use gate::{Admitted, Gate, Place};
pub(crate) use kind::mime_of;
