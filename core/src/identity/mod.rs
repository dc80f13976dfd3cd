//! Who is calling, and how are secrets kept?

mod actor;
mod client;
mod client_key;
mod secret;
mod vault;

pub use actor::{Actor, Role};
pub use client::{Client, Issued, Previous};
pub use client_key::{Minted, Presented, mint, mint_for};
pub use secret::{Secret, same};
pub use vault::Vault;
