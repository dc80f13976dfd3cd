//! What do the chunks of a chat stream say?

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

use super::super::{
    error, request, usage,
    wire::{Choice, Completion, Content, Message, ToolCall, UrlCitation},
};
use crate::dialect::{
    Dialect,
    event::{Event, Kind},
    ir::{Citation, Media, MediaKind, State, Stop},
    object::Object,
    sse,
};

/// The number of a part that belongs to another answer than the first: it counts, and is shown to nobody.
const OTHER_ANSWER: usize = usize::MAX;

/// Reads chunk after chunk. Whatever it cannot read, it passes over: an unknown chunk is the client's to judge.
#[derive(Default)]
pub(crate) struct Reader {
    started: bool,
    /// How many parts have opened.
    parts: usize,
    /// The open part that is no call.
    open: Option<(usize, Open)>,
    calls: Calls,
    /// Elements of reasoning details, to be given back together.
    details: Vec<String>,
    finished: bool,
}

/// What kind of part is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Refusal,
    Thought,
}

/// The calls so far, by the number of their part. A hostile answer has very many, so none is looked for one by one.
#[derive(Default)]
struct Calls {
    parts: Vec<usize>,
    /// The last call of an index, and of those without one.
    by_index: HashMap<Option<u64>, usize>,
    by_both: HashMap<(Option<u64>, String), usize>,
    by_id: HashMap<String, usize>,
}

impl Calls {
    fn add(&mut self, part: usize, index: Option<u64>, id: &str) {
        self.parts.push(part);
        self.by_index.insert(index, part);
        self.by_both.insert((index, id.to_owned()), part);
        self.by_id.insert(id.to_owned(), part);
    }

    /// The call a piece belongs to: by index, where hosts count; otherwise by id. Some hosts give every call index 0,
    /// so another id with another name is another call.
    fn find(&self, index: Option<u64>, id: &str, named: bool) -> Option<usize> {
        let both = |index| self.by_both.get(&(index, id.to_owned())).copied();
        let by_index = |index| self.by_index.get(&index).copied();
        let more = id.is_empty() && !named;
        let Some(_) = index else {
            return if more { self.parts.last().copied() } else { self.by_id(id) };
        };
        let counted = if named && !id.is_empty() { both(index) } else { by_index(index) };
        // Of those that were not counted.
        let other = match (more, id.is_empty()) {
            (true, _) => by_index(None),
            (false, false) => both(None),
            (false, true) => None,
        };
        counted.max(other)
    }

    fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied().filter(|_| !id.is_empty())
    }
}

impl Reader {
    /// Reads one frame into `out`, which is empty, and says what it means. A chunk that exists only to tell the usage
    /// gives exactly one [`Event::Usage`].
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let data = sse::data(frame);
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            out.push(Event::Done);
            return;
        }
        if data.is_empty() {
            return;
        }
        let Ok(chunk) = serde_json::from_slice::<Completion<'_>>(data) else {
            out.push(error::of_text(data).map_or(Event::Other, Event::Fail));
            return;
        };
        self.read(chunk, out);
    }

    /// The stream has ended. Some hosts never say `[DONE]`, so a finished answer is over.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        if self.finished {
            out.push(Event::Done);
        }
    }

    /// Reads a whole answer, as if it had come in one piece.
    pub(in super::super) fn whole(&mut self, mut completion: Completion<'_>, out: &mut Vec<Event>) {
        // Perplexity has an empty piece beside the message.
        for choice in completion.choices.iter_mut().flatten() {
            choice.delta.take_if(|_| choice.message.is_some());
        }
        self.read(completion, out);
        if !self.finished {
            self.finished = true;
            self.close(out);
            out.push(Event::Finish(stop_of("", !self.calls.parts.is_empty())));
        }
    }

    fn read(&mut self, chunk: Completion<'_>, out: &mut Vec<Event>) {
        if let Some(error) = chunk.error {
            out.push(Event::Fail(error::from_body(error, None)));
            return;
        }
        let told = usage::told(&chunk);
        out.extend(told.map(Event::Usage));
        let choices = chunk.choices.unwrap_or_default();
        if choices.is_empty() && told.is_some() {
            return;
        }
        if !self.started {
            self.started = true;
            let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
            out.push(Event::Start { id: text(chunk.id), model: text(chunk.model) });
        }
        for choice in choices {
            self.choice(choice, out);
        }
        if out.is_empty() {
            out.push(Event::Other);
        }
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<Event>) {
        // A few hosts send the whole message where a piece is due.
        let message = choice.delta.or(choice.message).unwrap_or_default();
        if choice.index.unwrap_or(0) > 0 {
            let text = super::super::reply::texts(&message).collect::<String>();
            out.push(Event::Delta { part: OTHER_ANSWER, text });
            return;
        }
        if !self.finished {
            self.message(message, out);
        }
        let reason = choice.finish_reason.filter(|reason| !reason.is_empty());
        if let Some(reason) = reason.filter(|_| !self.finished) {
            self.finished = true;
            self.close(out);
            out.extend(self.calls.parts.iter().map(|part| Event::Close { part: *part }));
            out.push(Event::Finish(stop_of(&reason, !self.calls.parts.is_empty())));
        }
    }

    fn message(&mut self, message: Message<'_>, out: &mut Vec<Event>) {
        let thought = message.reasoning_content.or(message.reasoning);
        self.say(Open::Thought, thought.as_deref().unwrap_or_default(), out);
        self.hold(message.reasoning_details.unwrap_or_default(), out);
        match message.content {
            Some(Content::Text(text)) => self.say(Open::Text, &text, out),
            Some(Content::Parts(parts)) => {
                for (kind, text) in parts_of(&parts) {
                    let open = if kind == Said::Thought { Open::Thought } else { Open::Text };
                    self.say(open, &text, out);
                }
            }
            None => {}
        }
        let cited = message.annotations.into_iter().flatten().filter_map(|note| note.url_citation);
        if let Some((part, Open::Text)) = self.open {
            out.extend(cited.map(|note| Event::Cite { part, citation: citation(note) }));
        }
        self.say(Open::Refusal, message.refusal.as_deref().unwrap_or_default(), out);
        for image in message.images.into_iter().flatten().filter_map(|image| image.image_url) {
            let part = self.next(out);
            let source = request::source(&image.url);
            let kind = MediaKind::Image;
            let media = Media { kind, source, detail: None, name: None, cache: None };
            out.push(Event::Open { part, kind: Kind::Media(media) });
            out.push(Event::Close { part });
        }
        for call in message.tool_calls.into_iter().flatten() {
            self.call(call, out);
        }
        if let Some(function) = message.function_call {
            let (id, custom, extra_content) = (None, None, None);
            let function = Some(function);
            self.call(ToolCall { index: Some(0), id, function, custom, extra_content }, out);
        }
    }

    /// Adds text to the open part of its kind, or opens one.
    fn say(&mut self, kind: Open, text: &str, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let part = match self.open {
            Some((part, open)) if open == kind => part,
            Some(_) | None => self.begin(kind, out),
        };
        out.push(Event::Delta { part, text: text.to_owned() });
    }

    fn begin(&mut self, open: Open, out: &mut Vec<Event>) -> usize {
        let part = self.next(out);
        self.open = Some((part, open));
        let kind = match open {
            Open::Text => Kind::Text,
            Open::Refusal => Kind::Refusal,
            Open::Thought => Kind::Thought { summary: false },
        };
        out.push(Event::Open { part, kind });
        part
    }

    /// Keeps reasoning details until the thought they belong to is complete.
    fn hold(&mut self, details: Vec<&RawValue>, out: &mut Vec<Event>) {
        if details.is_empty() {
            return;
        }
        if !matches!(self.open, Some((_, Open::Thought))) {
            let part = self.begin(Open::Thought, out);
            // Beside an answer some hosts say their thoughts only here.
            let text: String = details.iter().filter_map(|detail| words(detail)).collect();
            if !text.is_empty() {
                out.push(Event::Delta { part, text });
            }
        }
        // A line end in carried JSON would cut the event that carries it.
        let line = |detail: &RawValue| detail.get().replace(['\n', '\r'], " ");
        self.details.extend(details.into_iter().map(line));
    }

    fn next(&mut self, out: &mut Vec<Event>) -> usize {
        self.close(out);
        self.parts += 1;
        self.parts - 1
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let Some((part, open)) = self.open.take() else { return };
        if open == Open::Thought && !self.details.is_empty() {
            let data = format!("[{}]", std::mem::take(&mut self.details).join(","));
            let (dialect, id) = (Dialect::OpenAiChat, String::new());
            out.push(Event::Sign { part, state: State { dialect, form: "details", id, data } });
        }
        out.push(Event::Close { part });
    }

    fn call(&mut self, call: ToolCall<'_>, out: &mut Vec<Event>) {
        let id = call.id.unwrap_or_default();
        let custom = call.custom.is_some();
        let (name, arguments) = match (call.custom, call.function) {
            (Some(custom), _) => (custom.name, custom.input),
            (None, Some(function)) => {
                (function.name, function.arguments.map(|arguments| arguments.0))
            }
            (None, None) => (None, None),
        };
        let known = self.calls.find(call.index, &id, name.is_some());
        let part = known.unwrap_or_else(|| {
            let part = self.next(out);
            let (id, name) = (id.into_owned(), name.unwrap_or_default().into_owned());
            self.calls.add(part, call.index, &id);
            out.push(Event::Open { part, kind: Kind::Call { id, name, custom } });
            part
        });
        if let Some(text) = arguments.filter(|text| !text.is_empty()) {
            out.push(Event::Delta { part, text: text.into_owned() });
        }
        let signature = call.extra_content.and_then(|extra| extra.google?.thought_signature);
        if let Some(data) = signature {
            let (dialect, id, data) = (Dialect::OpenAiChat, String::new(), data.into_owned());
            out.push(Event::Sign { part, state: State { dialect, form: "signature", id, data } });
        }
    }
}

/// The words of a reasoning detail; the encrypted ones have none.
fn words(detail: &RawValue) -> Option<String> {
    let object = Object::read(detail.get().as_bytes()).ok()?;
    object.typed("text").ok().flatten().or_else(|| object.typed("summary").ok().flatten())
}

/// Which kind of text a part of a content list holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Text,
    Thought,
}

/// Mistral's lists: text, and thoughts that hold text.
fn parts_of(parts: &[&RawValue]) -> Vec<(Said, String)> {
    let mut said = Vec::new();
    for part in parts {
        let Ok(object) = Object::read(part.get().as_bytes()) else { continue };
        if let Ok(Some(text)) = object.typed::<String>("text") {
            said.push((Said::Text, text));
        }
        let inner = object.typed::<Vec<&RawValue>>("thinking").ok().flatten();
        let inner = inner.map(|inner| parts_of(&inner)).unwrap_or_default();
        said.extend(inner.into_iter().map(|(_, text)| (Said::Thought, text)));
    }
    said
}

fn citation(note: UrlCitation<'_>) -> Citation {
    Citation {
        url: note.url.into_owned(),
        title: note.title.into_owned(),
        quoted: String::new(),
        span: note.start_index.zip(note.end_index),
    }
}

/// Why an answer ended. Some models say `stop` although they called tools.
fn stop_of(reason: &str, called: bool) -> Stop {
    match reason {
        "length" | "model_length" => Stop::Length,
        "content_filter" => Stop::Filtered,
        "error" | "insufficient_system_resource" => Stop::Failed,
        _ if called => Stop::Tools,
        _ => Stop::End,
    }
}
