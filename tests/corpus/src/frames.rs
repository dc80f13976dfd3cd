//! How are the events of a stream put into bytes, cut apart, and found again?

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::Value;
use tidegate_core::dialect::Dialect;

/// One event of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The `event:` line.
    pub(crate) event: Option<String>,
    /// The data; text that is not JSON, such as `[DONE]`, is a JSON string.
    pub(crate) data: Value,
    /// Where the frame starts in the bytes it was found in.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

/// What a body is, told by how it begins.
pub(crate) fn content_type(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(256)]);
    let text = text.trim_start();
    let kind = if text.starts_with(['{', '[']) { "application/json" } else { "text/event-stream" };
    kind.to_owned()
}

/// Puts parsed events into the framing of their dialect.
pub(crate) fn frame(dialect: Dialect, events: &[Value]) -> Bytes {
    let named = matches!(dialect, Dialect::OpenAiResponses | Dialect::Anthropic);
    let mut text = String::new();
    for event in events {
        if let Some(kind) = event["type"].as_str().filter(|_| named) {
            let _ = writeln!(text, "event: {kind}");
        }
        let _ = write!(text, "data: {event}\n\n");
    }
    if dialect == Dialect::OpenAiChat {
        text.push_str("data: [DONE]\n\n");
    }
    text.into()
}

/// Finds the events again, whatever the framing.
pub(crate) fn parse(body: &[u8]) -> Vec<Frame> {
    let text = String::from_utf8_lossy(body);
    let start = text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    match start.as_bytes().first() {
        Some(b'[') => array(&text),
        Some(b'{') => lines(&text),
        _ => sse(&text),
    }
}

fn array(text: &str) -> Vec<Frame> {
    let whole: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let len = text.len();
    whole.into_iter().map(|data| Frame { event: None, data, start: 0, end: len }).collect()
}

fn lines(text: &str) -> Vec<Frame> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if !line.trim().is_empty() {
            let data = json(line.trim());
            found.push(Frame { event: None, data, start, end: at });
        }
    }
    found
}

fn sse(text: &str) -> Vec<Frame> {
    let mut found = Vec::new();
    let (mut at, mut start) = (0, 0);
    let (mut event, mut data): (Option<String>, Option<String>) = (None, None);
    for line in physical_lines(text) {
        at += line.len();
        let content = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
        if content.is_empty() {
            if let Some(data) = data.take() {
                found.push(Frame { event: event.take(), data: json(&data), start, end: at });
            }
            event = None;
            start = at;
        } else if let Some(value) = field(content, "data") {
            let joined = data.take().map_or_else(String::new, |data| data + "\n");
            data = Some(joined + value);
        } else if let Some(value) = field(content, "event") {
            event = Some(value.to_owned());
        } else if content.starts_with('{') {
            // Google breaks a stream off with a bare object.
            let rest = json(text[at - line.len()..].trim());
            found.push(Frame { event: None, data: rest, start, end: text.len() });
            return found;
        }
    }
    found.extend(data.map(|data| Frame { event, data: json(&data), start, end: at }));
    found
}

/// Lines with their ends, which are LF, CRLF or CR.
fn physical_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let found = rest.find(['\n', '\r']);
        let end = found
            .map_or(rest.len(), |at| if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 });
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.strip_prefix(name)?.strip_prefix(':')?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of one case.
    pub(crate) fn new(seed: &str) -> Self {
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// A number from 0 to `max`, `max` included.
    pub(crate) fn up_to(&mut self, max: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap_or_default();
        mixed % (max + 1)
    }
}

/// Cuts bytes at random places into pieces of 1 to about 300 bytes.
pub(crate) fn cut(body: &Bytes, dice: &mut Dice) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut rest = body.clone();
    while !rest.is_empty() {
        let most = if dice.up_to(3) == 0 { 6 } else { 300 };
        let len = (1 + dice.up_to(most)).min(rest.len());
        pieces.push(rest.split_to(len));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_in_every_framing() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> =
                parse(text.as_bytes()).iter().map(|frame| frame.data.to_string()).collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("data: {\"a\":1}\n\ndata: [DONE]\n\n", &["{\"a\":1}", "\"[DONE]\""]);
        check(": x\r\n\r\nevent: e\r\ndata: 1\r\n\r\n", &["1"]);
        check("data: {\ndata: }\n\n", &["{}"]);
        check("{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}", "{\"a\":2}"]);
        check("[{\"a\":1}\n,\r\n{\"a\":2}]", &["{\"a\":1}", "{\"a\":2}"]);
        check("data: 1\n\n{\"error\":{}}", &["1", "{\"error\":{}}"]);
    }

    #[test]
    fn pieces_are_the_whole() {
        let body = Bytes::from("x".repeat(5_000));
        let pieces = cut(&body, &mut Dice::new("a"));
        assert!(pieces.len() > 10 && pieces.concat() == body);
    }
}
