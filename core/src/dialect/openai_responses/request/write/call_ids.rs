//! Which call does a result belong to, and what is the call called upstream?

use sha2::{Digest, Sha256};

use crate::dialect::ir::{Call, Outcome};

/// The longest id that the provider takes.
const ID_BYTES: usize = 64;

/// The calls of a conversation that have no result yet.
#[derive(Default)]
pub(super) struct CallIds<'a> {
    waiting: Vec<(String, &'a Call)>,
    calls: usize,
}

impl<'a> CallIds<'a> {
    /// The id of the next call. One without an id is numbered, which is the same whenever the conversation comes again.
    pub(super) fn call(&mut self, call: &'a Call) -> String {
        self.calls += 1;
        let id =
            if call.id.is_empty() { format!("call_{}", self.calls) } else { fitting(&call.id) };
        self.waiting.push((id.clone(), call));
        id
    }

    /// The id of a result's call, and whether that call was of a custom tool. Without an id the first waiting call of
    /// the same tool is meant.
    pub(super) fn outcome(&mut self, outcome: &Outcome) -> (String, bool) {
        let same_tool = |call: &Call| outcome.name.as_ref().is_none_or(|name| *name == call.name);
        let at = self.waiting.iter().position(|(_, call)| {
            if outcome.id.is_empty() { same_tool(call) } else { call.id == outcome.id }
        });
        match at {
            Some(at) => {
                let (id, call) = self.waiting.remove(at);
                (id, call.custom)
            }
            None => (fitting(&outcome.id), outcome.custom),
        }
    }
}

/// An id that the provider takes: a longer one is the same hash each time.
fn fitting(id: &str) -> String {
    if id.len() <= ID_BYTES {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("call_{}", hex.collect::<String>())
}
