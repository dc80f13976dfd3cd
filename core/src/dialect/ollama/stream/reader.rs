//! What do the lines of a stream say? A whole answer is a stream of one line.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Event,
        event::Kind,
        ids,
        ir::Stop,
        ollama::{
            error,
            wire::{Line, Message, ToolCall},
        },
    },
    store::Usage,
};

/// Reads line after line. What it does not know, it passes over.
#[derive(Default)]
pub(crate) struct Reader {
    stage: Stage,
    /// From what ids of calls are made, where the host gives none.
    seed: String,
    /// The number of the next part.
    next: usize,
    open: Option<(usize, Kept)>,
    calls: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    Begun,
    Over,
}

/// What the part under way is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Text,
    Thought,
}

impl Reader {
    /// Reads one frame into `out`.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let frame = frame.trim_ascii();
        if frame.is_empty() || self.stage == Stage::Over {
            return;
        }
        match serde_json::from_slice::<Line<'_>>(frame) {
            Ok(line) => self.line(line, out),
            Err(_) => out.push(Event::Other),
        }
    }

    /// The stream has ended. Only a line that says so ends an answer.
    #[expect(clippy::unused_self, reason = "readers of other dialects hold state")]
    pub(crate) fn end(&mut self, _out: &mut Vec<Event>) {}

    /// Reads one line.
    pub(in crate::dialect::ollama) fn line(&mut self, line: Line<'_>, out: &mut Vec<Event>) {
        if let Some(text) = line.error {
            self.stage = Stage::Over;
            out.push(Event::Fail(error::from_line(&text)));
            return;
        }
        let usage = usage(&line);
        if self.stage == Stage::Waiting {
            self.stage = Stage::Begun;
            self.seed = line.created_at.map(Cow::into_owned).unwrap_or_default();
            let model = line.model.map(Cow::into_owned).unwrap_or_default();
            out.push(Event::Start { id: String::new(), model });
        }
        let before = out.len();
        if let Some(message) = line.message {
            self.message(message, out);
        }
        out.extend(usage.map(Event::Usage));
        if line.done == Some(true) {
            self.close(out);
            let stop = match line.done_reason.as_deref() {
                None | Some("stop" | "") if self.calls > 0 => Stop::Tools,
                None | Some("stop" | "") => Stop::End,
                Some("length") => Stop::Length,
                // The model was only loaded or unloaded.
                Some(_) => Stop::Failed,
            };
            out.push(Event::Finish(stop));
            out.push(Event::Done);
            self.stage = Stage::Over;
        }
        if out.len() == before {
            out.push(Event::Other);
        }
    }

    fn message(&mut self, message: Message<'_>, out: &mut Vec<Event>) {
        let pieces = [(message.thinking, Kept::Thought), (message.content, Kept::Text)];
        for (text, kept) in pieces {
            let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
            let part = self.resume(kept, out);
            out.push(Event::Delta { part, text: text.into_owned() });
        }
        for call in message.tool_calls.unwrap_or_default() {
            self.call(call, out);
        }
    }

    fn call(&mut self, call: ToolCall<'_>, out: &mut Vec<Event>) {
        let Some(function) = call.function else { return };
        let name = function.name.map(Cow::into_owned).unwrap_or_default();
        let given = call.id.filter(|id| !id.is_empty()).map(Cow::into_owned);
        let id = given.unwrap_or_else(|| ids::make(&self.seed, self.calls, &name));
        self.calls += 1;
        self.close(out);
        let part = self.number();
        out.push(Event::Open { part, kind: Kind::Call { id, name, custom: false } });
        let text = function.arguments.map_or("{}", RawValue::get).to_owned();
        out.push(Event::Delta { part, text });
        out.push(Event::Close { part });
    }

    /// The part under way if it is of this kind, else one that opens.
    fn resume(&mut self, kept: Kept, out: &mut Vec<Event>) -> usize {
        if let Some((part, open)) = self.open
            && open == kept
        {
            return part;
        }
        self.close(out);
        let part = self.number();
        self.open = Some((part, kept));
        let kind = match kept {
            Kept::Text => Kind::Text,
            Kept::Thought => Kind::Thought { summary: false },
        };
        out.push(Event::Open { part, kind });
        part
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        out.extend(self.open.take().map(|(part, _)| Event::Close { part }));
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

/// The counters of a last line. The prompt's is missing when all of it was cached.
pub(in crate::dialect::ollama) fn usage(line: &Line<'_>) -> Option<Usage> {
    if line.prompt_eval_count.is_none() && line.eval_count.is_none() {
        return None;
    }
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    let (prompt, completion) = (count(line.prompt_eval_count), count(line.eval_count));
    Some(Usage { prompt, completion, ..Usage::default() })
}
