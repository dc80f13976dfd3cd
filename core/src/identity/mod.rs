//! Who is calling, and how are secrets kept?

mod client;
mod client_key;
mod secret;
mod vault;

pub use client::{Client, SHAPE as CLIENT_SHAPE};
pub use client_key::{Minted, Presented, mint};
pub use secret::{Secret, same};
pub use vault::Vault;
