//! What do the elements of a stream say? A whole answer is a stream of one element.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::partial::Partial;
use crate::dialect::{
    Dialect, Event, array,
    event::Kind,
    gemini::{
        error, finish,
        grounding::{self, Said},
        parts, usage,
        wire::{Blob, Candidate, Element, File, FunctionCall, Part},
    },
    ids,
    ir::{Citation, Media, Source, State, Stop},
    object::Object,
    sse,
};

use crate::json;

/// Reads frame after frame: server-sent events, elements of an array, or an error that stands bare among events. What
/// it does not know, it passes over.
#[derive(Default)]
pub(crate) struct Reader {
    begun: Stage,
    /// The provider's id of the answer, from which ids of calls are made.
    id: String,
    /// The number of the next part.
    next: usize,
    open: Option<Open>,
    /// A call whose arguments come piece by piece; nothing else is open beside it.
    partial: Option<Partial>,
    said: Said,
    calls: usize,
    searches: i64,
    /// Why it ends, so far: a stream may say that it ends, go on, and say so again.
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    Begun,
    Over,
}

/// The part under way.
struct Open {
    part: usize,
    kind: OpenKind,
    /// A signature that follows the part as one of its own.
    after: Option<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenKind {
    Text,
    Thought,
}

impl Reader {
    /// Reads one frame into `out`.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let data = payload(frame);
        let data = data.trim_ascii();
        if data.is_empty() || self.begun == Stage::Over {
            return;
        }
        if let Ok(element) = serde_json::from_slice::<Element<'_>>(data) {
            self.element(element, out);
        } else if let Ok(elements) = serde_json::from_slice::<Vec<Element<'_>>>(data) {
            for element in elements {
                self.element(element, out);
            }
        } else {
            out.push(Event::Other);
        }
    }

    /// The stream has ended, and with it the answer if it was finished: the API has no other sign.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if self.begun == Stage::Over {
            return;
        }
        let Some(stop) = self.stop.take() else { return };
        self.close(out);
        let called = stop == Stop::End && self.calls > 0;
        out.push(Event::Finish(if called { Stop::Tools } else { stop }));
        out.push(Event::Done);
        self.begun = Stage::Over;
    }

    /// Reads one element of an answer.
    pub(in crate::dialect::gemini) fn element(
        &mut self,
        element: Element<'_>,
        out: &mut Vec<Event>,
    ) {
        if let Some(error) = element.error {
            self.begun = Stage::Over;
            out.push(Event::Fail(error::from_body(error, None)));
            return;
        }
        if self.begun == Stage::Waiting {
            self.begun = Stage::Begun;
            self.id = element.response_id.map(Cow::into_owned).unwrap_or_default();
            let model = element.model_version.map(Cow::into_owned).unwrap_or_default();
            out.push(Event::Start { id: self.id.clone(), model });
        }
        let before = out.len();
        let feedback = element.prompt_feedback;
        if feedback.is_some_and(|told| told.block_reason.or(told.block_reason_message).is_some()) {
            self.stop = Some(Stop::Filtered);
        }
        let candidates = element.candidates.unwrap_or_default().into_iter().zip(0..);
        // Of several answers the first one counts: nothing else has room for more.
        for (candidate, place) in candidates {
            if candidate.index.unwrap_or(place) == 0 {
                self.candidate(candidate, out);
            }
        }
        if let Some(told) = element.usage_metadata {
            out.push(Event::Usage(usage::read(&told, self.searches)));
        }
        if out.len() == before {
            out.push(Event::Other);
        }
    }

    fn candidate(&mut self, candidate: Candidate<'_>, out: &mut Vec<Event>) {
        let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
        for part in parts {
            self.part(part, out);
        }
        if let Some(json) = candidate.grounding_metadata {
            let found = grounding::read(json, &mut self.said);
            self.searches = self.searches.max(found.searches);
            cite(found.citations, out);
        }
        if let Some(json) = candidate.citation_metadata {
            cite(grounding::read_sources(json, &mut self.said), out);
        }
        if let Some(reason) = candidate.finish_reason.filter(|reason| !reason.is_empty()) {
            self.stop = Some(finish::read(&reason));
        }
    }

    fn part(&mut self, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(part) = json::read::<Part<'_>>(json.get()) else {
            return self.opaque(json, out);
        };
        let thinks = part.thought == Some(true);
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        if let Some(call) = part.function_call {
            self.call(&call, signature.as_deref(), out);
        } else if let Some(text) = part.text {
            if thinks {
                self.think(&text, signature.as_deref(), out);
            } else {
                self.say(&text, signature.as_deref(), out);
            }
        } else if let Some(media) = blob(part.inline_data).or_else(|| file(part.file_data))
            && !thinks
        {
            self.whole(Kind::Media(media), out);
        } else {
            self.opaque(json, out);
        }
    }

    fn say(&mut self, text: &str, signature: Option<&str>, out: &mut Vec<Event>) {
        if !text.is_empty() {
            let part = self.resume(OpenKind::Text, out);
            self.said.push(text);
            out.push(Event::Delta { part, text: text.to_owned() });
        }
        let Some(signature) = signature else { return };
        let place = if text.is_empty() { "" } else { parts::ON_TEXT };
        let state = parts::state(signature, place);
        match &mut self.open {
            // Sources may still come for the part, so the signature waits until it is closed.
            Some(Open { kind: OpenKind::Text, after: after @ None, .. }) => *after = Some(state),
            _ => self.sign(state, out),
        }
    }

    fn think(&mut self, text: &str, signature: Option<&str>, out: &mut Vec<Event>) {
        if text.is_empty() && signature.is_none() {
            return;
        }
        let part = self.resume(OpenKind::Thought, out);
        if !text.is_empty() {
            out.push(Event::Delta { part, text: text.to_owned() });
        }
        if let Some(signature) = signature {
            out.push(Event::Sign { part, state: parts::state(signature, "") });
            self.close(out);
        }
    }

    fn call(&mut self, call: &FunctionCall<'_>, signature: Option<&str>, out: &mut Vec<Event>) {
        let begins = call.name.as_deref().is_some_and(|name| !name.is_empty());
        if !begins && self.partial.is_some() {
            return self.go_on(call, out);
        }
        let name = call.name.as_deref().unwrap_or_default().to_owned();
        let given = call.id.as_deref().filter(|id| !id.is_empty());
        let id = given.map_or_else(|| ids::make(&self.id, self.calls, &name), ToOwned::to_owned);
        self.calls += 1;
        self.close(out);
        let part = self.number();
        out.push(Event::Open { part, kind: Kind::Call { id, name, custom: false } });
        let state = signature.map(|signature| parts::state(signature, ""));
        let sign = state.map(|state| Event::Sign { part, state });
        if call.will_continue == Some(true) || call.partial_args.is_some() {
            out.extend(sign);
            self.partial = Some(Partial::new(part));
            return self.go_on(call, out);
        }
        let text = call.args.map_or("{}", RawValue::get).to_owned();
        out.push(Event::Delta { part, text });
        out.extend(sign);
        out.push(Event::Close { part });
    }

    /// More of a call's arguments. They are told once they are whole.
    fn go_on(&mut self, call: &FunctionCall<'_>, out: &mut Vec<Event>) {
        let Some(partial) = &mut self.partial else { return };
        if let Err(error) = partial.add(call) {
            self.begun = Stage::Over;
            out.push(Event::Fail(error));
        } else if call.will_continue != Some(true) {
            self.close(out);
        }
    }

    /// A part that only this API knows. One that says nothing, such as `{}`, is passed over.
    fn opaque(&mut self, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(object) = Object::read(json.get().as_bytes()) else { return };
        let beside = ["thought", "thoughtSignature"];
        let Some((name, _)) = object.iter().find(|(name, _)| !beside.contains(name)) else {
            let signature = object.typed::<String>("thoughtSignature").ok().flatten();
            if let Some(signature) = signature {
                self.close(out);
                self.sign(parts::state(&signature, ""), out);
            }
            return;
        };
        let kind = name.to_owned();
        let json = json.to_owned();
        self.whole(Kind::Opaque { dialect: Dialect::Gemini, kind, json }, out);
    }

    /// A signature on nothing else.
    fn sign(&mut self, state: State, out: &mut Vec<Event>) {
        self.close(out);
        let part = self.number();
        out.push(Event::Open { part, kind: Kind::Thought { summary: true } });
        out.push(Event::Sign { part, state });
        out.push(Event::Close { part });
    }

    fn whole(&mut self, kind: Kind, out: &mut Vec<Event>) {
        self.close(out);
        let part = self.number();
        out.push(Event::Open { part, kind });
        out.push(Event::Close { part });
    }

    /// The part under way if it is of this kind, else one that opens.
    fn resume(&mut self, wanted: OpenKind, out: &mut Vec<Event>) -> usize {
        if let Some(Open { part, kind, after: None }) = self.open
            && kind == wanted
        {
            return part;
        }
        self.close(out);
        let part = self.number();
        self.open = Some(Open { part, kind: wanted, after: None });
        let kind = match wanted {
            OpenKind::Text => {
                self.said.open(part);
                Kind::Text
            }
            OpenKind::Thought => Kind::Thought { summary: true },
        };
        out.push(Event::Open { part, kind });
        part
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(partial) = self.partial.take() {
            let part = partial.part;
            out.push(Event::Delta { part, text: partial.text() });
            out.push(Event::Close { part });
        }
        let Some(Open { part, after, .. }) = self.open.take() else { return };
        out.push(Event::Close { part });
        if let Some(state) = after {
            self.sign(state, out);
        }
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

/// Sources may come when their part is closed.
fn cite(citations: Vec<(usize, Citation)>, out: &mut Vec<Event>) {
    out.extend(citations.into_iter().map(|(part, citation)| Event::Cite { part, citation }));
}

/// The JSON of a frame, in whichever framing.
fn payload(frame: &[u8]) -> Cow<'_, [u8]> {
    let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'[' | b',');
    let first = frame.iter().find(|byte| !between(byte));
    if first == Some(&b'{') { Cow::Borrowed(array::element(frame)) } else { sse::data(frame) }
}

fn blob(blob: Option<Blob<'_>>) -> Option<Media> {
    let Blob { mime_type, data } = blob?;
    let mime = mime_type.map(Cow::into_owned).unwrap_or_default();
    let source =
        |mime: String| Source::Data { mime, base64: data.unwrap_or_default().into_owned() };
    let kind = parts::kind(&mime);
    Some(Media { kind, source: source(mime), detail: None, name: None, cache: None })
}

fn file(file: Option<File<'_>>) -> Option<Media> {
    let File { mime_type, file_uri } = file?;
    let mime = mime_type.map(Cow::into_owned);
    let kind = parts::kind(mime.as_deref().unwrap_or_default());
    let source = Source::Url { mime, url: file_uri?.into_owned() };
    Some(Media { kind, source, detail: None, name: None, cache: None })
}
