//! What is read and changed of a request that passes to a provider of its own dialect? Its model, nothing else.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Deserialize;

use crate::{
    dialect::{Ask, Edit, Object, Read, apply},
    error::{Error, Result},
    form,
    store::Usage,
};

/// Reads the model, from JSON or from a form.
pub(super) fn ask(body: &[u8], headers: &HeaderMap, usual: Option<&str>) -> Result<Ask> {
    let (model, stream, usage_wanted) = if let Some(boundary) = boundary(headers) {
        let text = |name| {
            let value = form::field(body, boundary, name).map(|range| &body[range]);
            value.and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned)
        };
        (text("model"), text("stream").is_some_and(|value| value == "true"), true)
    } else {
        let object = Object::read(body)?;
        let stream = object.typed("stream")?.unwrap_or(false);
        (object.typed("model")?, stream, usage_wanted(&object)?)
    };
    let model = model.or_else(|| usual.map(str::to_owned)).unwrap_or_default();
    Ok(Ask { model, stream, usage_wanted })
}

/// Whether the usage is to be told at a stream's end, where a client can choose.
fn usage_wanted(object: &Object<'_>) -> Result<bool> {
    let Some(options) = object.nested("stream_options")? else { return Ok(false) };
    Ok(options.typed("include_usage")?.unwrap_or(false))
}

/// The request as the provider gets it: with its own name of the model.
pub(super) fn patch(body: &Bytes, headers: &HeaderMap, model: &str) -> Result<Bytes> {
    if let Some(boundary) = boundary(headers) {
        let at = form::field(body, boundary, "model");
        let edits: Vec<_> = at.map(|at| Edit { at, with: model.to_owned() }).into_iter().collect();
        return Ok(apply(body, &edits));
    }
    let object = Object::read(body)?;
    let name = serde_json::to_string(model).map_err(Error::internal)?;
    let edits: Vec<_> = object.spans("model").map(|at| Edit { at, with: name.clone() }).collect();
    Ok(apply(body, &edits))
}

fn boundary(headers: &HeaderMap) -> Option<&str> {
    form::boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?)
}

/// What a whole answer says.
pub(crate) fn glance(body: &[u8]) -> Read {
    // What is paid by the picture or by the minute has no tokens to estimate.
    Read { usage: Some(told(body).unwrap_or_default()), ..Read::default() }
}

/// What an answer or an event says of its usage, in whatever words its endpoint has.
pub(crate) fn told(body: &[u8]) -> Option<Usage> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let count = |value: Option<i64>| value.unwrap_or(0).max(0);
    if let Some(told) = answer.usage_metadata {
        return Some(Usage { prompt: count(told.prompt_token_count), ..Usage::default() });
    }
    let images = answer.data.iter().flatten().filter(|it| it.is_picture()).count();
    let images = i64::try_from(images).unwrap_or(i64::MAX);
    let Some(told) = answer.usage else {
        return (images > 0).then(|| Usage { images, ..Usage::default() });
    };
    let completion = count(told.completion_tokens.or(told.output_tokens));
    let images_in = told.input_tokens_details.as_ref().and_then(|it| it.image_tokens);
    let image_out = told.output_tokens_details.as_ref().and_then(|it| it.image_tokens);
    Some(Usage {
        prompt: count(told.prompt_tokens.or(told.input_tokens)),
        completion,
        image_in: count(images_in),
        // An endpoint that counts the tokens of pictures makes pictures.
        image_out: count(image_out.or(images_in.map(|_| completion))),
        audio_in: count(told.input_token_details.as_ref().and_then(|it| it.audio_tokens)),
        ..Usage::default()
    })
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    usage: Option<Told>,
    /// Gemini's vectors have it.
    #[serde(default, rename = "usageMetadata")]
    usage_metadata: Option<GeminiTold>,
    /// Pictures, beside other things.
    #[serde(default)]
    data: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    b64_json: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    url: Option<serde::de::IgnoredAny>,
}

impl Item {
    fn is_picture(&self) -> bool {
        self.b64_json.is_some() || self.url.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiTold {
    #[serde(default)]
    prompt_token_count: Option<i64>,
}

#[derive(Deserialize)]
struct Told {
    prompt_tokens: Option<i64>,
    input_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    output_tokens: Option<i64>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
    /// Transcriptions have it without an s.
    input_token_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    image_tokens: Option<i64>,
    audio_tokens: Option<i64>,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_model_is_renamed_in_json_and_in_forms() {
        let check = |kind: &'static str, body: &str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let body = Bytes::copy_from_slice(body.as_bytes());
            assert_eq!(ask(&body, &headers, Some("usual")).unwrap().model, "a");
            let patched = patch(&body, &headers, "bb").unwrap();
            assert_eq!(std::str::from_utf8(&patched).unwrap(), expected);
        };
        check(
            "application/json",
            r#"{"input":["model"],"model":"a"}"#,
            r#"{"input":["model"],"model":"bb"}"#,
        );
        let form = |model| {
            format!(
                "--X\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--X--\r\n"
            )
        };
        check("multipart/form-data; boundary=X", &form("a"), &form("bb"));
    }

    #[test]
    fn a_missing_model_is_the_usual_one() {
        let model = |usual| ask(b"{}", &HeaderMap::new(), usual).unwrap().model;
        assert_eq!(model(Some("usual")), "usual");
        assert_eq!(model(None), "");
    }

    #[test]
    fn pictures_are_counted_by_the_piece_or_in_tokens() {
        let usage = |body: &str| glance(body.as_bytes()).usage.unwrap();
        assert_eq!(usage(r#"{"data":[{"b64_json":"AA=="},{"url":"https://x/y"}]}"#).images, 2);
        let tokens = usage(
            r#"{"data":[{"b64_json":""}],"usage":{"input_tokens":9,"output_tokens":7,"input_tokens_details":{"image_tokens":0,"text_tokens":9}}}"#,
        );
        assert_eq!((tokens.images, tokens.image_out, tokens.completion), (0, 7, 7));
    }

    #[test]
    fn usage_is_read_in_either_words() {
        let check = |body: &str, prompt: i64, completion: i64| {
            let usage = glance(body.as_bytes()).usage.unwrap();
            assert_eq!((usage.prompt, usage.completion), (prompt, completion), "{body}");
        };
        check(r#"{"usage":{"prompt_tokens":3,"total_tokens":3}}"#, 3, 0);
        check(r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#, 3, 4);
        check(r#"{"usage":{"type":"duration","seconds":3}}"#, 0, 0);
        check(r#"{"text":"x"}"#, 0, 0);
        check(r#"{"data":[{"embedding":[]}],"usage":{"prompt_tokens":3}}"#, 3, 0);
        check(r#"{"embedding":{"values":[]},"usageMetadata":{"promptTokenCount":3}}"#, 3, 0);
    }
}
