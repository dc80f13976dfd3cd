//! How is an answer written as a text that goes on, whole and in pieces?

use serde::Serialize;

use crate::{
    dialect::{
        Dialect, Event, EventKind, Framing, Reply, Stamp,
        ir::{Part, Stop},
    },
    store::Usage,
};

#[derive(Serialize)]
struct CompletionOut<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [ChoiceOut<'a>],
    #[serde(skip_serializing_if = "Told::is_left_out")]
    usage: Told,
}

/// What is said of the usage.
#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    /// Nothing, not even the field.
    LeftOut,
    /// That it comes later.
    Later(()),
    /// All of it.
    Whole(UsageOut),
}

impl Told {
    fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    text: &'a str,
    index: u32,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct UsageOut {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
}

impl From<Usage> for UsageOut {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.prompt.saturating_add(usage.completion),
        }
    }
}

/// Writes a whole answer.
pub(in super::super) fn answer(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let texts = reply.parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } | Part::Refusal(text) => Some(text.as_str()),
        Part::Media(_)
        | Part::Thought(_)
        | Part::Call(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => None,
    });
    let text: String = texts.collect();
    let finish_reason = Some(reason(&reply.stop));
    let choice = ChoiceOut { text: &text, index: 0, logprobs: (), finish_reason };
    let mut out = Vec::new();
    let usage = reply.usage.unwrap_or_default().into();
    write(stamp, &[choice], Told::Whole(usage), &mut out);
    out
}

fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::Length => "length",
        Stop::Filtered | Stop::Refused => "content_filter",
        Stop::End | Stop::Sequence(_) | Stop::Tools | Stop::Paused | Stop::Failed => "stop",
    }
}

fn write(stamp: &Stamp, choices: &[ChoiceOut<'_>], usage: Told, out: &mut Vec<u8>) {
    let id = format!("cmpl-{}", stamp.id);
    let (created, model) = (stamp.at_s, stamp.model.as_str());
    let completion =
        CompletionOut { id: &id, object: "text_completion", created, model, choices, usage };
    serde_json::to_writer(out, &completion).expect("numbers and strings always serialize");
}

/// Writes event after event. Only what is text goes on.
pub(crate) struct Writer {
    stamp: Stamp,
    /// The parts that are text, by their numbers.
    texts: Vec<usize>,
    stop: Option<Stop>,
    usage: Option<Usage>,
}

impl Writer {
    /// A writer of one answer.
    pub(in super::super) fn new(stamp: Stamp) -> Self {
        Self { stamp, texts: Vec::new(), stop: None, usage: None }
    }

    /// Adds what an event is here to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(in super::super) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Open { part, kind: EventKind::Text | EventKind::Refusal } => {
                self.texts.push(part);
            }
            Event::Delta { part, text } if self.texts.contains(&part) && !text.is_empty() => {
                self.chunk(&text, None, out);
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(stop) => self.stop = Some(stop),
            Event::Done => self.done(out),
            Event::Fail(error) => {
                out.extend_from_slice(&Dialect::OpenAiChat.error_frame(&error, Framing::Events));
            }
            Event::Start { .. }
            | Event::Open { .. }
            | Event::Delta { .. }
            | Event::Sign { .. }
            | Event::Cite { .. }
            | Event::Close { .. }
            | Event::Other => {}
        }
    }

    fn chunk(&self, text: &str, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        // Where usage is wanted, a chunk that does not have it says so.
        let usage = if self.stamp.usage_wanted { Told::Later(()) } else { Told::LeftOut };
        let choice = ChoiceOut { text, index: 0, logprobs: (), finish_reason };
        self.frame(&[choice], usage, out);
    }

    fn frame(&self, choices: &[ChoiceOut<'_>], usage: Told, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        write(&self.stamp, choices, usage, out);
        out.extend_from_slice(b"\n\n");
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        let stop = self.stop.take().unwrap_or_default();
        self.chunk("", Some(reason(&stop)), out);
        if self.stamp.usage_wanted {
            self.frame(&[], Told::Whole(self.usage.unwrap_or_default().into()), out);
        }
        out.extend_from_slice(Dialect::OpenAiChat.done_frame());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dialect::{Carrier, unfold},
        error::Error,
        identity::Vault,
        testing::root_secret,
    };

    fn stamp(usage_wanted: bool) -> Stamp {
        Stamp {
            id: "x".to_owned(),
            at_s: 3,
            model: "m".to_owned(),
            usage_wanted,
            framing: Framing::Events,
            carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
            echo: Vec::new(),
        }
    }

    fn reply() -> Reply {
        let usage = Usage { prompt: 2, completion: 1, ..Usage::default() };
        let parts = vec![Part::text("é\n")];
        Reply { parts, stop: Stop::Length, usage: Some(usage), ..Reply::default() }
    }

    const HEAD: &str = r#"{"id":"cmpl-x","object":"text_completion","created":3,"model":"m","#;
    const COUNTS: &str = r#""usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#;

    #[test]
    fn a_whole_answer_is_one_text() {
        let expected = format!(
            r#"{HEAD}"choices":[{{"text":"é\n","index":0,"logprobs":null,"finish_reason":"length"}}],{COUNTS}"#
        );
        assert_eq!(String::from_utf8(answer(&reply(), &stamp(false))).unwrap(), expected);
    }

    #[test]
    fn a_stream_ends_once() {
        let check = |usage_wanted, usage: &str, last: &str| {
            let mut writer = Writer::new(stamp(usage_wanted));
            let mut out = Vec::new();
            for event in unfold(reply()) {
                writer.push(event, &mut out);
            }
            let chunk = |text, reason| {
                format!(
                    r#"data: {HEAD}"choices":[{{"text":"{text}","index":0,"logprobs":null,"finish_reason":{reason}}}]{usage}}}"#
                )
            };
            let expected = [chunk("é\\n", "null"), chunk("", "\"length\""), last.to_owned()];
            let expected = format!("{}data: [DONE]\n\n", expected.join("\n\n"));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(false, "", "");
        check(true, r#","usage":null"#, &format!("data: {HEAD}\"choices\":[],{COUNTS}\n\n"));
    }

    #[test]
    fn an_error_ends_the_stream() {
        let mut out = Vec::new();
        Writer::new(stamp(true)).push(Event::Fail(Error::bad_request("no")), &mut out);
        assert!(out.starts_with(b"data: {\"error\""), "{}", String::from_utf8_lossy(&out));
    }
}
