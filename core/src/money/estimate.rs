//! How many tokens is this, roughly, where nobody has counted? Classes of characters, messages, tools and pictures.
//!
//! No vocabulary is at hand: one costs megabytes and half a second at the start. What a provider tells always wins.

mod picture;
mod scan;

use crate::dialect::Dialect;

/// Thousandths of a token that characters come to. Recordings put plain text at 4.2 bytes a token.
const ASCII: u64 = 240;
/// Letters of other alphabets, in two bytes.
const LETTER: u64 = 420;
/// Chinese, Japanese, Korean, and most else in three bytes.
const WIDE: u64 = 1_050;
/// What takes four bytes, mostly pictograms.
const RARE: u64 = 2_000;
/// What a byte of a tool's or an answer's schema comes to.
const SCHEMA: u64 = 280;
/// What a message brings beside its text.
const MESSAGE: u64 = 4_000;
/// What a reply is begun with.
const REPLY: u64 = 3_000;

/// Text that is added up as it passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    thousandths: u64,
}

impl Text {
    /// Text of which only the length is known.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Self {
        Self { thousandths: bytes.saturating_mul(ASCII) }
    }

    /// Takes in UTF-8, whole characters or not: a character counts by its first byte.
    pub fn push(&mut self, text: &[u8]) {
        let mut thousandths = 0_u64;
        for byte in text {
            thousandths += match byte {
                0x00..=0x7f => ASCII,
                0x80..=0xbf => 0,
                0xc0..=0xdf => LETTER,
                0xe0..=0xef => WIDE,
                0xf0..=0xff => RARE,
            };
        }
        self.add(thousandths);
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.thousandths == 0
    }

    /// The estimate, rounded up.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        i64::try_from(self.thousandths.div_ceil(1000)).unwrap_or(i64::MAX)
    }

    fn add(&mut self, thousandths: u64) {
        self.thousandths = self.thousandths.saturating_add(thousandths);
    }

    fn add_tokens(&mut self, tokens: u64) {
        self.add(tokens.saturating_mul(1000));
    }
}

/// The tokens of a request's body as a client of this dialect sends it.
#[must_use]
pub fn prompt(dialect: Dialect, body: &[u8]) -> i64 {
    scan::tokens(dialect, body).tokens()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count_by_their_class() {
        let tokens = |text: &str| {
            let mut sum = Text::default();
            sum.push(text.as_bytes());
            sum.tokens()
        };
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("The quick brown fox jumps over the lazy dog."), 11);
        assert_eq!(tokens("今天天气很好"), 7);
        assert_eq!(tokens("Привет"), 3);
        assert_eq!(tokens("🙂"), 2);
        assert_eq!(Text::of_bytes(1000).tokens(), 240);
        assert_eq!(Text::of_bytes(u64::MAX).tokens(), 18_446_744_073_709_552);
    }

    #[test]
    fn a_prompt_is_its_texts_messages_and_tools() {
        let chat = |body: &str| prompt(Dialect::OpenAiChat, body.as_bytes());
        let hello = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello there, how are you?"}]}"#;
        assert_eq!(chat(hello), 13);
        let twice = r#"{"model":"gpt-4o","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello there, how are you?"}]}"#;
        assert_eq!(chat(twice), 20);
        let tools = r#"{"messages":[],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]}"#;
        assert_eq!(chat(tools), 27);
        assert_eq!(chat(""), 0);
    }

    #[test]
    fn a_picture_counts_by_its_size_and_not_by_its_bytes() {
        // The head of a PNG of 1024 × 1024, and a megabyte that is no picture any more.
        let head = "iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAIAAADwf7zU";
        let data = format!("{head}{}", "A".repeat(1 << 20));
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}]}}"#
        );
        assert_eq!(prompt(Dialect::OpenAiChat, body.as_bytes()), 7 + 765);
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}]}}]}}"#
        );
        assert_eq!(prompt(Dialect::Anthropic, body.as_bytes()), 7 + 1399);
        let body = format!(
            r#"{{"contents":[{{"role":"user","parts":[{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}]}}]}}"#
        );
        assert_eq!(prompt(Dialect::Gemini, body.as_bytes()), 7 + 1032);
    }

    #[test]
    fn nothing_that_is_sent_breaks_it() {
        let body = br#"{"a":"\u4e2d\n\"x","tools":[{"b":"]}"}],"data":"data:,"#;
        for end in 0..body.len() {
            let _ = prompt(Dialect::OpenAiChat, &body[..end]);
        }
        assert!(prompt(Dialect::OpenAiChat, &[0xff; 100]) < 2000);
    }
}
