//! Who is calling, and how are secrets kept?

mod actor;
mod client;
mod client_key;
mod secret;
mod vault;

pub use actor::{Actor, Role};
pub use client::{Client, Issued};
pub use client_key::{Minted, Presented, mint};
pub use secret::{Secret, same};
pub use vault::Vault;
