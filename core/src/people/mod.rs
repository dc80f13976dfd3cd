//! How do people come in, and how are they known afterwards?
//!
//! Read in this order: [`sign_in`] (a name and a password), [`setup`] (the first admin, and one-time links), [`lookups`]
//! (is a session's user still who they were?), [`sessions`] (which are there, and how one of them ends), [`throttle`] (how often may somebody try?), [`cookie`] and [`origin`]
//! (what browsers send, and for whom). [`rehash`] is about client keys, when the root secret has changed.

pub(crate) mod cookie;
pub(crate) mod lookups;
pub(crate) mod origin;
mod rehash;
mod sessions;
pub(crate) mod setup;
pub(crate) mod sign_in;
mod throttle;

use std::sync::Mutex;

use lookups::Lookups;
use rehash::Rehashing;
use setup::Setup;
use throttle::Throttle;

/// What outlives a request.
#[derive(Default)]
pub(crate) struct People {
    pub(crate) lookups: Mutex<Lookups>,
    throttle: Mutex<Throttle>,
    setup: Mutex<Setup>,
    rehashing: Mutex<Rehashing>,
}
