//! How is a conversation said in this API?

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    alternate::alternate,
    call_id::call_id,
    parts::{Mark, PartOut, mark, media_out, part_out, unknown_media},
};
use crate::{
    dialect::{
        Dialect,
        ir::{Call, Losses, Media, Outcome, Part, Role, State, Turn},
        openai_chat::out::{CallOut, CustomText, ExtraOut, FunctionText, GoogleOut},
        traits::{Prefill, ThoughtsBack, Traits},
    },
    error::Result,
    json,
};

/// Before the text of a tool that failed: this API has no field for it.
const FAILED: &str = "Error: ";

/// One message.
#[derive(Serialize, Default)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    #[serde(skip_serializing_if = "Content::is_left_out")]
    pub(super) content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
}

#[derive(Serialize, Default)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    #[default]
    Absent,
    Null(()),
    Text(Cow<'a, str>),
    Parts(Vec<PartOut<'a>>),
}

impl Content<'_> {
    fn is_left_out(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The messages of a conversation, with a note among the instructions at its start.
pub(super) fn write<'a>(
    turns: &'a [Turn],
    note: Option<String>,
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Vec<Message<'a>>> {
    let mut out = Conversation { messages: Vec::new(), shown: Vec::new(), traits, losses };
    let system = turns.iter().take_while(|turn| turn.role == Role::System).count();
    for turn in &turns[..system] {
        out.instruct(turn);
    }
    out.messages.extend(note.map(|note| Message {
        role: "system",
        content: Content::Text(Cow::Owned(note)),
        ..Message::default()
    }));
    for turns in
        turns[system..].chunk_by(|a, b| a.role == Role::Assistant && b.role == Role::Assistant)
    {
        match turns[0].role {
            Role::System => out.instruct(&turns[0]),
            Role::User => out.ask(&turns[0])?,
            Role::Assistant => out.answer(turns)?,
        }
    }
    out.show()?;
    let mut messages = out.messages;
    if traits.alternating {
        messages = alternate(messages);
    }
    if let Some(last) = messages.last_mut().filter(|last| last.begins_an_answer()) {
        last.prefix = (traits.prefill == Prefill::Prefix).then_some(true);
        last.partial = (traits.prefill == Prefill::Partial).then_some(true);
    }
    Ok(messages)
}

impl Message<'_> {
    fn begins_an_answer(&self) -> bool {
        self.role == "assistant" && self.tool_calls.is_empty() && self.refusal.is_none()
    }
}

struct Conversation<'a, 'l> {
    messages: Vec<Message<'a>>,
    /// Media of tool results: this API's results are text, so they follow in a message of the user.
    shown: Vec<&'a Media>,
    traits: &'l Traits,
    losses: &'l mut Losses,
}

impl<'a> Conversation<'a, '_> {
    fn instruct(&mut self, turn: &'a Turn) {
        let content = text(&turn.parts, self.traits, self.losses);
        let name = self.name(turn);
        self.messages.push(Message { role: "system", content, name, ..Message::default() });
    }

    fn ask(&mut self, turn: &'a Turn) -> Result<()> {
        for part in &turn.parts {
            if let Part::Outcome(outcome) = part {
                self.result(outcome);
            }
        }
        let said: Vec<&Part> =
            turn.parts.iter().filter(|part| !matches!(part, Part::Outcome(_))).collect();
        if said.is_empty() {
            return Ok(());
        }
        self.show()?;
        let plain = said.iter().all(|part| matches!(part, Part::Text { .. }));
        let content = if plain && said.len() == 1 {
            text(&turn.parts, self.traits, self.losses)
        } else {
            let parts = said.into_iter().map(|part| part_out(part, self.traits, self.losses));
            Content::Parts(parts.filter_map(Result::transpose).collect::<Result<_>>()?)
        };
        let name = self.name(turn);
        self.messages.push(Message { role: "user", content, name, ..Message::default() });
        Ok(())
    }

    /// Speakers have names at the dialect's own host alone; elsewhere one may be an error.
    fn name(&mut self, turn: &'a Turn) -> Option<&'a str> {
        self.losses.keep_if(self.traits.native, turn.name.as_deref(), "messages.name")
    }

    fn result(&mut self, outcome: &'a Outcome) {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        for part in &outcome.parts {
            match part {
                Part::Text { text: more, .. } if text.is_empty() => text = Cow::Borrowed(more),
                Part::Text { text: more, .. } => text.to_mut().push_str(more),
                Part::Media(media) => self.shown.push(media),
                Part::Opaque { kind, .. } => self.losses.lose(format!("messages.{kind}")),
                Part::Refusal(_) | Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => {}
            }
        }
        if outcome.failed && !text.starts_with(FAILED) {
            text = Cow::Owned(format!("{FAILED}{text}"));
        }
        let mark = mark(outcome.cache, self.traits, self.losses);
        let content = if mark == Mark::default() {
            Content::Text(text)
        } else {
            Content::Parts(vec![PartOut::Text { text, mark }])
        };
        self.messages.push(Message {
            role: "tool",
            content,
            tool_call_id: Some(call_id(&outcome.id, self.traits)),
            ..Message::default()
        });
    }

    /// Says the media of the results before, before anything else is said.
    fn show(&mut self) -> Result<()> {
        if self.shown.is_empty() {
            return Ok(());
        }
        let shown = std::mem::take(&mut self.shown).into_iter();
        let parts = shown.map(|media| media_out(media, self.traits, self.losses));
        let content = Content::Parts(parts.collect::<Result<_>>()?);
        self.messages.push(Message { role: "user", content, ..Message::default() });
        Ok(())
    }

    fn answer(&mut self, turns: &'a [Turn]) -> Result<()> {
        self.show()?;
        let mut message = Message { role: "assistant", ..Message::default() };
        let (mut texts, mut thoughts) = (Vec::new(), Vec::new());
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            match part {
                Part::Text { text, cache, .. } => {
                    self.losses.lose_if(cache.is_some(), "cache_control");
                    texts.push(text.as_str());
                }
                Part::Refusal(text) => message.refusal = Some(text),
                Part::Thought(thought) => {
                    thoughts.push(thought.text.as_str());
                    message.reasoning_details = thought.state.as_ref().and_then(details);
                }
                Part::Call(call) => message.tool_calls.push(call_out(call, self.traits)),
                Part::Media(media) => self.losses.lose(unknown_media(media)),
                Part::Opaque { kind, .. } => self.losses.lose(format!("messages.{kind}")),
                Part::Outcome(outcome) => self.result(outcome),
            }
        }
        message.reasoning_content = match self.traits.thoughts_back {
            ThoughtsBack::Never => None,
            ThoughtsBack::Field => Some(thoughts.concat()).filter(|text| !text.is_empty()),
            ThoughtsBack::Always => Some(thoughts.concat()),
        };
        let silent = texts.is_empty();
        if silent && message.tool_calls.is_empty() && message.refusal.is_none() {
            return Ok(());
        }
        message.content = if silent { Content::Null(()) } else { Content::Text(joined(&texts)) };
        message.name = self.name(&turns[0]);
        self.messages.push(message);
        Ok(())
    }
}

fn joined<'a>(texts: &[&'a str]) -> Cow<'a, str> {
    match texts {
        [only] => Cow::Borrowed(only),
        several => Cow::Owned(several.concat()),
    }
}

/// Instructions and plain words: hosts take text everywhere, and lists of parts not everywhere.
fn text<'a>(parts: &'a [Part], traits: &Traits, losses: &mut Losses) -> Content<'a> {
    let mut texts = Vec::new();
    for part in parts {
        if let Part::Text { text, cache, .. } = part {
            texts.push((text.as_str(), mark(*cache, traits, losses)));
        }
    }
    if texts.iter().any(|(_, mark)| *mark != Mark::default()) {
        let part = |(text, mark)| PartOut::Text { text: Cow::Borrowed(text), mark };
        return Content::Parts(texts.into_iter().map(part).collect());
    }
    match texts[..] {
        [(only, _)] => Content::Text(Cow::Borrowed(only)),
        ref several => {
            let several: Vec<_> = several.iter().map(|(text, _)| *text).collect();
            Content::Text(Cow::Owned(several.join("\n\n")))
        }
    }
}

fn details(state: &State) -> Option<&RawValue> {
    let own = state.dialect == Dialect::OpenAiChat && state.form == "details";
    own.then(|| json::read(&state.data).ok()).flatten()
}

fn call_out<'a>(call: &'a Call, traits: &Traits) -> CallOut<'a> {
    let own = |state: &&State| state.dialect == Dialect::OpenAiChat && state.form == "signature";
    let signature = call.state.as_ref().filter(own).map(|state| Cow::Borrowed(&*state.data));
    let extra_content =
        signature.map(|thought_signature| ExtraOut { google: GoogleOut { thought_signature } });
    let mut out =
        CallOut { id: Some(call_id(&call.id, traits)), extra_content, ..CallOut::default() };
    if call.custom {
        out.kind = Some("custom");
        out.custom = Some(CustomText { name: Some(&call.name), input: &call.arguments });
    } else {
        let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        out.kind = Some("function");
        out.function = Some(FunctionText { name: Some(&call.name), arguments });
    }
    out
}
