//! How is a secret opened that `GopherGate` has sealed? With its own key, which is 32 bytes, by AES-256-GCM with the nonce in
//! front. A text that does not open this way was not sealed with this key.

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use tidegate_core::identity::Secret;
use zeroize::Zeroizing;

/// The variable that holds the key.
pub(super) const VARIABLE: &str = "LLM_PROXY__ENCRYPTION_KEY";

const NONCE_BYTES: usize = 12;
/// What keys of providers begin with, where they are plain.
const PLAIN: [&str; 7] = ["sk-", "sk_", "AIza", "xai-", "gsk_", "pplx-", "csk-"];

/// Opens what can be opened.
pub(super) struct Opener(Option<Aes256Gcm>);

/// What is known of a text.
pub(super) enum Opened {
    /// It is the secret.
    Secret(Secret),
    /// It is sealed, or nobody can tell.
    Shut,
}

impl Opener {
    /// With the key of the environment, if there is one.
    pub(super) fn of_environment() -> Self {
        Self::new(std::env::var(VARIABLE).ok().map(Zeroizing::new).as_deref().map(String::as_str))
    }

    fn new(text: Option<&str>) -> Self {
        Self(text.and_then(key).and_then(|key| Aes256Gcm::new_from_slice(&key).ok()))
    }

    /// Looks at a text of the database.
    pub(super) fn open(&self, text: &str) -> Opened {
        if PLAIN.iter().any(|begin| text.starts_with(begin)) {
            return Opened::Secret(Secret::new(text.to_owned()));
        }
        let tried = bytes(text).find_map(|sealed| {
            let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
            let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
            let opened = self.0.as_ref()?.decrypt(&Nonce::from(nonce), rest).ok()?;
            String::from_utf8(opened).ok()
        });
        tried.map_or(Opened::Shut, |text| Opened::Secret(Secret::new(text)))
    }
}

/// 32 bytes, as hex, as base64 or as they are.
fn key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    let plain = (text.len() == 32).then(|| text.as_bytes().to_vec());
    let found = bytes(text).find(|bytes| bytes.len() == 32).or(plain);
    found.map(Zeroizing::new)
}

/// What a text may be as bytes.
fn bytes(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let trimmed = text.trim_end_matches('=');
    let base64 = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(trimmed)).ok();
    hex(text).into_iter().chain(base64)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let whole = !text.is_empty() && text.len().is_multiple_of(2);
    whole.then(|| text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: [u8; 32], text: &str) -> Vec<u8> {
        let nonce = [7; NONCE_BYTES];
        let sealer = Aes256Gcm::new_from_slice(&key).unwrap();
        let rest = sealer.encrypt(&Nonce::from(nonce), text.as_bytes()).unwrap();
        [&nonce[..], &rest].concat()
    }

    fn is(opened: &Opened, wanted: &str) -> bool {
        matches!(opened, Opened::Secret(secret) if secret.expose() == wanted)
    }

    #[test]
    fn its_own_key_opens_and_another_does_not() {
        let bytes = sealed([1; 32], "a-key-of-a-provider");
        let as_hex = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        for text in [as_hex, STANDARD.encode(&bytes)] {
            for key in ["01".repeat(32), STANDARD.encode([1; 32])] {
                assert!(is(&Opener::new(Some(&key)).open(&text), "a-key-of-a-provider"), "{text}");
            }
            assert!(matches!(Opener::new(Some(&"02".repeat(32))).open(&text), Opened::Shut));
            assert!(matches!(Opener::new(None).open(&text), Opened::Shut));
        }
    }

    #[test]
    fn a_plain_key_is_taken_as_it_is_and_anything_else_is_not() {
        let opener = Opener::new(None);
        assert!(is(&opener.open("sk-proj-1"), "sk-proj-1"));
        assert!(matches!(opener.open("c2VhbGVk"), Opened::Shut));
    }
}
