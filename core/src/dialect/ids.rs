//! What is a call's id where the provider gives none? Made of what the call is, so that it comes out the same each time.

use std::fmt::Write;

use sha2::{Digest, Sha256};

const PREFIX: &str = "call_";
/// Letters of the hash in an id.
const HASH_CHARS: usize = 20;

/// The id of the call with this number, of the answer that `seed` names.
pub(crate) fn make(seed: &str, number: usize, name: &str) -> String {
    let digest = Sha256::new().chain_update(seed).chain_update([0]).chain_update(name).finalize();
    let mut id = PREFIX.to_owned();
    for byte in &digest[..HASH_CHARS / 2] {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    let _ = write!(id, "_{number}");
    id
}

/// Whether an id was made here. The provider has never seen such a one, so it is not sent there.
pub(crate) fn is_made(id: &str) -> bool {
    let Some((hash, number)) = id.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    hash.len() == HASH_CHARS
        && hash.bytes().all(hex)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_are_stable_different_and_known_again() {
        let id = make("r1", 0, "f");
        assert_eq!(id, make("r1", 0, "f"));
        assert_ne!(id, make("r1", 1, "f"));
        assert_ne!(id, make("r2", 0, "f"));
        assert!(is_made(&id), "{id}");
        assert!(id.len() <= 40, "{id}");
        for id in ["", "call_", "call_abc", "call_aAbBcCdDeEfFgGhHiIjJ_1", "toolu_01", "f:0"] {
            assert!(!is_made(id), "{id}");
        }
    }
}
