//! Which bytes of a request are changed on its way to a provider of the same dialect? The rest stays as it came.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Replaces the bytes at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What goes; empty to insert.
    pub(crate) at: Range<usize>,
    /// What comes.
    pub(crate) with: String,
}

/// Applies edits, which must be in order and apart from each other. Without an edit the bytes are shared, not copied.
pub(crate) fn apply(source: &Bytes, edits: &[Edit]) -> Bytes {
    if edits.is_empty() {
        return source.clone();
    }
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut patched = BytesMut::with_capacity(source.len() + added);
    let mut from = 0;
    for edit in edits {
        patched.extend_from_slice(&source[from..edit.at.start]);
        patched.extend_from_slice(edit.with.as_bytes());
        from = edit.at.end;
    }
    patched.extend_from_slice(&source[from..]);
    patched.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_bytes_change() {
        let edit = |at, with: &str| Edit { at, with: with.to_owned() };
        let source = Bytes::from_static(b"abcdef");
        assert_eq!(apply(&source, &[edit(1..2, "XY"), edit(4..4, "-"), edit(5..6, "")]), "aXYcd-e");
        assert_eq!(apply(&source, &[]).as_ptr(), source.as_ptr());
    }
}
