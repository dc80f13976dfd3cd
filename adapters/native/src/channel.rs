//! What do instances tell each other of what ends? With a driver for it, over Redis; without, there is nothing to open.

use std::sync::Arc;

use tidegate_core::Result;

/// Is given each line that another instance has told.
pub type Ear = Arc<dyn Fn(&str) + Send + Sync>;

#[cfg(feature = "enterprise")]
pub use crate::drivers::Channel;

/// Nobody has one in a light build.
#[cfg(not(feature = "enterprise"))]
pub struct Channel(std::convert::Infallible);

#[cfg(not(feature = "enterprise"))]
impl Channel {
    /// Tells the others.
    pub fn tell(&self, _: &str) {
        match self.0 {}
    }

    /// Lines that the others were not told.
    #[must_use]
    pub fn lost(&self) -> u64 {
        match self.0 {}
    }
}

/// Opens the channel of all instances that count in this Redis, and begins to listen.
#[cfg(feature = "enterprise")]
pub fn open_channel(url: &str, ear: Ear) -> Result<Channel> {
    Channel::open(url, ear)
}

/// Opens the channel of all instances, where there is a driver.
#[cfg(not(feature = "enterprise"))]
pub fn open_channel(_: &str, _: Ear) -> Result<Channel> {
    Err(crate::open::light("Redis"))
}
