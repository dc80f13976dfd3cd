//! What do server and Lambda share? The seams that stand on tokio, hyper and the operating system.

mod background;
mod channel;
mod connect;
mod dashboard;
mod drivers;
mod lock;
mod log;
mod media;
mod open;
mod outbound;
mod passwords;
mod queue;
#[cfg(test)]
mod scratch;
mod spill;
mod time;

pub use background::Tracker;
pub use channel::{Channel, Ear, open_channel};
pub use dashboard::dashboard;
pub use drivers::Libsql;
pub use lock::Lock;
pub use log::init_log;
pub use media::Guarded;
pub use open::{Opened, Place, Shared, Url, Writing, open_shared, open_store};
pub use outbound::HttpClient;
pub use passwords::Passwords;
pub use queue::{Aside, Promise, Queue};
pub use time::{OsRandom, SystemClock};
