//! What are calls called, where the API takes only some characters and each id once?

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::dialect::ir::{Call, Outcome};

/// The ids of a conversation. The same conversation always gets the same ones, so that the provider's cache holds.
#[derive(Default)]
pub(super) struct Ids<'a> {
    used: HashSet<String>,
    /// The calls of the last turn of the model.
    open: Vec<Open<'a>>,
}

struct Open<'a> {
    id: &'a str,
    name: &'a str,
    written: String,
    answered: bool,
}

impl<'a> Ids<'a> {
    /// The model speaks again: what comes after refers to the calls it makes in this turn.
    pub(super) fn turn(&mut self) {
        self.open.clear();
    }

    /// The id of a call.
    pub(super) fn call(&mut self, call: &'a Call) -> String {
        let ordinal = self.used.len();
        let first =
            if call.id.is_empty() { format!("toolu_{ordinal:04}") } else { allowed(&call.id) };
        // Some hosts count the calls of each turn from 0.
        let free = !self.used.contains(&first);
        let written = if free { first } else { hashed(&format!("{}#{ordinal}", call.id)) };
        self.used.insert(written.clone());
        let (id, name) = (call.id.as_str(), call.name.as_str());
        self.open.push(Open { id, name, written: written.clone(), answered: false });
        written
    }

    /// The id of the call that a result belongs to, and the call's place in its turn. A result without an id belongs
    /// to the first call of its tool that has none.
    pub(super) fn result(&mut self, outcome: &Outcome) -> (usize, String) {
        let named = outcome.name.as_deref();
        let fits = |open: &Open<'_>| {
            if outcome.id.is_empty() {
                !open.answered && named.is_none_or(|name| name == open.name)
            } else {
                open.id == outcome.id
            }
        };
        let unanswered = |open: &Open<'_>| outcome.id.is_empty() && !open.answered;
        let place =
            self.open.iter().position(fits).or_else(|| self.open.iter().position(unanswered));
        let Some(place) = place else { return (self.open.len(), allowed(&outcome.id)) };
        self.open[place].answered = true;
        (place, self.open[place].written.clone())
    }
}

fn allowed(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && id.bytes().all(plain) { id.to_owned() } else { hashed(id) }
}

fn hashed(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    format!("toolu_{}", URL_SAFE_NO_PAD.encode(&digest[..12]))
}
