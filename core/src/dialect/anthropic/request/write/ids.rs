//! What are calls called, where the API takes only some characters and each id once?

use std::collections::{HashMap, HashSet, VecDeque};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::dialect::ir::{Call, Outcome};

/// The ids of a conversation. The same conversation always gets the same ones, so that the provider's cache holds.
#[derive(Default)]
pub(super) struct Ids<'a> {
    used: HashSet<String>,
    /// The calls of the last turn of the model.
    open: Vec<Open>,
    by_id: HashMap<&'a str, usize>,
    /// The calls of each tool that have no result, first come first.
    by_name: HashMap<&'a str, VecDeque<usize>>,
    /// All calls that have no result.
    order: VecDeque<usize>,
}

struct Open {
    written: String,
    answered: bool,
}

impl<'a> Ids<'a> {
    /// The model speaks again: what comes after refers to the calls it makes in this turn.
    pub(super) fn turn(&mut self) {
        self.open.clear();
        self.by_id.clear();
        self.by_name.clear();
        self.order.clear();
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
        let place = self.open.len();
        self.by_id.insert(&call.id, place);
        self.by_name.entry(&call.name).or_default().push_back(place);
        self.order.push_back(place);
        self.open.push(Open { written: written.clone(), answered: false });
        written
    }

    /// The id of the call that a result belongs to, and the call's place in its turn. A result without an id belongs
    /// to the first call of its tool that has none.
    pub(super) fn result(&mut self, outcome: &Outcome) -> (usize, String) {
        let place = if outcome.id.is_empty() {
            self.unanswered(outcome.name.as_deref())
        } else {
            self.by_id.get(&*outcome.id).copied()
        };
        let Some(place) = place else { return (self.open.len(), allowed(&outcome.id)) };
        self.open[place].answered = true;
        (place, self.open[place].written.clone())
    }

    /// The first call without a result: of this tool, or, where none of it is left, of all.
    fn unanswered(&mut self, name: Option<&str>) -> Option<usize> {
        let open = &self.open;
        let free = |queue: &mut VecDeque<usize>| {
            std::iter::from_fn(|| queue.pop_front()).find(|place| !open[*place].answered)
        };
        let named = name.and_then(|name| self.by_name.get_mut(name)).and_then(free);
        named.or_else(|| free(&mut self.order))
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
