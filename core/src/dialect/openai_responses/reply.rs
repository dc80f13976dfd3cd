//! What does a whole answer say, and how is one written?

use crate::{
    dialect::{Read, Reply, Stamp},
    error::{Error, Result},
};

/// Reads what the record needs; `None` when it is not even JSON.
pub(crate) fn glance(_body: &[u8]) -> Option<Read> {
    None
}

/// Reads a whole answer.
pub(crate) fn read(_body: &[u8]) -> Result<Reply> {
    Err(Error::internal("unwritten"))
}

/// Writes a whole answer.
pub(crate) fn write(_reply: &Reply, _stamp: &Stamp) -> Vec<u8> {
    Vec::new()
}
