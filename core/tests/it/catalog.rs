//! Does the embedded catalogue say exactly what its source says?

#![expect(clippy::disallowed_methods, reason = "the source is a file")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use serde_json::{Map, Value};
use tidegate_core::{
    money::{Rates, Unit},
    provider::catalog::{self, Capability, Interleaved, Modalities, Modality, Model, Status},
};

#[test]
fn every_model_reads_as_its_source() {
    let source = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/models_dev.json")).unwrap();
    let source: Map<String, Value> = serde_json::from_slice(&source).unwrap();
    let mut ids: Vec<&str> = source.keys().map(String::as_str).collect();
    ids.sort_unstable();
    assert_eq!(catalog::providers().collect::<Vec<_>>(), ids);
    let mut count = 0;
    for (provider_id, provider) in &source {
        let models = provider["models"].as_object().unwrap();
        let mut ids: Vec<&str> = models.keys().map(String::as_str).collect();
        ids.sort_unstable();
        let listed: Vec<&str> = catalog::models(provider_id).map(|model| model.id).collect();
        assert_eq!(listed, ids, "{provider_id}");
        for (id, expected) in models {
            let model = catalog::exact(provider_id, id).unwrap();
            assert_eq!(catalog::find(provider_id, id).as_ref(), Some(&model));
            check_known(expected);
            compare(&model, expected);
            count += 1;
        }
    }
    assert!(count > 700, "{count}");
}

/// A field that is new in the source is to be thought about. A gateway that fetches it passes it over.
fn check_known(model: &Value) {
    let check = |value: &Value, known: &[&str]| {
        for name in value.as_object().into_iter().flat_map(Map::keys) {
            assert!(known.contains(&name.as_str()), "{name} is new: {model}");
        }
    };
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    check(model, &MODEL);
    check(&model["limit"], &["context", "input", "output"]);
    check(&model["modalities"], &["input", "output"]);
    check(&model["interleaved"], &["field"]);
    check(&model["cost"], &COST);
    for tier in items(&model["cost"]["tiers"]) {
        check(&tier, &COST);
        check(&tier["tier"], &["type", "size"]);
    }
    for option in items(&model["reasoning_options"]) {
        check(&option, &["type", "values", "min", "max"]);
        let kind = option["type"].as_str().unwrap();
        assert!(["toggle", "effort", "budget_tokens"].contains(&kind), "{kind} is new: {model}");
    }
}

const MODEL: [&str; 14] = [
    "id",
    "name",
    "release_date",
    "attachment",
    "reasoning",
    "tool_call",
    "structured_output",
    "temperature",
    "reasoning_options",
    "interleaved",
    "status",
    "limit",
    "modalities",
    "cost",
];

/// `context_over_200k` is a copy of the one tier, kept by the source for older readers.
const COST: [&str; 10] = [
    "input",
    "output",
    "cache_read",
    "cache_write",
    "reasoning",
    "input_audio",
    "output_audio",
    "tiers",
    "tier",
    "context_over_200k",
];

fn compare(model: &Model<'_>, expected: &Value) {
    let id = model.id;
    assert_eq!(Some(model.name), expected["name"].as_str(), "{id}");
    assert_eq!(Some(model.released), expected["release_date"].as_str(), "{id}");
    assert!(model.released_at_s() > 1_500_000_000, "{id}");
    let limit = |name: &str| expected["limit"][name].as_u64().filter(|tokens| *tokens > 0);
    assert_eq!(model.context, limit("context"), "{id}");
    assert_eq!(model.input_max, limit("input"), "{id}");
    assert_eq!(model.output_max, limit("output"), "{id}");
    for (capability, name) in [
        (Capability::Attachments, "attachment"),
        (Capability::Reasoning, "reasoning"),
        (Capability::Tools, "tool_call"),
        (Capability::StructuredOutput, "structured_output"),
        (Capability::Temperature, "temperature"),
    ] {
        assert_eq!(model.capabilities.has(capability), expected[name].as_bool(), "{id} {name}");
    }
    assert_eq!(names(model.input), texts(&expected["modalities"]["input"]), "{id}");
    assert_eq!(names(model.output), texts(&expected["modalities"]["output"]), "{id}");
    compare_reasoning(model, expected);
    let status = match model.status {
        Status::Stable => None,
        Status::Beta => Some("beta"),
        Status::Deprecated => Some("deprecated"),
    };
    assert_eq!(status, expected["status"].as_str(), "{id}");
    compare_prices(model, &expected["cost"]);
}

fn compare_reasoning(model: &Model<'_>, expected: &Value) {
    let id = model.id;
    let options = expected["reasoning_options"].as_array();
    let option = |kind: &str| options.into_iter().flatten().find(|option| option["type"] == kind);
    assert_eq!(model.reasoning.toggle(), option("toggle").is_some(), "{id}");
    let efforts: Vec<&str> = model.reasoning.efforts().map(catalog::Effort::name).collect();
    let expected_efforts = option("effort").map(|option| texts(&option["values"]));
    assert_eq!(efforts, expected_efforts.unwrap_or_default(), "{id}");
    let budget = model.reasoning.budget().map(|budget| (budget.min, budget.max));
    let bounds = |option: &Value| (option["min"].as_i64(), option["max"].as_i64());
    assert_eq!(budget, option("budget_tokens").map(bounds), "{id}");
    let interleaved = match &expected["interleaved"] {
        Value::Null => None,
        Value::Bool(true) => Some(Interleaved::Unnamed),
        named if named["field"] == "reasoning_content" => Some(Interleaved::Content),
        _ => Some(Interleaved::Details),
    };
    assert_eq!(model.reasoning.interleaved(), interleaved, "{id}");
}

fn compare_prices(model: &Model<'_>, cost: &Value) {
    let id = model.id;
    let Some(prices) = &model.price else {
        assert!(cost.is_null(), "{id}");
        return;
    };
    compare_rates(id, &prices.base, cost);
    let tiers = cost["tiers"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(prices.tiers.len(), tiers.len(), "{id}");
    for (tier, expected) in prices.tiers.iter().zip(tiers) {
        assert_eq!(Some(tier.above_tokens), expected["tier"]["size"].as_u64(), "{id}");
        compare_rates(id, &tier.rates, expected);
    }
}

fn compare_rates(id: &str, rates: &Rates, cost: &Value) {
    for (unit, name) in [
        (Unit::Input, "input"),
        (Unit::Output, "output"),
        (Unit::CacheRead, "cache_read"),
        (Unit::CacheWrite5m, "cache_write"),
        (Unit::Reasoning, "reasoning"),
        (Unit::AudioIn, "input_audio"),
        (Unit::AudioOut, "output_audio"),
    ] {
        assert_eq!(rates.get(unit), cost[name].as_f64().map(nanos), "{id} {name}");
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "prices are small")]
fn nanos(dollars: f64) -> u64 {
    (dollars * 1e9).round() as u64
}

fn names(modalities: Modalities<'_>) -> Vec<&'static str> {
    let name = |modality| match modality {
        Modality::Text => "text",
        Modality::Image => "image",
        Modality::Audio => "audio",
        Modality::Video => "video",
        Modality::Pdf => "pdf",
    };
    modalities.iter().map(name).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}
