//! Texts and vectors in the words of `OpenAI`.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Numbers, Texts, Vectors};
use crate::{
    dialect::{Edit, Losses, Object, apply},
    error::{Error, Result},
    json,
};

/// What follows a base URL.
pub(super) const PATH: &str = "/embeddings";

/// The fields that are read.
const KNOWN: [&str; 4] = ["model", "input", "dimensions", "encoding_format"];

/// Reads a client's request.
pub(super) fn read(body: &[u8], losses: &mut Losses) -> Result<Texts> {
    let object = Object::read(body)?;
    for name in object.names().filter(|name| !KNOWN.contains(name)) {
        losses.lose(name);
    }
    let numbers = match object.typed::<Cow<'_, str>>("encoding_format")?.as_deref() {
        None | Some("float") => Numbers::Plain,
        Some("base64") => Numbers::Base64,
        Some(_) => {
            let message = "`encoding_format` is `float` or `base64`.";
            return Err(Error::bad_request(message).at("encoding_format"));
        }
    };
    let list = texts(object.present("input"))?;
    Ok(Texts { list, dimensions: object.typed("dimensions")?, numbers })
}

fn texts(input: Option<&RawValue>) -> Result<Vec<String>> {
    let refuse = |message| Error::bad_request(message).at("input");
    let Some(input) = input else { return Err(refuse("`input` is missing.")) };
    if let Ok(text) = json::read(input.get()) {
        return Ok(vec![text]);
    }
    let Ok(list) = json::read::<Vec<&RawValue>>(input.get()) else {
        return Err(refuse("`input` must be a text or a list of texts."));
    };
    if list.is_empty() {
        return Err(refuse("`input` must hold a text."));
    }
    let texts: Result<_, _> = list.iter().map(|text| json::read(text.get())).collect();
    texts.map_err(|_| {
        let message = "`input` must be texts for this model: its provider does not take tokens.";
        refuse(message).coded("unsupported_parameter")
    })
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u64>,
}

/// Writes a request for a provider. Numbers are plain ones unless something else is asked for.
pub(super) fn write(model: &str, texts: &Texts) -> Vec<u8> {
    let request = Request { model, input: &texts.list, dimensions: texts.dimensions };
    serde_json::to_vec(&request).expect("strings always serialize")
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<Told>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    prompt_tokens: Option<i64>,
}

/// Reads a provider's answer.
pub(super) fn vectors(body: &[u8]) -> Option<Vectors> {
    let mut reply: Reply = serde_json::from_slice(body).ok()?;
    reply.data.sort_by_key(|item| item.index);
    let list = reply.data.into_iter().map(|item| item.embedding).collect();
    Some(Vectors { list, tokens: reply.usage.and_then(|told| told.prompt_tokens) })
}

#[derive(Serialize)]
struct ReplyOut<'a> {
    object: &'static str,
    data: Vec<ItemOut<'a>>,
    model: &'a str,
    usage: UsageOut,
}

#[derive(Serialize)]
struct ItemOut<'a> {
    object: &'static str,
    index: usize,
    embedding: VectorOut<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum VectorOut<'a> {
    Plain(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct UsageOut {
    prompt_tokens: i64,
    total_tokens: i64,
}

/// Writes the answer for a client.
pub(super) fn answer(model: &str, list: &[Vec<f32>], numbers: Numbers, tokens: i64) -> Vec<u8> {
    let data = list.iter().enumerate().map(|(index, vector)| {
        let embedding = match numbers {
            Numbers::Plain => VectorOut::Plain(vector),
            Numbers::Base64 => VectorOut::Base64(base64(vector)),
        };
        ItemOut { object: "embedding", index, embedding }
    });
    let usage = UsageOut { prompt_tokens: tokens, total_tokens: tokens };
    let reply = ReplyOut { object: "list", data: data.collect(), model, usage };
    serde_json::to_vec(&reply).expect("numbers and strings always serialize")
}

/// The answer of a provider that gave plain numbers although bytes were asked for: `None` when it is as it should be.
/// An SDK that asked for bytes takes anything for bytes.
pub(crate) fn in_bytes(request: &[u8], answer: &Bytes) -> Option<Bytes> {
    let asked = Object::read(request).ok()?.typed::<Cow<'_, str>>("encoding_format").ok()??;
    let object = Object::read(answer).ok().filter(|_| asked == "base64")?;
    let items: Vec<&RawValue> = object.typed("data").ok()??;
    let mut edits = Vec::new();
    for item in items {
        // A raw value borrows from the answer, so the distance of their addresses is its place.
        let place = item.get().as_ptr().addr() - answer.as_ptr().addr();
        let fields = Object::read(item.get().as_bytes()).ok()?;
        let vector = fields.present("embedding").filter(|vector| vector.get().starts_with('['));
        let Some(vector) = vector else { continue };
        let vector: Vec<f32> = json::read(vector.get()).ok()?;
        edits.extend(fields.spans("embedding").map(|at| Edit {
            at: place + at.start..place + at.end,
            with: format!("\"{}\"", base64(&vector)),
        }));
    }
    (!edits.is_empty()).then(|| apply(answer, &edits))
}

/// The bytes of the numbers, the lowest first.
fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_become_the_bytes_that_were_asked_for() {
        let check = |format: &str, answer: &'static str, expected: Option<&str>| {
            let request = format!(r#"{{"model":"m","input":"x","encoding_format":"{format}"}}"#);
            let found = in_bytes(request.as_bytes(), &Bytes::from_static(answer.as_bytes()));
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{format} {answer}");
        };
        let plain = r#"{"data":[{"index":0, "embedding":[1.0,-0.013168517], "x":1}],"usage":{}}"#;
        let bytes = r#"{"data":[{"index":0, "embedding":"AACAP8PAV7w=", "x":1}],"usage":{}}"#;
        check("base64", plain, Some(bytes));
        check("base64", bytes, None);
        check("float", plain, None);
        check("base64", r#"{"error":{}}"#, None);
    }

    #[test]
    fn texts_are_read_and_tokens_refused() {
        let check = |input: &str, expected: Result<&[&str], &str>| {
            let body = format!(r#"{{"model":"m","input":{input},"user":"u"}}"#);
            let mut losses = Losses::default();
            match read(body.as_bytes(), &mut losses) {
                Ok(read) => assert_eq!(read.list, expected.expect(input)),
                Err(error) => assert_eq!(*error.message, *expected.expect_err(input)),
            }
            assert_eq!(losses.names(), ["user"]);
        };
        check(r#""é""#, Ok(&["é"]));
        check(r#"["a","b"]"#, Ok(&["a", "b"]));
        let tokens = "`input` must be texts for this model: its provider does not take tokens.";
        check("[1,2]", Err(tokens));
        check("[[1,2],[3]]", Err(tokens));
        check("[]", Err("`input` must hold a text."));
        check("null", Err("`input` is missing."));
        check("7", Err("`input` must be a text or a list of texts."));
    }

    #[test]
    fn vectors_come_back_in_the_order_of_their_texts() {
        let body = r#"{"object":"list","data":[{"index":1,"embedding":[0.25]},{"index":0,"embedding":[-1,1e-3]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
        let read = vectors(body.as_bytes()).unwrap();
        assert_eq!((read.list, read.tokens), (vec![vec![-1.0, 1e-3], vec![0.25]], Some(3)));
        assert!(vectors(br#"{"data":[{"embedding":"AAAA"}]}"#).is_none());
    }

    #[test]
    fn numbers_are_written_in_either_form() {
        let check = |numbers, expected: &str| {
            let written = answer("m", &[vec![1.0, -0.013_168_517]], numbers, 2);
            let expected = format!(
                r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{expected}}}],"model":"m","usage":{{"prompt_tokens":2,"total_tokens":2}}}}"#
            );
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        };
        check(Numbers::Plain, "[1.0,-0.013168517]");
        check(Numbers::Base64, r#""AACAP8PAV7w=""#);
    }
}
