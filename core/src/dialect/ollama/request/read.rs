//! What does a request of this API say, in no dialect's words?

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Carrier, Prompt,
        ir::{
            Call, Effort, Format, Function, Media, MediaKind, Outcome, Part, Role, Schema, Source,
            Thought, Tool, ToolKind, Turn,
        },
        object::Object,
    },
    error::{Error, Result},
    json,
    limits::FOREIGN_FIELDS_MAX,
};

/// Reads a request wholly. The API has no state that a provider wants back.
pub(crate) fn read(body: &[u8], _carrier: &Carrier) -> Result<Prompt> {
    let object = Object::read(body)?;
    let mut prompt = Prompt {
        model: object.typed("model")?.unwrap_or_default(),
        stream: object.typed("stream")?.unwrap_or(true),
        format: object.present("format").map(format).transpose()?.flatten(),
        ..Prompt::default()
    };
    let messages: Vec<&RawValue> = object.typed("messages")?.unwrap_or_default();
    for (message, place) in messages.into_iter().zip(0_usize..) {
        let turn = turn(message).map_err(|error| error.within("messages", place))?;
        prompt.turns.push(turn);
    }
    let tools: Vec<&RawValue> = object.typed("tools")?.unwrap_or_default();
    for (json, place) in tools.into_iter().zip(0_usize..) {
        prompt.tools.push(tool(json).map_err(|error| error.within("tools", place))?);
    }
    prompt.reasoning.effort = object.present("think").map(effort).transpose()?.flatten();
    if let Some(options) = object.nested("options")? {
        read_options(&options, &mut prompt)?;
    }
    let known = ["model", "stream", "format", "messages", "tools", "think", "options"];
    foreign(&object, &known, &mut prompt);
    Ok(prompt)
}

fn turn(json: &RawValue) -> Result<Turn> {
    let message = Object::read(json.get().as_bytes())?;
    let text = message.typed::<String>("content")?.unwrap_or_default();
    let mut parts = Vec::new();
    if let Some(text) = message.typed::<String>("thinking")?.filter(|text| !text.is_empty()) {
        parts.push(Part::Thought(Thought { text, summary: false, state: None }));
    }
    let role = match message.typed::<Cow<'_, str>>("role")?.as_deref() {
        Some("system") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => {
            let outcome = Outcome {
                id: message.typed("tool_call_id")?.unwrap_or_default(),
                name: message.typed("tool_name")?,
                parts: vec![Part::text(text)],
                failed: false,
                custom: false,
                cache: None,
            };
            return Ok(Turn::new(Role::User, vec![Part::Outcome(outcome)]));
        }
        _ => return Err(Error::bad_request("`role` is unknown.").at("role")),
    };
    parts.extend(Some(Part::text(text)).filter(|_| !message.get("content").is_none_or(is_blank)));
    let images: Vec<String> = message.typed("images")?.unwrap_or_default();
    parts.extend(images.into_iter().map(image));
    let calls: Vec<&RawValue> = message.typed("tool_calls")?.unwrap_or_default();
    for json in calls {
        parts.push(Part::Call(call(json)?));
    }
    Ok(Turn::new(role, parts))
}

fn is_blank(json: &RawValue) -> bool {
    matches!(json.get(), "\"\"" | "null")
}

/// The API tells no type; the first bytes do.
fn image(base64: String) -> Part {
    let mime = match base64.as_bytes() {
        [b'/', b'9', ..] => "image/jpeg",
        [b'U', b'k', b'l', b'G', ..] => "image/webp",
        [b'R', b'0', b'l', b'G', ..] => "image/gif",
        _ => "image/png",
    };
    let source = Source::Data { mime: mime.to_owned(), base64 };
    Part::Media(Media { kind: MediaKind::Image, source, detail: None, name: None, cache: None })
}

fn call(json: &RawValue) -> Result<Call> {
    let wrong = || Error::bad_request("`tool_calls` has the wrong type.").at("tool_calls");
    let object = Object::read(json.get().as_bytes()).map_err(|_| wrong())?;
    let function = object.nested("function")?.ok_or_else(wrong)?;
    Ok(Call {
        id: object.typed("id")?.unwrap_or_default(),
        name: function.typed("name")?.unwrap_or_default(),
        arguments: function.present("arguments").map_or("{}", RawValue::get).to_owned(),
        custom: false,
        state: None,
    })
}

fn tool(json: &RawValue) -> Result<Tool> {
    let object = Object::read(json.get().as_bytes())?;
    let wrong = || Error::bad_request("`function` is missing.").at("function");
    let function = object.nested("function")?.ok_or_else(wrong)?;
    let kind = ToolKind::Function(Function {
        name: function.typed("name")?.unwrap_or_default(),
        description: function.typed("description")?,
        schema: function.present("parameters").map(Schema::read).transpose()?,
        strict: None,
    });
    Ok(Tool { kind, cache: None })
}

/// Older clients send an empty text for none.
fn format(json: &RawValue) -> Result<Option<Format>> {
    let schema = match json.get() {
        "\"\"" => return Ok(None),
        "\"json\"" => return Ok(Some(Format::Json)),
        text if text.starts_with('{') => Schema::read(json)?,
        _ => {
            let message = "`format` must be `json` or a schema.";
            return Err(Error::bad_request(message).at("format"));
        }
    };
    Ok(Some(Format::Schema { name: None, description: None, schema, strict: None }))
}

fn effort(json: &RawValue) -> Result<Option<Effort>> {
    let wrong = || Error::bad_request("`think` has the wrong type.").at("think");
    Ok(match json.get() {
        "true" => Some(Effort::Adaptive),
        "false" => Some(Effort::Off),
        text => Effort::from_word(&json::read::<String>(text).map_err(|_| wrong())?),
    })
}

fn read_options(options: &Object<'_>, prompt: &mut Prompt) -> Result<()> {
    let sampling = &mut prompt.sampling;
    sampling.temperature = options.typed("temperature")?;
    sampling.top_p = options.typed("top_p")?;
    sampling.top_k = options.typed("top_k")?;
    sampling.seed = options.typed("seed")?;
    sampling.presence_penalty = options.typed("presence_penalty")?;
    sampling.frequency_penalty = options.typed("frequency_penalty")?;
    prompt.stop = options.typed("stop")?.unwrap_or_default();
    // -1 and -2 stand for no bound.
    let most: Option<i64> = options.typed("num_predict")?;
    prompt.max_tokens = most.and_then(|most| u64::try_from(most).ok());
    let known = [
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "num_predict",
    ];
    foreign(options, &known, prompt);
    Ok(())
}

/// Notes what only this dialect has.
fn foreign(object: &Object<'_>, known: &[&str], prompt: &mut Prompt) {
    for name in object.names().filter(|name| !known.contains(name)).take(FOREIGN_FIELDS_MAX) {
        prompt.foreign.push(name.to_owned());
    }
}
