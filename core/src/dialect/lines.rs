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
    /// Where lines are found: a piece as it came, or what has grown to a whole line.
    buffer: Bytes,
    /// A line that has come in several pieces and is not whole. While it is not empty, `buffer` is.
    growing: BytesMut,
    /// Where the line under way starts.
    line: usize,
    /// Up to where it is known to hold no line end.
    scanned: usize,
}

impl Splitter {
    /// Takes the next piece over. Lines of the piece before must have been taken with [`next`](Self::next).
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        let held = self.growing.len() + self.buffer.len() - self.line;
        if held + piece.len() > FRAME_BYTES_MAX && held > 0 {
            return Err(Error::new(Kind::UpstreamBroken, "The provider sent too large an event."));
        }
        self.scanned -= self.line;
        if held == 0 {
            self.buffer = piece;
        } else {
            // What is held is copied once, when it begins to grow, and not again for each piece.
            let held = std::mem::take(&mut self.buffer);
            self.growing.extend_from_slice(&held[self.line..]);
            self.growing.extend_from_slice(&piece);
        }
        self.line = 0;
        Ok(())
    }

    /// The next whole line with its end, as a place in the buffer.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        let bytes = if self.growing.is_empty() { &self.buffer[..] } else { &self.growing[..] };
        let Some(found) = memchr(b'\n', &bytes[self.scanned..]) else {
            self.scanned = bytes.len();
            return None;
        };
        if !self.growing.is_empty() {
            self.buffer = self.growing.split().freeze();
        }
        let end = self.scanned + found + 1;
        self.scanned = end;
        Some(std::mem::replace(&mut self.line, end)..end)
    }

    /// The bytes of lines that were found.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        self.buffer.slice(range)
    }

    /// What is left when the stream has ended.
    pub(crate) fn rest(&mut self) -> Bytes {
        let Self { buffer, growing, line, .. } = std::mem::take(self);
        if growing.is_empty() { buffer.slice(line..) } else { growing.freeze() }
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

    #[test]
    fn an_endless_line_is_refused() {
        let mut splitter = Splitter::default();
        let piece = Bytes::from(vec![b'x'; FRAME_BYTES_MAX / 2]);
        for _ in 0..2 {
            splitter.push(piece.clone()).unwrap();
            assert!(splitter.next().is_none());
        }
        assert!(splitter.push(piece).is_err());
    }
}
