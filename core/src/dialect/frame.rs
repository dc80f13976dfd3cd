//! Where does one event of a stream end and the next begin, in whatever framing?

use std::ops::Range;

use bytes::Bytes;

use super::{array, lines, sse};
use crate::error::Result;

/// How the events of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON object a line.
    Lines,
    /// The elements of one JSON array.
    Array,
}

/// Finds the frames in bytes that were cut anywhere. Frames follow each other without a gap: what stands between two
/// events belongs to one of them.
pub(crate) enum Splitter {
    /// Server-sent events.
    Events(sse::Splitter),
    /// Lines.
    Lines(lines::Splitter),
    /// Array elements.
    Array(array::Splitter),
}

impl Splitter {
    /// A splitter at the start of a stream.
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Events => Self::Events(sse::Splitter::default()),
            Framing::Lines => Self::Lines(lines::Splitter::default()),
            Framing::Array => Self::Array(array::Splitter::default()),
        }
    }

    /// Takes the next piece over. Frames of the piece before must have been taken with [`next`](Self::next).
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<()> {
        match self {
            Self::Events(splitter) => splitter.push(piece),
            Self::Lines(splitter) => splitter.push(piece),
            Self::Array(splitter) => splitter.push(piece),
        }
    }

    /// The next whole frame, as a place in the buffer.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        match self {
            Self::Events(splitter) => splitter.next(),
            Self::Lines(splitter) => splitter.next(),
            Self::Array(splitter) => splitter.next(),
        }
    }

    /// The bytes of frames that were found.
    pub(crate) fn slice(&self, range: Range<usize>) -> Bytes {
        match self {
            Self::Events(splitter) => splitter.slice(range),
            Self::Lines(splitter) => splitter.slice(range),
            Self::Array(splitter) => splitter.slice(range),
        }
    }

    /// What is left when the stream has ended.
    pub(crate) fn rest(&mut self) -> Bytes {
        match self {
            Self::Events(splitter) => splitter.rest(),
            Self::Lines(splitter) => splitter.rest(),
            Self::Array(splitter) => splitter.rest(),
        }
    }
}
