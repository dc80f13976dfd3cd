//! Which events does a part of an answer become? Items, their parts and their words, in the order clients expect.

mod thoughts;

use serde_json::value::RawValue;

use thoughts::Form;

use super::super::wire::output::{Annotation, Frame, Item, Status, Words, raw, write_frame};
use crate::dialect::{
    Dialect, Stamp,
    event::Kind,
    ir::{Citation, Media, MediaKind, Source, State},
};

/// The output as it grows.
pub(super) struct Items {
    stamp: Stamp,
    /// Events so far: each bears its number.
    pub(super) sequence: u64,
    /// The items that are complete.
    pub(super) output: Vec<Box<RawValue>>,
    /// Whether the model has refused in words.
    pub(super) refused: bool,
    message: Option<Message>,
}

/// A part of the answer and what has come of it.
pub(super) struct Piece {
    pub(super) part: usize,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) state: Option<State>,
    pub(super) closed: bool,
    /// Its item, once that has been opened.
    place: Option<Place>,
}

/// Where words stand.
#[derive(Clone)]
struct Place {
    id: String,
    output_index: usize,
    content_index: usize,
}

/// The message under way: text and refusals that follow each other are parts of one.
struct Message {
    place: Place,
    content: Vec<Box<RawValue>>,
}

impl Piece {
    /// A part that has just been opened.
    pub(super) fn new(part: usize, kind: Kind) -> Self {
        let (text, citations, state) = (String::new(), Vec::new(), None);
        Self { part, kind, text, citations, state, closed: false, place: None }
    }
}

impl Items {
    /// No item, under this stamp.
    pub(super) fn new(stamp: Stamp) -> Self {
        Self { stamp, sequence: 0, output: Vec::new(), refused: false, message: None }
    }

    /// The stamp.
    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Adds an event under the next number.
    pub(super) fn write(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let frame = Frame { sequence_number: self.sequence, ..frame };
        self.sequence += 1;
        write_frame(frame.kind, &frame, out);
    }

    /// Opens a part; one of words waits for its first word.
    pub(super) fn open(&mut self, piece: &mut Piece, out: &mut Vec<u8>) {
        let Kind::Call { id, name, custom } = &mut piece.kind else { return };
        let place = self.next_place(if *custom { "ctc_" } else { "fc_" }, out);
        if id.is_empty() {
            *id = self.stamp.part_id("call_", place.output_index);
        }
        let item = raw(&call_item(&place, (id, name, *custom), "", Status::InProgress));
        self.item_added(&item, out);
        piece.place = Some(place);
    }

    /// Adds to a part.
    pub(super) fn extend(&mut self, piece: &mut Piece, delta: &str, out: &mut Vec<u8>) {
        if delta.is_empty() {
            return;
        }
        if piece.place.is_none() {
            piece.place = match piece.kind {
                Kind::Text | Kind::Refusal => Some(self.open_words(&piece.kind, out)),
                Kind::Thought { summary: true } => Some(self.open_thought(Form::Summary, out)),
                Kind::Thought { summary: false } => Some(self.open_thought(Form::Plain, out)),
                Kind::Call { .. } | Kind::Media(_) | Kind::Opaque { .. } => None,
            };
        }
        let Some(place) = &piece.place else { return };
        let delta = Some(delta);
        let frame = match piece.kind {
            Kind::Text => {
                let kind = "response.output_text.delta";
                Frame { kind, delta, logprobs: Some([]), ..in_content(place) }
            }
            Kind::Refusal => Frame { kind: "response.refusal.delta", delta, ..in_content(place) },
            Kind::Thought { summary: true } => {
                let kind = "response.reasoning_summary_text.delta";
                Frame { kind, delta, ..in_summary(place) }
            }
            Kind::Thought { summary: false } => {
                Frame { kind: "response.reasoning_text.delta", delta, ..in_content(place) }
            }
            Kind::Call { custom: false, .. } => {
                Frame { kind: "response.function_call_arguments.delta", delta, ..in_item(place) }
            }
            Kind::Call { custom: true, .. } => {
                Frame { kind: "response.custom_tool_call_input.delta", delta, ..in_item(place) }
            }
            Kind::Media(_) | Kind::Opaque { .. } => return,
        };
        self.write(frame, out);
    }

    /// Ends a part, and its item unless more words may follow in the same message.
    pub(super) fn close(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match &piece.kind {
            Kind::Text => self.close_text(piece, out),
            Kind::Refusal => self.close_refusal(piece, out),
            Kind::Thought { summary: true } => self.close_thought(piece, Form::Summary, out),
            Kind::Thought { summary: false } => self.close_thought(piece, Form::Plain, out),
            Kind::Call { .. } => self.close_call(piece, out),
            Kind::Media(media) => self.image(media, out),
            Kind::Opaque { dialect, json, .. } if *dialect == Dialect::OpenAiResponses => {
                self.close_message(Status::Completed, out);
                self.item_added(json, out);
                self.item_done(json.clone(), out);
            }
            // What only another dialect's provider knows, a client of this one cannot use.
            Kind::Opaque { .. } => {}
        }
    }

    /// Ends the message under way.
    pub(super) fn close_message(&mut self, status: Status, out: &mut Vec<u8>) {
        let Some(Message { place, content }) = self.message.take() else { return };
        let (id, role) = (&*place.id, "assistant");
        self.item_done(raw(&Item::Message { id, role, status, content: &content }), out);
    }

    fn next_place(&mut self, prefix: &str, out: &mut Vec<u8>) -> Place {
        self.close_message(Status::Completed, out);
        let output_index = self.output.len();
        let id = self.stamp.part_id(prefix, output_index);
        Place { id, output_index, content_index: 0 }
    }

    fn item_added(&mut self, item: &RawValue, out: &mut Vec<u8>) {
        let kind = "response.output_item.added";
        let output_index = Some(self.output.len());
        self.write(Frame { kind, output_index, item: Some(item), ..Frame::default() }, out);
    }

    fn item_done(&mut self, item: Box<RawValue>, out: &mut Vec<u8>) {
        let kind = "response.output_item.done";
        let output_index = Some(self.output.len());
        self.write(Frame { kind, output_index, item: Some(&item), ..Frame::default() }, out);
        self.output.push(item);
    }

    fn open_words(&mut self, kind: &Kind, out: &mut Vec<u8>) -> Place {
        if self.message.is_none() {
            let place = self.next_place("msg_", out);
            let (id, role, status) = (&*place.id, "assistant", Status::InProgress);
            self.item_added(&raw(&Item::Message { id, role, status, content: &[] }), out);
            self.message = Some(Message { place, content: Vec::new() });
        }
        let message = self.message.as_ref().expect("it was opened above");
        let place = Place { content_index: message.content.len(), ..message.place.clone() };
        let part = match kind {
            Kind::Refusal => Words::Refusal { refusal: "" },
            _ => Words::OutputText { text: "", annotations: Vec::new(), logprobs: [] },
        };
        let kind = "response.content_part.added";
        self.write(Frame { kind, part: Some(part), ..in_content(&place) }, out);
        place
    }

    fn close_text(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        let Some(place) = &piece.place else { return };
        let text = &*piece.text;
        for (at, citation) in piece.citations.iter().enumerate() {
            let kind = "response.output_text.annotation.added";
            let annotation = Some(Annotation::new(citation, text));
            let annotation_index = Some(at);
            self.write(Frame { kind, annotation_index, annotation, ..in_content(place) }, out);
        }
        let kind = "response.output_text.done";
        let logprobs = Some([]);
        self.write(Frame { kind, text: Some(text), logprobs, ..in_content(place) }, out);
        let annotations = piece.citations.iter().map(|citation| Annotation::new(citation, text));
        let annotations = annotations.collect();
        self.words_done(place, Words::OutputText { text, annotations, logprobs: [] }, out);
    }

    fn close_refusal(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        let Some(place) = &piece.place else { return };
        self.refused = true;
        let refusal = &*piece.text;
        let kind = "response.refusal.done";
        self.write(Frame { kind, refusal: Some(refusal), ..in_content(place) }, out);
        self.words_done(place, Words::Refusal { refusal }, out);
    }

    fn words_done(&mut self, place: &Place, part: Words<'_>, out: &mut Vec<u8>) {
        if let Some(message) = &mut self.message {
            message.content.push(raw(&part));
        }
        let kind = "response.content_part.done";
        self.write(Frame { kind, part: Some(part), ..in_content(place) }, out);
    }

    fn close_call(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        let (Kind::Call { id, name, custom }, Some(place)) = (&piece.kind, &piece.place) else {
            return;
        };
        let text = Some(&*piece.text);
        let frame = if *custom {
            let kind = "response.custom_tool_call_input.done";
            Frame { kind, input: text, ..in_item(place) }
        } else {
            let kind = "response.function_call_arguments.done";
            Frame { kind, name: Some(name), arguments: text, ..in_item(place) }
        };
        self.write(frame, out);
        let item = call_item(place, (id, name, *custom), &piece.text, Status::Completed);
        self.item_done(raw(&item), out);
        if let Some(state) = &piece.state {
            self.call_state(id, state, out);
        }
    }

    /// An image is what the provider's own tool for images would have made; other media has no place here.
    fn image(&mut self, media: &Media, out: &mut Vec<u8>) {
        let Media { kind: MediaKind::Image, source: Source::Data { mime, base64 }, .. } = media
        else {
            return;
        };
        let place = self.next_place("ig_", out);
        let item = |status, result| {
            let output_format = mime.strip_prefix("image/");
            raw(&Item::ImageGenerationCall { id: &place.id, status, result, output_format })
        };
        self.item_added(&item(Status::InProgress, None), out);
        for kind in [
            "response.image_generation_call.in_progress",
            "response.image_generation_call.generating",
            "response.image_generation_call.completed",
        ] {
            self.write(Frame { kind, ..in_item(&place) }, out);
        }
        self.item_done(item(Status::Completed, Some(base64)), out);
    }
}

fn in_item(place: &Place) -> Frame<'_> {
    let (item_id, output_index) = (Some(&*place.id), Some(place.output_index));
    Frame { item_id, output_index, ..Frame::default() }
}

fn in_content(place: &Place) -> Frame<'_> {
    Frame { content_index: Some(place.content_index), ..in_item(place) }
}

fn in_summary(place: &Place) -> Frame<'_> {
    Frame { summary_index: Some(0), ..in_item(place) }
}

/// A call by id, name and whether it is of a custom tool.
fn call_item<'a>(
    place: &'a Place,
    (call_id, name, custom): (&'a str, &'a str, bool),
    text: &'a str,
    status: Status,
) -> Item<'a> {
    let id = &*place.id;
    if custom {
        Item::CustomToolCall { id, call_id, name, input: text, status }
    } else {
        Item::FunctionCall { id, call_id, name, arguments: text, status }
    }
}
