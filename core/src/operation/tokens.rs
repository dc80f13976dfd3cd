//! How many tokens has a request? Its own kind of provider counts them; for any other one they are estimated.
//!
//! The estimate is one token for four bytes of text, be it said, thought, called or declared as a tool, and a constant for
//! each picture or file. An answer that holds it says so in a header.

use serde::Serialize;

use super::errand::{Answer, Asked, Errand};
use crate::{
    dialect::{
        Dialect, Object, Prompt, gemini_path,
        ir::{Part, Source, Tool, ToolKind},
    },
    error::Result,
    limits::{BYTES_PER_TOKEN, TOKENS_PER_MEDIA},
    store::Usage,
};

/// In whose words it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Anthropic's.
    Messages,
    /// Gemini's.
    Contents,
}

impl Form {
    /// What follows the base URL of a provider that counts.
    pub(super) fn path(self, model: &str) -> String {
        match self {
            Self::Messages => "/messages/count_tokens".to_owned(),
            Self::Contents => gemini_path(model, "countTokens"),
        }
    }
}

/// Estimates the tokens of a request whose model is at another provider.
pub(super) fn errand(form: Form, asked: &Asked<'_>) -> Result<Errand> {
    let body = match form {
        Form::Messages => {
            serde_json::to_vec(&Messages { input_tokens: estimate(&messages(asked)?) })
        }
        Form::Contents => {
            serde_json::to_vec(&Contents { total_tokens: estimate(&contents(asked)?) })
        }
    };
    let body = body.expect("numbers always serialize");
    Ok(Errand::Known(Answer { estimated: true, ..Answer::json(body, Usage::default()) }))
}

fn messages(asked: &Asked<'_>) -> Result<Prompt> {
    Dialect::Anthropic.read_request(asked.body, asked.carrier)
}

/// The request itself, or the one that it holds whole.
fn contents(asked: &Asked<'_>) -> Result<Prompt> {
    let object = Object::read(asked.body)?;
    let names = ["generateContentRequest", "generate_content_request"];
    let whole = names.iter().find_map(|name| object.present(name));
    let body = whole.map_or(asked.body, |whole| whole.get().as_bytes());
    Dialect::Gemini.read_request(body, asked.carrier)
}

#[derive(Serialize)]
struct Messages {
    input_tokens: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    total_tokens: u64,
}

fn estimate(prompt: &Prompt) -> u64 {
    let mut size = Size::default();
    for turn in &prompt.turns {
        size.parts(&turn.parts);
    }
    for tool in &prompt.tools {
        size.tool(tool);
    }
    (size.bytes as u64).div_ceil(BYTES_PER_TOKEN) + size.media * TOKENS_PER_MEDIA
}

/// What a request consists of.
#[derive(Default)]
struct Size {
    bytes: usize,
    media: u64,
}

impl Size {
    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Text { text, .. } | Part::Refusal(text) => self.bytes += text.len(),
                Part::Thought(thought) => self.bytes += thought.text.len(),
                Part::Call(call) => self.bytes += call.name.len() + call.arguments.len(),
                Part::Outcome(outcome) => self.parts(&outcome.parts),
                Part::Opaque { json, .. } => self.bytes += json.get().len(),
                Part::Media(media) => match &media.source {
                    Source::Text(text) => self.bytes += text.len(),
                    Source::Data { .. } | Source::Url { .. } | Source::File { .. } => {
                        self.media += 1;
                    }
                },
            }
        }
    }

    fn tool(&mut self, tool: &Tool) {
        self.bytes += match &tool.kind {
            ToolKind::Function(function) => {
                let schema = function.schema.as_ref().and_then(|it| serde_json::to_vec(it).ok());
                let description = function.description.as_ref().map_or(0, String::len);
                function.name.len() + description + schema.map_or(0, |schema| schema.len())
            }
            ToolKind::Custom { name, description, format } => {
                let description = description.as_ref().map_or(0, String::len);
                name.len() + description + format.as_ref().map_or(0, |format| format.get().len())
            }
            ToolKind::Opaque { json, .. } => json.get().len(),
            // What such a tool adds to a request is its provider's secret.
            ToolKind::Search { .. } | ToolKind::RunCode { .. } => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dialect::Carrier, identity::Vault, testing::root_secret};

    fn check(form: Form, body: &str, expected: &str) {
        let carrier = Carrier::new(Vault::new(&root_secret()), "p");
        let asked = Asked {
            provider: Dialect::Ollama,
            body: body.as_bytes(),
            boundary: None,
            model: "m",
            at_s: 0,
            carrier: &carrier,
        };
        let Errand::Known(answer) = errand(form, &asked).unwrap() else { panic!("{body}") };
        assert_eq!(String::from_utf8(answer.body).unwrap(), expected, "{body}");
        assert!(answer.estimated);
    }

    #[test]
    fn four_bytes_are_a_token() {
        check(
            Form::Messages,
            r#"{"model":"m","system":"abcd","messages":[{"role":"user","content":"12345"}]}"#,
            r#"{"input_tokens":3}"#,
        );
        check(
            Form::Contents,
            r#"{"contents":[{"parts":[{"text":"é12345678"}]}]}"#,
            r#"{"totalTokens":3}"#,
        );
        check(
            Form::Contents,
            r#"{"generateContentRequest":{"model":"models/m","systemInstruction":{"parts":[{"text":"abcd"}]},"contents":[{"parts":[{"text":"abcd"}]}]}}"#,
            r#"{"totalTokens":2}"#,
        );
    }

    #[test]
    fn pictures_calls_results_and_tools_count() {
        check(
            Form::Messages,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"find","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"no"}]}],"tools":[{"name":"find","description":"abcd","input_schema":{"type":"object"}}]}"#,
            // 4+2 of the call, 2 of the result, 4+4+17 of the tool.
            r#"{"input_tokens":1009}"#,
        );
    }
}
