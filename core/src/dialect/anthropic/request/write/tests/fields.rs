//! What becomes of everything but the conversation.

use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{check, hi, refusal, written};
use crate::dialect::{
    Dialect, Prompt, Traits,
    ir::{
        Cache, Choice, Effort, Format, Function, Logprobs, Reasoning, Sampling, Schema, Show, Tool,
        ToolKind,
    },
    traits::{Degrees, Structured, Thinking},
};

fn schema(json: &str) -> Schema {
    serde_json::from_str(json).unwrap()
}

fn function(name: &str) -> Tool {
    let (name, schema) = (name.to_owned(), Some(schema(r#"{"type":"object"}"#)));
    let kind = ToolKind::Function(Function { name, description: None, schema, strict: None });
    Tool { kind, cache: None }
}

/// The function as this API has it.
fn shown(name: &str) -> impl Serialize + use<> {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

#[test]
fn the_limit_is_always_there() {
    let limit = |asked, output_max| {
        let prompt = Prompt { max_tokens: asked, ..hi() };
        written(&prompt, &Traits { output_max, ..Traits::default() }).0["max_tokens"].clone()
    };
    assert_eq!(limit(None, None), 4_096);
    assert_eq!(limit(None, Some(8_192)), 8_192);
    assert_eq!(limit(None, Some(128_000)), 32_000);
    assert_eq!(limit(Some(50_000), Some(64_000)), 50_000);
    assert_eq!(limit(Some(500_000), Some(64_000)), 64_000);
}

#[test]
fn sampling_is_kept_where_the_model_takes_it() {
    let sampling = |temperature, top_p, top_k| Prompt {
        sampling: Sampling { temperature, top_p, top_k, ..Sampling::default() },
        ..hi()
    };
    let plain = Traits::default();
    check(
        &sampling(Some(0.5), None, Some(3)),
        &plain,
        &json!({"temperature": 0.5, "top_k": 3}),
        &[],
    );
    check(&sampling(None, Some(0.5), None), &plain, &json!({"top_p": 0.5}), &[]);
    check(&sampling(Some(1.7), None, None), &plain, &json!({"temperature": 1.0}), &["temperature"]);
    check(&sampling(Some(0.0), Some(0.5), None), &plain, &json!({"temperature": 0.0}), &["top_p"]);
    check(&sampling(Some(1.0), Some(1.0), None), &plain, &json!({}), &[]);
    let none = Traits { sampling: false, ..plain };
    check(
        &sampling(Some(0.5), Some(0.5), Some(3)),
        &none,
        &json!({}),
        &["temperature", "top_k", "top_p"],
    );
    check(&sampling(Some(1.0), Some(1.0), None), &none, &json!({}), &[]);
}

#[test]
fn what_the_api_has_no_field_for_is_lost() {
    let sampling = Sampling {
        seed: Some(1),
        presence_penalty: Some(0.5),
        frequency_penalty: Some(0.0),
        logprobs: Some(Logprobs { top: 2 }),
        answers: Some(1),
        ..Sampling::default()
    };
    let prompt = Prompt {
        sampling,
        verbosity: Some("low".into()),
        cache_key: Some("k".into()),
        tier: Some("flex".into()),
        user: Some("me@example.com".into()),
        stop: vec!["\n".into(), "END".into(), String::new()],
        ..hi()
    };
    check(
        &prompt,
        &Traits::default(),
        &json!({"stop_sequences": ["END"]}),
        &[
            "seed",
            "presence_penalty",
            "logprobs",
            "verbosity",
            "prompt_cache_key",
            "service_tier",
            "stop",
            "user",
        ],
    );
    let two = Sampling { answers: Some(2), ..Sampling::default() };
    assert_eq!(refusal(&Prompt { sampling: two, ..hi() }), "unsupported_parameter n");
}

#[test]
fn tiers_users_and_the_breakpoint_at_the_end_cross() {
    let tier = |tier: &str| Prompt { tier: Some(tier.into()), ..hi() };
    let plain = Traits::default();
    check(&tier("auto"), &plain, &json!({"service_tier": "auto"}), &[]);
    check(&tier("default"), &plain, &json!({"service_tier": "standard_only"}), &[]);
    check(&tier("fast"), &plain, &json!({"speed": "fast"}), &[]);
    let (user, cache) = (Some("u1".into()), Some(Cache::Long));
    check(
        &Prompt { user, cache, stream: true, ..hi() },
        &plain,
        &json!({"metadata": {"user_id": "u1"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}, "stream": true}),
        &[],
    );
}

fn thinking(effort: Effort, max_tokens: Option<u64>) -> Prompt {
    Prompt { reasoning: Reasoning { effort: Some(effort), show: None }, max_tokens, ..hi() }
}

#[test]
fn a_model_that_thinks_by_degree_is_told_the_degree() {
    let plain = Traits::default();
    let adaptive = |effort: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}});
    for (effort, word) in [
        (Effort::Minimal, "low"),
        (Effort::Low, "low"),
        (Effort::Medium, "medium"),
        (Effort::High, "high"),
        (Effort::Higher, "xhigh"),
        (Effort::Max, "max"),
        (Effort::Budget(9_000), "medium"),
    ] {
        check(&thinking(effort, None), &plain, &adaptive(word), &[]);
    }
    check(
        &thinking(Effort::Adaptive, None),
        &plain,
        &json!({"thinking": {"type": "adaptive"}}),
        &[],
    );
    let off = thinking(Effort::Off, None);
    check(&off, &plain, &json!({"output_config": {"effort": "low"}}), &[]);
    let efforts = Degrees::of(&[Effort::Low, Effort::Medium, Effort::High, Effort::Max]);
    let some = Traits { switch: true, efforts, ..plain };
    check(&off, &some, &json!({"thinking": {"type": "disabled"}}), &[]);
    check(&thinking(Effort::Higher, None), &some, &adaptive("max"), &[]);
    let reasoning = Reasoning { effort: Some(Effort::Low), show: Some(Show::Hidden) };
    check(
        &Prompt { reasoning, ..hi() },
        &Traits::default(),
        &json!({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}}),
        &[],
    );
}

#[test]
fn nobody_is_made_to_think() {
    let show = Reasoning { effort: None, show: Some(Show::Summary) };
    for thinking in [
        Thinking::Untold,
        Thinking::Degree,
        Thinking::Budget { min: 0, max: 9_999 },
        Thinking::Switch,
    ] {
        let traits = Traits { thinking, ..Traits::default() };
        check(&Prompt { reasoning: show.clone(), ..hi() }, &traits, &json!({}), &[]);
    }
    let untold = Traits { thinking: Thinking::Untold, ..Traits::default() };
    check(&thinking(Effort::High, None), &untold, &json!({}), &["reasoning_effort"]);
    check(&thinking(Effort::Off, None), &untold, &json!({}), &[]);
}

#[test]
fn a_budget_stays_below_the_limit() {
    let output_max = Some(64_000);
    let thinks = Thinking::Budget { min: 0, max: 50_000 };
    let traits = Traits { thinking: thinks, output_max, ..Traits::default() };
    let budget = |effort, asked| {
        let (body, lost) = written(&thinking(effort, asked), &traits);
        assert!(lost.is_empty(), "{lost:?}");
        (body["thinking"]["budget_tokens"].as_u64(), body["max_tokens"].as_u64().unwrap())
    };
    assert_eq!(budget(Effort::Low, None), (Some(1_024), 33_024));
    assert_eq!(budget(Effort::High, None), (Some(24_576), 56_576));
    assert_eq!(budget(Effort::Max, None), (Some(50_000), 64_000));
    assert_eq!(budget(Effort::Medium, Some(20_000)), (Some(8_192), 20_000));
    assert_eq!(budget(Effort::High, Some(10_000)), (Some(9_000), 10_000));
    assert_eq!(budget(Effort::Max, Some(10_000)), (Some(9_999), 10_000));
    assert_eq!(budget(Effort::Budget(4_000), Some(4_096)), (Some(4_000), 4_096));
    // A limit that leaves no room to think meant the words alone.
    assert_eq!(budget(Effort::High, Some(256)), (Some(1_024), 1_280));
    assert_eq!(budget(Effort::Off, Some(256)), (None, 256));
    let small = Traits { output_max: Some(1_000), ..traits };
    check(
        &thinking(Effort::Low, None),
        &small,
        &json!({"max_tokens": 1_000}),
        &["reasoning_effort"],
    );
}

#[test]
fn a_model_that_thinks_by_budget_takes_less_sampling() {
    let traits = Traits { thinking: Thinking::Budget { min: 0, max: 2_000 }, ..Traits::default() };
    let sampling = Sampling {
        temperature: Some(0.2),
        top_p: Some(0.97),
        top_k: Some(4),
        ..Sampling::default()
    };
    let prompt = Prompt { sampling, ..thinking(Effort::Low, Some(9_000)) };
    check(
        &prompt,
        &traits,
        &json!({"max_tokens": 9_000, "top_p": 0.97, "thinking": {"type": "enabled", "budget_tokens": 1_024}}),
        &["temperature", "top_k"],
    );
}

#[test]
fn a_choice_of_tools_is_said() {
    let choose = |choice: Option<Choice>, parallel: Option<bool>| Prompt {
        tools: vec![function("f"), function("g")],
        choice,
        parallel,
        ..hi()
    };
    let plain = Traits::default();
    let both = || json!([shown("f"), shown("g")]);
    let check_choice = |prompt: &Prompt, choice| {
        check(prompt, &plain, &json!({"tools": both(), "tool_choice": choice}), &[]);
    };
    check(&choose(None, None), &plain, &json!({"tools": both()}), &[]);
    check_choice(&choose(Some(Choice::Auto), None), json!({"type": "auto"}));
    check_choice(&choose(Some(Choice::Required), Some(true)), json!({"type": "any"}));
    check_choice(&choose(Some(Choice::Never), Some(false)), json!({"type": "none"}));
    check_choice(
        &choose(Some(Choice::Only("g".into())), None),
        json!({"type": "tool", "name": "g"}),
    );
    check_choice(
        &choose(None, Some(false)),
        json!({"type": "auto", "disable_parallel_tool_use": true}),
    );
    let names = vec!["g".to_owned()];
    check(
        &choose(Some(Choice::Among { names, required: true }), None),
        &plain,
        &json!({"tools": [shown("g")], "tool_choice": {"type": "any"}}),
        &[],
    );
    check(
        &choose(Some(Choice::Required), None),
        &Traits { forced_tools: false, ..Traits::default() },
        &json!({"tools": both(), "tool_choice": {"type": "auto"}}),
        &["tool_choice"],
    );
    check(&Prompt { choice: Some(Choice::Auto), ..hi() }, &plain, &json!({}), &[]);
}

#[test]
fn who_must_call_at_once_does_not_think() {
    let prompt = Prompt {
        tools: vec![function("f")],
        choice: Some(Choice::Required),
        ..thinking(Effort::High, None)
    };
    check(
        &prompt,
        &Traits::default(),
        &json!({"tools": [shown("f")], "tool_choice": {"type": "any"}, "output_config": {"effort": "high"}}),
        &["reasoning_effort"],
    );
}

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

fn tool(kind: ToolKind) -> Tool {
    Tool { kind, cache: None }
}

#[test]
fn tools_of_all_kinds_are_said() {
    let strict = ToolKind::Function(Function {
        name: "f".into(),
        description: Some("d".into()),
        schema: Some(schema(
            r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}"#,
        )),
        strict: Some(true),
    });
    let bare = Function { name: "g".into(), description: None, schema: None, strict: Some(false) };
    let format = Some(raw(r#"{"type":"text"}"#));
    let custom = ToolKind::Custom { name: "c".into(), description: None, format };
    let (allowed, blocked) = (vec!["x".to_owned()], vec!["y".to_owned()]);
    let search = ToolKind::Search { allowed, blocked, origin: None };
    let own = r#"{"type":"web_search_20260318","name":"web_search","max_uses":1}"#;
    let origin = Some((Dialect::Anthropic, raw(own)));
    let kept = ToolKind::Search { allowed: Vec::new(), blocked: Vec::new(), origin };
    let bash = r#"{"type":"bash_20250124","name":"bash"}"#;
    let dialect = Dialect::Anthropic;
    let opaque = ToolKind::Opaque { dialect, kind: "bash".into(), json: raw(bash) };
    let code = ToolKind::RunCode { origin: None };
    let kinds = [strict, ToolKind::Function(bare), custom, search, kept, opaque, code];
    check(
        &Prompt { tools: kinds.into_iter().map(tool).collect(), ..hi() },
        &Traits::default(),
        &json!({"tools": [
            {"name": "f", "description": "d", "strict": true, "input_schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
                "additionalProperties": false
            }},
            {"name": "g", "input_schema": {"type": "object", "properties": {}}},
            {"name": "c", "input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"]
            }},
            {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["x"]},
            {"type": "web_search_20260318", "name": "web_search", "max_uses": 1},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "code_execution_20250825", "name": "code_execution"}
        ]}),
        &["format", "tools.web_search.blocked_domains"],
    );
    let dialect = Dialect::Gemini;
    let foreign = ToolKind::Opaque { dialect, kind: "googleMaps".into(), json: raw("{}") };
    let prompt = Prompt { tools: vec![tool(foreign)], ..hi() };
    assert_eq!(refusal(&prompt), "unsupported_parameter tools");
}

#[test]
fn no_more_tools_are_strict_than_the_api_takes() {
    let strict = |at: usize| {
        tool(ToolKind::Function(Function {
            name: format!("f{at}"),
            description: None,
            schema: None,
            strict: Some(true),
        }))
    };
    let prompt = Prompt { tools: (0..21).map(strict).collect(), ..hi() };
    let (body, lost) = written(&prompt, &Traits::default());
    let tools = body["tools"].as_array().unwrap();
    assert_eq!(tools.iter().filter(|tool| tool["strict"] == true).count(), 20);
    assert_eq!(lost, ["tools.strict"]);
}

fn formed(name: Option<&str>, root: &str) -> Prompt {
    let (name, description) = (name.map(str::to_owned), Some("d".to_owned()));
    let format = Format::Schema { name, description, schema: schema(root), strict: Some(true) };
    Prompt { format: Some(format), ..hi() }
}

const OBJECT: &str = r#"{"type":"object","properties":{"a":{"type":"string","maxLength":3}}}"#;

#[test]
fn the_form_of_the_answer_is_held() {
    let with = |structured| Traits { structured, ..Traits::default() };
    check(
        &formed(None, OBJECT),
        &with(Structured::Schema),
        &json!({"output_config": {"format": {"type": "json_schema", "schema": {
            "type": "object",
            "properties": {"a": {"type": "string", "description": "{maxLength: 3}"}},
            "additionalProperties": false
        }}}}),
        &[],
    );
    let form = json!({"name": "person", "description": "d", "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 3}}
    }});
    check(
        &formed(Some("person"), OBJECT),
        &with(Structured::ForcedTool),
        &json!({"tools": [form], "tool_choice": {"type": "tool", "name": "person"}}),
        &[],
    );
    check(
        &Prompt { tools: vec![function("f")], ..formed(Some("person"), OBJECT) },
        &with(Structured::ForcedTool),
        &json!({
            "system": [{"type": "text", "text": "Give the final answer by calling the tool `person`."}],
            "tools": [shown("f"), form],
            "tool_choice": {"type": "any"}
        }),
        &[],
    );
    check(
        &formed(None, r#"{"type":"array"}"#),
        &with(Structured::ForcedTool),
        &json!({"system": [{"type": "text", "text": "Answer with JSON that fits this JSON schema and nothing else: no other words, no code fence. {\"type\":\"array\"}"}]}),
        &[],
    );
    check(
        &Prompt { format: Some(Format::Json), ..hi() },
        &with(Structured::Schema),
        &json!({"system": [{"type": "text", "text": "Answer with one JSON object and nothing else: no other words, no code fence."}]}),
        &[],
    );
}
