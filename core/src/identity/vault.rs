//! What is derived from the root secret, and what is it used for?

use std::sync::Arc;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Secret, same};
use crate::{
    config::RootSecret,
    error::{Error, Result},
    ports::Random,
};

const NONCE_BYTES: usize = 12;
/// Hex digits of a key's id.
const ID_CHARS: usize = 8;

/// Hashes client keys and seals what must be read again. Holds derived keys only.
///
/// What is written carries the id of the root secret it was written under. The current one writes; older ones read, until
/// nothing of theirs is left.
#[derive(Clone)]
pub struct Vault(Arc<Ring>);

struct Ring {
    current: Keys,
    old: Vec<Keys>,
    sessions: Hmac<Sha256>,
    tickets: Hmac<Sha256>,
}

/// What comes of one root secret.
struct Keys {
    id: String,
    pepper: Hmac<Sha256>,
    sealer: Aes256Gcm,
}

impl Keys {
    fn of(root: &RootSecret) -> Self {
        let sealer = derive(root, "tidegate/sealed/v1");
        let id = derive(root, "tidegate/key-id");
        Self {
            id: hex(&id[..ID_CHARS / 2]),
            pepper: mac(root, "tidegate/client-key"),
            sealer: Aes256Gcm::new_from_slice(&sealer[..]).expect("the key has 32 bytes"),
        }
    }

    fn hash(&self, key: &str) -> String {
        hex(&digest(&self.pepper, key))
    }
}

impl Vault {
    /// Derives everything from the root secret; each use has a label of its own.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self::after(root, &[])
    }

    /// The same, after other root secrets. Sessions and links of an older one have ended.
    #[must_use]
    pub fn after(root: &RootSecret, old: &[RootSecret]) -> Self {
        Self(Arc::new(Ring {
            current: Keys::of(root),
            old: old.iter().map(Keys::of).collect(),
            sessions: mac(root, "tidegate/session"),
            tickets: mac(root, "tidegate/ticket"),
        }))
    }

    /// The id of the root secret that writes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.current.id
    }

    /// A keyed hash, as hex.
    #[must_use]
    pub fn hash(&self, text: &str) -> String {
        self.0.current.hash(text)
    }

    /// What is stored of a client key: the id of the root secret, and a hash that only it can make.
    #[must_use]
    pub fn client_hash(&self, key: &str) -> String {
        format!("{}.{}", self.id(), self.hash(key))
    }

    /// Whether a stored hash is the one of this client key. One without an id may be of any root secret.
    #[must_use]
    pub fn fits(&self, kept: &str, key: &str) -> bool {
        let (id, kept) = kept.split_once('.').map_or((None, kept), |(id, kept)| (Some(id), kept));
        let mut keys = self.keys().filter(|keys| id.is_none_or(|id| id == keys.id));
        keys.any(|keys| same(keys.hash(key).as_bytes(), kept.as_bytes()))
    }

    /// A session's signature.
    pub(crate) fn sign(&self, session: &str) -> [u8; 32] {
        digest(&self.0.sessions, session)
    }

    /// What is stored of a one-time link, as hex.
    pub(crate) fn ticket(&self, text: &str) -> String {
        hex(&digest(&self.0.tickets, text))
    }

    fn keys(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.0.current).chain(&self.0.old)
    }

    /// Seals `text` so that only the same `place` opens it: `kind|id|origin` for an upstream key, which therefore
    /// cannot be used toward another origin than the one it was saved with.
    pub fn seal(&self, text: &Secret, place: &str, random: &dyn Random) -> Result<String> {
        let mut nonce = [0_u8; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: text.expose().as_bytes(), aad: place.as_bytes() };
        let Keys { id, sealer, .. } = &self.0.current;
        let sealed = sealer
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Error::internal("sealing failed"))?;
        let nonce = STANDARD_NO_PAD.encode(nonce);
        Ok(format!("{id}|{nonce}|{}", STANDARD_NO_PAD.encode(sealed)))
    }

    /// Opens what [`seal`](Self::seal) made for the same `place`.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Secret> {
        let refuse = || Error::internal("a sealed value does not open here");
        let mut fields = sealed.split('|');
        let (Some(id), Some(nonce), Some(text), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(refuse());
        };
        let unknown =
            || Error::internal(format!("sealed under {id}, a root secret not known here"));
        let Keys { sealer, .. } = self.keys().find(|keys| keys.id == id).ok_or_else(unknown)?;
        let nonce = STANDARD_NO_PAD.decode(nonce).map_err(|_| refuse())?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| refuse())?;
        let text = STANDARD_NO_PAD.decode(text).map_err(|_| refuse())?;
        let payload = Payload { msg: &text, aad: place.as_bytes() };
        let opened = sealer.decrypt(&Nonce::from(nonce), payload).map_err(|_| refuse())?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| refuse())
    }

    /// Whether the root secret that writes now has written this: a sealed value, or a client's hash.
    #[must_use]
    pub fn is_current(&self, written: &str) -> bool {
        written.split(['|', '.']).next() == Some(self.id())
    }

    /// Whether a root secret known here has written this.
    #[must_use]
    pub fn is_known(&self, written: &str) -> bool {
        let id = written.split(['|', '.']).next().unwrap_or_default();
        self.keys().any(|keys| keys.id == id)
    }
}

fn mac(root: &RootSecret, label: &str) -> Hmac<Sha256> {
    let key = derive(root, label);
    Hmac::new_from_slice(&key[..]).expect("HMAC takes a key of any length")
}

fn digest(mac: &Hmac<Sha256>, text: &str) -> [u8; 32] {
    let mut mac = mac.clone();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn derive(root: &RootSecret, label: &str) -> zeroize::Zeroizing<[u8; 32]> {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    Hkdf::<Sha256>::new(None, &root.0[..])
        .expand(label.as_bytes(), &mut key[..])
        .expect("32 bytes are within HKDF's bound");
    key
}

/// Bytes as they are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    fn root(byte: u8) -> RootSecret {
        RootSecret(zeroize::Zeroizing::new([byte; 32]))
    }

    fn vault(byte: u8) -> Vault {
        Vault::new(&root(byte))
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place() {
        let (vault, random) = (vault(1), SeededRandom::new(1));
        let place = "key|openai-1|https://api.openai.com";
        let sealed = vault.seal(&Secret::new("sk-secret".into()), place, &random).unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(vault.open(&sealed, place).unwrap().expose(), "sk-secret");
        assert!(vault.open(&sealed, "key|openai-1|https://evil.example").is_err());
        assert!(self::vault(2).open(&sealed, place).is_err());
    }

    #[test]
    fn every_flipped_character_is_noticed() {
        let (vault, random) = (vault(1), SeededRandom::new(2));
        let sealed = vault.seal(&Secret::new("sk-secret".into()), "p", &random).unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let broken = String::from_utf8(bytes).unwrap();
            assert!(vault.open(&broken, "p").is_err(), "{at}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same_way() {
        let (vault, random) = (vault(1), SeededRandom::new(3));
        let text = Secret::new("sk".into());
        assert_ne!(
            vault.seal(&text, "p", &random).unwrap(),
            vault.seal(&text, "p", &random).unwrap()
        );
    }

    #[test]
    fn an_older_root_secret_still_reads() {
        let random = SeededRandom::new(4);
        let (before, after) = (vault(1), Vault::after(&root(2), &[root(1)]));
        let sealed = before.seal(&Secret::new("sk".into()), "p", &random).unwrap();
        assert_eq!(after.open(&sealed, "p").unwrap().expose(), "sk");
        assert!(!after.is_current(&sealed) && after.is_known(&sealed));
        let again = after.seal(&Secret::new("sk".into()), "p", &random).unwrap();
        assert!(after.is_current(&again));
        assert!(before.open(&again, "p").is_err() && !before.is_known(&again));
        let kept = before.client_hash("tg_key");
        assert!(after.fits(&kept, "tg_key") && !after.fits(&kept, "tg_kez"));
        assert!(after.fits(&before.hash("tg_key"), "tg_key"), "a hash without an id");
        assert!(!vault(2).fits(&kept, "tg_key"));
    }
}
