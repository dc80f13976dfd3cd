//! How does a record lie in a file so that half of one is never taken for a whole? With its length and a checksum before it.

use super::limits::PAGE_BYTES;
use tidegate_core::{Error, Result, outage::limits::SPILL_RECORD_BYTES_MAX};

/// Length and checksum, four bytes each, the least first.
const HEAD: usize = 8;

const _: () = assert!(PAGE_BYTES > HEAD + SPILL_RECORD_BYTES_MAX);

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// As it was written.
    Whole(&'b [u8]),
    /// It is all there, and is not what was written.
    Damaged,
}

/// Appends a frame.
pub(super) fn push(line: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(line.len()).ok().filter(|_| line.len() <= SPILL_RECORD_BYTES_MAX);
    let Some(length) = length else { return Err(Error::internal("a record of too many bytes")) };
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(line).to_le_bytes());
    out.extend_from_slice(line);
    Ok(())
}

/// The frames, each with where it ends. What no frame is ends them.
pub(super) fn pieces(bytes: &[u8]) -> impl Iterator<Item = (Piece<'_>, u64)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (head, rest) = bytes.get(at..)?.split_at_checked(HEAD)?;
        let word =
            |from: usize| Some(u32::from_le_bytes(head.get(from..from + 4)?.try_into().ok()?));
        let (length, sum) = (usize::try_from(word(0)?).ok()?, word(4)?);
        if length == 0 || length > SPILL_RECORD_BYTES_MAX {
            return None;
        }
        let line = rest.get(..length)?;
        at += HEAD + length;
        let piece = if checksum(line) == sum { Piece::Whole(line) } else { Piece::Damaged };
        Some((piece, at as u64))
    })
}

/// CRC-32 as everybody has it.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| (sum >> 8) ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(u32::MAX, step)
}

/// What each value of a byte does to the sum.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn wherever_the_bytes_end_only_whole_frames_are_read() {
        let mut bytes = Vec::new();
        for line in [&b"one"[..], b"twotwo", b"3"] {
            push(line, &mut bytes).unwrap();
        }
        let ends = [11, 25, 34];
        for cut in 0..=bytes.len() {
            let read: Vec<u64> = pieces(&bytes[..cut]).map(|(_, end)| end).collect();
            let whole = ends.iter().filter(|end| **end <= cut as u64).count();
            assert_eq!(read, ends[..whole], "{cut}");
        }
        let damaged = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            pieces(&bytes).map(|(piece, _)| piece != Piece::Damaged).collect::<Vec<_>>()
        };
        assert_eq!(damaged(12 + HEAD), [true, false, true]);
        assert_eq!(damaged(5), [false, true, true]);
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let mut bytes = Vec::new();
        assert!(push(&vec![0; SPILL_RECORD_BYTES_MAX + 1], &mut bytes).is_err());
        assert_eq!(pieces(&[0xff; 64]).count() + pieces(&[0; 64]).count() + bytes.len(), 0);
    }
}
