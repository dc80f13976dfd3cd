//! What has been said so far, in this API's words?

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect, Prompt, Traits, arguments,
        gemini::{
            parts,
            wire::{ContentOut, FunctionResponseOut, Made, PartOut},
        },
        ids,
        ir::{Call, Media, Outcome, Part, Role, Source, State, Thought, Turn},
        object::Object,
        traits::Thinking,
    },
    error::{Error, Result},
    json,
};

/// What the API's documentation gives for calls whose signature nobody knows.
const UNKNOWN_SIGNATURE: &str = "skip_thought_signature_validator";

/// Instructions and conversation.
pub(super) struct Contents<'p> {
    pub(super) system: Vec<PartOut<'p>>,
    pub(super) turns: Vec<ContentOut<'p>>,
}

/// Writes all turns: leading instructions apart, later ones as words of the user, and turns of one role joined.
pub(super) fn write<'p>(prompt: &'p Prompt, traits: &'p Traits) -> Result<Contents<'p>> {
    let mut writing = Writing {
        traits,
        calls: HashMap::new(),
        contents: Contents { system: Vec::new(), turns: Vec::new() },
        results: Vec::new(),
    };
    for (turn, place) in prompt.turns.iter().zip(0_usize..) {
        writing.turn(turn).map_err(|error| error.at(&format!("messages[{place}]")))?;
    }
    writing.settle();
    Ok(writing.contents)
}

struct Writing<'p> {
    traits: &'p Traits,
    /// Name and number of each call, by its id.
    calls: HashMap<&'p str, (&'p str, usize)>,
    contents: Contents<'p>,
    /// The results of the turn under way, with the numbers of their calls.
    results: Vec<(usize, Made<'p>)>,
}

impl<'p> Writing<'p> {
    fn turn(&mut self, turn: &'p Turn) -> Result<()> {
        match turn.role {
            Role::System if self.contents.turns.is_empty() => {
                let texts = turn.parts.iter().filter_map(text_of).filter(|text| !text.is_empty());
                let texts = texts.map(|text| PartOut::Made(parts::text(text)));
                self.contents.system.extend(texts);
            }
            Role::System => {
                for text in turn.parts.iter().filter_map(text_of).filter(|text| !text.is_empty()) {
                    let wrapped = parts::text(format!("<system>\n{text}\n</system>"));
                    self.content("user").push(PartOut::Made(wrapped));
                }
            }
            Role::User => {
                for part in &turn.parts {
                    self.user(part)?;
                }
            }
            Role::Assistant => self.assistant(&turn.parts)?,
        }
        Ok(())
    }

    /// The parts of the content under way, if it is of this role, else of one that begins.
    fn content(&mut self, role: &'static str) -> &mut Vec<PartOut<'p>> {
        let open = self.contents.turns.last().is_some_and(|content| content.role == Some(role));
        if !open {
            self.settle();
            self.contents.turns.push(ContentOut { parts: Vec::new(), role: Some(role) });
        }
        let last = self.contents.turns.last_mut().expect("there is one at least");
        &mut last.parts
    }

    /// Completes the content under way: results stand first, in the order of their calls.
    fn settle(&mut self) {
        let mut results = std::mem::take(&mut self.results);
        results.sort_by_key(|(number, _)| *number);
        let results = results.into_iter().map(|(_, made)| PartOut::Made(made));
        let Some(last) = self.contents.turns.last_mut() else { return };
        last.parts.splice(0..0, results);
        let unsigned = |part: &&mut Made<'_>| part.function_call.is_some();
        let mut made = last.parts.iter_mut().filter_map(|part| match part {
            PartOut::Made(made) => Some(made),
            PartOut::Raw(_) => None,
        });
        if self.traits.thinking == Thinking::Degree
            && let Some(first) = made.find(unsigned)
            && first.thought_signature.is_none()
        {
            first.thought_signature = Some(UNKNOWN_SIGNATURE.into());
        }
    }

    fn user(&mut self, part: &'p Part) -> Result<()> {
        let made = match part {
            Part::Text { text, .. } | Part::Refusal(text) if text.is_empty() => return Ok(()),
            Part::Text { text, .. } | Part::Refusal(text) => parts::text(text),
            Part::Media(media) => self.media(media)?,
            Part::Outcome(outcome) => {
                let result = self.outcome(outcome)?;
                self.content("user");
                self.results.push(result);
                return Ok(());
            }
            Part::Opaque { dialect, kind, json } => {
                let json = own(*dialect, kind, json)?;
                self.content("user").push(PartOut::Raw(json));
                return Ok(());
            }
            Part::Thought(_) | Part::Call(_) => return Ok(()),
        };
        self.content("user").push(PartOut::Made(made));
        Ok(())
    }

    fn assistant(&mut self, turn: &'p [Part]) -> Result<()> {
        // A signature may stand before the text that it belongs on.
        let mut waiting: Option<&'p State> = None;
        for part in turn {
            let mut made = match part {
                Part::Text { text, .. } | Part::Refusal(text) if text.is_empty() => continue,
                Part::Text { text, .. } | Part::Refusal(text) => {
                    let signature = waiting.take().map(|state| state.data.as_str().into());
                    Made { thought_signature: signature, ..parts::text(text) }
                }
                Part::Media(media) => self.media(media)?,
                Part::Thought(Thought { text, summary: _, state: Some(state) })
                    if state.dialect == Dialect::Gemini =>
                {
                    let signature = state.data.as_str();
                    if !text.is_empty() {
                        let thought = parts::thought(text);
                        Made { thought_signature: Some(signature.into()), ..thought }
                    } else if state.id != parts::ON_TEXT {
                        parts::signed(signature)
                    } else {
                        if !sign_last(self.content("model"), signature) {
                            waiting = Some(state);
                        }
                        continue;
                    }
                }
                // Other providers' thoughts mean nothing here, and unsigned ones are refused or ignored.
                Part::Thought(_) | Part::Outcome(_) => continue,
                Part::Call(call) => self.call(call),
                Part::Opaque { dialect, kind, json } => {
                    let json = own(*dialect, kind, json)?;
                    self.content("model").push(PartOut::Raw(json));
                    continue;
                }
            };
            made.thought = made.thought.filter(|thought| *thought);
            self.content("model").push(PartOut::Made(made));
        }
        if let Some(state) = waiting {
            self.content("model").push(PartOut::Made(parts::signed(state.data.as_str())));
        }
        Ok(())
    }

    fn call(&mut self, call: &'p Call) -> Made<'p> {
        let number = self.calls.len();
        self.calls.insert(&call.id, (&call.name, number));
        let own = call.state.as_ref().filter(|state| state.dialect == Dialect::Gemini);
        let mut made = parts::call(call);
        made.thought_signature = own.map(|state| state.data.as_str().into());
        if let Some(call) = &mut made.function_call {
            call.id = sent(call.id);
        }
        made
    }

    fn outcome(&self, outcome: &'p Outcome) -> Result<(usize, Made<'p>)> {
        let call = self.calls.get(outcome.id.as_str());
        let named = outcome.name.as_deref().filter(|name| !name.is_empty());
        let name = call.map(|(name, _)| *name).or(named).unwrap_or("unknown");
        let mut media = Vec::new();
        for part in &outcome.parts {
            if let Part::Media(given) = part {
                media.push(self.media(given)?);
            }
        }
        let text = outcome.parts.iter().filter_map(text_of).collect::<String>();
        let response = FunctionResponseOut {
            id: sent(Some(&outcome.id)),
            name,
            response: response(&text, if outcome.failed { Came::Failed } else { Came::Well }),
            parts: media,
        };
        // A result without a call stands last.
        let number = call.map_or(usize::MAX, |(_, number)| *number);
        Ok((number, Made { function_response: Some(response), ..Made::default() }))
    }

    fn media(&self, media: &'p Media) -> Result<Made<'p>> {
        let refused =
            |message: &'static str| Error::bad_request(message).coded("unsupported_parameter");
        if let Source::Url { url, mime: _ } = &media.source
            && !takes_url(url, self.traits)
        {
            return Err(refused("The target's model takes no media by URL."));
        }
        parts::media(media)
            .ok_or_else(|| refused("A file of another provider's store cannot be used."))
    }
}

/// An id as the provider gave it; one that was made up for the client is unknown there.
fn sent(id: Option<&str>) -> Option<&str> {
    id.filter(|id| !id.is_empty() && !ids::is_made(id))
}

/// Puts a signature on the last part, if that is text without one.
fn sign_last<'p>(parts: &mut [PartOut<'p>], signature: &'p str) -> bool {
    let Some(PartOut::Made(made)) = parts.last_mut() else { return false };
    let plain = made.text.as_deref().is_some_and(|text| !text.is_empty()) && made.thought.is_none();
    if !plain || made.thought_signature.is_some() {
        return false;
    }
    made.thought_signature = Some(signature.into());
    true
}

/// Whether a model takes media at this address: its provider reaches the web by https alone.
pub(crate) fn takes_url(url: &str, traits: &Traits) -> bool {
    is_googles(url) || (traits.media_urls && !url.starts_with("http://"))
}

/// Addresses that every model of the API takes.
fn is_googles(url: &str) -> bool {
    const HOSTS: [&str; 4] = [
        "gs://",
        "https://www.youtube.com/",
        "https://youtu.be/",
        "https://generativelanguage.googleapis.com/",
    ];
    HOSTS.iter().any(|host| url.starts_with(host))
}

fn own<'p>(dialect: Dialect, kind: &str, json: &'p RawValue) -> Result<&'p RawValue> {
    if dialect == Dialect::Gemini {
        return Ok(json);
    }
    let message = format!("The target's provider knows no `{kind}`.");
    Err(Error::bad_request(message).coded("unsupported_parameter"))
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text, .. } | Part::Refusal(text) => Some(text),
        Part::Media(_)
        | Part::Thought(_)
        | Part::Call(_)
        | Part::Outcome(_)
        | Part::Opaque { .. } => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    Well,
    Failed,
}

/// A result as the object that the API wants: as it is if it is one, else under a name.
fn response(text: &str, came: Came) -> Box<RawValue> {
    let json = text.trim();
    let is_object = json.starts_with('{') && Object::read(json.as_bytes()).is_ok();
    if is_object && came == Came::Well {
        return arguments::object(json);
    }
    let name = if came == Came::Failed { "error" } else { "result" };
    let structured = json.starts_with(['[', '{']);
    let value = json::read::<&RawValue>(json).ok().filter(|_| structured);
    match value {
        Some(value) => RawValue::from_string(format!("{{\"{name}\":{value}}}"))
            .expect("a name and a value make an object"),
        None => arguments::wrapped(name, text),
    }
}
