//! How much fetched media does this process hold? Each piece is counted as it comes, until its request lets go of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    error::{Error, Kind, Result},
    limits::MEDIA_IN_FLIGHT_BYTES_MAX,
};

/// The bytes of one file. Dropping it gives them back.
pub(super) struct Charge {
    process: Arc<AtomicUsize>,
    bytes: usize,
}

impl Charge {
    /// Of a file that is still empty.
    pub(super) fn new(process: &Arc<AtomicUsize>) -> Self {
        Self { process: Arc::clone(process), bytes: 0 }
    }

    /// Counts a piece, unless the process holds too much.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<()> {
        let before = self.process.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes <= MEDIA_IN_FLIGHT_BYTES_MAX {
            return Ok(());
        }
        let message = "Too much media is being fetched; try again.";
        Err(Error::new(Kind::Overloaded, message).retry_after("1"))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.process.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_is_given_back() {
        let process = Arc::new(AtomicUsize::new(0));
        let mut first = Charge::new(&process);
        first.grow(MEDIA_IN_FLIGHT_BYTES_MAX).unwrap();
        let mut second = Charge::new(&process);
        assert_eq!(second.grow(1).unwrap_err().kind, Kind::Overloaded);
        drop((first, second));
        assert_eq!(process.load(Ordering::Relaxed), 0);
    }
}
