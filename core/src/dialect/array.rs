//! Where does one element of a streamed JSON array end and the next begin?

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::{
    error::{Error, Kind, Result},
    limits::FRAME_BYTES_MAX,
};

/// Finds the elements, which are objects, in bytes that were cut anywhere. A frame is an element with what stands
/// before it: the opening bracket, commas, white space.
#[derive(Default)]
pub(crate) struct Splitter {
    buffer: Bytes,
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
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        let held = self.buffer.slice(self.frame..);
        if held.len() + piece.len() > FRAME_BYTES_MAX && !held.is_empty() {
            return Err(Error::new(Kind::UpstreamBroken, "The provider sent too large an event."));
        }
        self.scanned -= self.frame;
        self.frame = 0;
        if held.is_empty() {
            self.buffer = piece;
        } else {
            self.buffer = Bytes::new();
            let mut grown = BytesMut::from(held);
            grown.extend_from_slice(&piece);
            self.buffer = grown.freeze();
        }
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        while let Some(byte) = self.buffer.get(self.scanned) {
            self.scanned += 1;
            match (self.text, byte) {
                (Text::Outside, b'"') => self.text = Text::Inside,
                (Text::Outside, b'{') => self.depth += 1,
                (Text::Outside, b'}') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        let end = self.scanned;
                        return Some(std::mem::replace(&mut self.frame, end)..end);
                    }
                }
                (Text::Inside, b'\\') => self.text = Text::Escaped,
                (Text::Inside, b'"') => self.text = Text::Outside,
                (Text::Escaped, _) => self.text = Text::Inside,
                (Text::Outside | Text::Inside, _) => {}
            }
        }
        None
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        self.buffer.slice(range)
    }

    pub(crate) fn rest(&mut self) -> Bytes {
        let Self { buffer, frame, .. } = std::mem::take(self);
        buffer.slice(frame..)
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
        for at in 0..text.len() {
            assert_eq!(split(&[&text[..at], &text[at..]]), whole, "{at}");
        }
    }
}
