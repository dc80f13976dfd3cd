//! Who is calling, and how are secrets kept?

mod secret;

pub use secret::Secret;
