//! What do the events of a stream say?

use serde_json::value::RawValue;

use super::super::{
    error,
    wire::{self, Frame, Response, Words},
};
use crate::{
    dialect::{
        Dialect,
        event::{Event, Kind},
        ir::{Citation, Media, MediaKind, Source, State, Stop},
        sse,
    },
    error::{Error, Kind as Failure},
    store::Usage,
};

/// Reads frame after frame. Items are known by their place in the output: some hosts change their ids on the way. What
/// the deltas did not bring is taken from the complete item, and from the response at the end.
#[derive(Default)]
pub(crate) struct Reader {
    stage: Stage,
    /// How many parts have been opened.
    parts: usize,
    pieces: Vec<Piece>,
    /// The places of the items that are complete.
    complete: Vec<u64>,
    refused: bool,
    called: bool,
    searches: i64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    Begun,
    Over,
}

/// A part of the answer, and how much of it has been passed on.
struct Piece {
    item: u64,
    slot: Slot,
    part: usize,
    open: bool,
    bytes: usize,
    annotations: usize,
    /// Which part of a summary came last.
    paragraph: u64,
}

/// Where in its item a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Text(u64),
    Refusal(u64),
    Summary,
    Thought,
    Call,
}

/// What stands between two parts of a summary.
const PARAGRAPH: &str = "\n\n";

impl Reader {
    /// Reads one frame into `out`, which is empty. Whatever it cannot read, it passes over.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let data = sse::data(frame);
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.stage != Stage::Over
            && let Ok(frame) = serde_json::from_slice::<Frame<'_>>(data)
        {
            self.read(frame, data, out);
        }
        if out.is_empty() {
            out.push(Event::Other);
        }
    }

    /// The upstream has closed the stream; this dialect has said before that it is over, or it broke off.
    #[expect(clippy::unused_self, reason = "readers of other dialects end here")]
    pub(crate) fn end(&mut self, _out: &mut Vec<Event>) {}

    /// Reads a whole response, of which nothing may have come before.
    pub(crate) fn complete(&mut self, response: &Response<'_>, out: &mut Vec<Event>) {
        self.start(response, out);
        self.stage = Stage::Over;
        if let Some(error) = failure(response) {
            out.push(Event::Fail(error));
            return;
        }
        let output = response.output.as_deref().unwrap_or_default();
        // Hosts that number their items with gaps have told all of them already.
        if output.len() > self.complete.len() {
            for (at, item) in (0..).zip(output) {
                self.item(at, item, out);
            }
        }
        self.close(out);
        out.extend(self.usage(response).map(Event::Usage));
        out.push(Event::Finish(self.stop(response)));
        out.push(Event::Done);
    }

    fn read(&mut self, frame: Frame<'_>, data: &[u8], out: &mut Vec<Event>) {
        let item = frame.output_index.unwrap_or_else(|| self.last());
        let content = frame.content_index.unwrap_or(0);
        match &*frame.kind {
            "response.output_text.delta" => self.add(item, Slot::Text(content), frame.delta, out),
            "response.refusal.delta" => self.add(item, Slot::Refusal(content), frame.delta, out),
            "response.reasoning_text.delta" => self.add(item, Slot::Thought, frame.delta, out),
            "response.reasoning_summary_text.delta" => {
                self.summarize(item, frame.summary_index.unwrap_or(0), frame.delta, out);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.add_to_call(item, frame.delta, out);
            }
            "response.output_text.done" => self.settle(item, Slot::Text(content), frame.text, out),
            "response.refusal.done" => {
                self.settle(item, Slot::Refusal(content), frame.refusal, out);
            }
            "response.function_call_arguments.done" => self.settle_call(item, frame.arguments, out),
            "response.custom_tool_call_input.done" => self.settle_call(item, frame.input, out),
            "response.output_text.annotation.added" => {
                self.annotate(item, Slot::Text(content), frame.annotation, out);
            }
            "response.output_item.added" => self.item_added(item, frame.item, out),
            "response.output_item.done" => {
                frame.item.into_iter().for_each(|json| self.item(item, json, out));
            }
            "response.created" | "response.queued" | "response.in_progress" => {
                read_response(&frame).iter().for_each(|response| self.start(response, out));
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                read_response(&frame).iter().for_each(|response| self.complete(response, out));
            }
            "error" => {
                self.stage = Stage::Over;
                // The error stands in the event, or is the event.
                let whole = serde_json::from_slice::<&RawValue>(data).ok();
                out.extend(frame.error.or(whole).map(error::read_inner).map(Event::Fail));
            }
            _ => {}
        }
    }

    fn start(&mut self, response: &Response<'_>, out: &mut Vec<Event>) {
        if self.stage != Stage::Waiting {
            return;
        }
        self.stage = Stage::Begun;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (id, model) = (text(response.id.as_deref()), text(response.model.as_deref()));
        out.push(Event::Start { id, model });
    }

    /// The item under way, for hosts that do not say which one they mean.
    fn last(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.item)
    }

    fn item_added(&mut self, at: u64, json: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some((kind, json)) = json.and_then(typed) else { return };
        if kind == "function_call" || kind == "custom_tool_call" {
            self.open_call(at, &kind, json, out);
        }
    }

    /// Reads an item that is complete; one that has been read is passed over.
    fn item(&mut self, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        if self.complete.contains(&at) {
            return;
        }
        let Some((kind, json)) = typed(json) else { return };
        self.complete.push(at);
        match &*kind {
            "message" => self.message(at, json, out),
            "function_call" | "custom_tool_call" => self.open_call(at, &kind, json, out),
            "reasoning" => self.thought(at, json, out),
            "image_generation_call" => self.image(json, out),
            _ => {
                self.searches += i64::from(kind == "web_search_call");
                self.opaque(&kind, json, out);
            }
        }
        self.close(out);
    }

    fn message(&mut self, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(message) = serde_json::from_str::<wire::Message<'_>>(json.get()) else { return };
        for (index, words) in (0..).zip(message.content.unwrap_or_default()) {
            if let Some(refusal) = words.refusal {
                self.settle(at, Slot::Refusal(index), Some(refusal.into_owned()), out);
                continue;
            }
            let slot = Slot::Text(index);
            self.settle(at, slot, words.text.map(std::borrow::Cow::into_owned), out);
            let annotations = words.annotations.unwrap_or_default();
            let known = self.find(at, slot).map_or(0, |piece| self.pieces[piece].annotations);
            for annotation in annotations.into_iter().skip(known) {
                self.annotate(at, slot, Some(annotation), out);
            }
        }
    }

    /// Opens a call when its item comes, and completes it when it comes again.
    fn open_call(&mut self, at: u64, kind: &str, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(call) = serde_json::from_str::<wire::Call<'_>>(json.get()) else { return };
        if self.find(at, Slot::Call).is_none() {
            let id = call.call_id.or(call.id).unwrap_or_default().into_owned();
            let name = call.name.unwrap_or_default().into_owned();
            let custom = kind == "custom_tool_call";
            self.called = true;
            self.open(at, Slot::Call, Kind::Call { id, name, custom }, out);
        }
        let text = call.arguments.or(call.input).map(std::borrow::Cow::into_owned);
        self.settle_call(at, text, out);
    }

    fn thought(&mut self, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(thought) = serde_json::from_str::<wire::Thought<'_>>(json.get()) else { return };
        let summary = joined(thought.summary.as_deref(), PARAGRAPH);
        self.settle(at, Slot::Summary, Some(summary), out);
        let content = joined(thought.content.as_deref(), "");
        self.settle(at, Slot::Thought, Some(content), out);
        let Some(data) = thought.encrypted_content.filter(|data| !data.is_empty()) else { return };
        let known = self.find(at, Slot::Thought).or_else(|| self.find(at, Slot::Summary));
        let piece = known
            .unwrap_or_else(|| self.open(at, Slot::Summary, Kind::Thought { summary: true }, out));
        let id = thought.id.unwrap_or_default().into_owned();
        let (dialect, form) = (Dialect::OpenAiResponses, "encrypted");
        let state = State { dialect, form, id, data: data.into_owned() };
        out.push(Event::Sign { part: self.pieces[piece].part, state });
    }

    fn image(&mut self, json: &RawValue, out: &mut Vec<Event>) {
        let image = serde_json::from_str::<wire::Image<'_>>(json.get()).ok();
        let Some(base64) = image.as_ref().and_then(|image| image.result.as_deref()) else {
            return self.opaque("image_generation_call", json, out);
        };
        let format = image.as_ref().and_then(|image| image.output_format.as_deref());
        let mime = format!("image/{}", format.unwrap_or("png"));
        let source = Source::Data { mime, base64: base64.to_owned() };
        let kind = MediaKind::Image;
        let media = Media { kind, source, detail: None, name: None, cache: None };
        self.whole(Kind::Media(media), out);
    }

    fn opaque(&mut self, kind: &str, json: &RawValue, out: &mut Vec<Event>) {
        let (dialect, kind) = (Dialect::OpenAiResponses, kind.to_owned());
        self.whole(Kind::Opaque { dialect, kind, json: json.to_owned() }, out);
    }

    /// A part that opens whole.
    fn whole(&mut self, kind: Kind, out: &mut Vec<Event>) {
        self.close(out);
        let part = self.parts;
        self.parts += 1;
        out.push(Event::Open { part, kind });
        out.push(Event::Close { part });
    }

    fn find(&self, item: u64, slot: Slot) -> Option<usize> {
        self.pieces.iter().rposition(|piece| piece.item == item && piece.slot == slot)
    }

    /// Opens a part after all others are closed; only calls may stand open beside each other.
    fn open(&mut self, item: u64, slot: Slot, kind: Kind, out: &mut Vec<Event>) -> usize {
        let beside =
            slot == Slot::Call && self.pieces.iter().all(|p| !p.open || p.slot == Slot::Call);
        if !beside {
            self.close(out);
        }
        let part = self.parts;
        self.parts += 1;
        out.push(Event::Open { part, kind });
        let (open, bytes, annotations, paragraph) = (true, 0, 0, 0);
        self.pieces.push(Piece { item, slot, part, open, bytes, annotations, paragraph });
        self.pieces.len() - 1
    }

    /// The part of words at a place. One that was closed because another began goes on as a part of its own.
    fn words(&mut self, item: u64, slot: Slot, out: &mut Vec<Event>) -> usize {
        let known = self.find(item, slot);
        if let Some(piece) = known
            && (self.pieces[piece].open || slot == Slot::Call)
        {
            return piece;
        }
        let kind = match slot {
            Slot::Text(_) => Kind::Text,
            Slot::Refusal(_) => Kind::Refusal,
            Slot::Summary => Kind::Thought { summary: true },
            Slot::Thought | Slot::Call => Kind::Thought { summary: false },
        };
        self.refused |= matches!(kind, Kind::Refusal);
        let before = known.map(|piece| {
            let Piece { bytes, annotations, paragraph, .. } = self.pieces[piece];
            (bytes, annotations, paragraph)
        });
        let piece = self.open(item, slot, kind, out);
        if let Some((bytes, annotations, paragraph)) = before {
            let reopened = &mut self.pieces[piece];
            (reopened.bytes, reopened.annotations) = (bytes, annotations);
            reopened.paragraph = paragraph;
        }
        piece
    }

    fn add(&mut self, item: u64, slot: Slot, text: Option<String>, out: &mut Vec<Event>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let piece = self.words(item, slot, out);
        let piece = &mut self.pieces[piece];
        piece.bytes += text.len();
        out.push(Event::Delta { part: piece.part, text });
    }

    fn add_to_call(&mut self, item: u64, text: Option<String>, out: &mut Vec<Event>) {
        // Without its item a call has no name; its arguments come again with the item.
        if self.find(item, Slot::Call).is_some() {
            self.add(item, Slot::Call, text, out);
        }
    }

    fn summarize(&mut self, item: u64, at: u64, text: Option<String>, out: &mut Vec<Event>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let piece = self.words(item, Slot::Summary, out);
        let piece = &mut self.pieces[piece];
        let next = piece.bytes > 0 && piece.paragraph != at;
        piece.paragraph = at;
        let text = if next { format!("{PARAGRAPH}{text}") } else { text };
        self.add(item, Slot::Summary, Some(text), out);
    }

    /// Brings a part to its whole text: what the deltas have not told is told.
    fn settle(&mut self, item: u64, slot: Slot, whole: Option<String>, out: &mut Vec<Event>) {
        let Some(whole) = whole else { return };
        let told = self.find(item, slot).map_or(0, |piece| self.pieces[piece].bytes);
        self.add(item, slot, whole.get(told..).map(str::to_owned), out);
    }

    fn settle_call(&mut self, item: u64, whole: Option<String>, out: &mut Vec<Event>) {
        if self.find(item, Slot::Call).is_some() {
            self.settle(item, Slot::Call, whole, out);
        }
    }

    fn annotate(&mut self, item: u64, slot: Slot, json: Option<&RawValue>, out: &mut Vec<Event>) {
        let (Some(json), Some(piece)) = (json, self.find(item, slot)) else { return };
        let piece = &mut self.pieces[piece];
        piece.annotations += 1;
        let citation = citation(json);
        out.extend(citation.map(|citation| Event::Cite { part: piece.part, citation }));
    }

    /// Closes every open part.
    fn close(&mut self, out: &mut Vec<Event>) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.open) {
            piece.open = false;
            out.push(Event::Close { part: piece.part });
        }
    }

    fn stop(&self, response: &Response<'_>) -> Stop {
        let details = response.incomplete_details.as_ref();
        match (response.status.as_deref(), details.and_then(|details| details.reason.as_deref())) {
            (Some("incomplete"), Some("content_filter")) => Stop::Filtered,
            (Some("incomplete"), Some("steered")) => Stop::End,
            (Some("incomplete"), _) => Stop::Length,
            _ if self.called => Stop::Tools,
            _ if self.refused => Stop::Refused,
            _ => Stop::End,
        }
    }

    fn usage(&self, response: &Response<'_>) -> Option<Usage> {
        let counted = response.tool_usage.as_ref();
        let counted = counted.and_then(|tools| tools.web_search.as_ref()?.num_requests);
        let calls = counted.unwrap_or(self.searches).max(0);
        response.usage.as_ref().map(|usage| Usage { calls, ..canonical(usage) })
    }
}

fn read_response<'a>(frame: &Frame<'a>) -> Option<Response<'a>> {
    frame.response.and_then(|response| serde_json::from_str(response.get()).ok())
}

/// The error of a response that has none but an error to tell.
fn failure(response: &Response<'_>) -> Option<Error> {
    let told = response.error.map(error::read_inner);
    told.or_else(|| match response.status.as_deref() {
        Some("failed" | "cancelled") => {
            Some(Error::new(Failure::UpstreamBroken, "The provider could not finish its answer."))
        }
        _ => None,
    })
}

fn typed(json: &RawValue) -> Option<(std::borrow::Cow<'_, str>, &RawValue)> {
    let typed: wire::Typed<'_> = serde_json::from_str(json.get()).ok()?;
    Some((typed.kind, json))
}

fn joined(words: Option<&[Words<'_>]>, between: &str) -> String {
    let texts = words.unwrap_or_default().iter().filter_map(|words| words.text.as_deref());
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(between)
}

/// The citation of an annotation; files of the provider have no address.
pub(crate) fn citation(json: &RawValue) -> Option<Citation> {
    let annotation: wire::Annotation<'_> = serde_json::from_str(json.get()).ok()?;
    let url = annotation.url?.into_owned();
    let title = annotation.title.unwrap_or_default().into_owned();
    let span = annotation.start_index.zip(annotation.end_index);
    Some(Citation { url, title, quoted: String::new(), span })
}

/// Makes one set of counters of what hosts mean by them.
pub(crate) fn canonical(usage: &wire::Usage) -> Usage {
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let input = usage.input_tokens_details.as_ref();
    let output = usage.output_tokens_details.as_ref();
    let told = count(usage.input_tokens);
    let cached = count(input.and_then(|details| details.cached_tokens));
    // xAI has been seen to count cached input apart.
    let prompt = if cached > told { told.saturating_add(cached) } else { told };
    let mut completion = count(usage.output_tokens);
    let reasoning = count(output.and_then(|details| details.reasoning_tokens));
    let unexplained = count(usage.total_tokens) - told - completion;
    if reasoning > 0 && unexplained == reasoning {
        // Some hosts leave reasoning out of the output; the total gives it away.
        completion = completion.saturating_add(reasoning);
    }
    Usage {
        prompt,
        cached,
        cache_write_5m: count(input.and_then(|details| details.cache_write_tokens)),
        cache_write_1h: 0,
        completion,
        reasoning: reasoning.min(completion),
        audio_in: count(input.and_then(|details| details.audio_tokens)),
        audio_out: count(output.and_then(|details| details.audio_tokens)),
        image_in: count(input.and_then(|details| details.image_tokens)),
        image_out: count(output.and_then(|details| details.image_tokens)),
        calls: 0,
    }
}
