//! How is one piece of a turn or an answer written as a part?

use std::borrow::Cow;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use super::wire::{BlobOut, FileOut, FunctionCallOut, Made};
use crate::dialect::{
    Carrier, Dialect, arguments,
    ir::{Call, Media, MediaKind, Source, State},
};

/// What the id of a signature says when it stood on the text part before it, rather than on a part of its own.
pub(super) const ON_TEXT: &str = "text";

/// A signature as the provider gave it.
pub(super) fn state(signature: &str, id: &str) -> State {
    State {
        dialect: Dialect::Gemini,
        form: "signature",
        id: id.to_owned(),
        data: signature.to_owned(),
    }
}

/// Text.
pub(super) fn text<'a>(text: impl Into<Cow<'a, str>>) -> Made<'a> {
    Made { text: Some(text.into()), ..Made::default() }
}

/// What the model thought.
pub(super) fn thought<'a>(text: impl Into<Cow<'a, str>>) -> Made<'a> {
    Made { text: Some(text.into()), thought: Some(true), ..Made::default() }
}

/// A signature on nothing.
pub(super) fn signed<'a>(signature: impl Into<Cow<'a, str>>) -> Made<'a> {
    Made { thought_signature: Some(signature.into()), ..text("") }
}

/// The field that holds the text of a call of a free-text tool, which this API does not have.
const FREE_TEXT: &str = "input";

/// A call, whole, without its signature.
pub(super) fn call(call: &Call) -> Made<'_> {
    let Call { id, name, arguments, custom, state: _ } = call;
    let args = if *custom {
        arguments::wrapped(FREE_TEXT, arguments)
    } else {
        arguments::object(arguments)
    };
    let id = Some(id.as_str()).filter(|id| !id.is_empty());
    Made { function_call: Some(FunctionCallOut { id, name, args }), ..Made::default() }
}

/// What stands in the place of a signature: it as the provider gave it, or another dialect's state, wrapped.
pub(super) fn signature<'a>(state: &State, carrier: &Carrier) -> Cow<'a, str> {
    let own = state.dialect == Dialect::Gemini;
    // A signature is bytes in this API, and typed clients refuse what is not base64.
    Cow::Owned(if own { state.data.clone() } else { STANDARD.encode(carrier.wrap(state)) })
}

/// Another dialect's state, from where a signature stands. Clients write it back in either alphabet.
pub(super) fn unwrap(text: &str, carrier: &Carrier) -> Option<State> {
    let plain = text.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(plain).or_else(|_| URL_SAFE_NO_PAD.decode(plain)).ok()?;
    carrier.unwrap(std::str::from_utf8(&bytes).ok()?)
}

/// Whether a text is a signature that holds another dialect's state.
pub(super) fn is_wrapped(text: &str) -> bool {
    text.starts_with(Carrier::PREFIX_BASE64)
}

/// Media; `None` when another provider's file store has it.
pub(super) fn media(media: &Media) -> Option<Made<'_>> {
    let blob = |mime: Cow<'_, str>, data| {
        let inline_data = Some(BlobOut { mime_type: Cow::Owned(mime.into_owned()), data });
        Made { inline_data, ..Made::default() }
    };
    let file = |mime_type, file_uri| {
        let file_data = Some(FileOut { mime_type, file_uri });
        Made { file_data, ..Made::default() }
    };
    Some(match &media.source {
        Source::Data { mime, base64 } => blob(Cow::Borrowed(mime), Cow::Borrowed(base64)),
        Source::Text(text) => blob(Cow::Borrowed("text/plain"), STANDARD.encode(text).into()),
        Source::Url { mime, url } => file(mime.as_deref().or_else(|| mime_of(url)), url),
        Source::File { dialect: Dialect::Gemini, id } => file(mime_of(id), id),
        Source::File { dialect: _, id: _ } => return None,
    })
}

/// What a type says that its media is.
pub(super) fn kind(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// The type that an address tells by its ending: the API wants one, and clients of other dialects give none.
fn mime_of(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let ending = path.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    let known = match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => return None,
    };
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(part: &Made<'_>) -> String {
        serde_json::to_string(part).unwrap()
    }

    #[test]
    fn parts_are_written() {
        let check = |part: Made<'_>, expected: &str| assert_eq!(json(&part), expected);
        check(text("é"), r#"{"text":"é"}"#);
        check(thought("x"), r#"{"text":"x","thought":true}"#);
        check(signed("s"), r#"{"text":"","thoughtSignature":"s"}"#);
    }

    #[test]
    fn calls_are_written() {
        let check = |id: &str, arguments: &str, expected: &str| {
            let given = Call {
                id: id.to_owned(),
                name: "f".to_owned(),
                arguments: arguments.to_owned(),
                custom: false,
                state: None,
            };
            assert_eq!(json(&call(&given)), expected, "{arguments}");
        };
        check("c1", "", r#"{"functionCall":{"id":"c1","name":"f","args":{}}}"#);
        check(
            "",
            r#"{"n":9007199254740993}"#,
            r#"{"functionCall":{"name":"f","args":{"n":9007199254740993}}}"#,
        );
        check("", r#"{"n":"#, r#"{"functionCall":{"name":"f","args":{"_raw":"{\"n\":"}}}"#);
    }

    #[test]
    fn media_is_written() {
        let check = |kind, source, expected: Option<&str>| {
            let given = Media { kind, source, detail: None, name: None, cache: None };
            assert_eq!(media(&given).map(|part| json(&part)).as_deref(), expected);
        };
        let url = |url: &str| Source::Url { mime: None, url: url.to_owned() };
        check(
            MediaKind::Image,
            Source::Data { mime: "image/png".into(), base64: "AA==".into() },
            Some(r#"{"inlineData":{"mimeType":"image/png","data":"AA=="}}"#),
        );
        check(
            MediaKind::Document,
            Source::Text("hi".into()),
            Some(r#"{"inlineData":{"mimeType":"text/plain","data":"aGk="}}"#),
        );
        check(
            MediaKind::Image,
            url("https://a/b.PNG?x=1.z"),
            Some(r#"{"fileData":{"mimeType":"image/png","fileUri":"https://a/b.PNG?x=1.z"}}"#),
        );
        check(
            MediaKind::Image,
            url("https://a/b"),
            Some(r#"{"fileData":{"fileUri":"https://a/b"}}"#),
        );
        check(
            MediaKind::Document,
            Source::File { dialect: Dialect::Gemini, id: "files/1".into() },
            Some(r#"{"fileData":{"fileUri":"files/1"}}"#),
        );
        check(
            MediaKind::Document,
            Source::File { dialect: Dialect::OpenAiChat, id: "file-1".into() },
            None,
        );
    }
}
