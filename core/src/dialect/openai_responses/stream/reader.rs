//! What do the events of a stream say?

use std::{borrow::Cow, collections::HashSet};

use serde_json::value::RawValue;

use super::{
    super::{
        error,
        wire::{self, Frame, Response, Words},
    },
    parts::{PARAGRAPH, Parts, Slot},
    usage::canonical,
};
use crate::{
    dialect::{
        Dialect,
        event::{Event, Kind},
        ir::{Media, MediaKind, Source, State, Stop},
        sse,
    },
    error::{Error, Kind as ErrorKind},
    json,
    store::{Tariff, Usage},
};

/// Reads frame after frame. Items are known by their place in the output: some hosts change their ids on the way. What
/// the deltas did not bring is taken from the complete item, and from the response at the end.
#[derive(Default)]
pub(crate) struct Reader {
    stage: Stage,
    parts: Parts,
    /// The places of the items that are complete.
    complete: HashSet<u64>,
    searches: i64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    Begun,
    Over,
}

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
        self.parts.close(out);
        out.extend(self.usage(response).map(Event::Usage));
        out.push(Event::Finish(self.stop(response)));
        out.push(Event::Done);
    }

    fn read(&mut self, frame: Frame<'_>, data: &[u8], out: &mut Vec<Event>) {
        let item = frame.output_index.unwrap_or_else(|| self.parts.last_item());
        let content = frame.content_index.unwrap_or(0);
        let parts = &mut self.parts;
        match &*frame.kind {
            "response.output_text.delta" => parts.add(item, Slot::Text(content), frame.delta, out),
            "response.refusal.delta" => parts.add(item, Slot::Refusal(content), frame.delta, out),
            "response.reasoning_text.delta" => parts.add(item, Slot::Thought, frame.delta, out),
            "response.reasoning_summary_text.delta" => {
                parts.summarize(item, frame.summary_index.unwrap_or(0), frame.delta, out);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                parts.add(item, Slot::Call, frame.delta, out);
            }
            "response.output_text.done" => {
                parts.settle(item, Slot::Text(content), frame.text.as_deref(), out);
            }
            "response.refusal.done" => {
                parts.settle(item, Slot::Refusal(content), frame.refusal.as_deref(), out);
            }
            "response.function_call_arguments.done" => {
                parts.settle(item, Slot::Call, frame.arguments.as_deref(), out);
            }
            "response.custom_tool_call_input.done" => {
                parts.settle(item, Slot::Call, frame.input.as_deref(), out);
            }
            _ => self.read_whole(item, &frame, data, out),
        }
    }

    /// Reads an event that holds an item, an annotation, a response or an error.
    fn read_whole(&mut self, item: u64, frame: &Frame<'_>, data: &[u8], out: &mut Vec<Event>) {
        let response = || -> Option<Response<'_>> { json::read(frame.response?.get()).ok() };
        match (&*frame.kind, frame.item) {
            ("response.output_item.added", Some(json)) => self.item_added(item, json, out),
            ("response.output_item.done", Some(json)) => self.item(item, json, out),
            ("response.output_text.annotation.added", _) => {
                if let Some(json) = frame.annotation {
                    self.parts.annotate(item, frame.content_index.unwrap_or(0), json, out);
                }
            }
            ("response.created" | "response.queued" | "response.in_progress", _) => {
                if let Some(response) = response() {
                    self.start(&response, out);
                }
            }
            ("response.completed" | "response.incomplete" | "response.failed", _) => {
                if let Some(response) = response() {
                    self.complete(&response, out);
                }
            }
            ("error", _) => {
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

    fn item_added(&mut self, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        if let Some(kind @ ("function_call" | "custom_tool_call")) = kind_of(json).as_deref() {
            self.call(at, kind, json, out);
        }
    }

    /// Reads an item that is complete; one that has been read is passed over.
    fn item(&mut self, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        if self.complete.contains(&at) {
            return;
        }
        let Some(kind) = kind_of(json) else { return };
        self.complete.insert(at);
        match &*kind {
            "message" => self.message(at, json, out),
            "function_call" | "custom_tool_call" => self.call(at, &kind, json, out),
            "reasoning" => self.thought(at, json, out),
            _ => {
                self.searches += i64::from(kind == "web_search_call");
                self.parts.whole(hosted(&kind, json), out);
            }
        }
        self.parts.close(out);
    }

    fn message(&mut self, item: u64, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(message) = json::read::<wire::Message<'_>>(json.get()) else { return };
        let content = message.content.unwrap_or_default();
        for (at, words) in self.parts.places(item, content.len()).into_iter().zip(content) {
            if let Some(refusal) = words.refusal {
                self.parts.settle(item, Slot::Refusal(at), Some(&refusal), out);
                continue;
            }
            self.parts.settle(item, Slot::Text(at), words.text.as_deref(), out);
            let told = self.parts.annotations(item, at);
            for annotation in words.annotations.unwrap_or_default().into_iter().skip(told) {
                self.parts.annotate(item, at, annotation, out);
            }
        }
    }

    /// Opens a call when its item comes, and completes it when it comes again.
    fn call(&mut self, item: u64, kind: &str, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(call) = json::read::<wire::Call<'_>>(json.get()) else { return };
        let text = call.arguments.or(call.input);
        let opened = || {
            let id = call.call_id.or(call.id).unwrap_or_default().into_owned();
            let name = call.name.unwrap_or_default().into_owned();
            Kind::Call { id, name, custom: kind == "custom_tool_call" }
        };
        self.parts.call(item, opened, out);
        self.parts.settle(item, Slot::Call, text.as_deref(), out);
    }

    fn thought(&mut self, item: u64, json: &RawValue, out: &mut Vec<Event>) {
        let Ok(thought) = json::read::<wire::Thought<'_>>(json.get()) else { return };
        let summary = joined(thought.summary.as_deref(), PARAGRAPH);
        self.parts.settle(item, Slot::Summary, Some(&summary), out);
        let content = joined(thought.content.as_deref(), "");
        self.parts.settle(item, Slot::Thought, Some(&content), out);
        let Some(data) = thought.encrypted_content.filter(|data| !data.is_empty()) else { return };
        let (id, data) = (thought.id.unwrap_or_default().into_owned(), data.into_owned());
        let (dialect, form) = (Dialect::OpenAiResponses, "encrypted");
        self.parts.sign(item, State { dialect, form, id, data }, out);
    }

    fn stop(&self, response: &Response<'_>) -> Stop {
        let details = response.incomplete_details.as_ref();
        match (response.status.as_deref(), details.and_then(|details| details.reason.as_deref())) {
            (Some("incomplete"), Some("content_filter")) => Stop::Filtered,
            (Some("incomplete"), Some("steered")) => Stop::End,
            (Some("incomplete"), _) => Stop::Length,
            _ if self.parts.has_calls() => Stop::Tools,
            _ if self.parts.has_refusal() => Stop::Refused,
            _ => Stop::End,
        }
    }

    fn usage(&self, response: &Response<'_>) -> Option<Usage> {
        let counted = response.tool_usage.as_ref();
        let counted = counted.and_then(|tools| tools.web_search.as_ref()?.num_requests);
        let calls = counted.unwrap_or(self.searches).max(0);
        let tariff = response.service_tier.as_deref().map(Tariff::told).unwrap_or_default();
        response.usage.as_ref().map(|usage| {
            let usage = canonical(usage);
            Usage { calls: calls.max(usage.calls), tariff, ..usage }
        })
    }
}

/// The error of a response that has nothing but an error to tell.
fn failure(response: &Response<'_>) -> Option<Error> {
    let told = response.error.map(error::read_inner);
    told.or_else(|| match response.status.as_deref() {
        Some("failed" | "cancelled") => {
            Some(Error::new(ErrorKind::UpstreamBroken, "The provider could not finish its answer."))
        }
        _ => None,
    })
}

fn kind_of(json: &RawValue) -> Option<Cow<'_, str>> {
    let typed: wire::Typed<'_> = json::read(json.get()).ok()?;
    Some(typed.kind)
}

/// An item that the provider's own tools made. An image is one everywhere; the others only this API knows.
fn hosted(kind: &str, json: &RawValue) -> Kind {
    let (dialect, name) = (Dialect::OpenAiResponses, kind.to_owned());
    let opaque = || Kind::Opaque { dialect, kind: name, json: json.to_owned() };
    if kind != "image_generation_call" {
        return opaque();
    }
    let Ok(wire::Image { result: Some(base64), output_format }) = json::read(json.get()) else {
        return opaque();
    };
    let mime = format!("image/{}", output_format.as_deref().unwrap_or("png"));
    let (kind, source) = (MediaKind::Image, Source::Data { mime, base64: base64.into_owned() });
    Kind::Media(Media { kind, source, detail: None, name: None, cache: None })
}

fn joined(words: Option<&[Words<'_>]>, between: &str) -> String {
    let texts = words.unwrap_or_default().iter().filter_map(|words| words.text.as_deref());
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(between)
}
