//! How are a stream and a whole answer the same thing? The only two bridges between them.

use super::{
    event::{Event, Kind},
    ir::{Call, Part, Reply, Thought},
};

/// Gathers the events of one answer.
#[derive(Default)]
pub(crate) struct Fold {
    reply: Reply,
    /// The parts in the order they opened.
    parts: Vec<Part>,
}

impl Fold {
    /// Takes the next event in.
    pub(crate) fn push(&mut self, event: Event) {
        match event {
            Event::Start { id, model } => (self.reply.id, self.reply.model) = (id, model),
            Event::Open { part: _, kind } => self.parts.push(open(kind)),
            Event::Delta { part, text } => {
                if let Some(part) = self.parts.get_mut(part) {
                    extend(part, &text);
                }
            }
            Event::Sign { part, state } => match self.parts.get_mut(part) {
                Some(Part::Thought(thought)) => thought.state = Some(state),
                Some(Part::Call(call)) => call.state = Some(state),
                Some(_) | None => {}
            },
            Event::Cite { part, citation } => {
                if let Some(Part::Text { citations, .. }) = self.parts.get_mut(part) {
                    citations.push(citation);
                }
            }
            Event::Usage(usage) => self.reply.usage = Some(usage),
            Event::Finish(stop) => self.reply.stop = stop,
            Event::Close { .. } | Event::Done | Event::Fail(_) | Event::Other => {}
        }
    }

    /// The whole answer.
    pub(crate) fn finish(self) -> Reply {
        Reply { parts: self.parts, ..self.reply }
    }
}

fn open(kind: Kind) -> Part {
    match kind {
        Kind::Text => Part::text(""),
        Kind::Refusal => Part::Refusal(String::new()),
        Kind::Thought { summary } => {
            Part::Thought(Thought { text: String::new(), summary, state: None })
        }
        Kind::Call { id, name, custom } => {
            Part::Call(Call { id, name, arguments: String::new(), custom, state: None })
        }
        Kind::Media(media) => Part::Media(media),
        Kind::Opaque { dialect, kind, json } => Part::Opaque { dialect, kind, json },
    }
}

fn extend(part: &mut Part, more: &str) {
    match part {
        Part::Text { text, .. } | Part::Refusal(text) => text.push_str(more),
        Part::Thought(thought) => thought.text.push_str(more),
        Part::Call(call) => call.arguments.push_str(more),
        Part::Media(_) | Part::Outcome(_) | Part::Opaque { .. } => {}
    }
}

/// The events of a whole answer, each part in one piece.
pub(crate) fn unfold(reply: Reply) -> Vec<Event> {
    let mut events = vec![Event::Start { id: reply.id, model: reply.model }];
    let parts = reply.parts.into_iter().filter_map(split);
    for (part, Split { kind, text, then }) in parts.enumerate() {
        events.push(Event::Open { part, kind });
        if !text.is_empty() {
            events.push(Event::Delta { part, text });
        }
        events.extend(then.into_iter().map(|then| match then {
            Then::Sign(state) => Event::Sign { part, state },
            Then::Cite(citation) => Event::Cite { part, citation },
        }));
        events.push(Event::Close { part });
    }
    events.push(Event::Finish(reply.stop));
    events.extend(reply.usage.map(Event::Usage));
    events.push(Event::Done);
    events
}

struct Split {
    kind: Kind,
    text: String,
    then: Vec<Then>,
}

enum Then {
    Sign(super::ir::State),
    Cite(super::ir::Citation),
}

/// What a part opens as, what it says, and what follows. Results of tools are no part of an answer.
fn split(part: Part) -> Option<Split> {
    let silent = |kind| Split { kind, text: String::new(), then: Vec::new() };
    Some(match part {
        Part::Text { text, citations, cache: _ } => {
            let then = citations.into_iter().map(Then::Cite).collect();
            Split { kind: Kind::Text, text, then }
        }
        Part::Refusal(text) => Split { text, ..silent(Kind::Refusal) },
        Part::Thought(Thought { text, summary, state }) => {
            let then = state.map(Then::Sign).into_iter().collect();
            Split { kind: Kind::Thought { summary }, text, then }
        }
        Part::Call(Call { id, name, arguments, custom, state }) => {
            let then = state.map(Then::Sign).into_iter().collect();
            Split { kind: Kind::Call { id, name, custom }, text: arguments, then }
        }
        Part::Media(media) => silent(Kind::Media(media)),
        Part::Opaque { dialect, kind, json } => silent(Kind::Opaque { dialect, kind, json }),
        Part::Outcome(_) => return None,
    })
}
