//! What do recorded shapes of streams give, and what do events become?

use std::fmt::Write as _;

use super::{Reader, Writer};
use crate::{
    config::RootSecret,
    dialect::{
        Carrier, Dialect, Event, Fold, Framing, Splitter, Stamp,
        event::Kind,
        gemini::reply,
        ir::{Citation, Part, Reply, State, Stop},
        unfold,
    },
    error::Error,
    identity::Vault,
    store::Usage,
};
