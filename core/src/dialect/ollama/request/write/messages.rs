//! What has been said so far, in this API's words?

use std::{borrow::Cow, collections::HashMap};

use super::refused;
use crate::{
    dialect::{
        Prompt, arguments,
        ir::{Call, Media, MediaKind, Outcome, Part, Role, Source, Turn},
        ollama::wire::{CallOut, FunctionCallOut, MessageOut},
    },
    error::Result,
};

/// Writes all turns. Instructions stay where they are, and each result is a message of its own.
pub(super) fn write(prompt: &Prompt, note: Option<String>) -> Result<Vec<MessageOut<'_>>> {
    let mut writing = Writing { messages: Vec::new(), names: HashMap::new() };
    for (turn, place) in prompt.turns.iter().zip(0_usize..) {
        writing.turn(turn).map_err(|error| error.at(&format!("messages[{place}]")))?;
    }
    let mut messages = writing.messages;
    if let Some(note) = note {
        match messages.first_mut().filter(|first| first.role == "system") {
            Some(first) => first.content = format!("{}\n\n{note}", first.content).into(),
            None => messages.insert(0, said("system", note)),
        }
    }
    Ok(messages)
}

fn said<'p>(role: &'static str, content: impl Into<Cow<'p, str>>) -> MessageOut<'p> {
    MessageOut { role, content: content.into(), ..MessageOut::default() }
}

struct Writing<'p> {
    messages: Vec<MessageOut<'p>>,
    /// The name of each call's tool, by its id.
    names: HashMap<&'p str, &'p str>,
}

impl<'p> Writing<'p> {
    fn turn(&mut self, turn: &'p Turn) -> Result<()> {
        let role = match turn.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut message = said(role, "");
        for part in &turn.parts {
            match part {
                Part::Text { text, .. } | Part::Refusal(text) => add(&mut message, text),
                Part::Media(media) => attach(&mut message, media)?,
                Part::Thought(thought) if thought.state.is_none() => {
                    message.thinking.get_or_insert_default().to_mut().push_str(&thought.text);
                }
                // Other providers' thoughts mean nothing here.
                Part::Thought(_) => {}
                Part::Call(call) => message.tool_calls.push(self.call(call)),
                Part::Outcome(outcome) => {
                    let result = self.result(outcome, &mut message)?;
                    self.messages.push(result);
                }
                Part::Opaque { kind, .. } => {
                    return Err(refused(format!("The target's provider knows no `{kind}`.")));
                }
            }
        }
        let silent = message.content.is_empty()
            && message.thinking.is_none()
            && message.images.is_empty()
            && message.tool_calls.is_empty();
        if !silent {
            self.messages.push(message);
        }
        Ok(())
    }

    fn call(&mut self, call: &'p Call) -> CallOut<'p> {
        let Call { id, name, arguments, custom: _, state: _ } = call;
        self.names.insert(id, name);
        CallOut { id, function: FunctionCallOut { name, arguments: arguments::object(arguments) } }
    }

    /// A result as a message. Only the user's own messages can hold its images.
    fn result(&self, outcome: &'p Outcome, message: &mut MessageOut<'p>) -> Result<MessageOut<'p>> {
        let mut result = said("tool", if outcome.failed { "Error: " } else { "" });
        for part in &outcome.parts {
            match part {
                Part::Text { text, .. } | Part::Refusal(text) => add(&mut result, text),
                Part::Media(media) => attach(message, media)?,
                Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => {}
                Part::Opaque { kind, .. } => {
                    return Err(refused(format!("The target's provider knows no `{kind}`.")));
                }
            }
        }
        let id = outcome.id.as_str();
        result.tool_name = self.names.get(id).copied().or(outcome.name.as_deref());
        result.tool_call_id = Some(id).filter(|id| !id.is_empty());
        Ok(result)
    }
}

fn add<'p>(message: &mut MessageOut<'p>, text: &'p str) {
    if message.content.is_empty() {
        message.content = Cow::Borrowed(text);
    } else {
        message.content.to_mut().push_str(text);
    }
}

/// Images stand beside the text, as bare base64; documents of text are text.
fn attach<'p>(message: &mut MessageOut<'p>, media: &'p Media) -> Result<()> {
    match (&media.source, media.kind) {
        (Source::Data { base64, mime: _ }, MediaKind::Image) => message.images.push(base64),
        (Source::Url { url, mime: _ }, MediaKind::Image) if url.starts_with("data:") => {
            let base64 = url.split_once(";base64,").map(|(_, base64)| base64);
            message.images.push(base64.ok_or_else(|| refused("An image's data is no base64."))?);
        }
        (Source::Text(text), _) => add(message, text),
        (Source::Url { .. }, _) => return Err(refused("The API takes no media by URL.")),
        (Source::File { .. }, _) => return Err(refused("The API has no file store.")),
        (Source::Data { .. }, MediaKind::Document | MediaKind::Audio | MediaKind::Video) => {
            return Err(refused("The API takes only images and text."));
        }
    }
    Ok(())
}
