//! How does Tidegate run on Cloudflare Workers? Each seam over what the runtime offers, and the two event handlers.
//!
//! The runtime has one thread, but the core asks for `Send`: the futures that await a JavaScript promise, and only
//! those, are wrapped in [`SendFuture`](worker::send::SendFuture).

pub mod counting;
#[cfg(feature = "events")]
mod events;
#[cfg(feature = "events")]
mod live;
#[cfg(feature = "events")]
mod log;

pub mod cache;
pub mod d1;
pub mod fetch;
pub mod message;
#[cfg(feature = "events")]
mod pages;
mod pipe;
pub mod platform;
#[cfg(feature = "events")]
pub mod tree;
#[cfg(feature = "events")]
pub mod watchers;

pub use cache::Edge;
pub use counting::Objects;
pub use d1::D1;
pub use fetch::Fetch;
pub use platform::{Entropy, JsClock, WaitUntil};
