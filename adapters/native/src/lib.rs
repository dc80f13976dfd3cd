//! What do server and Lambda share? The seams that stand on tokio, reqwest and the operating system.

mod background;
mod log;
mod queue;
mod time;
mod upstream;

pub use background::Tracker;
pub use log::init_log;
pub use queue::Queue;
pub use time::{OsRandom, SystemClock};
pub use upstream::Reqwest;
