//! What does a request say last, how does it begin, and what does it bring along? Read of its raw values, without the
//! rest of the conversation; what cannot be read says nothing, and its provider refuses it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{note::Place, object::Object};

use crate::json;

/// Where requests that are no conversation have their text.
const TEXTS: [&str; 4] = ["prompt", "input", "content", "contents"];
/// What tools are called, the first ones included.
const TOOLS: [&str; 2] = ["tools", "functions"];
/// The types of parts that are pictures.
const PICTURES: [&str; 3] = ["image_url", "input_image", "image"];
/// Under which name requests of one session share a cache.
const SESSIONS: [&str; 3] = ["prompt_cache_key", "session_id", "conversation"];
/// Who the client's own user is.
const USERS: [&str; 2] = ["user", "safety_identifier"];

/// A request that was looked at.
pub(crate) struct Glimpse<'a> {
    object: Option<Object<'a>>,
    /// The raw instructions, where they stand apart.
    instructions: Option<&'a str>,
    turns: Turns<'a>,
}

/// What is said.
enum Turns<'a> {
    /// One text, as it stands in the request.
    Text(&'a RawValue),
    /// Turn after turn.
    List(Vec<&'a RawValue>),
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        alias = "inline_data",
        alias = "file_data",
        alias = "fileData",
        rename = "inlineData"
    )]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default, alias = "mime_type", rename = "mimeType")]
    mime: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
}

impl<'a> Glimpse<'a> {
    /// Looks at a request whose dialect has its turns and instructions there.
    pub(super) fn of(body: &'a [u8], place: &Place) -> Self {
        let object = Object::read(body).ok();
        let field = |name: &str| object.as_ref().and_then(|object| object.present(name));
        let instructions = place.fields.iter().find_map(|name| field(name)).map(RawValue::get);
        let said = std::iter::once(place.turns).chain(TEXTS).find_map(field);
        let turns = match said {
            Some(raw) => match json::read(raw.get()) {
                Ok(list) => Turns::List(list),
                Err(_) => Turns::Text(raw),
            },
            None => Turns::List(Vec::new()),
        };
        Self { object, instructions, turns }
    }

    /// The text of the last message that a user wrote. Results of tools are none.
    pub(crate) fn last(&self) -> String {
        match &self.turns {
            Turns::Text(raw) => text(raw),
            Turns::List(turns) => {
                let said = |turn: &&RawValue| Some(spoken(turn)?).filter(|text| !text.is_empty());
                turns.iter().rev().find_map(said).unwrap_or_default()
            }
        }
    }

    /// What stays the same while a conversation goes on: the instructions, and all up to the user's first message.
    pub(crate) fn beginning(&self) -> Vec<&'a str> {
        let turns = match &self.turns {
            Turns::Text(raw) => vec![raw.get()],
            Turns::List(turns) => {
                let first = turns.iter().position(|turn| spoken(turn).is_some());
                turns
                    .iter()
                    .take(first.map_or(turns.len(), |at| at + 1))
                    .map(|raw| raw.get())
                    .collect()
            }
        };
        self.instructions.into_iter().chain(turns).collect()
    }

    /// Whether tools are offered.
    pub(crate) fn has_tools(&self) -> bool {
        let some = |raw: &RawValue| {
            json::read::<Vec<&RawValue>>(raw.get()).is_ok_and(|tools| !tools.is_empty())
        };
        let object = self.object.as_ref();
        TOOLS.iter().any(|name| object.and_then(|object| object.present(name)).is_some_and(some))
    }

    /// Whether there are pictures in it.
    pub(crate) fn has_images(&self) -> bool {
        let Turns::List(turns) = &self.turns else { return false };
        let shows = |raw: &RawValue| {
            let Ok(turn) = json::read::<Turn<'_>>(raw.get()) else { return false };
            turn.content.or(turn.parts).is_some_and(|content| holds_picture(content, 1))
        };
        turns.iter().any(|turn| shows(turn))
    }

    /// The session that it belongs to, in its own words.
    pub(crate) fn session(&self) -> Option<&'a str> {
        self.named(&SESSIONS)
    }

    /// The client's own user, in its own words.
    pub(crate) fn user(&self) -> Option<String> {
        let metadata = || {
            let raw = self.object.as_ref()?.present("metadata")?;
            json::read::<Metadata<'_>>(raw.get()).ok()?.user_id.map(Cow::into_owned)
        };
        self.named(&USERS).map(str::to_owned).or_else(metadata)
    }

    fn named(&self, names: &[&str]) -> Option<&'a str> {
        let object = self.object.as_ref()?;
        let raw = names.iter().find_map(|name| object.present(name))?.get();
        (raw != "\"\"").then_some(raw)
    }
}

/// What a user says in a turn; `None` when somebody else speaks.
fn spoken(raw: &RawValue) -> Option<String> {
    if raw.get().starts_with('"') {
        return Some(text(raw));
    }
    let turn: Turn<'_> = json::read(raw.get()).ok()?;
    let by_user = match turn.role.as_deref() {
        Some(role) => role == "user",
        // Gemini's clients may leave the role out; items without one that have no parts are no messages.
        None => turn.parts.is_some(),
    };
    by_user.then(|| turn.content.or(turn.parts).map(text).unwrap_or_default())
}

/// A text, or the texts of some parts.
fn text(raw: &RawValue) -> String {
    if let Ok(text) = json::read::<Cow<'_, str>>(raw.get()) {
        return text.into_owned();
    }
    let Ok(parts) = json::read::<Vec<&RawValue>>(raw.get()) else { return String::new() };
    let texts = parts.iter().filter_map(|raw| {
        let part: Part<'_> = json::read(raw.get()).ok()?;
        json::read::<Cow<'_, str>>(part.text?.get()).ok().map(Cow::into_owned)
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a picture is among some parts, or in the result of a tool among them.
fn holds_picture(raw: &RawValue, depth: usize) -> bool {
    let Ok(parts) = json::read::<Vec<&RawValue>>(raw.get()) else { return false };
    parts.iter().any(|raw| {
        let Ok(part) = json::read::<Part<'_>>(raw.get()) else { return false };
        let data = |raw: &RawValue| {
            let data = json::read::<Data<'_>>(raw.get()).ok();
            data.and_then(|data| data.mime).is_some_and(|mime| mime.starts_with("image/"))
        };
        part.kind.is_some_and(|kind| PICTURES.contains(&&*kind))
            || part.data.is_some_and(data)
            || (depth > 0 && part.content.is_some_and(|raw| holds_picture(raw, depth - 1)))
    })
}

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;

    const CHAT: &str = r#"{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","content":[{"type":"text","text":"thr\u00e9e"},{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"text","text":"four"}]},{"role":"tool","tool_call_id":"1","content":"result"}],"tools":[{"type":"function"}],"user":"u1"}"#;
    const RESPONSES: &str = r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"function_call_output","call_id":"1","output":"x"}],"instructions":"be brief","prompt_cache_key":"k"}"#;
    const CLAUDE: &str = r#"{"system":"be brief","messages":[{"role":"user","content":"debug this"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{}}]}]}],"tools":[],"metadata":{"user_id":"u2"}}"#;
    const GEMINI: &str = r#"{"contents":[{"parts":[{"text":"hallo"},{"inlineData":{"mimeType":"image/png","data":""}}]},{"role":"model","parts":[{"text":"x"}]}]}"#;

    #[test]
    fn the_users_last_message_is_read_in_every_dialect() {
        let check = |dialect: Dialect, body: &str, last: &str| {
            assert_eq!(dialect.glimpse(body.as_bytes()).last(), last, "{body}");
        };
        check(Dialect::OpenAiChat, CHAT, "thrée\nfour");
        check(Dialect::OpenAiResponses, RESPONSES, "hi");
        check(Dialect::OpenAiResponses, r#"{"input":"just \"text\""}"#, "just \"text\"");
        check(Dialect::Anthropic, CLAUDE, "debug this");
        check(Dialect::Gemini, GEMINI, "hallo");
        check(Dialect::OpenAiChat, r#"{"prompt":"once upon"}"#, "once upon");
        check(Dialect::OpenAiChat, r#"{"input":["a","b"]}"#, "b");
        for nothing in ["", "{", "[]", "{}", r#"{"messages":7}"#, r#"{"messages":[7,{"role":7}]}"#]
        {
            check(Dialect::OpenAiChat, nothing, "");
        }
    }

    #[test]
    fn tools_and_pictures_are_seen() {
        let check = |dialect: Dialect, body: &str, tools: bool, images: bool| {
            let glimpse = dialect.glimpse(body.as_bytes());
            assert_eq!((glimpse.has_tools(), glimpse.has_images()), (tools, images), "{body}");
        };
        check(Dialect::OpenAiChat, CHAT, true, true);
        check(Dialect::OpenAiResponses, RESPONSES, false, false);
        check(Dialect::Anthropic, CLAUDE, false, true);
        check(Dialect::Gemini, GEMINI, false, true);
    }

    #[test]
    fn a_conversation_begins_the_same_way_all_along() {
        let beginning =
            |dialect: Dialect, body: &str| dialect.glimpse(body.as_bytes()).beginning().concat();
        let system = r#"{"role":"system","content":"be brief"}"#;
        let user = r#"{"role":"user","content":"one"}"#;
        assert_eq!(beginning(Dialect::OpenAiChat, CHAT), format!("{system}{user}"));
        let claude = r#""be brief"{"role":"user","content":"debug this"}"#;
        assert_eq!(beginning(Dialect::Anthropic, CLAUDE), claude);
    }

    #[test]
    fn session_and_user_are_told_in_several_ways() {
        let check = |dialect: Dialect, body: &str, session: Option<&str>, user: Option<&str>| {
            let glimpse = dialect.glimpse(body.as_bytes());
            assert_eq!((glimpse.session(), glimpse.user().as_deref()), (session, user), "{body}");
        };
        check(Dialect::OpenAiChat, CHAT, None, Some("\"u1\""));
        check(Dialect::OpenAiResponses, RESPONSES, Some("\"k\""), None);
        check(Dialect::Anthropic, CLAUDE, None, Some("u2"));
        check(Dialect::OpenAiChat, r#"{"user":""}"#, None, None);
    }
}
