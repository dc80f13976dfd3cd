//! What does a whole answer say, and how is one written?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    error,
    stream::{self, Reader},
    wire::{Block, BlockOut, CitationOut, Ending, Input, Message, MessageOut, NoDetails, UsageOut},
};
use crate::{
    dialect::{
        Dialect, Fold, Read, Reply, Stamp,
        ir::{Part, Thought},
    },
    error::{Error, Kind, Result},
};

/// Reads what the record needs. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else {
        let json = serde_json::from_slice::<&RawValue>(body);
        return json.is_ok().then(Read::default);
    };
    let blocks = message.content.iter().flatten();
    Some(Read {
        usage: message.usage.map(|usage| usage.common()),
        text_bytes: blocks.map(|block| Block::read(block).text_bytes() as u64).sum(),
        failure: message.error.map(|error| error::from_body(error, None)),
    })
}

/// Reads a whole answer.
pub(crate) fn read(body: &[u8]) -> Result<Reply> {
    let broken = || Error::new(Kind::UpstreamBroken, "The provider's answer cannot be read.");
    let mut message: Message<'_> = serde_json::from_slice(body).map_err(|_| broken())?;
    if let Some(error) = message.error.take() {
        return Err(error::from_body(error, None));
    }
    if message.content.is_none() {
        return Err(broken());
    }
    let mut events = Vec::new();
    Reader::default().whole(message, &mut events);
    let mut fold = Fold::default();
    for event in events {
        fold.push(event);
    }
    Ok(fold.finish())
}

/// Writes a whole answer.
pub(crate) fn write(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let said = reply.parts.iter().filter(|part| !matches!(part, Part::Outcome(_)));
    let content = said.enumerate().flat_map(|(part, said)| blocks(part, said, stamp)).collect();
    let ending = Ending {
        stop: reply.stop.clone(),
        calls: reply.parts.iter().filter(|part| matches!(part, Part::Call(_))).count(),
        refused: reply.parts.iter().any(|part| matches!(part, Part::Refusal(_))),
    };
    let message = MessageOut {
        id: stream::message_id(stamp),
        kind: "message",
        role: "assistant",
        model: &stamp.model,
        content,
        stop_reason: Some(ending.reason()),
        stop_sequence: ending.sequence(),
        stop_details: NoDetails::of(ending.reason()),
        usage: UsageOut::new(reply.usage.as_ref()),
    };
    serde_json::to_vec(&message).expect("strings and numbers always serialize")
}

/// The blocks of a part: none where there is nothing to say, two where a call has a state.
fn blocks<'a>(part: usize, said: &'a Part, stamp: &Stamp) -> Vec<BlockOut<'a>> {
    match said {
        Part::Text { text, .. } | Part::Refusal(text) if text.is_empty() => Vec::new(),
        Part::Text { text, citations, cache: _ } => {
            let citations = citations.iter().map(CitationOut::of).collect();
            vec![BlockOut::Text { text: Cow::Borrowed(text), citations }]
        }
        Part::Refusal(text) => {
            vec![BlockOut::Text { text: Cow::Borrowed(text), citations: Vec::new() }]
        }
        Part::Thought(thought) => thought_block(thought, stamp).into_iter().collect(),
        Part::Call(call) => {
            let id = stream::call_id(&call.id, part, stamp);
            let state = call.state.as_ref().map(|state| {
                let data = Cow::Owned(stream::call_state(state, &id, stamp));
                BlockOut::RedactedThinking { data }
            });
            let (id, name, input) = (Cow::Owned(id), call.name.as_str(), Input::of(call));
            [BlockOut::ToolUse { id, name, input }].into_iter().chain(state).collect()
        }
        Part::Media(media) => {
            let text = Cow::Owned(stream::media_text(media));
            vec![BlockOut::Text { text, citations: Vec::new() }]
        }
        Part::Opaque { dialect, kind: _, json } => {
            let own = *dialect == Dialect::Anthropic;
            own.then_some(BlockOut::Raw(json)).into_iter().collect()
        }
        Part::Outcome(_) => Vec::new(),
    }
}

fn thought_block<'a>(thought: &'a Thought, stamp: &Stamp) -> Option<BlockOut<'a>> {
    let Thought { text, summary: _, state } = thought;
    let sealed = state.as_ref().map(|state| stream::seal(state, stamp));
    match (state, sealed) {
        (Some(state), Some(data)) if text.is_empty() && stream::is_hidden(state) => {
            Some(BlockOut::RedactedThinking { data })
        }
        (None, _) if text.is_empty() => None,
        (_, sealed) => {
            Some(BlockOut::Thinking { thinking: text, signature: sealed.unwrap_or_default() })
        }
    }
}
