//! How are events written as lines? Calls whole, everything else as it comes.

use std::collections::VecDeque;

use crate::{
    calendar,
    dialect::{
        Event, Stamp, arguments,
        event::Kind,
        ir::Stop,
        ollama::{
            error,
            wire::{CallOut, EndOut, FunctionCallOut, LineOut, MessageOut},
        },
    },
    store::Usage,
};

/// Writes event after event. The end is held until the stream is over, so that late usage is in it.
pub(crate) struct Writer {
    model: String,
    created_at: String,
    /// The part under way that is no call.
    open: Option<(usize, Open)>,
    /// Calls in the order they opened: dialects may interleave them.
    calls: VecDeque<Pending>,
    stop: Stop,
    usage: Option<Usage>,
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thought,
}

struct Pending {
    part: usize,
    id: String,
    name: String,
    arguments: String,
    complete: bool,
}

impl Writer {
    /// A writer of one answer.
    pub(crate) fn new(stamp: Stamp) -> Self {
        Self {
            model: stamp.model,
            created_at: calendar::written(stamp.at_s),
            open: None,
            calls: VecDeque::new(),
            stop: Stop::End,
            usage: None,
            over: false,
        }
    }

    /// Adds what an event is in this dialect to `out`.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Open { part, kind } => self.begin(part, kind, out),
            Event::Delta { part, text } => self.delta(part, text, out),
            Event::Close { part } => {
                self.open = self.open.filter(|(open, _)| *open != part);
                let ended = self.calls.iter_mut().filter(|pending| pending.part == part);
                ended.for_each(|pending| pending.complete = true);
                self.flush(out);
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finish(stop) => self.stop = stop,
            Event::Done => {
                self.complete(out);
                let end = end(&self.stop, self.usage.as_ref());
                self.line(message(String::new()), Some(end), out);
                self.over = true;
            }
            Event::Fail(error) => {
                out.extend_from_slice(&error::event(&error));
                self.over = true;
            }
            Event::Start { .. } | Event::Sign { .. } | Event::Cite { .. } | Event::Other => {}
        }
    }

    fn begin(&mut self, part: usize, kind: Kind, out: &mut Vec<u8>) {
        self.open = None;
        match kind {
            Kind::Text | Kind::Refusal => self.open = Some((part, Open::Text)),
            Kind::Thought { .. } => self.open = Some((part, Open::Thought)),
            Kind::Call { id, name, custom: _ } => {
                let arguments = String::new();
                self.calls.push_back(Pending { part, id, name, arguments, complete: false });
                return;
            }
            Kind::Media(_) | Kind::Opaque { .. } => {}
        }
        self.complete(out);
    }

    fn delta(&mut self, part: usize, text: String, out: &mut Vec<u8>) {
        if let Some(pending) = self.calls.iter_mut().find(|pending| pending.part == part) {
            pending.arguments.push_str(&text);
            return;
        }
        let Some((_, open)) = self.open.filter(|(open, _)| *open == part) else { return };
        let message = match open {
            Open::Text => message(text),
            Open::Thought => MessageOut { thinking: Some(text.into()), ..message(String::new()) },
        };
        self.line(message, None, out);
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        self.calls.iter_mut().for_each(|pending| pending.complete = true);
        self.flush(out);
    }

    /// Writes the calls that are complete, in the order they opened.
    fn flush(&mut self, out: &mut Vec<u8>) {
        while let Some(pending) = self.calls.pop_front_if(|pending| pending.complete) {
            let Pending { id, name, arguments, .. } = &pending;
            let tool_calls = vec![call(id, name, arguments)];
            self.line(MessageOut { tool_calls, ..message(String::new()) }, None, out);
        }
    }

    fn line(&self, message: MessageOut<'_>, end: Option<EndOut>, out: &mut Vec<u8>) {
        let line = LineOut {
            model: &self.model,
            created_at: &self.created_at,
            message,
            done: end.is_some(),
            end,
        };
        let mut json = serde_json::to_vec(&line).expect("strings and JSON always serialize");
        // Raw arguments may hold line ends, which would end the line; in JSON they can only stand between tokens.
        json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        out.append(&mut json);
        out.push(b'\n');
    }
}

/// A message of the model.
pub(in crate::dialect::ollama) fn message<'a>(content: String) -> MessageOut<'a> {
    MessageOut { role: "assistant", content: content.into(), ..MessageOut::default() }
}

/// A call, whole.
pub(in crate::dialect::ollama) fn call<'a>(
    id: &'a str,
    name: &'a str,
    arguments: &str,
) -> CallOut<'a> {
    CallOut { id, function: FunctionCallOut { name, arguments: arguments::object(arguments) } }
}

/// What the last line says.
pub(in crate::dialect::ollama) fn end(stop: &Stop, usage: Option<&Usage>) -> EndOut {
    EndOut {
        done_reason: match stop {
            Stop::Length => "length",
            Stop::End
            | Stop::Sequence(_)
            | Stop::Tools
            | Stop::Filtered
            | Stop::Refused
            | Stop::Paused
            | Stop::Failed => "stop",
        },
        total_duration: 0,
        load_duration: 0,
        prompt_eval_count: usage.map_or(0, |usage| usage.prompt),
        prompt_eval_duration: 0,
        eval_count: usage.map_or(0, |usage| usage.completion),
        eval_duration: 0,
    }
}
