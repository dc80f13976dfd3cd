//! How does a passphrase close the file? Stretched to a key, which seals each secret and signs all lines.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    limits::{MOVING_COST, MOVING_COST_MAX},
    line::Head,
};
use crate::{
    error::{Error, Result},
    identity::{Cost, Secret, hex, same, stretch},
    limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN},
    ports::Random,
};

const NONCE_BYTES: usize = 12;
/// What `check` says, and where.
const CHECK: &str = "tidegate";

/// The passphrase, as one file knows it.
#[derive(Clone)]
pub(super) struct Seal {
    sealer: Aes256Gcm,
    mac: Hmac<Sha256>,
}

/// How a passphrase was stretched.
pub(super) struct Stretched {
    pub(super) salt: String,
    pub(super) cost: Cost,
}

impl Seal {
    /// For a new file.
    pub(super) fn new(passphrase: &Secret, random: &dyn Random) -> Result<(Self, Stretched)> {
        let text = passphrase.expose();
        if text.chars().count() < PASSWORD_CHARS_MIN || text.len() > PASSWORD_BYTES_MAX {
            let message = format!("A passphrase has at least {PASSWORD_CHARS_MIN} characters.");
            return Err(Error::bad_request(message));
        }
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let seal = Self::of(passphrase, salt, MOVING_COST)?;
        let stretched = Stretched { salt: STANDARD_NO_PAD.encode(salt), cost: MOVING_COST };
        Ok((seal, stretched))
    }

    /// For a file that is there.
    pub(super) fn open_file(passphrase: &Secret, head: &Head) -> Result<Self> {
        let damaged = || Error::bad_request("The file is damaged: its first line makes no sense.");
        let Head { memory_kib, passes, lanes, .. } = *head;
        let cost = Cost { memory_kib, passes, lanes };
        let most = MOVING_COST_MAX;
        if memory_kib > most.memory_kib || passes > most.passes || lanes > most.lanes {
            return Err(damaged());
        }
        let salt = STANDARD_NO_PAD.decode(&head.salt).map_err(|_| damaged())?;
        let salt = salt.try_into().map_err(|_| damaged())?;
        let seal = Self::of(passphrase, salt, cost).map_err(|_| damaged())?;
        match seal.open(&head.check, CHECK) {
            Ok(text) if text.expose() == CHECK => Ok(seal),
            _ => Err(Error::bad_request("The passphrase does not fit this file.")),
        }
    }

    fn of(passphrase: &Secret, salt: [u8; 16], cost: Cost) -> Result<Self> {
        let key = Zeroizing::new(stretch(passphrase, salt, cost)?);
        let expand = |label: &str| {
            let mut part = Zeroizing::new([0_u8; 32]);
            Hkdf::<Sha256>::new(None, &key[..])
                .expand(label.as_bytes(), &mut part[..])
                .expect("32 bytes are within HKDF's bound");
            part
        };
        let sealer = expand("tidegate/moving/sealed");
        let mac = expand("tidegate/moving/lines");
        Ok(Self {
            sealer: Aes256Gcm::new_from_slice(&sealer[..]).expect("the key has 32 bytes"),
            mac: Hmac::new_from_slice(&mac[..]).expect("HMAC takes a key of any length"),
        })
    }

    /// What a file says of its passphrase.
    pub(super) fn check(&self, random: &dyn Random) -> Result<String> {
        self.seal(&Secret::new(CHECK.to_owned()), CHECK, random)
    }

    /// Seals a text so that only the same `place` opens it.
    pub(super) fn seal(&self, text: &Secret, place: &str, random: &dyn Random) -> Result<String> {
        let mut nonce = [0_u8; NONCE_BYTES];
        random.fill(&mut nonce);
        let payload = Payload { msg: text.expose().as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .sealer
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what was sealed for the same `place`.
    pub(super) fn open(&self, sealed: &str, place: &str) -> Result<Secret> {
        let refuse = || Error::bad_request(format!("The file is damaged: {place} does not open."));
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| refuse())?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(refuse)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| refuse())?;
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let opened = self.sealer.decrypt(&Nonce::from(nonce), payload).map_err(|_| refuse())?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| refuse())
    }

    /// Signs lines.
    pub(super) fn signature(&self) -> Signature {
        Signature { mac: self.mac.clone(), lines: 0 }
    }
}

/// A signature under way.
pub(super) struct Signature {
    mac: Hmac<Sha256>,
    pub(super) lines: u64,
}

impl Signature {
    /// Signs a line, its end included.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.mac.update(line);
        self.lines += 1;
    }

    /// Signs many at once.
    pub(super) fn add_many(&mut self, lines: &[u8], count: u64) {
        self.mac.update(lines);
        self.lines += count;
    }

    /// What stands at the end.
    pub(super) fn text(&self) -> String {
        hex(&self.mac.clone().finalize().into_bytes())
    }

    /// Whether this stands at the end.
    pub(super) fn is(&self, text: &str) -> bool {
        same(self.text().as_bytes(), text.as_bytes())
    }
}
