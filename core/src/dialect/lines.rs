//! Where does one line of JSON end and the next begin?

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memchr;

use crate::{
    error::{Error, Kind, Result},
    limits::FRAME_BYTES_MAX,
};

/// Finds the lines in bytes that were cut anywhere.
#[derive(Default)]
pub(crate) struct Splitter {
    /// Where lines are found.
    buffer: Bytes,
    /// Where the line under way starts.
    line: usize,
    /// Up to where it is known to hold no line end.
    scanned: usize,
}

impl Splitter {
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        let held = self.buffer.slice(self.line..);
        if held.len() + piece.len() > FRAME_BYTES_MAX && !held.is_empty() {
            return Err(Error::new(Kind::UpstreamBroken, "The provider sent too large an event."));
        }
        self.scanned -= self.line;
        self.line = 0;
        if held.is_empty() {
            self.buffer = piece;
        } else {
            // Unless something else holds the bytes, this grows in place.
            self.buffer = Bytes::new();
            let mut grown = BytesMut::from(held);
            grown.extend_from_slice(&piece);
            self.buffer = grown.freeze();
        }
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        let Some(found) = memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + found + 1;
        self.scanned = end;
        Some(std::mem::replace(&mut self.line, end)..end)
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        self.buffer.slice(range)
    }

    pub(crate) fn rest(&mut self) -> Bytes {
        let Self { buffer, line, .. } = std::mem::take(self);
        buffer.slice(line..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_lines() {
        let text = "{\"a\":\"😀\"}\n\n{\"b\":1}\r\n{\"c\":2}".as_bytes();
        let split = |pieces: &[&[u8]]| {
            let (mut splitter, mut found) = (Splitter::default(), Vec::new());
            for piece in pieces {
                splitter.push(Bytes::copy_from_slice(piece)).unwrap();
                while let Some(range) = splitter.next() {
                    found.push(splitter.slice(range).to_vec());
                }
            }
            (found, splitter.rest().to_vec())
        };
        let whole = split(&[text]);
        assert_eq!(whole.0.len(), 3);
        assert_eq!(whole.1, b"{\"c\":2}");
        for at in 0..text.len() {
            assert_eq!(split(&[&text[..at], &text[at..]]), whole, "{at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes), whole);
    }
}
