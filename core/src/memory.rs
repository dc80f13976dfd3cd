//! What did a provider want back with its calls? Kept for a while by the ids of the calls, because many clients give back
//! a call without what they do not know of it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    dialect::{
        Event, EventKind,
        ir::{Part, Role, State, Thought, Turn},
    },
    limits::{MEMORIES_BYTES_MAX, MEMORY_BYTES_MAX, MEMORY_KEEP},
    ports::Millis,
};

/// All that is kept. What is oldest goes first when there is no room.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    calls: HashMap<Place, Kept>,
    order: VecDeque<(Place, Millis)>,
    bytes: usize,
}

/// Whose call it is: of a client, at a provider, with an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    client: String,
    provider: String,
    call: String,
}

/// What goes back with a call.
#[derive(Clone, Default)]
struct Kept {
    /// Thoughts before it, of the first call of an answer.
    thoughts: Vec<Thought>,
    /// Its own state.
    state: Option<State>,
    at_ms: Millis,
    bytes: usize,
}

/// Watches one answer for what has to be kept.
pub(crate) struct Memo {
    memory: Memory,
    client: String,
    provider: String,
    now_ms: Millis,
    /// By the numbers of the parts.
    parts: HashMap<usize, Seen>,
    order: Vec<usize>,
}

enum Seen {
    Thought(Thought),
    Call { id: String, state: Option<State> },
}

impl Memory {
    /// A memo for an answer of a provider to a client.
    pub(crate) fn memo(&self, client: &str, provider: &str, now_ms: Millis) -> Memo {
        Memo {
            memory: self.clone(),
            client: client.to_owned(),
            provider: provider.to_owned(),
            now_ms,
            parts: HashMap::new(),
            order: Vec::new(),
        }
    }

    /// Puts back into a conversation what its client has left out.
    pub(crate) fn recall(&self, client: &str, provider: &str, turns: &mut [Turn], now_ms: Millis) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.calls.is_empty() {
            return;
        }
        for turn in turns.iter_mut().filter(|turn| turn.role == Role::Assistant) {
            let mut thoughts = Vec::new();
            for part in &mut turn.parts {
                let Part::Call(call) = part else { continue };
                let (client, provider) = (client.to_owned(), provider.to_owned());
                let place = Place { client, provider, call: call.id.clone() };
                let fresh = |kept: &&Kept| now_ms - kept.at_ms < keep_ms();
                let Some(kept) = held.calls.get(&place).filter(fresh) else { continue };
                call.state = call.state.take().or_else(|| kept.state.clone());
                thoughts.extend(kept.thoughts.iter().cloned());
            }
            let thought =
                |part: &Part| matches!(part, Part::Thought(Thought { state: Some(_), .. }));
            if thoughts.is_empty() || turn.parts.iter().any(thought) {
                continue;
            }
            turn.parts.retain(|part| !matches!(part, Part::Thought(_)));
            turn.parts.splice(0..0, thoughts.into_iter().map(Part::Thought));
        }
    }

    fn keep(&self, place: Place, kept: Kept) {
        if kept.bytes > MEMORY_BYTES_MAX {
            return;
        }
        let now_ms = kept.at_ms;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += kept.bytes;
        held.order.push_back((place.clone(), now_ms));
        if let Some(earlier) = held.calls.insert(place, kept) {
            held.bytes -= earlier.bytes;
        }
        while let Some((_, at_ms)) = held.order.front()
            && (held.bytes > MEMORIES_BYTES_MAX || now_ms - at_ms >= keep_ms())
        {
            let Some((place, at_ms)) = held.order.pop_front() else { break };
            // The same call may have come again since.
            if held.calls.get(&place).is_some_and(|kept| kept.at_ms == at_ms)
                && let Some(gone) = held.calls.remove(&place)
            {
                held.bytes -= gone.bytes;
            }
        }
    }
}

fn keep_ms() -> Millis {
    i64::try_from(MEMORY_KEEP.as_millis()).unwrap_or(i64::MAX)
}

impl Memo {
    /// Takes the next event of the answer in. When the model has finished, what matters is kept.
    pub(crate) fn push(&mut self, event: &Event) {
        match event {
            Event::Open { part, kind } => {
                let seen = match kind {
                    EventKind::Thought { summary } => {
                        let (text, summary) = (String::new(), *summary);
                        Seen::Thought(Thought { text, summary, state: None })
                    }
                    EventKind::Call { id, .. } => Seen::Call { id: id.clone(), state: None },
                    EventKind::Text
                    | EventKind::Refusal
                    | EventKind::Media(_)
                    | EventKind::Opaque { .. } => return,
                };
                self.parts.insert(*part, seen);
                self.order.push(*part);
            }
            Event::Delta { part, text } => {
                if let Some(Seen::Thought(thought)) = self.parts.get_mut(part)
                    && thought.text.len() <= MEMORY_BYTES_MAX
                {
                    thought.text.push_str(text);
                }
            }
            Event::Sign { part, state } => match self.parts.get_mut(part) {
                Some(Seen::Thought(thought)) => thought.state = Some(state.clone()),
                Some(Seen::Call { state: place, .. }) => *place = Some(state.clone()),
                None => {}
            },
            Event::Finish(_) => self.keep(),
            Event::Start { .. }
            | Event::Cite { .. }
            | Event::Close { .. }
            | Event::Usage(_)
            | Event::Done
            | Event::Fail(_)
            | Event::Other => {}
        }
    }

    /// Takes a whole answer in.
    pub(crate) fn whole(&mut self, parts: &[Part]) {
        for (at, part) in parts.iter().enumerate() {
            let seen = match part {
                Part::Thought(thought) => Seen::Thought(thought.clone()),
                Part::Call(call) => Seen::Call { id: call.id.clone(), state: call.state.clone() },
                Part::Text { .. }
                | Part::Refusal(_)
                | Part::Media(_)
                | Part::Outcome(_)
                | Part::Opaque { .. } => continue,
            };
            self.parts.insert(at, seen);
            self.order.push(at);
        }
        self.keep();
    }

    fn keep(&mut self) {
        let mut thoughts = Vec::new();
        for part in std::mem::take(&mut self.order) {
            match self.parts.remove(&part) {
                Some(Seen::Thought(thought)) if thought.state.is_some() => thoughts.push(thought),
                Some(Seen::Call { id, state }) if !id.is_empty() => {
                    let thoughts = std::mem::take(&mut thoughts);
                    if thoughts.is_empty() && state.is_none() {
                        continue;
                    }
                    let size = |state: &State| state.data.len() + state.id.len();
                    let held = thoughts
                        .iter()
                        .map(|thought| thought.text.len() + thought.state.as_ref().map_or(0, size));
                    let bytes = held.sum::<usize>() + state.as_ref().map_or(0, size) + id.len();
                    let (client, provider) = (self.client.clone(), self.provider.clone());
                    let place = Place { client, provider, call: id };
                    self.memory.keep(place, Kept { thoughts, state, at_ms: self.now_ms, bytes });
                }
                Some(Seen::Thought(_) | Seen::Call { .. }) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Dialect, ir::Call};

    fn state(data: &str) -> State {
        let (dialect, id, data) = (Dialect::Anthropic, String::new(), data.to_owned());
        State { dialect, form: "signature", id, data }
    }

    fn thought(data: &str) -> Part {
        let text = "hm".to_owned();
        Part::Thought(Thought { text, summary: false, state: Some(state(data)) })
    }

    fn call(id: &str, signature: Option<&str>) -> Part {
        let (id, name, arguments) = (id.to_owned(), "f".to_owned(), "{}".to_owned());
        Part::Call(Call { id, name, arguments, custom: false, state: signature.map(state) })
    }

    fn said(turn: &Turn) -> String {
        let name = |part: &Part| match part {
            Part::Thought(thought) => {
                format!("thought {}", thought.state.as_ref().map_or("-", |state| &state.data))
            }
            Part::Call(call) => {
                format!("{} {}", call.id, call.state.as_ref().map_or("-", |state| &state.data))
            }
            other => format!("{other:?}"),
        };
        turn.parts.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    fn recalled(memory: &Memory, client: &str, provider: &str, now_ms: Millis) -> String {
        let parts = vec![call("a", None), call("b", None)];
        let mut turns = [Turn::new(Role::Assistant, parts)];
        memory.recall(client, provider, &mut turns, now_ms);
        said(&turns[0])
    }

    #[test]
    fn what_a_client_left_out_comes_back() {
        let memory = Memory::default();
        let answer = [thought("T"), call("a", Some("A")), call("b", None)];
        memory.memo("me", "up", 5).whole(&answer);
        assert_eq!(recalled(&memory, "me", "up", 6), "thought T, a A, b -");
        assert_eq!(recalled(&memory, "you", "up", 6), "a -, b -", "of another client");
        assert_eq!(recalled(&memory, "me", "other", 6), "a -, b -", "of another provider");
        assert_eq!(recalled(&memory, "me", "up", 5 + keep_ms()), "a -, b -", "too old");
    }

    #[test]
    fn a_stream_is_kept_like_a_whole_answer() {
        let memory = Memory::default();
        let reply = crate::dialect::Reply {
            parts: vec![thought("T"), call("a", Some("A")), call("b", None)],
            ..crate::dialect::Reply::default()
        };
        let mut memo = memory.memo("me", "up", 5);
        for event in crate::dialect::unfold(reply) {
            memo.push(&event);
        }
        assert_eq!(recalled(&memory, "me", "up", 6), "thought T, a A, b -");
    }

    #[test]
    fn what_a_client_gave_back_is_left_alone() {
        let memory = Memory::default();
        memory.memo("me", "up", 5).whole(&[thought("T"), call("a", Some("A"))]);
        let mut turns = [Turn::new(Role::Assistant, vec![thought("own"), call("a", Some("own"))])];
        memory.recall("me", "up", &mut turns, 6);
        assert_eq!(said(&turns[0]), "thought own, a own");
    }

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::default();
        let large = "x".repeat(MEMORY_BYTES_MAX / 2);
        for at in 0..(2 * MEMORIES_BYTES_MAX / large.len()) {
            memory.memo("me", "up", 5).whole(&[call(&at.to_string(), Some(&large))]);
        }
        let shelf = memory.0.lock().unwrap();
        assert!(shelf.bytes <= MEMORIES_BYTES_MAX, "{}", shelf.bytes);
        assert_eq!(shelf.calls.len(), shelf.order.len());
        assert!(!shelf.calls.is_empty());
        drop(shelf);
        let huge = "x".repeat(MEMORY_BYTES_MAX + 1);
        memory.memo("me", "up", 5).whole(&[call("huge", Some(&huge))]);
        assert!(memory.0.lock().unwrap().calls.keys().all(|place| place.call != "huge"));
    }
}
