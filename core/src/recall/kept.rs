//! What is kept of an answer? Its text and what was said about it, sealed for its key: no cache can read it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Key;
use crate::{
    error::{Error, Result},
    identity::{Secret, Vault},
    ports::{Millis, Random},
};

/// An answer that a client was given.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(Clone, Debug, PartialEq, Eq))]
pub(crate) struct Kept {
    /// When it was kept.
    pub(crate) at_ms: Millis,
    /// Its content type; empty when it had none.
    pub(crate) content_type: String,
    /// Who gave it.
    pub(crate) provider: String,
    /// Which model that was asked for.
    pub(crate) model: String,
    /// What could not cross dialects, comma-separated.
    pub(crate) dropped: String,
    /// What the provider was told that the client did not say, comma-separated.
    pub(crate) added: String,
    /// Whether a number in it is an estimate.
    pub(crate) estimated: bool,
    /// All of its bytes, which are text.
    #[serde(skip)]
    pub(crate) body: String,
}

impl Kept {
    /// As a cache holds it.
    pub(crate) fn seal(&self, key: &Key, vault: &Vault, random: &dyn Random) -> Result<Bytes> {
        let mut text = serde_json::to_string(self).map_err(Error::internal)?;
        // JSON has no line breaks of its own here.
        text.push('\n');
        text.push_str(&self.body);
        vault.seal(&Secret::new(text), &place(key), random).map(Bytes::from)
    }

    /// What [`seal`](Self::seal) made for the same key; anything else is none.
    pub(crate) fn open(sealed: &[u8], key: &Key, vault: &Vault) -> Option<Self> {
        let text = vault.open(std::str::from_utf8(sealed).ok()?, &place(key)).ok()?;
        let (head, body) = text.expose().split_once('\n')?;
        let kept: Self = serde_json::from_str(head).ok()?;
        Some(Self { body: body.to_owned(), ..kept })
    }
}

/// What it is sealed for.
fn place(key: &Key) -> String {
    format!("recall|{}", key.as_str())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Owner, Parts},
        *,
    };
    use crate::{config::RootSecret, identity::Client, testing::SeededRandom};

    fn key(id: &str) -> Key {
        let client = Client { id: id.to_owned(), ..Client::nobody() };
        Key::new(Owner::of(&client), &Parts::plain())
    }

    fn vault(byte: u8) -> Vault {
        Vault::new(&RootSecret(zeroize::Zeroizing::new([byte; 32])))
    }

    fn kept() -> Kept {
        Kept {
            at_ms: 1_800_000_000_000,
            content_type: "text/event-stream".to_owned(),
            provider: "up".to_owned(),
            model: "m".to_owned(),
            dropped: "seed,logit_bias".to_owned(),
            added: String::new(),
            estimated: true,
            body: "data: a\n\ndata: \u{1f600}\n\n".to_owned(),
        }
    }

    #[test]
    fn it_opens_for_its_own_key_alone() {
        let (kept, random) = (kept(), SeededRandom::new(1));
        let sealed = kept.seal(&key("alice"), &vault(1), &random).unwrap();
        assert!(!sealed.windows(4).any(|piece| piece == b"data"));
        assert_eq!(Kept::open(&sealed, &key("alice"), &vault(1)), Some(kept));
        assert_eq!(Kept::open(&sealed, &key("bob"), &vault(1)), None);
        assert_eq!(Kept::open(&sealed, &key("alice"), &vault(2)), None);
    }

    #[test]
    fn what_was_changed_is_none() {
        let sealed = kept().seal(&key("alice"), &vault(1), &SeededRandom::new(2)).unwrap();
        for at in (0..sealed.len()).step_by(7) {
            let mut broken = sealed.to_vec();
            broken[at] ^= 1;
            assert_eq!(Kept::open(&broken, &key("alice"), &vault(1)), None, "{at}");
        }
        for nonsense in [&b""[..], b"a|b|c", b"\xff\xfe", &sealed[..sealed.len() / 2]] {
            assert_eq!(Kept::open(nonsense, &key("alice"), &vault(1)), None);
        }
    }
}
