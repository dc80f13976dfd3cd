//! Who is calling, and how are secrets kept?

mod actor;
mod client;
mod client_key;
mod name;
mod password;
mod secret;
mod session;
mod user;
mod vault;

pub use actor::{Actor, Role};
pub use client::{Client, Issued, Previous};
pub(crate) use client_key::is_public_id;
pub use client_key::{Minted, Presented, mint, mint_for};
pub(crate) use name::named;
pub use password::{COST, Cost, Inline, Password, stretch, verify};
pub(crate) use secret::is_secret;
pub use secret::{Secret, same};
pub use session::{Lifetime, Session};
pub(crate) use user::token;
pub use user::{Membership, Roster, Ticket, User, user_name};
pub use vault::Vault;
pub(crate) use vault::hex;
