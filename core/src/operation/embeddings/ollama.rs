//! Texts and vectors in the words of Ollama.

use serde::{Deserialize, Serialize};

use super::{Texts, Vectors};

/// What follows a base URL.
pub(super) const PATH: &str = "/api/embed";

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    /// Left out, the end of a text that is too long would be left out silently.
    truncate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u64>,
}

/// Writes a request for a provider.
pub(super) fn write(model: &str, texts: &Texts) -> Vec<u8> {
    let Texts { list: input, dimensions, numbers: _ } = texts;
    let request = Request { model, input, truncate: false, dimensions: *dimensions };
    serde_json::to_vec(&request).expect("strings always serialize")
}

#[derive(Deserialize)]
struct Reply {
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<i64>,
}

/// Reads a provider's answer.
pub(super) fn vectors(body: &[u8]) -> Option<Vectors> {
    let reply: Reply = serde_json::from_slice(body).ok()?;
    Some(Vectors { list: reply.embeddings, tokens: reply.prompt_eval_count })
}

#[cfg(test)]
mod tests {
    use super::{super::Numbers, *};

    #[test]
    fn texts_go_and_vectors_come() {
        let texts = Texts {
            list: vec!["a".to_owned(), "é".to_owned()],
            dimensions: Some(2),
            numbers: Numbers::Base64,
        };
        let written = String::from_utf8(write("m", &texts)).unwrap();
        let expected = r#"{"model":"m","input":["a","é"],"truncate":false,"dimensions":2}"#;
        assert_eq!(written, expected);
        let read = vectors(br#"{"model":"m","embeddings":[[0.5,-1]],"prompt_eval_count":4}"#);
        let read = read.unwrap();
        assert_eq!((read.list, read.tokens), (vec![vec![0.5, -1.0]], Some(4)));
        assert!(vectors(br#"{"embedding":[1]}"#).is_none());
    }
}
