//! How does each API list its models?

use serde::Serialize;

use super::Listed;

/// What is said of a model that the catalogue does not know: clients read a number here.
const UNKNOWN_TOKENS: u64 = 128_000;

#[derive(Serialize)]
pub(super) struct OpenAiList<'a> {
    object: &'static str,
    data: Vec<OpenAi<'a>>,
}

#[derive(Serialize)]
pub(super) struct OpenAi<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

pub(super) fn openai_list<'a>(models: &[Listed<'a>]) -> OpenAiList<'a> {
    OpenAiList { object: "list", data: models.iter().map(openai).collect() }
}

pub(super) fn openai<'a>(model: &Listed<'a>) -> OpenAi<'a> {
    let created = model.known().map_or(0, |known| known.released_at_s());
    OpenAi { id: model.id, object: "model", created, owned_by: model.owner() }
}

#[derive(Serialize)]
pub(super) struct AnthropicList<'a> {
    data: Vec<Anthropic<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Anthropic<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
}

pub(super) fn anthropic_list<'a>(models: &[Listed<'a>]) -> AnthropicList<'a> {
    AnthropicList {
        data: models.iter().map(anthropic).collect(),
        has_more: false,
        first_id: models.first().map(|model| model.id),
        last_id: models.last().map(|model| model.id),
    }
}

pub(super) fn anthropic<'a>(model: &Listed<'a>) -> Anthropic<'a> {
    let known = model.known();
    let display_name = known.as_ref().map(|known| known.name).filter(|name| !name.is_empty());
    // The catalogue may know only the month of a release.
    let day = known.map(|known| known.released).filter(|day| day.len() == 10);
    Anthropic {
        kind: "model",
        id: model.id,
        display_name: display_name.unwrap_or(model.id),
        created_at: format!("{}T00:00:00Z", day.unwrap_or("1970-01-01")),
    }
}

#[derive(Serialize)]
pub(super) struct GeminiList<'a> {
    models: Vec<Gemini<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Gemini<'a> {
    name: String,
    version: &'static str,
    display_name: &'a str,
    input_token_limit: u64,
    output_token_limit: u64,
    supported_generation_methods: [&'static str; 2],
}

pub(super) fn gemini_list<'a>(models: &[Listed<'a>]) -> GeminiList<'a> {
    GeminiList { models: models.iter().map(gemini).collect() }
}

pub(super) fn gemini<'a>(model: &Listed<'a>) -> Gemini<'a> {
    let known = model.known();
    let tokens = |tokens: Option<u64>| tokens.unwrap_or(UNKNOWN_TOKENS);
    Gemini {
        name: format!("models/{}", model.id),
        version: "001",
        display_name: known.as_ref().map_or(model.id, |known| known.name),
        input_token_limit: tokens(known.as_ref().and_then(|it| it.input_max.or(it.context))),
        output_token_limit: tokens(known.as_ref().and_then(|it| it.output_max)),
        supported_generation_methods: ["generateContent", "streamGenerateContent"],
    }
}
