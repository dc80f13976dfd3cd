//! What do all dialects say, each in its own words? The one vocabulary between them.
//!
//! A dialect reads its own JSON into these types and writes them back as its own. No dialect knows another, and nothing
//! here knows any JSON but values that are carried along as they came.

mod ask;
mod link;
mod loss;
mod part;
mod reply;
mod schema;
mod tool;

pub(crate) use ask::{
    Effort, Format, Logprobs, Prompt, Reasoning, Role, Sampling, Show, Turn, UNNAMED_SCHEMA,
};
pub(crate) use link::link;
pub(crate) use loss::Losses;
pub(crate) use part::{
    Cache, Call, Citation, Media, MediaKind, Outcome, Part, Source, State, Thought,
};
pub(crate) use reply::{Reply, Stop};
pub(crate) use schema::Schema;
pub(crate) use tool::{Choice, Function, Tool, ToolKind};
