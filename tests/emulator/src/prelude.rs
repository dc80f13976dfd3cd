//! What does the head of a streamed answer say? JSON, then eight zero bytes, then the body.

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::limits::PRELUDE_BYTES_MAX;

const END: [u8; 8] = [0; 8];

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prelude {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) cookies: Vec<String>,
}

/// Collects pieces until the head is complete.
#[derive(Default)]
pub(crate) struct PreludeReader {
    seen: BytesMut,
}

/// What a piece brought.
pub(crate) enum Progress {
    /// The head is not complete.
    More,
    /// The head, and what came of the body with it.
    Done(Prelude, Bytes),
    /// Not a head.
    Malformed,
}

impl PreludeReader {
    /// The zero bytes may be split over pieces at any place.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Progress {
        let from = self.seen.len().saturating_sub(END.len() - 1);
        self.seen.extend_from_slice(piece);
        let Some(found) = self.seen[from..].windows(END.len()).position(|bytes| bytes == END)
        else {
            let long = self.seen.len() > PRELUDE_BYTES_MAX;
            return if long { Progress::Malformed } else { Progress::More };
        };
        let rest = self.seen.split_off(from + found + END.len()).freeze();
        match parse(&self.seen[..from + found]) {
            Some(prelude) => Progress::Done(prelude, rest),
            None => Progress::Malformed,
        }
    }
}

fn parse(json: &[u8]) -> Option<Prelude> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let status = json["statusCode"].as_u64().unwrap_or(200);
    let mut headers = Vec::new();
    for (name, value) in json["headers"].as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => {
                headers.extend(texts(values).map(|value| (name.clone(), value)));
            }
            value => headers.push((name.clone(), value.as_str()?.to_owned())),
        }
    }
    let cookies = json["cookies"].as_array().map(|cookies| texts(cookies).collect());
    Some(Prelude {
        status: u16::try_from(status).ok()?,
        headers,
        cookies: cookies.unwrap_or_default(),
    })
}

fn texts(values: &[Value]) -> impl Iterator<Item = String> {
    values.iter().filter_map(|value| value.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_may_be_split_anywhere() {
        let answer = b"{\"statusCode\":201,\"headers\":{\"a\":\"1\",\"b\":[\"2\",\"3\"]},\"cookies\":[\"c=d\"]}\
            \0\0\0\0\0\0\0\0body\0\0\0\0\0\0\0\0";
        for at in 0..answer.len() {
            let mut reader = PreludeReader::default();
            let mut body = Vec::new();
            let mut head = None;
            for piece in [&answer[..at], &answer[at..]] {
                if head.is_some() {
                    body.extend_from_slice(piece);
                } else if let Progress::Done(prelude, rest) = reader.push(piece) {
                    head = Some(prelude);
                    body.extend_from_slice(&rest);
                }
            }
            let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let headers = vec![header("a", "1"), header("b", "2"), header("b", "3")];
            let expected = Prelude { status: 201, headers, cookies: vec!["c=d".to_owned()] };
            assert_eq!(head, Some(expected), "split at {at}");
            assert_eq!(body, b"body\0\0\0\0\0\0\0\0", "split at {at}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let mut reader = PreludeReader::default();
        assert!(matches!(reader.push(b"no\0\0\0\0\0\0\0\0"), Progress::Malformed));
    }
}
