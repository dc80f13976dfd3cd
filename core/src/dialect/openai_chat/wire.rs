//! The parts of this API's JSON that the gateway reads. They never leave this folder.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::super::bill::{Behind, Dollars, ToolCalls};

use crate::json;

#[derive(Deserialize)]
pub(super) struct Completion<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    /// Groq tells the usage here, and again in the last chunk when it was asked to.
    #[serde(default)]
    pub(super) x_groq: Option<Extension>,
    #[serde(borrow, default)]
    pub(super) error: Option<ErrorBody<'a>>,
    #[serde(borrow, default)]
    pub(super) service_tier: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Extension {
    #[serde(default)]
    pub(super) usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) message: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub(super) delta: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Cow<'a, str>>,
    /// Moonshot tells the usage here and at the top.
    #[serde(default)]
    pub(super) usage: Option<Usage>,
}

/// A message of a request, of an answer, or what a chunk adds to one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) reasoning: Option<Cow<'a, str>>,
    /// What `OpenRouter` wants back word for word, and where other dialects' state travels.
    #[serde(borrow)]
    pub(super) reasoning_details: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    /// The one call of an older API.
    #[serde(borrow)]
    pub(super) function_call: Option<Function<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Option<Vec<Annotation<'a>>>,
    /// Pictures that the model made, as `OpenRouter` has them.
    #[serde(borrow)]
    pub(super) images: Option<Vec<ImagePart<'a>>>,
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) tool_call_id: Option<Cow<'a, str>>,
}

/// Text, or a list of parts, each as it came.
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<&'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Either<'a> {
            type Value = Content<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of parts")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Content<'a>, E> {
                Ok(Content::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Content<'a>, E> {
                Ok(Content::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content<'a>, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = list.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[derive(Deserialize)]
pub(super) struct ToolCall<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function: Option<Function<'a>>,
    #[serde(borrow, default)]
    pub(super) custom: Option<CustomCall<'a>>,
    #[serde(borrow, default)]
    pub(super) extra_content: Option<ExtraContent<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<Arguments<'a>>,
}

/// JSON in a string; a few hosts send the object itself.
pub(super) struct Arguments<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = if raw.starts_with('"') {
            json::read::<Cow<'a, str>>(raw).map_err(serde::de::Error::custom)?
        } else {
            Cow::Borrowed(raw)
        };
        Ok(Self(text))
    }
}

#[derive(Deserialize)]
pub(super) struct CustomCall<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) input: Option<Cow<'a, str>>,
}

/// Google's own place for a call's signature in this API.
#[derive(Deserialize)]
pub(super) struct ExtraContent<'a> {
    #[serde(borrow, default)]
    pub(super) google: Option<GoogleContent<'a>>,
}

#[derive(Deserialize)]
pub(super) struct GoogleContent<'a> {
    #[serde(borrow, default)]
    pub(super) thought_signature: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Annotation<'a> {
    #[serde(borrow, default)]
    pub(super) url_citation: Option<UrlCitation<'a>>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct UrlCitation<'a> {
    #[serde(default)]
    pub(super) start_index: Option<usize>,
    #[serde(default)]
    pub(super) end_index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) title: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct ImagePart<'a> {
    #[serde(borrow, default)]
    pub(super) image_url: Option<ImageUrl<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ImageUrl<'a> {
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) detail: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: Option<i64>,
    #[serde(default)]
    pub(super) completion_tokens: Option<i64>,
    #[serde(default)]
    pub(super) total_tokens: Option<i64>,
    #[serde(default)]
    pub(super) prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    pub(super) completion_tokens_details: Option<CompletionDetails>,
    /// Mistral tells the service here, and others beside the usage.
    #[serde(default)]
    pub(super) service_tier: Option<String>,
    /// `DeepSeek`'s and Moonshot's own words for cached input.
    #[serde(default)]
    pub(super) prompt_cache_hit_tokens: Option<i64>,
    #[serde(default)]
    pub(super) cached_tokens: Option<i64>,
    /// `OpenRouter` and Perplexity tell what the answer cost.
    #[serde(default)]
    pub(super) cost: Option<Dollars>,
    #[serde(default)]
    pub(super) is_byok: Option<bool>,
    #[serde(default)]
    pub(super) cost_details: Option<Behind>,
    /// So does xAI.
    #[serde(default)]
    pub(super) cost_in_usd_ticks: Option<i64>,
    #[serde(default)]
    pub(super) server_side_tool_usage_details: Option<ToolCalls>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct PromptDetails {
    pub(super) cached_tokens: Option<i64>,
    pub(super) cache_write_tokens: Option<i64>,
    pub(super) audio_tokens: Option<i64>,
    pub(super) image_tokens: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct CompletionDetails {
    pub(super) reasoning_tokens: Option<i64>,
    pub(super) audio_tokens: Option<i64>,
    pub(super) image_tokens: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct ErrorBody<'a> {
    #[serde(borrow, default)]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    pub(super) category: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) param: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) code: Option<Code<'a>>,
}

/// `OpenRouter` and llama.cpp send numbers.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Code<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(i64),
}

#[derive(Serialize)]
pub(super) struct ErrorEnvelope<'a> {
    pub(super) error: ErrorOut<'a>,
}

#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    pub(super) message: &'a str,
    #[serde(rename = "type")]
    pub(super) category: &'a str,
    pub(super) param: Option<&'a str>,
    pub(super) code: Option<&'a str>,
}
