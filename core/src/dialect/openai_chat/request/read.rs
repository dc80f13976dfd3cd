//! What does a chat request say, in the words that all dialects share?

mod tools;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::wire::{Content, ImageUrl, Message, ToolCall};
use crate::{
    dialect::{
        Carrier, Dialect,
        ir::{
            Cache, Call, Effort, Format, Logprobs, Media, MediaKind, Outcome, Part, Prompt,
            Reasoning, Role, Sampling, Schema, Source, State, Thought, Turn,
        },
        object::Object,
    },
    error::{Error, Result},
    json,
    limits::FOREIGN_FIELDS_MAX,
};

/// The fields that are read. Of any other one only the name is kept, because no other dialect has it.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "n",
    "logprobs",
    "top_logprobs",
    "stop",
    "max_completion_tokens",
    "max_tokens",
    "verbosity",
    "user",
    "safety_identifier",
    "service_tier",
    "cache_control",
    "prompt_cache_key",
    "web_search_options",
];

/// Reads a request wholly.
pub(crate) fn read(body: &[u8], carrier: &Carrier) -> Result<Prompt> {
    let object = Object::read(body)?;
    let max_tokens = object.typed("max_completion_tokens")?;
    let (tools, choice) = tools::read(&object)?;
    Ok(Prompt {
        model: object.typed("model")?.unwrap_or_default(),
        stream: object.typed("stream")?.unwrap_or(false),
        turns: turns(&object, carrier)?,
        tools,
        choice,
        parallel: object.typed("parallel_tool_calls")?,
        format: format(&object)?,
        reasoning: reasoning(&object)?,
        sampling: sampling(&object)?,
        stop: stop(&object)?,
        max_tokens: max_tokens.map_or_else(|| object.typed("max_tokens"), |max| Ok(Some(max)))?,
        verbosity: object.typed("verbosity")?,
        user: object.typed("safety_identifier")?.map_or_else(|| object.typed("user"), Ok)?,
        tier: object.typed("service_tier")?,
        cache: cache(object.get("cache_control")),
        cache_key: object.typed("prompt_cache_key")?,
        foreign: foreign(&object),
    })
}

fn foreign(object: &Object<'_>) -> Vec<String> {
    let names = object.names().filter(|name| !KNOWN.contains(name));
    names.take(FOREIGN_FIELDS_MAX).map(str::to_owned).collect()
}

fn turns(object: &Object<'_>, carrier: &Carrier) -> Result<Vec<Turn>> {
    let messages: Vec<&RawValue> = object.typed("messages")?.unwrap_or_default();
    if messages.is_empty() {
        return Err(Error::bad_request("`messages` must hold a message.").at("messages"));
    }
    let read =
        |(at, message)| turn(message, carrier).map_err(|error: Error| error.within("messages", at));
    messages.into_iter().enumerate().map(read).collect()
}

fn turn(message: &RawValue, carrier: &Carrier) -> Result<Turn> {
    let wrong = |_| Error::bad_request("The message has a field of the wrong type.").at("message");
    let mut message: Message<'_> = json::read(message.get()).map_err(wrong)?;
    let name = message.name.take().map(Cow::into_owned);
    let role = message.role.take().unwrap_or_default();
    let (role, parts) = match &*role {
        "system" | "developer" => (Role::System, said(&message)?),
        "user" => (Role::User, said(&message)?),
        "assistant" => (Role::Assistant, answered(message, carrier)?),
        "tool" | "function" => {
            let name = name.filter(|_| role == "function");
            return Ok(Turn::new(Role::User, vec![result(&message, name)?]));
        }
        other => {
            let message = format!("`{other}` is no role of a message.");
            return Err(Error::bad_request(message).at("role"));
        }
    };
    Ok(Turn { role, parts, name })
}

fn result(message: &Message<'_>, name: Option<String>) -> Result<Part> {
    let id = message.tool_call_id.clone().unwrap_or_default().into_owned();
    let parts = said(message)?;
    Ok(Part::Outcome(Outcome { id, name, parts, failed: false, custom: false, cache: None }))
}

fn answered(mut message: Message<'_>, carrier: &Carrier) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> =
        thought(&mut message, carrier).map(Part::Thought).into_iter().collect();
    parts.extend(said(&message)?);
    parts.extend(
        message
            .refusal
            .take()
            .filter(|text| !text.is_empty())
            .map(|text| Part::Refusal(text.into_owned())),
    );
    let calls = message.tool_calls.take().unwrap_or_default();
    parts.extend(calls.into_iter().map(|call| Part::Call(read_call(call, carrier))));
    parts.extend(message.function_call.take().map(|function| {
        let function = ToolCall {
            index: None,
            id: None,
            function: Some(function),
            custom: None,
            extra_content: None,
        };
        Part::Call(read_call(function, carrier))
    }));
    Ok(parts)
}

fn thought(message: &mut Message<'_>, carrier: &Carrier) -> Option<Thought> {
    let text = message.reasoning_content.take().or_else(|| message.reasoning.take());
    let details = message.reasoning_details.take().unwrap_or_default();
    let state = wrapped(&details, carrier).or_else(|| details_state(&details));
    let text = text.map(Cow::into_owned).unwrap_or_default();
    (!text.is_empty() || state.is_some()).then_some(Thought { text, summary: false, state })
}

/// The state of another dialect, which was put into the details for the client to keep.
fn wrapped(details: &[&RawValue], carrier: &Carrier) -> Option<State> {
    details.iter().find_map(|detail| {
        let detail = Object::read(detail.get().as_bytes()).ok()?;
        let text: String = detail.typed("data").ok()?.or(detail.typed("signature").ok()?)?;
        carrier.unwrap(&text)
    })
}

/// The details as their host wants them back.
pub(in super::super) fn details_state(details: &[&RawValue]) -> Option<State> {
    let held = |detail: &&RawValue| detail.get().contains(Carrier::PREFIX);
    if details.is_empty() || details.iter().any(held) {
        return None;
    }
    let items: Vec<_> = details.iter().map(|detail| detail.get()).collect();
    let data = format!("[{}]", items.join(","));
    Some(State { dialect: Dialect::OpenAiChat, form: "details", id: String::new(), data })
}

fn read_call(call: ToolCall<'_>, carrier: &Carrier) -> Call {
    let signature = call.extra_content.and_then(|extra| extra.google?.thought_signature);
    let state = signature.map(|text| {
        carrier.unwrap(&text).unwrap_or_else(|| State {
            dialect: Dialect::OpenAiChat,
            form: "signature",
            id: String::new(),
            data: text.into_owned(),
        })
    });
    let id = call.id.unwrap_or_default().into_owned();
    let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
    if let Some(custom) = call.custom {
        let (name, arguments) = (text(custom.name), text(custom.input));
        return Call { id, name, arguments, custom: true, state };
    }
    let (name, arguments) = call.function.map_or((None, None), |function| {
        (function.name, function.arguments.map(|arguments| arguments.0))
    });
    Call { id, name: text(name), arguments: text(arguments), custom: false, state }
}

fn said(message: &Message<'_>) -> Result<Vec<Part>> {
    match &message.content {
        None => Ok(Vec::new()),
        Some(Content::Text(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Content::Text(text)) => Ok(vec![Part::text(&**text)]),
        Some(Content::Parts(parts)) => {
            parts.iter().map(|part| read_part(part)).filter_map(Result::transpose).collect()
        }
    }
}

fn read_part(part: &RawValue) -> Result<Option<Part>> {
    let object = Object::read(part.get().as_bytes())
        .map_err(|_| Error::bad_request("A part of the content is no object.").at("content"))?;
    let cache = cache(object.get("cache_control"))
        .or(object.get("prompt_cache_breakpoint").map(|_| Cache::Short));
    let kind: Cow<'_, str> = object.typed("type")?.unwrap_or_default();
    let text = |name| object.typed::<String>(name).map(Option::unwrap_or_default);
    Ok(Some(match &*kind {
        "text" | "input_text" | "output_text" => {
            let text = text("text")?;
            if text.is_empty() {
                return Ok(None);
            }
            Part::Text { text, citations: Vec::new(), cache }
        }
        "refusal" => Part::Refusal(text("refusal")?),
        "thinking" => return Ok(None),
        "image_url" | "video_url" => {
            let kind = if kind == "image_url" { MediaKind::Image } else { MediaKind::Video };
            let url = address(&object, &kind_field(kind))?;
            let detail = url.detail.map(Cow::into_owned);
            Part::Media(Media { kind, source: source(&url.url), detail, name: None, cache })
        }
        "input_audio" => Part::Media(Media { cache, ..audio(&object)? }),
        "file" => Part::Media(Media { cache, ..file(&object)? }),
        // Mistral's clients show documents so.
        "document_url" => {
            let source = source(&address(&object, "document_url")?.url);
            let (kind, name) = (MediaKind::Document, object.typed("document_name")?);
            Part::Media(Media { kind, source, detail: None, name, cache })
        }
        other => {
            let message = format!("`{other}` is no part of a message that can be sent on.");
            return Err(Error::bad_request(message).at("content").coded("unsupported_parameter"));
        }
    }))
}

fn kind_field(kind: MediaKind) -> String {
    let name = if kind == MediaKind::Video { "video_url" } else { "image_url" };
    name.to_owned()
}

/// Mistral's clients write the address as plain text.
fn address<'a>(object: &Object<'a>, field: &str) -> Result<ImageUrl<'a>> {
    if let Ok(Some(url)) = object.typed::<Cow<'a, str>>(field) {
        return Ok(ImageUrl { url, detail: None });
    }
    let missing = || Error::bad_request(format!("`{field}` needs a `url`.")).at("content");
    object.typed(field)?.ok_or_else(missing)
}

/// Where media is: a `data:` URL holds it.
pub(in super::super) fn source(url: &str) -> Source {
    let held = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    let base64 = held.and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data)));
    base64.map_or_else(
        || Source::Url { mime: None, url: url.to_owned() },
        |(mime, data)| Source::Data { mime: mime.to_owned(), base64: data.to_owned() },
    )
}

fn audio(object: &Object<'_>) -> Result<Media> {
    #[derive(Deserialize)]
    struct Audio {
        data: String,
        format: String,
    }
    let missing = || Error::bad_request("`input_audio` needs `data` and `format`.").at("content");
    let Audio { data, format } = object.typed("input_audio")?.ok_or_else(missing)?;
    let mime = if format == "mp3" { "audio/mpeg".to_owned() } else { format!("audio/{format}") };
    let source = Source::Data { mime, base64: data };
    Ok(Media { kind: MediaKind::Audio, source, detail: None, name: None, cache: None })
}

fn file(object: &Object<'_>) -> Result<Media> {
    #[derive(Deserialize)]
    struct Given {
        file_id: Option<String>,
        file_data: Option<String>,
        filename: Option<String>,
    }
    let missing = || Error::bad_request("`file` needs `file_data` or `file_id`.").at("content");
    let file: Given = object.typed("file")?.ok_or_else(missing)?;
    let source = match (file.file_data, file.file_id) {
        (Some(data), _) => source(&data),
        (None, Some(id)) => Source::File { dialect: Dialect::OpenAiChat, id },
        (None, None) => return Err(missing()),
    };
    let kind = MediaKind::Document;
    Ok(Media { kind, source, detail: None, name: file.filename, cache: None })
}

/// The breakpoint that `OpenRouter` and others take on any part.
fn cache(control: Option<&RawValue>) -> Option<Cache> {
    let control = control.filter(|value| value.get() != "null")?;
    let lasting = control.get().contains("\"1h\"");
    Some(if lasting { Cache::Long } else { Cache::Short })
}

fn format(object: &Object<'_>) -> Result<Option<Format>> {
    let Some(format) = object.nested("response_format")? else { return Ok(None) };
    let kind: String = format.typed("type")?.unwrap_or_default();
    Ok(match kind.as_str() {
        "json_object" => Some(Format::Json),
        "json_schema" => {
            let missing = || Error::bad_request("`json_schema` is missing.").at("response_format");
            let schema = format.nested("json_schema")?.ok_or_else(missing)?;
            let tree = schema.get("schema").map(Schema::read).transpose()?;
            Some(Format::Schema {
                name: schema.typed("name")?,
                description: schema.typed("description")?,
                schema: tree.unwrap_or_else(Schema::empty),
                strict: schema.typed("strict")?,
            })
        }
        _ => None,
    })
}

fn reasoning(object: &Object<'_>) -> Result<Reasoning> {
    let word: Option<String> = object.typed("reasoning_effort")?;
    let effort = word.map(|word| {
        Effort::from_word(&word).ok_or_else(|| {
            let message = format!("`{word}` is no reasoning effort.");
            Error::bad_request(message).at("reasoning_effort")
        })
    });
    Ok(Reasoning { effort: effort.transpose()?, show: None })
}

fn sampling(object: &Object<'_>) -> Result<Sampling> {
    let wanted = object.typed("logprobs")?.unwrap_or(false);
    let top = object.typed("top_logprobs")?.unwrap_or(0);
    Ok(Sampling {
        temperature: object.typed("temperature")?,
        top_p: object.typed("top_p")?,
        top_k: object.typed("top_k")?,
        seed: object.typed("seed")?,
        presence_penalty: object.typed("presence_penalty")?,
        frequency_penalty: object.typed("frequency_penalty")?,
        answers: object.typed("n")?,
        logprobs: wanted.then_some(Logprobs { top }),
    })
}

fn stop(object: &Object<'_>) -> Result<Vec<String>> {
    if let Ok(Some(one)) = object.typed::<String>("stop") {
        return Ok(vec![one]);
    }
    Ok(object.typed("stop")?.unwrap_or_default())
}
