//! Which turns are the items of an input?

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::super::{stream::citation, wire::media};
use crate::{
    dialect::{
        Carrier, Dialect,
        ir::{Call, Media, MediaKind, Outcome, Part, Role, Source, State, Thought, Turn},
        object::Object,
    },
    error::{Error, Result},
};

/// What stands between two parts of a summary.
const PARAGRAPH: &str = "\n\n";

/// Adds the turns of the items to those before. Items of the model that follow each other are one turn, and so are
/// results of tools.
pub(super) fn read(items: &[&RawValue], carrier: &Carrier, before: Vec<Turn>) -> Result<Vec<Turn>> {
    let mut input = Input { carrier, turns: before };
    for (at, json) in items.iter().enumerate() {
        input.item(json).map_err(|error| error.within("input", at))?;
    }
    Ok(input.turns)
}

struct Input<'c> {
    carrier: &'c Carrier,
    turns: Vec<Turn>,
}

impl Input<'_> {
    fn item(&mut self, json: &RawValue) -> Result<()> {
        let wrong = |_| Error::bad_request("An item of the input must be an object.");
        let item = Object::read(json.get().as_bytes()).map_err(wrong)?;
        let kind: Option<Cow<'_, str>> = item.typed("type")?;
        // Without a type it is a message, or else the id of one.
        let bare = if item.present("role").is_some() { "message" } else { "item_reference" };
        match kind.as_deref().unwrap_or(bare) {
            "message" => self.message(&item)?,
            "function_call" => self.call(&item, "arguments")?,
            "custom_tool_call" => self.call(&item, "input")?,
            kind @ ("function_call_output" | "custom_tool_call_output") => {
                self.outcome(&item, kind)?;
            }
            "reasoning" => self.thought(&item)?,
            "item_reference" => {
                let message = "Items that a provider keeps cannot be sent to another one.";
                return Err(super::unsupported(message.to_owned(), "id"));
            }
            "image_generation_call" if item.present("result").is_some() => {
                let part = image(&item)?;
                self.add(Role::Assistant, part);
            }
            other => {
                let answers = other.ends_with("_output") || other.ends_with("_response");
                let role = if answers { Role::User } else { Role::Assistant };
                self.add(role, opaque(other, json));
            }
        }
        Ok(())
    }

    /// Adds to the turn of the model under way, or to the results of tools under way.
    fn add(&mut self, role: Role, part: Part) {
        let results = |turn: &Turn| {
            turn.parts.iter().all(|part| matches!(part, Part::Outcome(_) | Part::Opaque { .. }))
        };
        let last = self.turns.last_mut().filter(|turn| turn.role == role);
        match last.filter(|turn| role == Role::Assistant || results(turn)) {
            Some(turn) => turn.parts.push(part),
            None => self.turns.push(Turn::new(role, vec![part])),
        }
    }

    fn message(&mut self, item: &Object<'_>) -> Result<()> {
        let role: String = item.typed("role")?.unwrap_or_default();
        let role = match role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" | "developer" => Role::System,
            other => {
                let message = format!("`{other}` is no role of a message.");
                return Err(Error::bad_request(message).at("role"));
            }
        };
        let parts = content(item, "content")?;
        match role {
            Role::Assistant => parts.into_iter().for_each(|part| self.add(role, part)),
            Role::User | Role::System => self.turns.push(Turn::new(role, parts)),
        }
        Ok(())
    }

    fn call(&mut self, item: &Object<'_>, text: &str) -> Result<()> {
        let call = Call {
            id: item.typed("call_id")?.unwrap_or_default(),
            name: item.typed("name")?.unwrap_or_default(),
            arguments: item.typed(text)?.unwrap_or_default(),
            custom: text == "input",
            state: None,
        };
        self.add(Role::Assistant, Part::Call(call));
        Ok(())
    }

    fn outcome(&mut self, item: &Object<'_>, kind: &str) -> Result<()> {
        let custom = kind == "custom_tool_call_output";
        let id = item.typed("call_id")?.unwrap_or_default();
        let parts = content(item, "output")?;
        let outcome = Outcome { id, name: None, parts, failed: false, custom, cache: None };
        self.add(Role::User, Part::Outcome(outcome));
        Ok(())
    }

    fn thought(&mut self, item: &Object<'_>) -> Result<()> {
        let summary = texts(item, "summary")?.join(PARAGRAPH);
        let content = texts(item, "content")?.concat();
        let state = self.state(item)?;
        if state.as_ref().is_some_and(|state| self.gives_to_call(state)) {
            return Ok(());
        }
        let is_summary = content.is_empty();
        let text = if is_summary { summary } else { content };
        if !text.is_empty() || state.is_some() {
            let thought = Thought { text, summary: is_summary, state };
            self.add(Role::Assistant, Part::Thought(thought));
        }
        Ok(())
    }

    fn state(&self, item: &Object<'_>) -> Result<Option<State>> {
        let sealed: Option<String> = item.typed("encrypted_content")?;
        let Some(data) = sealed.filter(|data| !data.is_empty()) else { return Ok(None) };
        if Carrier::is_wrapped(&data) {
            return Ok(self.carrier.unwrap(&data));
        }
        let id = item.typed("id")?.unwrap_or_default();
        Ok(Some(State { dialect: Dialect::OpenAiResponses, form: "encrypted", id, data }))
    }

    /// Whether a state was a call's; it has gone there then.
    fn gives_to_call(&mut self, state: &State) -> bool {
        let Some((call, id)) = state.id.split_once(' ') else { return false };
        let turn = self.turns.last_mut().filter(|turn| turn.role == Role::Assistant);
        let owner = turn.into_iter().flat_map(|turn| &mut turn.parts).find_map(|part| match part {
            Part::Call(owner) if owner.id == call => Some(owner),
            _ => None,
        });
        let Some(owner) = owner else { return false };
        owner.state = Some(State { id: id.to_owned(), ..state.clone() });
        true
    }
}

fn opaque(kind: &str, json: &RawValue) -> Part {
    let (dialect, kind) = (Dialect::OpenAiResponses, kind.to_owned());
    Part::Opaque { dialect, kind, json: json.to_owned() }
}

/// An image that the model has made.
fn image(item: &Object<'_>) -> Result<Part> {
    let base64 = item.typed("result")?.unwrap_or_default();
    let format: Option<String> = item.typed("output_format")?;
    let mime = format!("image/{}", format.as_deref().unwrap_or("png"));
    let (kind, source) = (MediaKind::Image, Source::Data { mime, base64 });
    Ok(Part::Media(Media { kind, source, detail: None, name: None, cache: None }))
}

/// The texts of a summary or of a thought's content.
fn texts(item: &Object<'_>, field: &str) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for json in item.typed::<Vec<&RawValue>>(field)?.unwrap_or_default() {
        texts.extend(Object::read(json.get().as_bytes())?.typed::<String>("text")?);
    }
    Ok(texts)
}

/// Text, or a list of parts. Empty text is left out.
fn content(item: &Object<'_>, field: &str) -> Result<Vec<Part>> {
    let Some(json) = item.present(field) else { return Ok(Vec::new()) };
    if json.get().starts_with('"') {
        let text: String = item.typed(field)?.unwrap_or_default();
        return Ok(if text.is_empty() { Vec::new() } else { vec![Part::text(text)] });
    }
    let list: Vec<&RawValue> = item.typed(field)?.unwrap_or_default();
    let read = |(at, json)| part(json).map_err(|error: Error| error.within(field, at));
    list.into_iter().enumerate().map(read).filter_map(Result::transpose).collect()
}

fn part(json: &RawValue) -> Result<Option<Part>> {
    let wrong = |_| Error::bad_request("A part of a message must be an object.");
    let part = Object::read(json.get().as_bytes()).map_err(wrong)?;
    let kind: Cow<'_, str> = part.typed("type")?.unwrap_or_default();
    Ok(Some(match &*kind {
        "input_text" | "output_text" | "text" | "summary_text" => {
            let text: String = part.typed("text")?.unwrap_or_default();
            if text.is_empty() {
                return Ok(None);
            }
            let annotations: Vec<&RawValue> = part.typed("annotations")?.unwrap_or_default();
            let citations = annotations.into_iter().filter_map(citation).collect();
            Part::Text { text, citations, cache: media::breakpoint(&part) }
        }
        "refusal" => Part::Refusal(part.typed("refusal")?.unwrap_or_default()),
        "input_image" => Part::Media(media::read_image(&part)?),
        "input_file" => Part::Media(media::read_file(&part)?),
        "input_audio" => Part::Media(media::read_audio(&part)?),
        other => opaque(other, json),
    }))
}
