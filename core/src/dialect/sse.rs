//! Where does one server-sent event end and the next begin? No JSON here.

use std::{borrow::Cow, ops::Range};

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

use crate::{
    error::{Error, Kind, Result},
    limits::FRAME_BYTES_MAX,
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Finds the frames in bytes that were cut anywhere. Lines end by LF, CRLF or CR; an empty line ends a frame.
#[derive(Default)]
pub(crate) struct Splitter {
    /// Where frames are found: a piece as it came, or what has grown to a whole frame.
    buffer: Bytes,
    /// A frame that has come in several pieces and is not whole. While it is not empty, `buffer` is.
    growing: BytesMut,
    /// Where the frame under way starts.
    frame: usize,
    /// Where its line under way starts.
    line: usize,
    /// Up to where the line is known to hold no line end.
    scanned: usize,
}

impl Splitter {
    /// Takes the next piece over. Frames of the piece before must have been taken with [`next`](Self::next).
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        let held = self.growing.len() + self.buffer.len() - self.frame;
        if held + piece.len() > FRAME_BYTES_MAX && held > 0 {
            return Err(Error::new(Kind::UpstreamBroken, "The provider sent too large an event."));
        }
        self.line -= self.frame;
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

    /// The next whole frame with its empty line, as a place in the buffer.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let bytes = if self.growing.is_empty() { &self.buffer[..] } else { &self.growing[..] };
            let Some(found) = memchr2(b'\n', b'\r', &bytes[self.scanned..]) else {
                self.scanned = bytes.len();
                return None;
            };
            let at = self.scanned + found;
            let end = match (bytes[at], bytes.get(at + 1)) {
                (b'\r', Some(b'\n')) => at + 2,
                // A CR at the very end may be half of a CRLF.
                (b'\r', None) => {
                    self.scanned = at;
                    return None;
                }
                _ => at + 1,
            };
            let blank = at == self.line;
            (self.line, self.scanned) = (end, end);
            if blank {
                if !self.growing.is_empty() {
                    self.buffer = self.growing.split().freeze();
                }
                return Some(std::mem::replace(&mut self.frame, end)..end);
            }
        }
    }

    /// The bytes of frames that were found.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        self.buffer.slice(range)
    }

    /// What is left when the stream has ended: an event whose empty line is missing still counts.
    pub(crate) fn rest(&mut self) -> Bytes {
        let Self { buffer, growing, frame, .. } = std::mem::take(self);
        if growing.is_empty() { buffer.slice(frame..) } else { growing.freeze() }
    }
}

/// The data of a frame: its `data` lines joined by line feeds. Empty when it has none, as a comment has not.
pub(crate) fn data(frame: &[u8]) -> Cow<'_, [u8]> {
    if let Some(line) = only_line(frame) {
        return Cow::Borrowed(line);
    }
    let frame = frame.strip_prefix(BYTE_ORDER_MARK).unwrap_or(frame);
    let mut lines = lines(frame).filter_map(data_line);
    let Some(first) = lines.next() else { return Cow::Borrowed(&[]) };
    let Some(second) = lines.next() else { return Cow::Borrowed(first) };
    let mut all = first.to_vec();
    for line in std::iter::once(second).chain(lines) {
        all.push(b'\n');
        all.extend_from_slice(line);
    }
    Cow::Owned(all)
}

/// The data of a frame that is one line of data, as nearly all are.
fn only_line(frame: &[u8]) -> Option<&[u8]> {
    let line = frame.strip_prefix(b"data: ")?;
    let end = memchr2(b'\n', b'\r', line)?;
    matches!(&line[end..], b"\n\n" | b"\r\n\r\n").then(|| &line[..end])
}

fn lines(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    frame.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty())
}

fn data_line(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data")?;
    let Some(value) = value.strip_prefix(b":") else {
        // A line that is only the field's name has an empty value.
        return value.is_empty().then_some(value);
    };
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut splitter, mut found) = (Splitter::default(), Vec::new());
        for piece in pieces {
            splitter.push(Bytes::copy_from_slice(piece)).unwrap();
            while let Some(range) = splitter.next() {
                found.push(splitter.slice(range).to_vec());
            }
        }
        let rest = splitter.rest().to_vec();
        (found, rest)
    }

    #[test]
    fn any_cut_gives_the_same_frames() {
        let stream =
            "data: a\n\n: hi\r\n\r\ndata: 😀\rdata:b\r\rdata: c\n\r\n\n\ndata: end".as_bytes();
        let (whole, rest) = frames(&[stream]);
        assert_eq!(whole.len(), 6, "{whole:?}");
        assert_eq!(rest, b"data: end");
        for first in 0..stream.len() {
            for second in first..stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                let (found, tail) = frames(&pieces);
                assert_eq!((found.concat(), &tail), (whole.concat(), &rest), "{first} {second}");
                let texts = |frames: &[Vec<u8>]| -> Vec<Vec<u8>> {
                    frames
                        .iter()
                        .map(|frame| data(frame).to_vec())
                        .filter(|d| !d.is_empty())
                        .collect()
                };
                assert_eq!(texts(&found), texts(&whole), "{first} {second}");
            }
        }
    }

    #[test]
    fn data_lines_join_and_everything_else_is_skipped() {
        let check = |frame: &str, expected: &str| {
            assert_eq!(data(frame.as_bytes()), expected.as_bytes(), "{frame:?}");
        };
        check("data: a\n\n", "a");
        check("data:a\r\n\r\n", "a");
        check("data:  a\n\n", " a");
        check("event: x\ndata: a\nid: 1\ndata: b\n\n", "a\nb");
        check(": comment\n\n", "");
        check("data\n\n", "");
        check("database: x\n\n", "");
        check("\u{feff}data: a\n\n", "a");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut splitter = Splitter::default();
        let piece = Bytes::from(vec![b'x'; FRAME_BYTES_MAX / 2]);
        splitter.push(piece.clone()).unwrap();
        assert!(splitter.next().is_none());
        splitter.push(piece.clone()).unwrap();
        assert!(splitter.next().is_none());
        assert!(splitter.push(piece).is_err());
    }
}
