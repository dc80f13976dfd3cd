//! What is read of a Responses request, with literal JSON on one side and words on the other?

use super::*;
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, Media, Source, State, ToolKind},
    },
    identity::Vault,
    testing::root_secret,
};

fn carrier() -> Carrier {
    Carrier::new(Vault::new(&root_secret()), "p")
}

fn prompt(body: &str) -> Prompt {
    read(body.as_bytes(), &carrier()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// The turns in short: who says what.
fn told(turns: &[Turn]) -> String {
    let turn = |turn: &Turn| {
        let parts: Vec<_> = turn.parts.iter().map(short).collect();
        format!("{:?}: {}", turn.role, parts.join(", "))
    };
    turns.iter().map(turn).collect::<Vec<_>>().join(" | ")
}

fn short(part: &Part) -> String {
    match part {
        Part::Text { text, citations, cache } => {
            let cites = citations.iter().map(|cited| format!(" ^{} {:?}", cited.url, cited.span));
            let cache = cache.map(|cache| format!(" *{cache:?}")).unwrap_or_default();
            format!("{text:?}{}{cache}", cites.collect::<String>())
        }
        Part::Refusal(text) => format!("refusal {text:?}"),
        Part::Media(Media { kind, source, detail, name, .. }) => {
            let place = match source {
                Source::Data { mime, base64 } => format!("{mime} {base64}"),
                Source::Text(text) => format!("text {text:?}"),
                Source::Url { url, .. } => url.clone(),
                Source::File { id, .. } => format!("file {id}"),
            };
            let more = [detail, name].map(|field| field.as_deref().unwrap_or("-"));
            format!("{kind:?} {place} {}", more.join(" "))
        }
        Part::Thought(thought) => {
            let state = thought.state.as_ref();
            let state = state.map(|s| format!(" {} {} {}", s.form, s.id, s.data));
            let kind = if thought.summary { "summary" } else { "thought" };
            format!("{kind} {:?}{}", thought.text, state.unwrap_or_default())
        }
        Part::Call(call) => {
            let state = call.state.as_ref().map(|s| format!(" {:?} {}", s.id, s.data));
            let kind = if call.custom { "custom" } else { "call" };
            let state = state.unwrap_or_default();
            format!("{kind} {} {} {}{state}", call.id, call.name, call.arguments)
        }
        Part::Outcome(outcome) => {
            let parts: Vec<_> = outcome.parts.iter().map(short).collect();
            let kind = if outcome.custom { "custom outcome" } else { "outcome" };
            format!("{kind} {} [{}]", outcome.id, parts.join(", "))
        }
        Part::Opaque { kind, .. } => format!("opaque {kind}"),
    }
}

fn check(fields: &str, expected: &str) {
    let body = format!(r#"{{"model":"m",{fields}}}"#);
    assert_eq!(told(&prompt(&body).turns), expected, "{fields}");
}

#[test]
fn input_comes_in_three_forms() {
    check(r#""input":"hé 😀","instructions":"be brief""#, r#"System: "be brief" | User: "hé 😀""#);
    check(
        r#""input":[{"role":"developer","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"},{"type":"message","role":"system","content":[{"type":"input_text","text":"d"}]}]"#,
        r#"System: "a" | User: "b" | Assistant: "c" | System: "d""#,
    );
    check(
        r#""input":[{"role":"user","content":[{"type":"input_text","text":""},{"type":"input_text","text":"x","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]}]"#,
        r#"User: "x" *Long"#,
    );
}

#[test]
fn what_the_model_did_is_one_turn() {
    check(
        r#""input":[
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"ENC"},
            {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"let me","annotations":[{"type":"url_citation","url":"http://u","title":"t","start_index":0,"end_index":3},{"type":"file_citation","file_id":"f","index":1}]},{"type":"refusal","refusal":"no"}]},
            {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"n\":9007199254740993}"},
            {"type":"custom_tool_call","call_id":"call_2","name":"g","input":"free"},
            {"type":"function_call_output","call_id":"call_1","output":"ok"},
            {"type":"custom_tool_call_output","call_id":"call_2","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,AA=="}]},
            {"role":"user","content":"on"}]"#,
        r#"Assistant: summary "a\n\nb" encrypted rs_1 ENC, "let me" ^http://u Some((0, 3)), refusal "no", call call_1 f {"n":9007199254740993}, custom call_2 g free | User: outcome call_1 ["ok"], custom outcome call_2 ["see", Image image/png AA== - -] | User: "on""#,
    );
}

#[test]
fn thoughts_without_anything_are_none() {
    check(
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":null},{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"raw"}]}]"#,
        r#"Assistant: thought "raw""#,
    );
}

#[test]
fn media_is_found_wherever_it_is() {
    check(
        r#""input":[{"role":"user","content":[
            {"type":"input_image","image_url":"https://h/i.png","detail":"high"},
            {"type":"input_image","file_id":"file_1","detail":"auto"},
            {"type":"input_file","file_data":"data:application/pdf;base64,JVBE","filename":"a.pdf"},
            {"type":"input_file","file_data":"JVBE"},
            {"type":"input_file","file_data":"data:text/plain;base64,aGk=","filename":"a.txt"},
            {"type":"input_file","file_url":"https://h/a.pdf"},
            {"type":"input_audio","input_audio":{"data":"UklG","format":"mp3"}},
            {"type":"input_hologram","x":1}]}]"#,
        "User: Image https://h/i.png high -, Image file file_1 - -, Document application/pdf JVBE - a.pdf, Document application/pdf JVBE - -, Document text \"hi\" - a.txt, Document https://h/a.pdf - -, Audio audio/mpeg UklG - -, opaque input_hologram",
    );
    check(
        r#""input":[{"type":"image_generation_call","id":"ig_1","status":"completed","result":"AA==","output_format":"webp"},{"type":"web_search_call","id":"ws_1","status":"completed"},{"type":"local_shell_call_output","id":"x","output":"y"}]"#,
        "Assistant: Image image/webp AA== - -, opaque web_search_call | User: opaque local_shell_call_output",
    );
}

#[test]
fn wrapped_state_is_unwrapped_where_it_belongs() {
    let state = |id: &str, data: &str| State {
        dialect: Dialect::Gemini,
        form: "signature",
        id: id.to_owned(),
        data: data.to_owned(),
    };
    let thought = carrier().wrap(&state("", "SIG"));
    let call = carrier().wrap(&state("call_1 own", "CALLSIG"));
    let other = Carrier::new(Vault::new(&root_secret()), "other").wrap(&state("", "SIG"));
    check(
        &format!(
            r#""input":[{{"type":"reasoning","summary":[{{"type":"summary_text","text":"t"}}],"encrypted_content":"{thought}"}},
            {{"type":"function_call","call_id":"call_1","name":"f","arguments":"{{}}"}},
            {{"type":"reasoning","summary":[],"encrypted_content":"{call}"}},
            {{"type":"reasoning","summary":[],"encrypted_content":"{other}"}}]"#
        ),
        r#"Assistant: summary "t" signature  SIG, call call_1 f {} "own" CALLSIG"#,
    );
}

#[test]
fn fields_find_their_place() {
    let prompt = prompt(
        r#"{"model":"m","input":"x","stream":true,"max_output_tokens":9,"temperature":0.5,"top_p":0.9,"top_logprobs":2,
        "parallel_tool_calls":false,"reasoning":{"effort":"xhigh","summary":"detailed"},"service_tier":"flex","safety_identifier":"u",
        "user":"v","prompt_cache_key":"k","text":{"verbosity":"low","format":{"type":"json_schema","name":"n","description":"d","strict":true,"schema":{"type":"object"}}},
        "store":true,"metadata":{"a":"b"},"include":["reasoning.encrypted_content"],"truncation":"disabled","background":false,
        "stream_options":{"include_obfuscation":false},"previous_response_id":"resp_1"}"#,
    );
    assert!(prompt.stream);
    assert_eq!(prompt.max_tokens, Some(9));
    assert_eq!(prompt.parallel, Some(false));
    let reasoning = Reasoning { effort: Some(Effort::Higher), show: Some(Show::Detailed) };
    assert_eq!(prompt.reasoning, reasoning);
    assert_eq!(prompt.sampling.temperature, Some(0.5));
    assert_eq!(prompt.sampling.top_p, Some(0.9));
    assert_eq!(prompt.sampling.logprobs, Some(Logprobs { top: 2 }));
    assert_eq!(prompt.tier.as_deref(), Some("flex"));
    assert_eq!(prompt.user.as_deref(), Some("u"));
    assert_eq!(prompt.cache_key.as_deref(), Some("k"));
    assert_eq!(prompt.verbosity.as_deref(), Some("low"));
    let Some(Format::Schema { name, description, strict, .. }) = prompt.format else {
        panic!("no schema")
    };
    assert_eq!((name.as_deref(), description.as_deref()), (Some("n"), Some("d")));
    assert_eq!(strict, Some(true));
    assert_eq!(prompt.foreign, Vec::<String>::new());
}

#[test]
fn what_only_this_api_has_is_named() {
    let prompt = prompt(
        r#"{"model":"m","input":"x","max_tool_calls":3,"moderation":null,"truncation":"auto","include":["file_search_call.results"],
        "reasoning":{"context":"all_turns","mode":"pro"},"tool_choice":{"type":"mcp","server_label":"s"},"whatever":1}"#,
    );
    let foreign = [
        "max_tool_calls",
        "whatever",
        "include",
        "truncation",
        "reasoning.context",
        "reasoning.mode",
        "tool_choice",
    ];
    assert_eq!(prompt.foreign, foreign);
}

#[test]
fn tools_are_flat() {
    let prompt = prompt(
        r#"{"model":"m","input":"x","tools":[
        {"type":"function","name":"closed","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}},
        {"type":"function","name":"open","parameters":{"type":"object","properties":{"a":{"type":"string"}}}},
        {"type":"function","name":"no","strict":false,"parameters":null},
        {"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"s"}},
        {"type":"web_search_preview_2025_03_11","filters":{"allowed_domains":["a.b"]}},
        {"type":"code_interpreter","container":{"type":"auto"}},
        {"type":"mcp","server_label":"s"}]}"#,
    );
    let name = |kind: &ToolKind| match kind {
        ToolKind::Function(f) => format!("{} {:?} {}", f.name, f.strict, f.schema.is_some()),
        ToolKind::Custom { name, format, .. } => format!("{name} {}", format.is_some()),
        ToolKind::Search { allowed, origin, .. } => {
            format!("search {allowed:?} {}", origin.is_some())
        }
        ToolKind::RunCode { origin } => format!("run {}", origin.is_some()),
        ToolKind::Opaque { kind, .. } => format!("opaque {kind}"),
    };
    let tools: Vec<_> = prompt.tools.iter().map(|tool| name(&tool.kind)).collect();
    let expected = [
        "closed Some(true) true",
        "open None true",
        "no Some(false) false",
        "c true",
        r#"search ["a.b"] true"#,
        "run true",
        "opaque mcp",
    ];
    assert_eq!(tools, expected);
}

#[test]
fn a_choice_is_a_word_or_a_name() {
    let check = |choice: &str, expected: Option<Choice>| {
        let body = format!(r#"{{"model":"m","input":"x","tool_choice":{choice}}}"#);
        assert_eq!(prompt(&body).choice, expected, "{choice}");
    };
    check(r#""auto""#, Some(Choice::Auto));
    check(r#""required""#, Some(Choice::Required));
    check(r#""none""#, Some(Choice::Never));
    check("null", None);
    check(r#"{"type":"function","name":"f"}"#, Some(Choice::Only("f".into())));
    check(r#"{"type":"custom","name":"c"}"#, Some(Choice::Only("c".into())));
    check(
        r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"mcp","server_label":"s"}]}"#,
        Some(Choice::Among { names: vec!["f".into()], required: true }),
    );
    check(r#"{"type":"web_search"}"#, None);
}

#[test]
fn what_cannot_be_understood_is_named() {
    let check = |fields: &str, param: &str, code: Option<&str>| {
        let body = format!(r#"{{"model":"m",{fields}}}"#);
        let Err(error) = read(body.as_bytes(), &carrier()) else { panic!("{fields}") };
        let hints = error.hints.unwrap_or_default();
        assert_eq!(hints.param.as_deref(), Some(param), "{fields}");
        assert_eq!(hints.code.as_deref(), code, "{fields}");
    };
    let unsupported = Some("unsupported_parameter");
    check(r#""input":"x","conversation":"c""#, "conversation", unsupported);
    check(r#""input":"x","prompt":{"id":"p"}"#, "prompt", unsupported);
    check(r#""input":"x","background":true"#, "background", unsupported);
    check(r#""input":[{"type":"item_reference","id":"i"}]"#, "input[0].id", unsupported);
    check(r#""input":[{"id":"i"}]"#, "input[0].id", unsupported);
    check(r#""stream":false"#, "input", None);
    check(r#""input":5"#, "input", None);
    check(r#""input":[{"role":"judge","content":"x"}]"#, "input[0].role", None);
    check(
        r#""input":[{"role":"user","content":[{"type":"input_text","text":1}]}]"#,
        "input[0].content[0].text",
        None,
    );
    check(r#""input":"x","temperature":"warm""#, "temperature", None);
    check(r#""input":"x","reasoning":{"effort":"huge"}"#, "reasoning.effort", None);
    check(r#""input":"x","text":{"format":{"type":"yaml"}}"#, "text.format", None);
    check(r#""input":"x","tools":[{"type":"function"}]"#, "tools[0].name", None);
    check(r#""input":"x","tool_choice":"maybe""#, "tool_choice", None);
}
