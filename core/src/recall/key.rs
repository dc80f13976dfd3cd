//! When are two requests the same? When the same client asks the same words, in the same way, of the same models.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::identity::{Client, hex};

/// What a key is made of. Other parts, or the same in another order, are another version.
const VERSION: &str = "tidegate/recall/v1";

/// Under what an answer is kept: a hash in hex, which tells nothing of what was asked.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct Key(String);

/// Whose answer it is. There is no key without one, so nobody is given what somebody else was told.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a>(&'a str);

impl<'a> Owner<'a> {
    /// The client that asks.
    pub(crate) fn of(client: &'a Client) -> Self {
        Self(&client.id)
    }
}

/// Everything else on which an answer depends.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct Parts<'a> {
    /// The path's pattern.
    pub(crate) endpoint: &'a str,
    /// The dialect it is answered in.
    pub(crate) answers: &'a str,
    /// How a stream is framed.
    pub(crate) framing: &'a str,
    /// The only provider that may answer.
    pub(crate) pinned: Option<&'a str>,
    /// The model that is asked for; it may stand in the path.
    pub(crate) model: &'a str,
    /// Whether the client would rather be refused than lose a field.
    pub(crate) strict: bool,
    /// Whether a stream is wanted.
    pub(crate) streams: bool,
    /// What providers are told beside the body.
    pub(crate) headers: &'a [(HeaderName, &'a HeaderValue)],
    /// Where the request may go, as provider and model.
    pub(crate) targets: &'a BTreeSet<(String, String)>,
    /// The body as it came.
    pub(crate) body: &'a [u8],
}

impl Key {
    /// The key of this client's request.
    pub(crate) fn new(owner: Owner<'_>, parts: &Parts<'_>) -> Self {
        let mut digest = Sha256::new();
        parts.write(owner, |bytes| digest.update(bytes));
        Self(hex(&digest.finalize()))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parts<'_> {
    /// Each part after its length, and each list after its count, so that no two requests are written alike.
    fn write(&self, Owner(owner): Owner<'_>, mut out: impl FnMut(&[u8])) {
        let count = |count: usize| (count as u64).to_le_bytes();
        let mut part = |bytes: &[u8]| {
            out(&count(bytes.len()));
            out(bytes);
        };
        part(VERSION.as_bytes());
        for text in [owner, self.endpoint, self.answers, self.framing, self.model] {
            part(text.as_bytes());
        }
        part(&[self.pinned.is_some().into(), self.strict.into(), self.streams.into()]);
        part(self.pinned.unwrap_or_default().as_bytes());
        part(&count(self.headers.len()));
        for (name, value) in self.headers {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(&count(self.targets.len()));
        for (provider, model) in self.targets {
            part(provider.as_bytes());
            part(model.as_bytes());
        }
        part(self.body);
    }
}

#[cfg(test)]
impl Parts<'static> {
    /// Of a request with nothing special about it.
    pub(super) fn plain() -> Self {
        static NOWHERE: BTreeSet<(String, String)> = BTreeSet::new();
        Self {
            endpoint: "/v1/messages",
            answers: "anthropic",
            framing: "events",
            pinned: None,
            model: "m",
            strict: false,
            streams: false,
            headers: &[],
            targets: &NOWHERE,
            body: b"the same words",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;

    /// Everything owned, from few letters, so that texts that lie beside each other often begin and end alike.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Asked {
        owner: String,
        texts: [String; 4],
        pinned: Option<String>,
        flags: (bool, bool),
        headers: Vec<(HeaderName, HeaderValue)>,
        targets: BTreeSet<(String, String)>,
        body: Vec<u8>,
    }

    impl Asked {
        fn with<T>(&self, run: impl FnOnce(Owner<'_>, &Parts<'_>) -> T) -> T {
            let [endpoint, answers, framing, model] = self.texts.each_ref().map(String::as_str);
            let headers: Vec<_> =
                self.headers.iter().map(|(name, value)| (name.clone(), value)).collect();
            let parts = Parts {
                endpoint,
                answers,
                framing,
                pinned: self.pinned.as_deref(),
                model,
                strict: self.flags.0,
                streams: self.flags.1,
                headers: &headers,
                targets: &self.targets,
                body: &self.body,
            };
            run(Owner(&self.owner), &parts)
        }

        fn key(&self) -> Key {
            self.with(Key::new)
        }

        fn written(&self) -> Vec<u8> {
            let all = RefCell::new(Vec::new());
            self.with(|owner, parts| {
                parts.write(owner, |bytes| all.borrow_mut().extend_from_slice(bytes));
            });
            all.into_inner()
        }
    }

    fn text() -> impl Strategy<Value = String> {
        "[ab]{0,2}"
    }

    fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
        ("[ab]{1,2}", text()).prop_map(|(name, value)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        })
    }

    fn asked() -> impl Strategy<Value = Asked> {
        (
            text(),
            [text(), text(), text(), text()],
            proptest::option::of(text()),
            any::<(bool, bool)>(),
            proptest::collection::vec(header(), 0..3),
            proptest::collection::btree_set((text(), text()), 0..3),
            proptest::collection::vec(any::<u8>(), 0..4),
        )
            .prop_map(|(owner, texts, pinned, flags, headers, targets, body)| Asked {
                owner,
                texts,
                pinned,
                flags,
                headers,
                targets,
                body,
            })
    }

    proptest! {
        #[test]
        fn different_requests_have_different_keys(one in asked(), other in asked()) {
            prop_assert_eq!(one == other, one.written() == other.written());
            prop_assert_eq!(one == other, one.key() == other.key());
        }

        #[test]
        fn what_moves_from_one_part_to_the_next_is_another_request(one in asked(), at in 0_usize..3) {
            let mut other = one.clone();
            if let Some(last) = other.texts[at].pop() {
                other.texts[at + 1].insert(0, last);
                prop_assert_ne!(one.key(), other.key());
            }
        }

        #[test]
        fn two_clients_never_share(one in asked(), other in text()) {
            let others = Asked { owner: other, ..one.clone() };
            prop_assert_eq!(one.owner == others.owner, one.key() == others.key());
        }
    }

    #[test]
    fn the_order_of_targets_says_nothing() {
        let named = |names: [&str; 2]| names.map(|name| (name.to_owned(), "m".to_owned())).into();
        let targets: [BTreeSet<_>; 2] = [named(["a", "b"]), named(["b", "a"])];
        let [one, other] = targets.map(|targets| {
            let parts = Parts { targets: &targets, ..Parts::plain() };
            Key::new(Owner("alice"), &parts)
        });
        assert_eq!(one, other);
        assert!(one.as_str().len() == 64 && one.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
