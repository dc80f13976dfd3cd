//! What has been said so far?

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use super::{foreign, is_nothing};
use crate::{
    dialect::{
        Carrier, Dialect, Prompt,
        gemini::{
            fields::{Fields, wrong},
            parts,
        },
        ir::{Call, Media, Outcome, Part, Role, Source, State, Thought, Turn},
    },
    error::{Error, Result},
};

/// Reads instructions and conversation.
pub(super) fn read(fields: &Fields<'_>, carrier: &Carrier, prompt: &mut Prompt) -> Result<()> {
    let mut reading = Reading { carrier, prompt };
    if let Some(system) = fields.nested("systemInstruction")? {
        let parts = reading.parts(&system).map_err(|error| error.at("systemInstruction"))?;
        if !parts.is_empty() {
            reading.prompt.turns.push(Turn::new(Role::System, parts));
        }
    }
    let contents = fields.list("contents")?;
    if contents.is_empty() {
        return Err(Error::bad_request("`contents` must hold something.").at("contents"));
    }
    for (content, place) in contents.into_iter().zip(0_usize..) {
        let turn = reading.turn(content).map_err(|error| error.within("contents", place))?;
        reading.prompt.turns.push(turn);
    }
    Ok(())
}

struct Reading<'c, 'p> {
    carrier: &'c Carrier,
    prompt: &'p mut Prompt,
}

impl Reading<'_, '_> {
    fn turn(&mut self, content: &RawValue) -> Result<Turn> {
        let content = Fields::read_at(content, "contents")?;
        let role = match content.typed::<Cow<'_, str>>("role")?.as_deref() {
            // Older clients send results in a role of their own.
            None | Some("user" | "function" | "tool" | "") => Role::User,
            Some("model") => Role::Assistant,
            Some("system") => Role::System,
            Some(_) => {
                return Err(Error::bad_request("`role` must be `user` or `model`.").at("role"));
            }
        };
        Ok(Turn::new(role, self.parts(&content)?))
    }

    fn parts(&mut self, content: &Fields<'_>) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for json in content.list("parts")? {
            self.part(json, &mut parts)?;
        }
        Ok(parts)
    }

    fn part(&mut self, json: &RawValue, parts: &mut Vec<Part>) -> Result<()> {
        let fields = Fields::read_at(json, "parts")?;
        let state = fields.text("thoughtSignature")?.and_then(|text| self.state(&text));
        let thinks = fields.typed::<bool>("thought")?.unwrap_or(false);
        if let Some(call) = fields.nested("functionCall")? {
            parts.push(Part::Call(Self::call(&call, state)?));
        } else if let Some(response) = fields.nested("functionResponse")? {
            parts.push(Part::Outcome(self.outcome(&response)?));
        } else if let Some(text) = fields.text("text")? {
            if thinks { think(parts, &text, state) } else { say(parts, text, state) }
        } else if let Some(media) = media(&fields)? {
            parts.push(Part::Media(media));
        } else {
            let beside = ["thought", "thoughtSignature", "videoMetadata", "mediaResolution"];
            let kind = fields.iter().map(|(name, _)| name).find(|name| !beside.contains(name));
            match kind {
                Some(kind) => parts.push(Part::Opaque {
                    dialect: Dialect::Gemini,
                    kind: kind.to_owned(),
                    json: json.to_owned(),
                }),
                None => say(parts, String::new(), state),
            }
        }
        if fields.get("videoMetadata").is_some_and(|value| !is_nothing(value.get())) {
            foreign(self.prompt, "videoMetadata");
        }
        Ok(())
    }

    /// A signature of this API, or another dialect's state that travelled in its place. What was wrapped for another
    /// provider is no use to anyone.
    fn state(&self, text: &str) -> Option<State> {
        if parts::is_wrapped(text) {
            return parts::unwrap(text, self.carrier);
        }
        (!text.is_empty()).then(|| parts::state(text, ""))
    }

    fn call(call: &Fields<'_>, state: Option<State>) -> Result<Call> {
        let name = call.text("name")?.unwrap_or_default();
        let id = call.text("id")?.unwrap_or_default();
        let args = call.get("args").map_or("{}", RawValue::get);
        if !args.starts_with('{') {
            return Err(wrong("args"));
        }
        Ok(Call { id, name, arguments: args.to_owned(), custom: false, state })
    }

    fn outcome(&mut self, response: &Fields<'_>) -> Result<Outcome> {
        let name = response.text("name")?.unwrap_or_default();
        let id = response.text("id")?.unwrap_or_default();
        let (text, failed) = match response.get("response") {
            Some(json) => result(json)?,
            None => (String::new(), false),
        };
        let mut parts = vec![Part::text(text)];
        for part in response.list("parts")? {
            let part = Fields::read_at(part, "parts")?;
            let Some(media) = media(&part)? else { return Err(wrong("parts")) };
            parts.push(Part::Media(media));
        }
        for name in ["willContinue", "scheduling"] {
            if response.get(name).is_some_and(|value| !is_nothing(value.get())) {
                foreign(self.prompt, name);
            }
        }
        Ok(Outcome { id, name: Some(name), parts, failed, custom: false, cache: None })
    }
}

/// Media, wherever its bytes are; `None` when a part holds none.
fn media(part: &Fields<'_>) -> Result<Option<Media>> {
    let (mime, source) = if let Some(blob) = part.nested("inlineData")? {
        let mime = blob.text("mimeType")?.unwrap_or_default();
        let base64 = standard(blob.text("data")?.unwrap_or_default());
        (Some(mime.clone()), inline(mime, base64))
    } else if let Some(file) = part.nested("fileData")? {
        let url = file.text("fileUri")?.ok_or_else(|| wrong("fileUri"))?;
        let mime = file.text("mimeType")?;
        (mime.clone(), stored(mime, url))
    } else {
        return Ok(None);
    };
    let kind = parts::kind(mime.as_deref().unwrap_or_default());
    let detail = part.nested("mediaResolution")?.and_then(|told| told.text("level").ok()?);
    let detail = detail.as_deref().and_then(detail_of).map(ToOwned::to_owned);
    let blob = part.nested("inlineData")?.or(part.nested("fileData")?);
    let name = blob.and_then(|blob| blob.text("displayName").ok()?);
    Ok(Some(Media { kind, source, detail, name, cache: None }))
}

/// Text, and a signature that stood on it.
fn say(parts: &mut Vec<Part>, text: String, state: Option<State>) {
    let place = if text.is_empty() { "" } else { parts::ON_TEXT };
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    let Some(mut state) = state else { return };
    if state.dialect == Dialect::Gemini {
        place.clone_into(&mut state.id);
    }
    parts.push(Part::Thought(Thought { text: String::new(), summary: true, state: Some(state) }));
}

/// Thoughts come in pieces, and what the provider wants back comes with the last one.
fn think(parts: &mut Vec<Part>, text: &str, state: Option<State>) {
    if let Some(Part::Thought(open)) = parts.last_mut()
        && open.state.is_none()
    {
        open.text.push_str(text);
        open.state = state;
    } else if !text.is_empty() || state.is_some() {
        parts.push(Part::Thought(Thought { text: text.to_owned(), summary: true, state }));
    }
}

/// A result as text, and whether it is a failure. What was put in an object only because the API wants one comes out.
fn result(json: &RawValue) -> Result<(String, bool)> {
    let fields = Fields::read_at(json, "response")?;
    let mut all = fields.iter();
    let (Some((name, value)), None) = (all.next(), all.next()) else {
        return Ok((json.get().to_owned(), false));
    };
    let inner = if value.get().starts_with('"') {
        fields.text(name)?.unwrap_or_default()
    } else {
        value.get().to_owned()
    };
    Ok(match name {
        "error" => (inner, true),
        "result" if value.get().starts_with(['"', '[']) => (inner, false),
        _ => (json.get().to_owned(), false),
    })
}

/// The API takes both alphabets of base64, with or without padding; everyone else takes one.
fn standard(base64: String) -> String {
    let padded = base64.len().is_multiple_of(4);
    if padded && !base64.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        return base64;
    }
    let mut standard = base64.replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

fn inline(mime: String, base64: String) -> Source {
    if mime.split(';').next() == Some("text/plain") {
        let bytes = STANDARD.decode(&base64).ok();
        if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            return Source::Text(text);
        }
    }
    Source::Data { mime, base64 }
}

/// An address that anyone can reach, or one in Google's own stores.
fn stored(mime: Option<String>, url: String) -> Source {
    let open = url.starts_with("https://") || url.starts_with("http://");
    if open && !url.starts_with("https://generativelanguage.googleapis.com/") {
        return Source::Url { mime, url };
    }
    Source::File { dialect: Dialect::Gemini, id: url }
}

fn detail_of(level: &str) -> Option<&'static str> {
    match level {
        "MEDIA_RESOLUTION_LOW" => Some("low"),
        "MEDIA_RESOLUTION_MEDIUM" => Some("auto"),
        "MEDIA_RESOLUTION_HIGH" | "MEDIA_RESOLUTION_ULTRA_HIGH" => Some("high"),
        _ => None,
    }
}
