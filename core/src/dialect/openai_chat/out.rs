//! The parts of this API's JSON that requests, answers and chunks write alike.

use std::borrow::Cow;

use serde::Serialize;

/// A call, whole or in pieces.
#[derive(Serialize, Default)]
pub(super) struct CallOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<FunctionText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<CustomText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<ExtraOut<'a>>,
}

#[derive(Serialize)]
pub(super) struct FunctionText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

#[derive(Serialize)]
pub(super) struct CustomText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) input: &'a str,
}

#[derive(Serialize)]
pub(super) struct ExtraOut<'a> {
    pub(super) google: GoogleOut<'a>,
}

#[derive(Serialize)]
pub(super) struct GoogleOut<'a> {
    pub(super) thought_signature: Cow<'a, str>,
}
