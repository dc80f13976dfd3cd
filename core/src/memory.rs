//! What did a provider want back with its calls? Kept for a while by the ids of the calls, because many clients give back
//! a call without what they do not know of it.

mod shared;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) use shared::{Leaving, fetch};

use crate::{
    dialect::{
        Event, EventKind,
        ir::{Part, Role, State, Thought, Turn},
    },
    limits::{MEMORIES_BYTES_MAX, MEMORY_BYTES_MAX, MEMORY_KEEP, STATES_FETCHED_MAX},
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
#[derive(Clone, Debug, Default)]
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
    /// Whether thoughts go back as they are, without any state.
    plain: bool,
    left: Option<Leaving>,
}

enum Seen {
    Thought(Thought),
    Call { id: String, state: Option<State> },
}

impl Memory {
    /// A memo for an answer of a provider to a client; `plain` where the provider wants back even thoughts that have
    /// no state.
    pub(crate) fn memo(&self, client: &str, provider: &str, now_ms: Millis, plain: Plain) -> Memo {
        Memo {
            memory: self.clone(),
            client: client.to_owned(),
            provider: provider.to_owned(),
            now_ms,
            parts: HashMap::new(),
            order: Vec::new(),
            plain: plain == Plain::Kept,
            left: None,
        }
    }

    /// The first call of each turn of the model that came without the state of its provider, and of which nothing is
    /// known here; of the turns since the client last spoke for itself, newest first. What came earlier is over, and no
    /// provider insists on it.
    fn missing(&self, client: &str, provider: &str, turns: &[Turn], now_ms: Millis) -> Vec<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = |call: &str| {
            let (client, provider) = (client.to_owned(), provider.to_owned());
            let place = Place { client, provider, call: call.to_owned() };
            held.calls.get(&place).is_none_or(|kept| now_ms - kept.at_ms >= keep_ms())
        };
        let goes_on = |turn: &&Turn| {
            let outcome = |part: &Part| matches!(part, Part::Outcome(_));
            turn.role != Role::User || turn.parts.iter().any(outcome)
        };
        let spoken = turns.iter().rev().take_while(goes_on);
        spoken
            .filter(|turn| turn.role == Role::Assistant && !has_state(turn))
            .filter_map(|turn| first_call(turn))
            .filter(|call| unknown(call))
            .take(STATES_FETCHED_MAX)
            .map(str::to_owned)
            .collect()
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
            // Thoughts that came back as they were are as good as those that are kept here.
            let stated = |thought: &Thought| thought.state.is_some();
            let suffices = |part: &Part| match part {
                Part::Thought(thought) => stated(thought) || !thoughts.iter().any(stated),
                _ => false,
            };
            if thoughts.is_empty() || turn.parts.iter().any(suffices) {
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

/// Whether thoughts that have no state are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// The provider wants them back.
    Kept,
    /// It does not.
    Left,
}

fn has_state(turn: &Turn) -> bool {
    turn.parts.iter().any(|part| match part {
        Part::Thought(thought) => thought.state.is_some(),
        Part::Call(call) => call.state.is_some(),
        Part::Text { .. }
        | Part::Refusal(_)
        | Part::Media(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => false,
    })
}

fn first_call(turn: &Turn) -> Option<&str> {
    let mut calls = turn.parts.iter().filter_map(|part| match part {
        Part::Call(call) => Some(call.id.as_str()),
        Part::Text { .. }
        | Part::Refusal(_)
        | Part::Media(_)
        | Part::Thought(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => None,
    });
    calls.next().filter(|id| !id.is_empty())
}

fn keep_ms() -> Millis {
    i64::try_from(MEMORY_KEEP.as_millis()).unwrap_or(i64::MAX)
}

impl Kept {
    fn new(thoughts: Vec<Thought>, state: Option<State>, at_ms: Millis) -> Self {
        let size = |state: &Option<State>| {
            state.as_ref().map_or(0, |state| state.data.len() + state.id.len())
        };
        let held = thoughts.iter().map(|thought| thought.text.len() + size(&thought.state));
        let bytes = held.sum::<usize>() + size(&state) + size_of::<(Place, Self)>();
        Self { thoughts, state, at_ms, bytes }
    }

    fn is_empty(&self) -> bool {
        self.thoughts.is_empty() && self.state.is_none()
    }
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

    /// What other instances should know of this answer, if there is anything.
    pub(crate) fn leaving(&mut self) -> Option<Leaving> {
        self.left.take()
    }

    fn keep(&mut self) {
        let (mut thoughts, mut kept) = (Vec::new(), Vec::new());
        for part in std::mem::take(&mut self.order) {
            match self.parts.remove(&part) {
                Some(Seen::Thought(thought)) if self.plain || thought.state.is_some() => {
                    thoughts.push(thought);
                }
                Some(Seen::Call { id, state }) if !id.is_empty() => {
                    let thoughts = std::mem::take(&mut thoughts);
                    kept.push((id, Kept::new(thoughts, state, self.now_ms)));
                }
                Some(Seen::Thought(_) | Seen::Call { .. }) | None => {}
            }
        }
        if kept.iter().any(|(_, kept)| !kept.is_empty()) {
            self.left = Leaving::new(&self.client, &self.provider, &kept);
        }
        // A call of which nothing is to be known is kept as well, so that nobody else is asked for it.
        for (call, kept) in kept {
            let (client, provider) = (self.client.clone(), self.provider.clone());
            self.memory.keep(Place { client, provider, call }, kept);
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
        memory.memo("me", "up", 5, Plain::Left).whole(&answer);
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
        let mut memo = memory.memo("me", "up", 5, Plain::Left);
        for event in crate::dialect::unfold(reply) {
            memo.push(&event);
        }
        assert_eq!(recalled(&memory, "me", "up", 6), "thought T, a A, b -");
    }

    #[test]
    fn what_a_client_gave_back_is_left_alone() {
        let memory = Memory::default();
        memory.memo("me", "up", 5, Plain::Left).whole(&[thought("T"), call("a", Some("A"))]);
        let mut turns = [Turn::new(Role::Assistant, vec![thought("own"), call("a", Some("own"))])];
        memory.recall("me", "up", &mut turns, 6);
        assert_eq!(said(&turns[0]), "thought own, a own");
    }

    #[test]
    fn thoughts_without_state_are_kept_where_they_are_wanted() {
        let plain = Part::Thought(Thought { text: "hm".to_owned(), summary: false, state: None });
        for (wanted, expected) in [(Plain::Kept, "thought -, a -, b -"), (Plain::Left, "a -, b -")]
        {
            let memory = Memory::default();
            memory.memo("me", "up", 5, wanted).whole(&[plain.clone(), call("a", None)]);
            assert_eq!(recalled(&memory, "me", "up", 6), expected);
        }
    }

    #[test]
    fn only_what_is_not_known_and_not_over_is_missing() {
        let memory = Memory::default();
        memory.memo("me", "up", 5, Plain::Left).whole(&[call("known", None)]);
        let said = |parts| Turn::new(Role::Assistant, parts);
        let done = |id: &str| {
            let outcome = crate::dialect::ir::Outcome {
                id: id.to_owned(),
                name: None,
                parts: Vec::new(),
                failed: false,
                custom: false,
                cache: None,
            };
            Turn::new(Role::User, vec![Part::Outcome(outcome)])
        };
        let mut turns = vec![
            said(vec![call("over", None)]),
            done("over"),
            Turn::new(Role::User, vec![Part::text("go on")]),
            said(vec![call("first", None), call("second", None)]),
            done("first"),
            said(vec![call("known", None)]),
            done("known"),
            said(vec![thought("T"), call("own", None)]),
            done("own"),
            said(vec![call("last", None)]),
            done("last"),
        ];
        assert_eq!(memory.missing("me", "up", &turns, 6), ["last", "first"]);
        turns.push(Turn::new(Role::User, vec![Part::text("and now?")]));
        assert!(memory.missing("me", "up", &turns, 6).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::default();
        let large = "x".repeat(MEMORY_BYTES_MAX / 2);
        for at in 0..(2 * MEMORIES_BYTES_MAX / large.len()) {
            memory.memo("me", "up", 5, Plain::Left).whole(&[call(&at.to_string(), Some(&large))]);
        }
        let shelf = memory.0.lock().unwrap();
        assert!(shelf.bytes <= MEMORIES_BYTES_MAX, "{}", shelf.bytes);
        assert_eq!(shelf.calls.len(), shelf.order.len());
        assert!(!shelf.calls.is_empty());
        drop(shelf);
        let huge = "x".repeat(MEMORY_BYTES_MAX + 1);
        memory.memo("me", "up", 5, Plain::Left).whole(&[call("huge", Some(&huge))]);
        assert!(memory.0.lock().unwrap().calls.keys().all(|place| place.call != "huge"));
    }
}
