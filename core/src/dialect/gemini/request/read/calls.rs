//! Which call does a result belong to, when neither needs an id? The next open one of its name.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::dialect::gemini::ids;

/// The calls of a conversation that wait for results.
#[derive(Default)]
pub(super) struct Calls {
    /// Ids by name, in the order of the calls.
    open: HashMap<String, VecDeque<String>>,
    answered: HashSet<String>,
    made: usize,
}

impl Calls {
    /// The id of a call: its own, or one that comes out the same whenever the conversation is sent again.
    pub(super) fn call(&mut self, name: &str, id: Option<String>) -> String {
        let id = id.unwrap_or_else(|| self.make(name));
        self.open.entry(name.to_owned()).or_default().push_back(id.clone());
        id
    }

    /// The id of the call that a result is of.
    pub(super) fn result(&mut self, name: &str, id: Option<String>) -> String {
        if let Some(id) = id {
            self.answered.insert(id.clone());
            return id;
        }
        let waiting = self.open.get_mut(name);
        let next = waiting.and_then(|ids| {
            loop {
                let id = ids.pop_front()?;
                if !self.answered.remove(&id) {
                    break Some(id);
                }
            }
        });
        next.unwrap_or_else(|| self.make(name))
    }

    fn make(&mut self, name: &str) -> String {
        self.made += 1;
        ids::make("request", self.made - 1, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_find_their_calls() {
        let mut calls = Calls::default();
        let first = calls.call("f", None);
        let second = calls.call("f", None);
        let other = calls.call("g", Some("c1".into()));
        assert_eq!(other, "c1");
        assert_eq!(calls.result("g", None), "c1");
        assert_eq!(calls.result("f", None), first);
        assert_eq!(calls.result("f", None), second);
        assert_ne!(first, second);
        let mut again = Calls::default();
        assert_eq!(again.call("f", None), first);
    }

    #[test]
    fn a_result_with_an_id_is_not_counted_twice() {
        let mut calls = Calls::default();
        calls.call("f", Some("a".into()));
        calls.call("f", Some("b".into()));
        assert_eq!(calls.result("f", Some("a".into())), "a");
        assert_eq!(calls.result("f", None), "b");
    }
}
