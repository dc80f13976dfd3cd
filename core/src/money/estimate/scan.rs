//! Which texts of a request does a model read? One pass over the JSON's strings, without a tree.

use memchr::{memchr, memchr2};

use super::{LETTER, MESSAGE, REPLY, SCHEMA, Text, WIDE, picture};
use crate::{dialect::Dialect, limits::TOKENS_PER_MEDIA};

/// Fields whose text is for machines.
const UNREAD: [&[u8]; 22] = [
    b"model",
    b"role",
    b"type",
    b"id",
    b"call_id",
    b"tool_call_id",
    b"tool_use_id",
    b"user",
    b"detail",
    b"format",
    b"media_type",
    b"mimeType",
    b"mime_type",
    b"signature",
    b"thoughtSignature",
    b"thought_signature",
    b"encrypted_content",
    b"service_tier",
    b"previous_response_id",
    b"prompt_cache_key",
    b"reasoning_effort",
    b"ttl",
];
/// Fields whose whole value is given to the model in a form of the provider's.
const SCHEMAS: [&[u8]; 6] = [
    b"tools",
    b"functions",
    b"response_format",
    b"output_format",
    b"responseSchema",
    b"responseJsonSchema",
];
/// Fields that point to a file elsewhere.
const LINKS: [&[u8]; 6] = [b"url", b"image_url", b"file_url", b"file_id", b"fileUri", b"file_uri"];

/// A place in the text.
struct Scan<'a> {
    body: &'a [u8],
    at: usize,
    depth: usize,
    /// Below which depth the value of a schema ends, and where it began.
    schema: Option<(usize, usize)>,
    key: &'a [u8],
    dialect: Dialect,
    sum: Text,
}

pub(super) fn tokens(dialect: Dialect, body: &[u8]) -> Text {
    let mut sum = Text::default();
    if !body.trim_ascii_start().starts_with(b"{") {
        if !body.is_empty() {
            // A form with a file.
            sum.add_tokens(TOKENS_PER_MEDIA);
        }
        return sum;
    }
    sum.add(REPLY);
    let mut scan = Scan { body, at: 0, depth: 0, schema: None, key: b"", dialect, sum };
    while scan.step() {}
    scan.sum
}

impl<'a> Scan<'a> {
    /// Goes on behind the next string; `false` at the end.
    fn step(&mut self) -> bool {
        let rest = &self.body[self.at..];
        let gap = memchr(b'"', rest).unwrap_or(rest.len());
        for (offset, byte) in rest[..gap].iter().enumerate() {
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.close(self.at + offset + 1),
                _ => {}
            }
        }
        self.at += gap + 1;
        if gap == rest.len() {
            return false;
        }
        let start = self.at;
        let end = string_end(self.body, start);
        self.at = (end + 1).min(self.body.len());
        let text = &self.body[start..end];
        let behind = self.body[self.at..].trim_ascii_start();
        if behind.first() == Some(&b':') {
            self.open(text);
        } else if self.schema.is_none() {
            self.value(text);
        }
        true
    }

    fn open(&mut self, key: &'a [u8]) {
        self.key = key;
        if self.schema.is_some() {
            return;
        }
        if key == b"role" {
            self.sum.add(MESSAGE);
        }
        if SCHEMAS.contains(&key) {
            self.schema = Some((self.depth, self.at));
        }
    }

    fn close(&mut self, end: usize) {
        self.depth = self.depth.saturating_sub(1);
        if let Some((depth, start)) = self.schema
            && self.depth <= depth
        {
            self.schema = None;
            self.sum.add(((end - start) as u64).saturating_mul(SCHEMA));
        }
    }

    fn value(&mut self, text: &[u8]) {
        if UNREAD.contains(&self.key) {
            return;
        }
        if let Some(data) = picture::inline(self.key, text) {
            self.sum.add_tokens(picture::tokens(self.dialect, data));
        } else if LINKS.contains(&self.key) {
            self.sum.add_tokens(TOKENS_PER_MEDIA);
        } else {
            self.text(text);
        }
    }

    /// The text of a JSON string, each escape as the character it stands for.
    fn text(&mut self, mut text: &[u8]) {
        while let Some(at) = memchr(b'\\', text) {
            self.sum.push(&text[..at]);
            let escape = text.get(at + 1).copied().unwrap_or(b'n');
            if escape == b'u' {
                let code = text.get(at + 2..at + 6).unwrap_or(b"0000");
                self.sum.add(if code < &b"0800"[..] { LETTER } else { WIDE });
                text = text.get(at + 6..).unwrap_or_default();
            } else {
                self.sum.push(b"\n");
                text = text.get(at + 2..).unwrap_or_default();
            }
        }
        self.sum.push(text);
    }
}

/// Where the string that begins at `start` ends: at its quote, or at the end of all.
fn string_end(body: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = body.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if body[at + found] == b'"' {
            return at + found;
        }
        at += found + 2;
    }
    body.len()
}
