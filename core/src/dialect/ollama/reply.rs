//! What does a whole answer say, and how is one written?

use serde_json::value::RawValue;

use super::{
    error,
    stream::{self, Reader},
    wire::{Line, LineOut},
};
use crate::{
    dialect::{
        Event, Fold, Read, Reply, Stamp,
        ir::{Call, Part},
    },
    error::{Error, Kind, Result},
};

/// Reads what the record needs. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    let Ok(line) = serde_json::from_slice::<Line<'_>>(body) else {
        let json = serde_json::from_slice::<&RawValue>(body);
        return json.is_ok().then(Read::default);
    };
    let usage = stream::usage(&line);
    let text_bytes = line.message.map_or(0, |message| {
        let texts = [message.content, message.thinking].into_iter().flatten();
        let calls = message.tool_calls.unwrap_or_default().into_iter();
        let functions = calls.filter_map(|call| call.function);
        let calls = functions.map(|function| {
            function.name.map_or(0, |name| name.len())
                + function.arguments.map_or(0, |arguments| arguments.get().len())
        });
        texts.map(|text| text.len()).chain(calls).sum::<usize>() as u64
    });
    let failure = line.error.map(|text| error::from_line(&text));
    Some(Read { usage, text_bytes, failure })
}

/// Reads a whole answer: it is a stream of one line.
pub(crate) fn read(body: &[u8]) -> Result<Reply> {
    let broken = || Error::new(Kind::UpstreamBroken, "The provider's answer cannot be read.");
    let line: Line<'_> = serde_json::from_slice(body).map_err(|error| broken().because(error))?;
    if let Some(text) = line.error {
        return Err(error::from_line(&text));
    }
    if line.message.is_none() {
        return Err(broken().because("no message"));
    }
    // A whole answer is complete whether it says so or not.
    let line = Line { done: Some(true), ..line };
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    reader.line(line, &mut events);
    let mut fold = Fold::default();
    events
        .into_iter()
        .filter(|event| !matches!(event, Event::Done))
        .for_each(|event| fold.push(event));
    Ok(fold.finish())
}

/// Writes a whole answer.
pub(crate) fn write(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let mut message = stream::message(String::new());
    let (mut text, mut thinking) = (String::new(), String::new());
    for part in &reply.parts {
        match part {
            Part::Text { text: more, .. } | Part::Refusal(more) => text.push_str(more),
            Part::Thought(thought) => thinking.push_str(&thought.text),
            Part::Call(Call { id, name, arguments, custom: _, state: _ }) => {
                message.tool_calls.push(stream::call(id, name, arguments));
            }
            Part::Media(_) | Part::Outcome(_) | Part::Opaque { .. } => {}
        }
    }
    message.content = text.into();
    message.thinking =
        Some(thinking.into()).filter(|text: &std::borrow::Cow<'_, str>| !text.is_empty());
    let line = LineOut {
        model: &stamp.model,
        created_at: &crate::calendar::written(stamp.at_s),
        message,
        done: true,
        end: Some(stream::end(&reply.stop, reply.usage.as_ref())),
    };
    serde_json::to_vec(&line).expect("strings and JSON always serialize")
}
