//! The parts of this API's JSON that the gateway reads of an answer, and all that it writes. They never leave this folder.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A whole answer, or one element of a streamed one: they are the same.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Element<'a> {
    #[serde(borrow, default)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow, default)]
    pub(super) prompt_feedback: Option<Feedback<'a>>,
    #[serde(default)]
    pub(super) usage_metadata: Option<Usage>,
    #[serde(borrow, default)]
    pub(super) model_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) response_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Cow<'a, str>>,
    /// Read apart: what is wrong with a source must not cost the text.
    #[serde(borrow, default)]
    pub(super) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) citation_metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow, default)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) thought: Option<bool>,
    #[serde(borrow, default)]
    pub(super) thought_signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(borrow, default)]
    pub(super) inline_data: Option<Blob<'a>>,
    #[serde(borrow, default)]
    pub(super) file_data: Option<File<'a>>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow, default)]
    pub(super) mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) data: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    #[serde(borrow, default)]
    pub(super) mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) file_uri: Option<Cow<'a, str>>,
}

/// What the provider thinks of the prompt. Ratings alone say nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow, default)]
    pub(super) block_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) block_reason_message: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Usage {
    pub(super) prompt_token_count: Option<i64>,
    pub(super) cached_content_token_count: Option<i64>,
    pub(super) candidates_token_count: Option<i64>,
    pub(super) thoughts_token_count: Option<i64>,
    pub(super) tool_use_prompt_token_count: Option<i64>,
    pub(super) total_token_count: Option<i64>,
    pub(super) prompt_tokens_details: Option<Vec<Share>>,
    pub(super) candidates_tokens_details: Option<Vec<Share>>,
    pub(super) cache_tokens_details: Option<Vec<Share>>,
    pub(super) tool_use_prompt_tokens_details: Option<Vec<Share>>,
    pub(super) service_tier: Option<String>,
    pub(super) traffic_type: Option<String>,
}

/// How many tokens were of one modality.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Share {
    pub(super) modality: Option<String>,
    pub(super) token_count: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct Grounding<'a> {
    #[serde(default)]
    pub(super) web_search_queries: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(borrow, default)]
    pub(super) grounding_chunks: Option<Vec<Chunk<'a>>>,
    #[serde(borrow, default)]
    pub(super) grounding_supports: Option<Vec<Support<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) web: Option<Site<'a>>,
    #[serde(borrow, default)]
    pub(super) maps: Option<Site<'a>>,
    #[serde(borrow, default)]
    pub(super) retrieved_context: Option<Site<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Site<'a> {
    #[serde(borrow, default)]
    pub(super) uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) title: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Support<'a> {
    #[serde(borrow, default)]
    pub(super) segment: Option<Segment<'a>>,
    #[serde(default)]
    pub(super) grounding_chunk_indices: Option<Vec<usize>>,
}

/// Where words stand, in bytes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Segment<'a> {
    #[serde(default)]
    pub(super) start_index: usize,
    #[serde(default)]
    pub(super) end_index: usize,
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
}

/// Vertex says `citations`, the other host `citationSources`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sources<'a> {
    #[serde(borrow, default, alias = "citationSources")]
    pub(super) citations: Option<Vec<Source<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source<'a> {
    #[serde(default)]
    pub(super) start_index: Option<usize>,
    #[serde(default)]
    pub(super) end_index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) title: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct ErrorBody<'a> {
    #[serde(default)]
    pub(super) code: Option<u16>,
    #[serde(borrow, default)]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) details: Option<Vec<&'a RawValue>>,
}

/// One of google.rpc's details.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail<'a> {
    #[serde(borrow, default)]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) retry_delay: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) field_violations: Option<Vec<Violation<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Violation<'a> {
    #[serde(borrow, default)]
    pub(super) field: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ElementOut<'a> {
    pub(super) candidates: [CandidateOut<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageOut>,
    pub(super) model_version: &'a str,
    pub(super) response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CandidateOut<'a> {
    pub(super) content: ContentOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grounding_metadata: Option<GroundingOut<'a>>,
}

#[derive(Serialize)]
pub(super) struct ContentOut<'a> {
    pub(super) parts: Vec<PartOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
}

/// A part that is written, or one that goes back as it came.
#[derive(Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every part is made, and it lives shortly")]
pub(super) enum PartOut<'a> {
    Made(Made<'a>),
    Raw(&'a RawValue),
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponseOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<BlobOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
pub(super) struct FunctionCallOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) args: Box<RawValue>,
}

#[derive(Serialize)]
pub(super) struct FunctionResponseOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) response: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Made<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlobOut<'a> {
    pub(super) mime_type: Cow<'a, str>,
    pub(super) data: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'a str>,
    pub(super) file_uri: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageOut {
    pub(super) prompt_token_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) cached_content_token_count: i64,
    pub(super) candidates_token_count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) thoughts_token_count: i64,
    pub(super) total_token_count: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) prompt_tokens_details: Vec<ShareOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) candidates_tokens_details: Vec<ShareOut>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareOut {
    pub(super) modality: &'static str,
    pub(super) token_count: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroundingOut<'a> {
    pub(super) grounding_chunks: Vec<ChunkOut<'a>>,
    pub(super) grounding_supports: Vec<SupportOut<'a>>,
}

#[derive(Serialize)]
pub(super) struct ChunkOut<'a> {
    pub(super) web: SiteOut<'a>,
}

#[derive(Serialize)]
pub(super) struct SiteOut<'a> {
    pub(super) uri: &'a str,
    pub(super) title: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SupportOut<'a> {
    pub(super) segment: SegmentOut<'a>,
    pub(super) grounding_chunk_indices: [usize; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentOut<'a> {
    pub(super) start_index: usize,
    pub(super) end_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct ErrorEnvelope<'a> {
    pub(super) error: ErrorOut<'a>,
}

#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    pub(super) code: u16,
    pub(super) message: &'a str,
    pub(super) status: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<DetailOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailOut<'a> {
    #[serde(rename = "@type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field_violations: Option<[ViolationOut<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ViolationOut<'a> {
    pub(super) field: &'a str,
    pub(super) description: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}
