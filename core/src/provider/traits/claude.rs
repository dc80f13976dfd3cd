//! What does each generation of Claude understand? Anthropic takes away as much with each as it adds.

use super::row::{ROW, Row, Says, UNSAID};
use crate::dialect::{
    Dialect::{self, Anthropic},
    ir::Effort,
    traits::{Degrees, Structured, Thinking},
};

const MESSAGES: &[Dialect] = &[Anthropic];
const FROM_LOW: Option<Degrees> =
    Some(Degrees::of(&[Effort::Low, Effort::Medium, Effort::High, Effort::Higher, Effort::Max]));

/// In order: the first answer to each question counts. A generation that is not listed is newer than all.
pub(super) const ROWS: &[Row] = &[
    Row {
        spoken: MESSAGES,
        models: &["claude-3-7"],
        says: Says {
            thinking: BUDGET,
            structured: Some(Structured::ForcedTool),
            late_system: Some(false),
            ..OLD
        },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-2", "claude-3", "claude-instant"],
        says: Says {
            thinking: Some(Thinking::Untold),
            structured: Some(Structured::ForcedTool),
            late_system: Some(false),
            ..OLD
        },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
        says: Says {
            thinking: BUDGET,
            structured: Some(Structured::Schema),
            late_system: Some(false),
            ..OLD
        },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-4-6", "claude-sonnet-4-6"],
        says: Says {
            thinking: Some(Thinking::Degree),
            efforts: Some(Degrees::of(&[Effort::Low, Effort::Medium, Effort::High, Effort::Max])),
            switch: Some(true),
            structured: Some(Structured::Schema),
            late_system: Some(false),
            ..OLD
        },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-4-7"],
        says: Says { switch: Some(true), late_system: Some(false), ..ADAPTIVE },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-4-8", "claude-haiku-5-5"],
        says: Says { switch: Some(true), late_system: Some(true), ..ADAPTIVE },
        ..ROW
    },
    // After the younger ones of its number.
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"],
        says: Says {
            thinking: BUDGET,
            structured: Some(Structured::ForcedTool),
            late_system: Some(false),
            ..OLD
        },
        ..ROW
    },
    // These think always, and then no tool can be forced.
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-1"],
        says: NEWEST,
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-fable-5", "claude-mythos-5", "claude-mythos-preview"],
        says: Says { switch: Some(false), late_system: Some(true), ..ADAPTIVE },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude-opus-5", "claude-sonnet-5"],
        says: Says { switch: Some(true), late_system: Some(true), ..ADAPTIVE },
        ..ROW
    },
    Row {
        spoken: MESSAGES,
        models: &["claude"],
        says: Says { media_urls: Some(true), ..NEWEST },
        ..ROW
    },
    // Other makers speak this dialect as it was when thinking had a budget.
    Row {
        spoken: MESSAGES,
        says: Says {
            thinking: BUDGET,
            switch: Some(true),
            structured: Some(Structured::ForcedTool),
            late_system: Some(false),
            media_urls: Some(false),
            ..UNSAID
        },
        ..ROW
    },
];

/// Up to as many tokens as the whole answer may have.
const BUDGET: Option<Thinking> = Some(Thinking::Budget { min: 1_024, max: u64::MAX });

/// Takes temperature and the like, and can be made to call.
const OLD: Says = Says { sampling: Some(true), forced_tools: Some(true), ..UNSAID };

/// Thinks as it sees fit, and takes no temperature.
const ADAPTIVE: Says = Says {
    sampling: Some(false),
    thinking: Some(Thinking::Degree),
    efforts: FROM_LOW,
    forced_tools: Some(true),
    structured: Some(Structured::Schema),
    ..UNSAID
};

const NEWEST: Says =
    Says { switch: Some(false), forced_tools: Some(false), late_system: Some(true), ..ADAPTIVE };
