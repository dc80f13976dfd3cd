//! How is a conversation said in this API?

use serde::Serialize;

use super::{blocks::Block, ids::Ids};
use crate::{
    dialect::{
        Dialect,
        ir::{Losses, Media, Part, Role, State, Thought, Turn},
        traits::Traits,
    },
    error::Result,
};

/// What the user says where the API wants the user to begin, and nobody has spoken: the shortest text it takes.
const PLACEHOLDER: &str = ".";

/// A conversation as the API wants it: user and model take turns, and the user begins.
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<Message<'a>>,
    /// Whether the model goes on after calls whose thoughts are gone.
    pub(super) resumes: bool,
}

/// One message.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    pub(super) content: Vec<Block<'a>>,
}

/// Says the instructions at the start apart, and everything else in turns.
pub(super) fn write<'a>(
    turns: &'a [Turn],
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Conversation<'a>> {
    losses.lose_if(turns.iter().any(|turn| turn.name.is_some()), "name");
    let first = turns.iter().take_while(|turn| turn.role == Role::System).count();
    let mut system = Vec::new();
    for turn in &turns[..first] {
        system.extend(instructions(turn, losses)?);
    }
    let (messages, ids, shown) = (Vec::new(), Ids::default(), Vec::new());
    let mut writer = Writer { messages, ids, shown, traits, losses };
    let of_model = |turn: &Turn| turn.role == Role::Assistant;
    for turns in turns[first..].chunk_by(|a, b| of_model(a) == of_model(b)) {
        if of_model(&turns[0]) {
            writer.answer(turns)?;
        } else {
            writer.ask(turns)?;
        }
    }
    let resumes = writer.resumes();
    Ok(Conversation { system, messages: writer.finish(), resumes })
}

/// The blocks of instructions, which are words alone.
fn instructions<'a>(turn: &'a Turn, losses: &mut Losses) -> Result<Vec<Block<'a>>> {
    let mut blocks = Vec::with_capacity(turn.parts.len());
    for part in &turn.parts {
        match part {
            Part::Text { text, cache, .. } => blocks.extend(Block::said(text, *cache)),
            Part::Opaque { dialect, kind, json } => {
                blocks.push(Block::opaque(*dialect, kind, json)?);
            }
            Part::Media(_) => losses.lose("system.media"),
            Part::Refusal(_) | Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => {}
        }
    }
    Ok(blocks)
}

struct Writer<'a, 'w> {
    messages: Vec<Message<'a>>,
    ids: Ids<'a>,
    /// Media that the model made: in this API only the user shows any.
    shown: Vec<&'a Media>,
    traits: &'w Traits,
    losses: &'w mut Losses,
}

impl<'a> Writer<'a, '_> {
    /// What the user says up to the model's next turn: results first, in the order of their calls. Instructions come
    /// last, where the API takes them between turns.
    fn ask(&mut self, turns: &'a [Turn]) -> Result<()> {
        let (mut results, mut said, mut late) = (Vec::new(), Vec::new(), Vec::new());
        for media in std::mem::take(&mut self.shown) {
            said.push(Block::media(media, self.losses)?);
        }
        for turn in turns {
            if turn.role == Role::System {
                let blocks = instructions(turn, self.losses)?;
                late.extend(blocks.into_iter().map(|block| (said.len(), block)));
                continue;
            }
            for part in &turn.parts {
                self.part(part, &mut results, &mut said)?;
            }
        }
        results.sort_by_key(|(place, _)| *place);
        let results = results.into_iter().map(|(_, block)| block);
        if self.traits.late_system && (results.len() > 0 || !said.is_empty()) {
            self.push("user", results.chain(said).collect());
            self.push("system", late.into_iter().map(|(_, block)| block).collect());
            return Ok(());
        }
        let mut content: Vec<_> = results.collect();
        let mut late = late.into_iter().peekable();
        for (place, block) in said.into_iter().enumerate() {
            while let Some((_, block)) = late.next_if(|(at, _)| *at <= place) {
                content.push(quoted(block));
            }
            content.push(block);
        }
        content.extend(late.map(|(_, block)| quoted(block)));
        self.push("user", content);
        Ok(())
    }

    fn part(
        &mut self,
        part: &'a Part,
        results: &mut Vec<(usize, Block<'a>)>,
        said: &mut Vec<Block<'a>>,
    ) -> Result<()> {
        match part {
            Part::Text { text, cache, .. } => said.extend(Block::said(text, *cache)),
            Part::Refusal(text) => said.extend(Block::said(text, None)),
            Part::Media(media) => said.push(Block::media(media, self.losses)?),
            Part::Outcome(outcome) => {
                let (place, id) = self.ids.result(outcome);
                results.push((place, Block::result(outcome, id, self.losses)?));
            }
            Part::Opaque { dialect, kind, json } => {
                said.push(Block::opaque(*dialect, kind, json)?);
            }
            Part::Thought(_) | Part::Call(_) => {}
        }
        Ok(())
    }

    fn answer(&mut self, turns: &'a [Turn]) -> Result<()> {
        self.ids.turn();
        let mut blocks = Vec::new();
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            match part {
                Part::Text { text, cache, .. } => blocks.extend(Block::said(text, *cache)),
                Part::Refusal(text) => blocks.extend(Block::said(text, None)),
                Part::Media(media) => self.shown.push(media),
                Part::Thought(thought) => blocks.extend(thought_block(thought)),
                Part::Call(call) => {
                    let (id, name) = (self.ids.call(call), call.name.as_str());
                    let input = super::super::super::wire::Input::of(call);
                    blocks.push(Block::ToolUse { id, name, input });
                }
                Part::Opaque { dialect, kind, json } => {
                    blocks.push(Block::opaque(*dialect, kind, json)?);
                }
                Part::Outcome(_) => {}
            }
        }
        self.push("assistant", blocks);
        Ok(())
    }

    /// Adds a message. Two of one role become one, one without content none.
    fn push(&mut self, role: &'static str, content: Vec<Block<'a>>) {
        if content.is_empty() {
            return;
        }
        if self.messages.is_empty() && role == "assistant" {
            self.push("user", vec![Block::text(PLACEHOLDER)]);
        }
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.content.extend(content),
            Some(_) | None => self.messages.push(Message { role, content }),
        }
    }

    /// Whether results end the conversation, and the turn they answer does not begin with a thought.
    fn resumes(&self) -> bool {
        let mut last = self.messages.iter().rev().skip_while(|message| message.role == "system");
        let (Some(results), Some(calls)) = (last.next(), last.next()) else { return false };
        let answers = results.content.iter().any(|block| matches!(block, Block::ToolResult { .. }));
        let thought = |block: &Block<'_>| {
            matches!(block, Block::Thinking { .. } | Block::RedactedThinking { .. })
        };
        answers && !calls.content.first().is_some_and(thought)
    }

    fn finish(mut self) -> Vec<Message<'a>> {
        if self.messages.is_empty() {
            self.push("user", vec![Block::text(PLACEHOLDER)]);
        }
        // An answer begun by the client may not end in white space.
        let begun = self.messages.last_mut().filter(|message| message.role == "assistant");
        if let Some(Block::Text { text, .. }) = begun.and_then(|last| last.content.last_mut()) {
            *text = text.trim_end().to_owned().into();
        }
        self.messages
    }
}

/// An instruction among what the user says.
fn quoted(block: Block<'_>) -> Block<'_> {
    match block {
        Block::Text { text, cache_control } => {
            Block::Text { text: format!("<system>\n{text}\n</system>").into(), cache_control }
        }
        other => other,
    }
}

/// A thought that this API's provider can check; any other one is left out.
fn thought_block(thought: &Thought) -> Option<Block<'_>> {
    let State { dialect, form, data, .. } = thought.state.as_ref()?;
    if *dialect != Dialect::Anthropic {
        return None;
    }
    Some(match *form {
        "redacted" => Block::RedactedThinking { data },
        _ => Block::Thinking { thinking: &thought.text, signature: data },
    })
}
