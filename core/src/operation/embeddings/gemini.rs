//! Texts and vectors in the words of Gemini.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Numbers, Texts, Vectors};
use crate::{
    dialect::{Losses, Object},
    error::{Error, Result},
    limits::GEMINI_EMBEDDINGS_MAX,
};

/// The verb for many texts.
pub(super) const BATCH: &str = "batchEmbedContents";

/// The spellings of the length that is wanted.
const DIMENSIONS: [&str; 2] = ["outputDimensionality", "output_dimensionality"];

/// Reads a client's request with one text.
pub(super) fn read_one(body: &[u8], losses: &mut Losses) -> Result<Texts> {
    let object = Object::read(body)?;
    let (text, dimensions) = one(&object, losses)?;
    Ok(Texts { list: vec![text], dimensions, numbers: Numbers::Plain })
}

/// Reads a client's request with many texts.
pub(super) fn read_batch(body: &[u8], losses: &mut Losses) -> Result<Texts> {
    let object = Object::read(body)?;
    let requests: Vec<&RawValue> = object.typed("requests")?.unwrap_or_default();
    if requests.is_empty() {
        return Err(Error::bad_request("`requests` must hold a request.").at("requests"));
    }
    let mut all = Vec::with_capacity(requests.len());
    for (at, request) in requests.iter().enumerate() {
        let request = Object::read(request.get().as_bytes())?;
        all.push(one(&request, losses).map_err(|error| error.within("requests", at))?);
    }
    let dimensions = all[0].1;
    if all.iter().any(|(_, other)| *other != dimensions) {
        let message = "All `requests` must want vectors of one length.";
        return Err(Error::bad_request(message).at("requests").coded("unsupported_parameter"));
    }
    let list = all.into_iter().map(|(text, _)| text).collect();
    Ok(Texts { list, dimensions, numbers: Numbers::Plain })
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<&'a RawValue>,
}

/// One text and the length of its vector.
fn one(object: &Object<'_>, losses: &mut Losses) -> Result<(String, Option<u64>)> {
    for name in object.names() {
        if !["model", "content"].contains(&name) && !DIMENSIONS.contains(&name) {
            losses.lose(name);
        }
    }
    let Some(content) = object.typed::<Content<'_>>("content")? else {
        return Err(Error::bad_request("`content` is missing.").at("content"));
    };
    let mut text = String::new();
    for part in content.parts {
        let part = Object::read(part.get().as_bytes())?;
        let Some(piece) = part.typed::<String>("text")? else {
            let message = "This model's provider takes only texts.";
            return Err(Error::bad_request(message).at("content").coded("unsupported_parameter"));
        };
        text.push_str(&piece);
    }
    let [camel, snake] = DIMENSIONS;
    let dimensions = object.typed(camel)?;
    Ok((text, if dimensions.is_none() { object.typed(snake)? } else { dimensions }))
}

#[derive(Serialize)]
struct BatchOut<'a> {
    requests: Vec<RequestOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestOut<'a> {
    model: &'a str,
    content: ContentOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u64>,
}

#[derive(Serialize)]
struct ContentOut<'a> {
    parts: [PartOut<'a>; 1],
}

#[derive(Serialize)]
struct PartOut<'a> {
    text: &'a str,
}

/// Writes requests for a provider, as many as it takes.
pub(super) fn write(model: &str, texts: &Texts) -> Vec<Vec<u8>> {
    let model = format!("models/{}", model.strip_prefix("models/").unwrap_or(model));
    let request = |text| RequestOut {
        model: &model,
        content: ContentOut { parts: [PartOut { text }] },
        output_dimensionality: texts.dimensions,
    };
    let batches = texts.list.chunks(GEMINI_EMBEDDINGS_MAX);
    let batches =
        batches.map(|texts| BatchOut { requests: texts.iter().map(|it| request(it)).collect() });
    batches.map(|batch| serde_json::to_vec(&batch).expect("strings always serialize")).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    embeddings: Vec<Embedding>,
    #[serde(default)]
    usage_metadata: Option<Told>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    prompt_token_count: Option<i64>,
}

/// Reads a provider's answer. Older models do not tell the tokens.
pub(super) fn vectors(body: &[u8]) -> Option<Vectors> {
    let reply: Reply = serde_json::from_slice(body).ok()?;
    let list = reply.embeddings.into_iter().map(|embedding| embedding.values).collect();
    Some(Vectors { list, tokens: reply.usage_metadata.and_then(|told| told.prompt_token_count) })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneOut<'a> {
    embedding: EmbeddingOut<'a>,
    usage_metadata: UsageOut,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManyOut<'a> {
    embeddings: Vec<EmbeddingOut<'a>>,
    usage_metadata: UsageOut,
}

#[derive(Serialize)]
struct EmbeddingOut<'a> {
    values: &'a [f32],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageOut {
    prompt_token_count: i64,
    total_token_count: i64,
}

impl UsageOut {
    fn of(tokens: i64) -> Self {
        Self { prompt_token_count: tokens, total_token_count: tokens }
    }
}

/// Writes the answer for a client with one text.
pub(super) fn answer_one(list: &[Vec<f32>], tokens: i64) -> Vec<u8> {
    let values = list.first().map_or(&[][..], Vec::as_slice);
    let usage_metadata = UsageOut::of(tokens);
    let answer = OneOut { embedding: EmbeddingOut { values }, usage_metadata };
    serde_json::to_vec(&answer).expect("numbers always serialize")
}

/// Writes the answer for a client with many texts.
pub(super) fn answer_batch(list: &[Vec<f32>], tokens: i64) -> Vec<u8> {
    let embeddings = list.iter().map(|values| EmbeddingOut { values }).collect();
    let answer = ManyOut { embeddings, usage_metadata: UsageOut::of(tokens) };
    serde_json::to_vec(&answer).expect("numbers always serialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<(&[&str], Option<u64>), &str>, lost: &[&str]) {
        let mut losses = Losses::default();
        let many = body.contains("requests");
        let read = if many { read_batch } else { read_one };
        let read = read(body.as_bytes(), &mut losses);
        match read {
            Ok(read) => {
                let (texts, dimensions) = expected.expect(body);
                assert_eq!(
                    (read.list.as_slice(), read.dimensions),
                    (
                        &texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..],
                        dimensions
                    )
                );
            }
            Err(error) => assert_eq!(*error.message, *expected.expect_err(body)),
        }
        assert_eq!(losses.names(), lost, "{body}");
    }

    #[test]
    fn texts_are_read_in_either_spelling() {
        let one = r#"{"content":{"parts":[{"text":"a"},{"text":"é"}]},"output_dimensionality":3}"#;
        check(one, Ok((&["aé"], Some(3))), &[]);
        check(
            r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"X"},{"content":{"parts":[{"text":"b"}]}}]}"#,
            Ok((&["a", "b"], None)),
            &["taskType"],
        );
    }

    #[test]
    fn what_others_cannot_do_is_refused() {
        let refused = "This model's provider takes only texts.";
        check(r#"{"content":{"parts":[{"inlineData":{}}]}}"#, Err(refused), &[]);
        check("{}", Err("`content` is missing."), &[]);
        check(r#"{"requests":[]}"#, Err("`requests` must hold a request."), &[]);
        check(
            r#"{"requests":[{"content":{"parts":[{"text":"a"}]},"outputDimensionality":1},{"content":{"parts":[{"text":"b"}]}}]}"#,
            Err("All `requests` must want vectors of one length."),
            &[],
        );
    }

    #[test]
    fn a_long_list_goes_in_batches() {
        let texts = Texts {
            list: (0..=GEMINI_EMBEDDINGS_MAX).map(|at| at.to_string()).collect(),
            dimensions: Some(8),
            numbers: Numbers::Plain,
        };
        let bodies = write("models/m", &texts);
        assert_eq!(bodies.len(), 2);
        assert_eq!(
            std::str::from_utf8(&bodies[1]).unwrap(),
            r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"100"}]},"outputDimensionality":8}]}"#
        );
    }

    #[test]
    fn vectors_come_with_their_tokens_where_these_are_told() {
        let read = vectors(br#"{"embeddings":[{"values":[0.5]},{"values":[1]}]}"#).unwrap();
        assert_eq!((read.list, read.tokens), (vec![vec![0.5], vec![1.0]], None));
        let read = vectors(br#"{"embeddings":[],"usageMetadata":{"promptTokenCount":4}}"#);
        assert_eq!(read.unwrap().tokens, Some(4));
        let answer = String::from_utf8(answer_one(&[vec![0.5]], 4)).unwrap();
        assert_eq!(
            answer,
            r#"{"embedding":{"values":[0.5]},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#
        );
    }
}
