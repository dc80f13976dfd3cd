//! Which call does a result answer? Some dialects say so by id, some by name and order; here every call has an id.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Call, Part, Turn};

/// Gives every call an id, and every result the id and the name of its call.
pub(crate) fn link(turns: &mut [Turn]) {
    let mut taken: HashSet<String> = calls(turns).map(|call| call.id.clone()).collect();
    let mut waiting = Waiting::default();
    let mut made = 0;
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match part {
            Part::Call(call) => {
                while call.id.is_empty() {
                    made += 1;
                    if taken.insert(id(made)) {
                        call.id = id(made);
                    }
                }
                let Call { id, name, custom, .. } = call.clone();
                waiting.push(Named { id, name, custom });
            }
            Part::Outcome(outcome) => {
                let Some(call) = waiting.take(&outcome.id, outcome.name.as_deref()) else {
                    continue;
                };
                outcome.id = call.id;
                outcome.name = Some(call.name);
                outcome.custom = call.custom;
            }
            Part::Text { .. }
            | Part::Refusal(_)
            | Part::Media(_)
            | Part::Thought(_)
            | Part::Opaque { .. } => {}
        }
    }
}

/// Calls without a result. A request may hold very many, so each is found by its id and by its name.
#[derive(Default)]
struct Waiting {
    /// An id may come again in a later turn, so an answered call waits no more.
    calls: Vec<Option<Named>>,
    by_id: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, VecDeque<usize>>,
    /// Up to where all calls are answered.
    answered: usize,
}

struct Named {
    id: String,
    name: String,
    custom: bool,
}

impl Waiting {
    fn push(&mut self, call: Named) {
        let at = self.calls.len();
        self.by_id.entry(call.id.clone()).or_default().push(at);
        self.by_name.entry(call.name.clone()).or_default().push_back(at);
        self.calls.push(Some(call));
    }

    /// The call of a result: the latest of an id, else the first of a name, else the first of all.
    fn take(&mut self, id: &str, name: Option<&str>) -> Option<Named> {
        let calls = &mut self.calls;
        if !id.is_empty() {
            let places = self.by_id.get_mut(id)?;
            return std::iter::from_fn(|| places.pop()).find_map(|at| calls[at].take());
        }
        if let Some(name) = name {
            let places = self.by_name.get_mut(name)?;
            return std::iter::from_fn(|| places.pop_front()).find_map(|at| calls[at].take());
        }
        let open = calls[self.answered..].iter().position(Option::is_some)?;
        self.answered += open;
        calls[self.answered].take()
    }
}

/// The same for the same conversation, so that a provider's cache finds it again.
fn id(number: usize) -> String {
    format!("call_{number:04}")
}

fn calls(turns: &[Turn]) -> impl Iterator<Item = &Call> {
    turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Call(call) => Some(call),
        Part::Text { .. }
        | Part::Refusal(_)
        | Part::Media(_)
        | Part::Thought(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::ir::{Outcome, Role};

    fn call(id: &str, name: &str) -> Part {
        let (id, name) = (id.to_owned(), name.to_owned());
        Part::Call(Call { id, name, arguments: String::new(), custom: false, state: None })
    }

    fn outcome(id: &str, name: Option<&str>) -> Part {
        let (id, name) = (id.to_owned(), name.map(str::to_owned));
        let (parts, failed, custom) = (Vec::new(), false, false);
        Part::Outcome(Outcome { id, name, parts, failed, custom, cache: None })
    }

    fn check(parts: Vec<Part>, expected: &str) {
        let mut turns: Vec<_> =
            parts.into_iter().map(|part| Turn::new(Role::User, vec![part])).collect();
        link(&mut turns);
        let said = turns.iter().flat_map(|turn| &turn.parts).map(|part| match part {
            Part::Call(call) => format!("{}={}", call.name, call.id),
            Part::Outcome(outcome) => {
                format!("{}<{}", outcome.id, outcome.name.as_deref().unwrap_or("?"))
            }
            other => format!("{other:?}"),
        });
        assert_eq!(said.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn results_find_their_calls() {
        check(
            vec![call("a", "f"), call("b", "g"), outcome("b", None), outcome("a", None)],
            "f=a g=b b<g a<f",
        );
        check(
            vec![call("", "f"), call("", "g"), outcome("", Some("g")), outcome("", Some("f"))],
            "f=call_0001 g=call_0002 call_0002<g call_0001<f",
        );
        check(
            vec![call("", "f"), call("", "f"), outcome("", Some("f")), outcome("", Some("f"))],
            "f=call_0001 f=call_0002 call_0001<f call_0002<f",
        );
        check(vec![call("call_0001", "f"), call("", "g")], "f=call_0001 g=call_0002");
        check(
            vec![call("x", "f"), outcome("x", None), call("x", "g"), outcome("x", None)],
            "f=x x<f g=x x<g",
        );
        check(vec![outcome("lost", None)], "lost<?");
        check(
            vec![call("a", "f"), call("b", "g"), outcome("a", None), outcome("", None)],
            "f=a g=b a<f b<g",
        );
        check(
            vec![call("a", "f"), call("b", "f"), outcome("a", None), outcome("", Some("f"))],
            "f=a f=b a<f b<f",
        );
        check(vec![call("a", "f"), outcome("a", None), outcome("a", None)], "f=a a<f a<?");
    }
}
