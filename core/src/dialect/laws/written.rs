//! What stands in a stream that was written? Read strictly: no byte that its framing or its dialect does not demand.

use super::super::{Dialect, Framing, ir::Schema};

/// One frame of a stream.
#[derive(Debug)]
pub(super) struct Frame {
    /// The name before the data, where there is one.
    pub(super) event: Option<String>,
    /// The data; `None` for the word that ends a chat stream.
    pub(super) json: Option<Schema>,
}

impl Frame {
    /// The value at a path of names; numbers stand for elements of lists.
    pub(super) fn at(&self, path: &str) -> Option<&Schema> {
        path.split('.').try_fold(self.json.as_ref()?, |json, name| match json {
            Schema::List(items) => items.get(name.parse::<usize>().ok()?),
            _ => json.get(name).filter(|value| **value != Schema::Null),
        })
    }

    /// The text at a path.
    pub(super) fn text(&self, path: &str) -> &str {
        self.at(path).and_then(Schema::as_text).unwrap_or_default()
    }
}

/// The frames of a stream.
pub(super) fn frames(framing: Framing, bytes: &[u8]) -> Vec<Frame> {
    let text = std::str::from_utf8(bytes).expect("text");
    match framing {
        Framing::Events => events(text),
        Framing::Lines => {
            let lines = text.strip_suffix('\n').map(|lines| lines.split('\n'));
            lines.into_iter().flatten().map(|line| bare(json(line))).collect()
        }
        Framing::Array => {
            let Schema::List(items) = json(text) else { panic!("no array: {text}") };
            items.into_iter().map(bare).collect()
        }
    }
}

fn events(text: &str) -> Vec<Frame> {
    let text = text.replace("\r\n", "\n");
    assert!(!text.contains('\r'), "a line end inside a line: {text:?}");
    let frames = text.strip_suffix("\n\n").map(|frames| frames.split("\n\n"));
    frames.into_iter().flatten().map(event).collect()
}

fn event(frame: &str) -> Frame {
    let lines: Vec<&str> = frame.split('\n').collect();
    let (event, data) = match lines[..] {
        [data] => (None, data),
        [event, data] => (event.strip_prefix("event: "), data),
        _ => panic!("a line end inside a line: {frame:?}"),
    };
    assert_eq!(event.is_some(), lines.len() == 2, "no name: {frame:?}");
    let data = data.strip_prefix("data: ").expect("data");
    let json = (data != "[DONE]").then(|| json(data));
    Frame { event: event.map(str::to_owned), json }
}

fn bare(json: Schema) -> Frame {
    Frame { event: None, json: Some(json) }
}

fn json(text: &str) -> Schema {
    assert!(!text.contains('\n') || text.starts_with('['), "a line end inside a line: {text:?}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Whether a frame says that its stream is over.
pub(super) fn ends(dialect: Dialect, frame: &Frame) -> bool {
    match dialect {
        Dialect::OpenAiChat => frame.json.is_none() || frame.at("error").is_some(),
        Dialect::OpenAiResponses => {
            let ends = ["response.completed", "response.incomplete", "response.failed"];
            ends.contains(&frame.text("type"))
        }
        Dialect::Anthropic => matches!(frame.text("type"), "message_stop" | "error"),
        Dialect::Gemini => {
            frame.at("candidates.0.finishReason").is_some() || frame.at("error").is_some()
        }
        Dialect::Ollama => {
            frame.at("done") == Some(&Schema::Bool(true)) || frame.at("error").is_some()
        }
    }
}

/// Whether the frames come in the order that the clients of a dialect rely on.
pub(super) fn check_order(dialect: Dialect, frames: &[Frame]) {
    match dialect {
        Dialect::OpenAiChat => check_chat(frames),
        Dialect::OpenAiResponses => check_responses(frames),
        Dialect::Anthropic => check_anthropic(frames),
        Dialect::Gemini | Dialect::Ollama => {}
    }
}

/// One reason to finish, after all words, unless the stream failed.
fn check_chat(frames: &[Frame]) {
    let finish = |frame: &Frame| frame.at("choices.0.finish_reason").is_some();
    let finished: Vec<usize> = (0..frames.len()).filter(|at| finish(&frames[*at])).collect();
    let failed = frames.iter().any(|frame| frame.at("error").is_some());
    assert!(finished.len() == 1 || failed && finished.is_empty(), "finished at {finished:?}");
    let Some(at) = finished.first() else { return };
    let more = frames[at + 1..].iter().find(|frame| frame.at("choices.0").is_some());
    assert!(more.is_none(), "words after the finish: {more:?}");
}

/// Every event is named and counted, items do not overlap, and the last event repeats them all.
fn check_responses(frames: &[Frame]) {
    let mut done: Vec<&Schema> = Vec::new();
    let mut open = None;
    for (number, frame) in frames.iter().enumerate() {
        assert_eq!(frame.event.as_deref(), Some(frame.text("type")));
        assert_eq!(frame.at("sequence_number"), Some(&Schema::Number(number.into())));
        let index = frame.at("output_index");
        match frame.text("type") {
            "response.output_item.added" => {
                assert!(open.is_none(), "two items are open");
                assert_eq!(index, Some(&Schema::Number(done.len().into())));
                open = index;
            }
            "response.output_item.done" => {
                assert_eq!(index, open.take());
                done.push(frame.at("item").expect("an item"));
            }
            "response.completed" | "response.incomplete" => {
                let Some(Schema::List(output)) = frame.at("response.output") else {
                    panic!("no output")
                };
                assert_eq!(output.iter().collect::<Vec<_>>(), done);
            }
            _ => assert!(index.is_none() || index == open, "{frame:?} of no open item"),
        }
    }
}

/// The message begins first and ends once; blocks count up and do not overlap.
fn check_anthropic(frames: &[Frame]) {
    let (mut next, mut open) = (0_u64, false);
    for (at, frame) in frames.iter().enumerate() {
        let kind = frame.text("type");
        assert_eq!(frame.event.as_deref(), Some(kind));
        assert_eq!(kind == "message_start", at == 0 && kind != "error", "{kind} at {at}");
        if kind.starts_with("content_block_") {
            assert_eq!(frame.at("index"), Some(&Schema::Number(next.into())));
            assert_eq!(kind == "content_block_start", !open, "{kind} of block {next}");
            open = kind != "content_block_stop";
            next += u64::from(!open);
        }
    }
    let failed = frames.iter().any(|frame| frame.text("type") == "error");
    let told = frames.iter().filter(|frame| frame.text("type") == "message_delta").count();
    assert!(failed || !open && told == 1, "open: {open}, told {told} times why it ended");
}
