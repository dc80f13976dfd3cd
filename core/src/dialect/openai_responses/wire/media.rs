//! How are images and files told in a request?

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect,
        ir::{Cache, Media, MediaKind, Source},
        object::Object,
    },
    error::{Error, Result},
};

/// An `input_image`.
pub(crate) fn read_image(part: &Object<'_>) -> Result<Media> {
    let url: Option<String> = part.typed("image_url")?;
    let source = match (url, part.typed("file_id")?) {
        (Some(url), _) => located(&url),
        (None, Some(id)) => Source::File { dialect: Dialect::OpenAiResponses, id },
        (None, None) => return Err(missing("An image needs `image_url`.", "image_url")),
    };
    let detail = part.typed("detail")?.filter(|detail: &String| detail != "auto");
    Ok(Media { kind: MediaKind::Image, source, detail, name: None, cache: breakpoint(part) })
}

/// An `input_file`.
pub(crate) fn read_file(part: &Object<'_>) -> Result<Media> {
    let data: Option<String> = part.typed("file_data")?;
    let url: Option<String> = part.typed("file_url")?;
    let source = match (data, url, part.typed("file_id")?) {
        (Some(data), _, _) => document(located(&data), data),
        (None, Some(url), _) => Source::Url { mime: None, url },
        (None, None, Some(id)) => Source::File { dialect: Dialect::OpenAiResponses, id },
        (None, None, None) => return Err(missing("A file needs `file_data`.", "file_data")),
    };
    let (kind, name) = (MediaKind::Document, part.typed("filename")?);
    Ok(Media { kind, source, detail: None, name, cache: breakpoint(part) })
}

/// An `input_audio`.
pub(crate) fn read_audio(part: &Object<'_>) -> Result<Media> {
    let absent = || missing("Audio needs `input_audio`.", "input_audio");
    let audio = part.nested("input_audio")?.ok_or_else(absent)?;
    let base64: String = audio.typed("data")?.ok_or_else(absent)?;
    let format: String = audio.typed("format")?.unwrap_or_default();
    let mime = if format == "mp3" { "audio/mpeg".to_owned() } else { format!("audio/{format}") };
    let (kind, source) = (MediaKind::Audio, Source::Data { mime, base64 });
    Ok(Media { kind, source, detail: None, name: None, cache: breakpoint(part) })
}

/// The breakpoint of a part.
pub(crate) fn breakpoint(part: &Object<'_>) -> Option<Cache> {
    let json: &RawValue = part.present("prompt_cache_breakpoint")?;
    let ttl = Object::read(json.get().as_bytes()).ok()?.typed::<String>("ttl").ok()?;
    Some(if ttl.as_deref() == Some("12h") { Cache::Long } else { Cache::Short })
}

/// Data as a URL that holds it.
pub(crate) fn data_url(mime: &str, base64: &str) -> String {
    format!("data:{mime};base64,{base64}")
}

/// What a URL points at, or holds.
fn located(url: &str) -> Source {
    let held = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    let held = held.and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data)));
    let Some((mime, base64)) = held else {
        return Source::Url { mime: None, url: url.to_owned() };
    };
    Source::Data { mime: mime.to_owned(), base64: base64.to_owned() }
}

/// The data of a document. Some clients send it bare; plain text is kept as text.
fn document(located: Source, bare: String) -> Source {
    let Source::Data { mime, base64 } = located else {
        return Source::Data { mime: "application/pdf".to_owned(), base64: bare };
    };
    if mime.starts_with("text/plain")
        && let Ok(bytes) = STANDARD.decode(&base64)
        && let Ok(text) = String::from_utf8(bytes)
    {
        return Source::Text(text);
    }
    Source::Data { mime, base64 }
}

fn missing(message: &'static str, field: &str) -> Error {
    Error::bad_request(message).at(field)
}
