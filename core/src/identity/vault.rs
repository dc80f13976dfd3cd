//! What is derived from the root secret, and what is it used for?

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Secret;
use crate::{
    config::RootSecret,
    error::{Error, Result},
    ports::Random,
};

/// The first field of a sealed text: which key sealed it.
const KEY_ID: &str = "v1";
const NONCE_BYTES: usize = 12;

/// Hashes client keys and seals what must be read again. Holds derived keys only.
#[derive(Clone)]
pub struct Vault {
    pepper: Hmac<Sha256>,
    sealer: Aes256Gcm,
}

impl Vault {
    /// Derives everything from the root secret; each use has a label of its own.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        let pepper = derive(root, "tidegate/client-key");
        let sealer = derive(root, "tidegate/sealed/v1");
        Self {
            pepper: Hmac::new_from_slice(&pepper[..]).expect("HMAC takes a key of any length"),
            sealer: Aes256Gcm::new_from_slice(&sealer[..]).expect("the key has 32 bytes"),
        }
    }

    /// What is stored of a client key, as hex.
    #[must_use]
    pub fn hash(&self, key: &str) -> String {
        let mut mac = self.pepper.clone();
        mac.update(key.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Seals `text` so that only the same `place` opens it: `kind|id|origin` for an upstream key, which therefore
    /// cannot be used toward another origin than the one it was saved with.
    pub fn seal(&self, text: &Secret, place: &str, random: &dyn Random) -> Result<String> {
        let mut nonce = [0_u8; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: text.expose().as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .sealer
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Error::internal("sealing failed"))?;
        let nonce = STANDARD_NO_PAD.encode(nonce);
        Ok(format!("{KEY_ID}|{nonce}|{}", STANDARD_NO_PAD.encode(sealed)))
    }

    /// Opens what [`seal`](Self::seal) made for the same `place`.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Secret> {
        let refuse = || Error::internal("a sealed value does not open here");
        let mut fields = sealed.split('|');
        let (Some(KEY_ID), Some(nonce), Some(text), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(refuse());
        };
        let nonce = STANDARD_NO_PAD.decode(nonce).map_err(|_| refuse())?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| refuse())?;
        let text = STANDARD_NO_PAD.decode(text).map_err(|_| refuse())?;
        let payload = Payload { msg: &text, aad: place.as_bytes() };
        let opened = self.sealer.decrypt(&Nonce::from(nonce), payload).map_err(|_| refuse())?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| refuse())
    }
}

fn derive(root: &RootSecret, label: &str) -> zeroize::Zeroizing<[u8; 32]> {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    Hkdf::<Sha256>::new(None, &root.0[..])
        .expand(label.as_bytes(), &mut key[..])
        .expect("32 bytes are within HKDF's bound");
    key
}

fn hex(bytes: &[u8]) -> String {
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

    fn vault(byte: u8) -> Vault {
        Vault::new(&RootSecret(zeroize::Zeroizing::new([byte; 32])))
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
}
