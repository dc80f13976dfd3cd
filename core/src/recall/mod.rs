//! What is kept of answers, so that they can be given again to whoever asked? Sealed, by a key that only the same client's
//! same request has.

mod kept;
mod key;
pub mod limits;
mod memory;

pub(crate) use kept::Kept;
pub(crate) use key::{Key, Owner, Parts};
pub use memory::MemoryCache;
