//! Which items are the turns of a conversation?

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::super::super::wire::{
    input::{Content, Entry, Item, Piece},
    media::data_url,
    output::Annotation,
};
use crate::{
    dialect::{
        Dialect,
        ir::{
            Call, Citation, Losses, Media, MediaKind, Outcome, Part, Role, Source, Thought, Turn,
        },
        traits::{ThoughtsBack, Traits},
    },
    error::{Error, Result},
};

/// What a file is called when nobody named it: without a name the provider refuses it.
const UNNAMED: &str = "document.pdf";
/// The longest id of a call that the provider takes.
const ID_BYTES: usize = 64;

/// The items of some turns, in their order.
pub(super) fn write<'a>(
    turns: &'a [Turn],
    traits: &Traits,
    losses: &mut Losses,
) -> Result<Vec<Entry<'a>>> {
    let mut items = Items { traits, losses, entries: Vec::new(), pieces: Vec::new() };
    for turn in turns {
        items.losses.lose_if(turn.name.is_some(), "name");
        for part in &turn.parts {
            items.part(turn.role, part)?;
        }
        items.flush(turn.role);
    }
    Ok(items.entries)
}

struct Items<'a, 't> {
    traits: &'t Traits,
    losses: &'t mut Losses,
    entries: Vec<Entry<'a>>,
    /// The message under way.
    pieces: Vec<Piece<'a>>,
}

impl<'a> Items<'a, '_> {
    fn part(&mut self, role: Role, part: &'a Part) -> Result<()> {
        match part {
            Part::Text { text, citations, cache } => {
                self.losses.lose_if(cache.is_some(), "cache_control");
                if !text.is_empty() {
                    self.pieces.push(words(role, text, citations));
                }
            }
            Part::Refusal(refusal) if role == Role::Assistant => {
                self.pieces.push(Piece::Refusal { refusal });
            }
            Part::Refusal(text) => self.pieces.push(words(role, text, &[])),
            Part::Media(media) if role == Role::Assistant => {
                // Messages of the model hold no media here; what it made is shown to it again.
                self.flush(role);
                let piece = self.media(media)?;
                self.pieces.push(piece);
                self.flush(Role::User);
            }
            Part::Media(media) => {
                let piece = self.media(media)?;
                self.pieces.push(piece);
            }
            Part::Thought(thought) => self.thought(role, thought),
            Part::Call(call) => self.call(role, call),
            Part::Outcome(outcome) => self.outcome(role, outcome)?,
            Part::Opaque { dialect, json, .. } if *dialect == Dialect::OpenAiResponses => {
                self.flush(role);
                self.entries.push(Entry::Same(json));
            }
            Part::Opaque { kind, .. } => {
                return Err(unsupported(format!("The provider does not know `{kind}`.")));
            }
        }
        Ok(())
    }

    /// Ends the message under way.
    fn flush(&mut self, role: Role) {
        if self.pieces.is_empty() {
            return;
        }
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System if self.traits.native => "developer",
            Role::System => "system",
        };
        let content = plain(std::mem::take(&mut self.pieces));
        self.entries.push(Entry::Item(Item::Message { role, content }));
    }

    /// A thought goes back with its state. One without is left out, but where the host wants its words.
    fn thought(&mut self, role: Role, thought: &'a Thought) {
        let state =
            thought.state.as_ref().filter(|state| state.dialect == Dialect::OpenAiResponses);
        let wanted = self.traits.thoughts_back != ThoughtsBack::Never && !thought.text.is_empty();
        if state.is_none() && !wanted {
            return;
        }
        self.flush(role);
        let text = &*thought.text;
        let (mut summary, mut content) = (Vec::new(), Vec::new());
        match thought.summary {
            _ if text.is_empty() => {}
            true => summary.push(Piece::SummaryText { text }),
            false => content.push(Piece::ReasoningText { text }),
        }
        let id = state.map(|state| &*state.id).filter(|id| !id.is_empty());
        let encrypted_content = state.map(|state| &*state.data);
        let item = Item::Reasoning { id, summary, content, encrypted_content };
        self.entries.push(Entry::Item(item));
    }

    fn call(&mut self, role: Role, call: &'a Call) {
        self.flush(role);
        let (call_id, name, text) = (fitting(&call.id), &*call.name, &*call.arguments);
        let item = if call.custom {
            Item::CustomToolCall { call_id, name, input: text }
        } else {
            let arguments = if text.trim().is_empty() { "{}" } else { text };
            Item::FunctionCall { call_id, name, arguments }
        };
        self.entries.push(Entry::Item(item));
    }

    fn outcome(&mut self, role: Role, outcome: &'a Outcome) -> Result<()> {
        self.flush(role);
        self.losses.lose_if(outcome.cache.is_some(), "cache_control");
        let (call_id, output) = (fitting(&outcome.id), self.output(outcome)?);
        let item = if outcome.custom {
            Item::CustomToolCallOutput { call_id, output }
        } else {
            Item::FunctionCallOutput { call_id, output }
        };
        self.entries.push(Entry::Item(item));
        Ok(())
    }

    /// A result as one text, or as a list when it holds media. That the tool failed can only be said in words.
    fn output(&mut self, outcome: &'a Outcome) -> Result<Content<'a>> {
        let mut text = if outcome.failed { "Error: ".to_owned() } else { String::new() };
        let mut pieces = Vec::new();
        for part in &outcome.parts {
            match part {
                Part::Text { text: more, .. } | Part::Refusal(more) => text.push_str(more),
                Part::Media(media) => {
                    push_text(&mut text, &mut pieces);
                    pieces.push(self.media(media)?);
                }
                Part::Opaque { dialect, json, .. } if *dialect == Dialect::OpenAiResponses => {
                    push_text(&mut text, &mut pieces);
                    pieces.push(Piece::InputText { text: Cow::Borrowed(json.get()) });
                }
                Part::Opaque { kind, .. } => {
                    return Err(unsupported(format!("The provider does not know `{kind}`.")));
                }
                Part::Thought(_) | Part::Call(_) | Part::Outcome(_) => {}
            }
        }
        if pieces.is_empty() {
            return Ok(Content::Text(Cow::Owned(text)));
        }
        push_text(&mut text, &mut pieces);
        Ok(Content::Pieces(pieces))
    }

    fn media(&mut self, media: &'a Media) -> Result<Piece<'a>> {
        self.losses.lose_if(media.cache.is_some(), "cache_control");
        match media.kind {
            MediaKind::Image => self.image(media),
            MediaKind::Document => self.document(media),
            MediaKind::Audio => Err(unsupported("The provider takes no audio.".to_owned())),
            MediaKind::Video => Err(unsupported("The provider takes no video.".to_owned())),
        }
    }

    fn image(&self, media: &'a Media) -> Result<Piece<'a>> {
        let detail = media.detail.as_deref().unwrap_or("auto");
        let url = |url| Piece::InputImage { image_url: Some(url), file_id: None, detail };
        match &media.source {
            Source::Data { mime, base64 } => Ok(url(Cow::Owned(data_url(mime, base64)))),
            Source::Url { url: address, .. } => {
                self.reachable()?;
                Ok(url(Cow::Borrowed(address)))
            }
            Source::File { dialect, id } => {
                let file_id = Some(own_file(*dialect, id)?);
                Ok(Piece::InputImage { image_url: None, file_id, detail })
            }
            Source::Text(_) => Err(unsupported("An image cannot be text.".to_owned())),
        }
    }

    fn document(&self, media: &'a Media) -> Result<Piece<'a>> {
        let name = media.name.as_deref();
        let file = |file_data, file_url, file_id, filename| Piece::InputFile {
            file_data,
            file_url,
            file_id,
            filename,
        };
        match &media.source {
            Source::Data { mime, base64 } => {
                let data = data_url(mime, base64);
                Ok(file(Some(data), None, None, Some(name.unwrap_or(UNNAMED))))
            }
            // Not every model reads text files, but every one reads text.
            Source::Text(text) => Ok(Piece::InputText { text: Cow::Borrowed(text) }),
            Source::Url { url, .. } => {
                self.reachable()?;
                Ok(file(None, Some(url), None, None))
            }
            Source::File { dialect, id } => {
                Ok(file(None, None, Some(own_file(*dialect, id)?), None))
            }
        }
    }

    fn reachable(&self) -> Result<()> {
        let message = "The provider does not fetch media; send its bytes.";
        if self.traits.media_urls { Ok(()) } else { Err(unsupported(message.to_owned())) }
    }
}

/// An id that the provider takes: a longer one becomes the same hash each time.
fn fitting(id: &str) -> Cow<'_, str> {
    if id.len() <= ID_BYTES {
        return Cow::Borrowed(id);
    }
    let digest = Sha256::digest(id.as_bytes());
    let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    Cow::Owned(format!("call_{}", hex.collect::<String>()))
}

fn words<'a>(role: Role, text: &'a str, citations: &'a [Citation]) -> Piece<'a> {
    if role != Role::Assistant {
        return Piece::InputText { text: Cow::Borrowed(text) };
    }
    let known = citations.iter().filter(|citation| citation.span.is_some());
    let annotations = known.map(|citation| Annotation::new(citation, text)).collect();
    Piece::OutputText { text, annotations }
}

/// One piece of mere text needs no list.
fn plain(mut pieces: Vec<Piece<'_>>) -> Content<'_> {
    match &mut pieces[..] {
        [Piece::InputText { text }] => Content::Text(std::mem::take(text)),
        [Piece::OutputText { text, annotations }] if annotations.is_empty() => {
            Content::Text(Cow::Borrowed(text))
        }
        _ => Content::Pieces(pieces),
    }
}

fn push_text(text: &mut String, pieces: &mut Vec<Piece<'_>>) {
    if !text.is_empty() {
        pieces.push(Piece::InputText { text: Cow::Owned(std::mem::take(text)) });
    }
}

fn own_file(dialect: Dialect, id: &str) -> Result<&str> {
    let foreign = || unsupported("The provider cannot reach this file id.".to_owned());
    (dialect == Dialect::OpenAiResponses).then_some(id).ok_or_else(foreign)
}

fn unsupported(message: String) -> Error {
    Error::bad_request(message).at("messages").coded("unsupported_parameter")
}
