//! Which events does a thought become? An item of its own, which bears the state that its provider wants back.

use super::{Items, Piece, Place, in_content, in_summary};
use crate::dialect::{
    Dialect,
    event::Kind,
    ir::State,
    openai_responses::wire::output::{Frame, Item, Words, raw},
};

/// What the words of a thought are.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Summary,
    /// The thought itself.
    Plain,
}

impl Items {
    /// Opens a thought without words.
    fn open_state(&mut self, out: &mut Vec<u8>) -> Place {
        let place = self.next_place("rs_", out);
        let (summary, content) = (&[][..], &[][..]);
        let item = Item::Reasoning { id: &place.id, summary, content, encrypted_content: None };
        self.item_added(&raw(&item), out);
        place
    }

    /// Opens a thought with its first word.
    pub(super) fn open_thought(&mut self, form: Form, out: &mut Vec<u8>) -> Place {
        let place = self.open_state(out);
        let part = Some(thought_words(form, ""));
        let frame = match form {
            Form::Summary => {
                let kind = "response.reasoning_summary_part.added";
                Frame { kind, part, ..in_summary(&place) }
            }
            Form::Plain => {
                Frame { kind: "response.content_part.added", part, ..in_content(&place) }
            }
        };
        self.write(frame, out);
        place
    }

    /// Ends a thought; one that had neither words nor state was none.
    pub(super) fn close_thought(&mut self, piece: &Piece, form: Form, out: &mut Vec<u8>) {
        let mut said = Vec::new();
        let place = match (&piece.place, &piece.state) {
            (Some(place), _) => {
                self.thought_done(place, &piece.text, form, out);
                said.push(thought_words(form, &piece.text));
                place.clone()
            }
            (None, Some(_)) => self.open_state(out),
            (None, None) => return,
        };
        let state = piece.state.as_ref().map(|state| self.sealed(state));
        let encrypted_content = state.as_deref();
        let (summary, content) = match form {
            Form::Summary => (&said[..], &[][..]),
            Form::Plain => (&[][..], &said[..]),
        };
        let item = Item::Reasoning { id: &place.id, summary, content, encrypted_content };
        self.item_done(raw(&item), out);
    }

    fn thought_done(&mut self, place: &Place, text: &str, form: Form, out: &mut Vec<u8>) {
        let (at, text_kind, part_kind) = match form {
            Form::Summary => (
                in_summary as fn(&Place) -> Frame<'_>,
                "response.reasoning_summary_text.done",
                "response.reasoning_summary_part.done",
            ),
            Form::Plain => {
                (in_content as _, "response.reasoning_text.done", "response.content_part.done")
            }
        };
        self.write(Frame { kind: text_kind, text: Some(text), ..at(place) }, out);
        let part = Some(thought_words(form, text));
        self.write(Frame { kind: part_kind, part, ..at(place) }, out);
    }

    /// The state of a call travels in a thought after it, under the call's id.
    pub(super) fn call_state(&mut self, call: &str, state: &State, out: &mut Vec<u8>) {
        let mut thought = Piece::new(0, Kind::Thought { summary: true });
        thought.state = Some(State { id: format!("{call} {}", state.id), ..state.clone() });
        self.close_thought(&thought, Form::Summary, out);
    }

    /// State of this dialect as it is, state of another one wrapped.
    fn sealed(&self, state: &State) -> String {
        if state.dialect == Dialect::OpenAiResponses {
            state.data.clone()
        } else {
            self.stamp.carrier.wrap(state)
        }
    }
}

fn thought_words(form: Form, text: &str) -> Words<'_> {
    match form {
        Form::Summary => Words::SummaryText { text },
        Form::Plain => Words::ReasoningText { text },
    }
}
