//! How does a client key look? `tg_<public id>_<secret><checksum>`: found by its id, refused early by its checksum.

use sha2::{Digest, Sha256};

use super::Secret;
use crate::ports::Random;

const PREFIX: &str = "tg_";
const PUBLIC_CHARS: usize = 10;
/// 43 characters of 62 carry 256 bits.
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key that has just been made. Its text is shown once and not kept.
pub struct Minted {
    /// The part that may be shown.
    pub public_id: String,
    /// The whole key.
    pub key: Secret,
}

/// A key that a client presents, well formed but not yet known.
pub struct Presented<'a> {
    /// The part that may be shown.
    pub public_id: &'a str,
    /// The whole key.
    pub key: &'a str,
}

/// Makes a key.
#[must_use]
pub fn mint(random: &dyn Random) -> Minted {
    mint_for(characters(random, PUBLIC_CHARS), random)
}

/// Makes another key that is found by the same public id.
#[must_use]
pub fn mint_for(public_id: String, random: &dyn Random) -> Minted {
    let mut key = format!("{PREFIX}{public_id}_{}", characters(random, SECRET_CHARS));
    key.push_str(&checksum(&key));
    Minted { public_id, key: Secret::new(key) }
}

impl<'a> Presented<'a> {
    /// Reads a key. A mistyped one fails here, without a look-up.
    #[must_use]
    pub fn parse(key: &'a str) -> Option<Self> {
        let (public_id, rest) = key.strip_prefix(PREFIX)?.split_once('_')?;
        if !is_public_id(public_id) || !plain(rest) || rest.len() != SECRET_CHARS + CHECK_CHARS {
            return None;
        }
        let (body, check) = key.split_at(key.len() - CHECK_CHARS);
        (checksum(body) == check).then_some(Self { public_id, key })
    }
}

/// Whether a text may be the part of a key that is shown.
#[must_use]
pub(crate) fn is_public_id(text: &str) -> bool {
    text.len() == PUBLIC_CHARS && plain(text)
}

fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest[..CHECK_CHARS].iter().map(|byte| character(*byte)).collect()
}

/// Draws characters without bias: bytes of 248 and above are thrown away, 248 being 4 × 62.
fn characters(random: &dyn Random, count: usize) -> String {
    let mut text = String::with_capacity(count);
    let mut bytes = [0_u8; 64];
    while text.len() < count {
        random.fill(&mut bytes);
        let usable = bytes.iter().filter(|byte| **byte < 248).map(|byte| character(*byte));
        text.extend(usable.take(count - text.len()));
    }
    text
}

fn character(byte: u8) -> char {
    char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn a_minted_key_reads_back() {
        let minted = mint(&SeededRandom::new(7));
        let key = minted.key.expose();
        assert!(key.starts_with(&format!("tg_{}_", minted.public_id)));
        assert_eq!(Presented::parse(key).unwrap().public_id, minted.public_id);
    }

    #[test]
    fn any_other_text_is_refused() {
        let key = mint(&SeededRandom::new(7)).key.expose().to_owned();
        for at in 0..key.len() {
            let mut bytes = key.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(Presented::parse(&String::from_utf8(bytes).unwrap()).is_none(), "{at}");
        }
        for text in
            ["", "tg_", "tg__", "sk-abc", &key[1..], &key[..key.len() - 1], "tg_ключ_секрет"]
        {
            assert!(Presented::parse(text).is_none(), "{text}");
        }
    }
}
