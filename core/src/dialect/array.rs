//! Where does one element of a streamed JSON array end and the next begin?

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::{memchr2, memchr3};

use crate::{
    error::{Error, Kind, Result},
    limits::FRAME_BYTES_MAX,
};

/// Finds the elements, which are objects, in bytes that were cut anywhere. A frame is an element with what stands
/// before it: the opening bracket, commas, white space.
#[derive(Default)]
pub(crate) struct Splitter {
    /// Where frames are found: a piece as it came, or what has grown to a whole frame.
    buffer: Bytes,
    /// A frame that has come in several pieces and is not whole. While it is not empty, `buffer` is.
    growing: BytesMut,
    /// Where the frame under way starts.
    frame: usize,
    /// Up to where its bytes have been looked at.
    scanned: usize,
    /// How many braces are open.
    depth: usize,
    text: Text,
}

/// Whether a byte stands in a string.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

impl Splitter {
    /// Takes the next piece over. Frames of the piece before must have been taken with [`next`](Self::next).
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        let held = self.growing.len() + self.buffer.len() - self.frame;
        if held + piece.len() > FRAME_BYTES_MAX && held > 0 {
            return Err(Error::new(Kind::UpstreamBroken, "The provider sent too large an event."));
        }
        self.scanned -= self.frame;
        if held == 0 {
            self.buffer = piece;
        } else {
            // What is held is copied once, when it begins to grow, and not again for each piece.
            let held = std::mem::take(&mut self.buffer);
            self.growing.extend_from_slice(&held[self.frame..]);
            self.growing.extend_from_slice(&piece);
        }
        self.frame = 0;
        Ok(())
    }

    /// The next whole frame, as a place in the buffer.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        let bytes = if self.growing.is_empty() { &self.buffer[..] } else { &self.growing[..] };
        let end = loop {
            let rest = &bytes[self.scanned..];
            let found = match self.text {
                Text::Outside => memchr3(b'"', b'{', b'}', rest),
                Text::Inside => memchr2(b'"', b'\\', rest),
                Text::Escaped => (!rest.is_empty()).then_some(0),
            };
            let Some(found) = found else {
                self.scanned = bytes.len();
                return None;
            };
            self.scanned += found + 1;
            match (self.text, rest[found]) {
                (Text::Outside, b'{') => self.depth += 1,
                (Text::Outside, b'}') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        break self.scanned;
                    }
                }
                (Text::Inside, b'"') => self.text = Text::Outside,
                (Text::Inside, _) => self.text = Text::Escaped,
                (Text::Outside | Text::Escaped, _) => self.text = Text::Inside,
            }
        };
        if !self.growing.is_empty() {
            self.buffer = self.growing.split().freeze();
        }
        Some(std::mem::replace(&mut self.frame, end)..end)
    }

    /// The bytes of frames that were found.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        self.buffer.slice(range)
    }

    /// What is left when the stream has ended.
    pub(crate) fn rest(&mut self) -> Bytes {
        let Self { buffer, growing, frame, .. } = std::mem::take(self);
        if growing.is_empty() { buffer.slice(frame..) } else { growing.freeze() }
    }
}

/// The element of a frame, without what stands before it.
pub(crate) fn element(frame: &[u8]) -> &[u8] {
    let start = frame.iter().position(|byte| *byte == b'{');
    start.map_or(&[], |start| &frame[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_elements() {
        let text = "[{\"a\":\"}😀\\\"{\"}\n,\r\n{\"b\":{\"c\":[1]}}\n]\n".as_bytes();
        let split = |pieces: &[&[u8]]| {
            let (mut splitter, mut found) = (Splitter::default(), Vec::new());
            for piece in pieces {
                splitter.push(Bytes::copy_from_slice(piece)).unwrap();
                while let Some(range) = splitter.next() {
                    found.push(element(&splitter.slice(range)).to_vec());
                }
            }
            (found, splitter.rest().to_vec())
        };
        let whole = split(&[text]);
        let elements = ["{\"a\":\"}😀\\\"{\"}", "{\"b\":{\"c\":[1]}}"];
        assert_eq!(whole.0, elements.map(|text| text.as_bytes().to_vec()));
        assert_eq!(whole.1, b"\n]\n");
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(split(&pieces), whole, "{first} {second}");
            }
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes), whole);
    }

    #[test]
    fn an_endless_element_is_refused() {
        let mut splitter = Splitter::default();
        let piece = Bytes::from(vec![b'x'; FRAME_BYTES_MAX / 2]);
        for _ in 0..2 {
            splitter.push(piece.clone()).unwrap();
            assert!(splitter.next().is_none());
        }
        assert!(splitter.push(piece).is_err());
    }

    #[test]
    fn an_element_is_what_stands_after_the_rest() {
        let check = |frame: &str, expected: &str| {
            assert_eq!(element(frame.as_bytes()), expected.as_bytes(), "{frame}");
        };
        check("[{}", "{}");
        check(",\r\n{\"a\":1}", "{\"a\":1}");
        check("\n]\n", "");
        check("", "");
    }
}
