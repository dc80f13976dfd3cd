//! What was used, by the word of a stream that otherwise passes unread?

use bytes::Bytes;
use http::{HeaderMap, header};
use memchr::memmem;
use serde::Deserialize;

use crate::{
    dialect::{Framing, Splitter, event_data},
    money::estimate::Text,
    operation::plain,
    store::Usage,
};

/// Reads the events of an answer as they pass; nothing of an answer that has none.
pub(super) struct Meter {
    splitter: Option<Splitter>,
    /// What was told.
    pub(super) usage: Option<Usage>,
    /// The text that was continued, for an estimate.
    pub(super) text: Text,
}

impl Meter {
    /// A meter of an answer with these headers.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        let events = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let splitter = events.then(|| Splitter::new(Framing::Events));
        Self { splitter, usage: None, text: Text::default() }
    }

    /// Reads a piece. A stream that cannot be read is not read any further, and passes all the same.
    pub(super) fn push(&mut self, piece: &Bytes) {
        let Some(mut splitter) = self.splitter.take() else { return };
        if splitter.push(piece.clone()).is_err() {
            return;
        }
        while let Some(frame) = splitter.next() {
            self.read(&splitter.slice(frame));
        }
        self.splitter = Some(splitter);
    }

    /// Reads what is left at the end.
    pub(super) fn end(&mut self) {
        let Some(mut splitter) = self.splitter.take() else { return };
        self.read(&splitter.rest());
    }

    fn read(&mut self, frame: &[u8]) {
        let tells = |name: &[u8]| memmem::find(frame, name).is_some();
        if tells(b"\"usage\"") {
            self.usage = plain::told(&event_data(frame)).or(self.usage);
        }
        if tells(b"\"choices\"") {
            let chunk = serde_json::from_slice::<Chunk>(&event_data(frame)).unwrap_or_default();
            for text in chunk.choices.iter().filter_map(|choice| choice.text.as_ref()) {
                self.text.push(text.as_bytes());
            }
        }
    }
}

#[derive(Deserialize, Default)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    text: Option<String>,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(kind: &'static str, text: &str, expected: (Option<(i64, i64)>, i64)) {
        for cut in 0..text.len() {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            let mut meter = Meter::new(&headers);
            meter.push(&Bytes::copy_from_slice(&text.as_bytes()[..cut]));
            meter.push(&Bytes::copy_from_slice(&text.as_bytes()[cut..]));
            meter.end();
            let usage = meter.usage.map(|usage| (usage.prompt, usage.completion));
            assert_eq!((usage, meter.text.tokens()), expected, "{text} {cut}");
        }
    }

    #[test]
    fn usage_and_text_are_read_wherever_the_stream_is_cut() {
        let kind = "text/event-stream; charset=utf-8";
        let pictures = "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"AA==\",\"usage\":{\"input_tokens\":7,\"output_tokens\":9,\"total_tokens\":16}}\n\n";
        check(kind, pictures, (Some((7, 9)), 0));
        let speech = "data: {\"text\":\"usage\",\"usage\":null}\n\ndata: {\"type\":\"x\",\"usage\":{\"input_tokens\":1}}";
        check(kind, speech, (Some((1, 0)), 0));
        let texts = "data: {\"choices\":[{\"text\":\"ab\\n\"}],\"usage\":null}\n\ndata: [DONE]\n\n";
        check(kind, texts, (None, 1));
        check("audio/mpeg", texts, (None, 0));
    }
}
