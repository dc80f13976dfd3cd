//! Which call does a result answer? Some dialects say so by id, some by name and order; here every call has an id.

use std::collections::HashSet;

use super::{Call, Part, Turn};

/// Gives every call an id, and every result the id and the name of its call.
pub(crate) fn link(turns: &mut [Turn]) {
    let mut taken: HashSet<String> = calls(turns).map(|call| call.id.clone()).collect();
    let mut waiting: Vec<Named> = Vec::new();
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
                let by_id = |call: &Named| call.id == outcome.id;
                let by_name = |call: &Named| Some(&call.name) == outcome.name.as_ref();
                let at = if outcome.id.is_empty() {
                    let named = waiting.iter().position(by_name);
                    named.or((outcome.name.is_none() && !waiting.is_empty()).then_some(0))
                } else {
                    waiting.iter().rposition(by_id)
                };
                let Some(at) = at else { continue };
                // An id may come again in a later turn, so an answered call waits no more.
                let call = waiting.remove(at);
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

struct Named {
    id: String,
    name: String,
    custom: bool,
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
    }
}
