//! What requests say and what becomes of a prompt, with literal JSON on both sides.

use bytes::Bytes;

use super::{ask, patch, read, write};
use crate::{
    dialect::{
        Carrier, Dialect, Losses, Prompt, Traits,
        ir::{
            Call, Choice, Effort, Format, Function, Media, MediaKind, Outcome, Part, Reasoning,
            Role, Sampling, Schema, Source, State, Thought, Tool, ToolKind, Turn,
        },
        traits::{Structured, Thinking},
    },
    identity::Vault,
    testing::root_secret,
};

#[test]
fn a_request_streams_unless_it_says_not() {
    let check = |body: &str, stream: bool| {
        assert_eq!(ask(body.as_bytes()).unwrap().stream, stream, "{body}");
    };
    check(r#"{"model":"m"}"#, true);
    check(r#"{"model":"m","stream":false}"#, false);
    assert!(ask(b"{}").is_err());
}

#[test]
fn only_the_model_is_renamed() {
    let body = Bytes::from_static(br#"{"model":"m", "options":{"model":"m"}}"#);
    let ask = ask(&body).unwrap();
    assert_eq!(patch(&body, &ask, "m").unwrap(), body);
    assert_eq!(patch(&body, &ask, "n").unwrap(), r#"{"model":"n", "options":{"model":"m"}}"#);
}

fn written(prompt: &Prompt, traits: &Traits) -> (String, Vec<String>) {
    let mut losses = Losses::default();
    let body = write(prompt, traits, &mut losses).unwrap();
    (String::from_utf8(body).unwrap(), losses.names().to_vec())
}

fn check_messages(turns: Vec<Turn>, expected: &str) {
    let prompt = Prompt { model: "m".into(), turns, ..Prompt::default() };
    let (body, losses) = written(&prompt, &Traits::default());
    assert_eq!(body, format!(r#"{{"model":"m","messages":[{expected}],"stream":false}}"#));
    assert!(losses.is_empty());
}

/// What stands beside the messages.
fn check_rest(prompt: Prompt, traits: &Traits, expected: &str, lost: &[&str]) {
    let turns = vec![Turn::new(Role::User, vec![Part::text("hi")])];
    let (body, losses) = written(&Prompt { turns, stream: true, ..prompt }, traits);
    let start = r#"{"model":"","messages":[{"role":"user","content":"hi"}],"#;
    assert_eq!(body.strip_prefix(start).unwrap().strip_suffix('}').unwrap(), expected);
    assert_eq!(losses, lost, "{body}");
}

fn media(kind: MediaKind, source: Source) -> Part {
    Part::Media(Media { kind, source, detail: None, name: None, cache: None })
}

#[test]
fn messages_are_written() {
    let png = || Source::Data { mime: "image/png".into(), base64: "AA==".into() };
    let url = Source::Url { mime: None, url: "data:image/png;base64,BB==".into() };
    let state = Some(State {
        dialect: Dialect::Anthropic,
        form: "signature",
        id: String::new(),
        data: "A".into(),
    });
    let thought =
        |text: &str, state| Part::Thought(Thought { text: text.to_owned(), summary: false, state });
    let call = Part::Call(Call {
        id: "c1".into(),
        name: "f".into(),
        arguments: r#"{"n":9007199254740993}"#.into(),
        custom: false,
        state: None,
    });
    let outcome = Part::Outcome(Outcome {
        id: "c1".into(),
        name: None,
        parts: vec![Part::text("no"), media(MediaKind::Image, png())],
        failed: true,
        custom: false,
        cache: None,
    });
    let text = media(MediaKind::Document, Source::Text(" doc".into()));
    check_messages(
        vec![
            Turn::new(Role::System, vec![Part::text("be "), Part::text("brief")]),
            Turn::new(Role::User, vec![Part::text("see"), media(MediaKind::Image, url), text]),
            Turn::new(Role::Assistant, vec![thought("x", state), thought("hm", None), call]),
            Turn::new(Role::User, vec![outcome, Part::text("now")]),
            Turn::new(Role::System, vec![Part::text("late")]),
            Turn::new(Role::Assistant, vec![Part::text("")]),
        ],
        concat!(
            r#"{"role":"system","content":"be brief"},"#,
            r#"{"role":"user","content":"see doc","images":["BB=="]},"#,
            r#"{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"n":9007199254740993}}}]},"#,
            r#"{"role":"tool","content":"Error: no","tool_name":"f","tool_call_id":"c1"},"#,
            r#"{"role":"user","content":"now","images":["AA=="]},"#,
            r#"{"role":"system","content":"late"}"#,
        ),
    );
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    let refused = |part| {
        let turns = vec![Turn::new(Role::User, vec![part])];
        let prompt = Prompt { turns, ..Prompt::default() };
        let error = write(&prompt, &Traits::default(), &mut Losses::default()).unwrap_err();
        let hints = error.hints.unwrap();
        assert_eq!(hints.code.as_deref(), Some("unsupported_parameter"));
        assert_eq!(hints.param.as_deref(), Some("messages[0]"));
    };
    let url = || Source::Url { mime: None, url: "https://a/b.png".into() };
    let data = || Source::Data { mime: "x/y".into(), base64: "AA==".into() };
    refused(media(MediaKind::Image, url()));
    refused(media(MediaKind::Document, data()));
    refused(media(MediaKind::Audio, data()));
    refused(media(MediaKind::Image, Source::File { dialect: Dialect::Gemini, id: "f".into() }));
    let sampling = Sampling { answers: Some(2), ..Sampling::default() };
    let prompt = Prompt { sampling, ..Prompt::default() };
    assert!(write(&prompt, &Traits::default(), &mut Losses::default()).is_err());
}

#[test]
fn options_are_written() {
    let sampling = Sampling {
        temperature: Some(1.5),
        top_p: Some(0.5),
        top_k: Some(40),
        seed: Some(1 << 40),
        presence_penalty: Some(1.0),
        frequency_penalty: Some(-1.0),
        ..Sampling::default()
    };
    let (stop, max_tokens) = (vec!["x".to_owned()], Some(100));
    check_rest(
        Prompt { sampling, stop, max_tokens, ..Prompt::default() },
        &Traits::default(),
        r#""stream":true,"options":{"temperature":1.5,"top_p":0.5,"top_k":40,"seed":1099511627776,"presence_penalty":1.0,"frequency_penalty":-1.0,"stop":["x"],"num_predict":100}"#,
        &[],
    );
}

#[test]
fn thinking_is_a_switch_or_a_degree() {
    let check = |thinking, effort, expected: &str, lost: &[&str]| {
        let reasoning = Reasoning { effort: Some(effort), show: None };
        let traits = Traits { thinking, ..Traits::default() };
        let think =
            if expected.is_empty() { String::new() } else { format!(r#""think":{expected},"#) };
        let expected = format!(r#"{think}"stream":true"#);
        check_rest(Prompt { reasoning, ..Prompt::default() }, &traits, &expected, lost);
    };
    check(Thinking::Degree, Effort::Off, "false", &[]);
    check(Thinking::Degree, Effort::Minimal, r#""low""#, &[]);
    check(Thinking::Degree, Effort::Budget(8_192), r#""medium""#, &[]);
    check(Thinking::Degree, Effort::Max, r#""high""#, &[]);
    check(Thinking::Degree, Effort::Adaptive, "true", &[]);
    check(Thinking::Switch, Effort::High, "true", &[]);
    check(Thinking::Switch, Effort::Off, "false", &[]);
    check(Thinking::Untold, Effort::High, "", &["reasoning_effort"]);
    check(Thinking::Untold, Effort::Off, "", &[]);
}

fn function(name: &str, schema: Option<Schema>) -> Tool {
    let name = name.to_owned();
    let kind = ToolKind::Function(Function { name, description: None, schema, strict: None });
    Tool { kind, cache: None }
}

#[test]
fn tools_are_shown_as_far_as_they_may_be_called() {
    let check = |choice, shown: &[&str], lost: &[&str]| {
        let tools = vec![function("f", None), function("g", None)];
        let tool = |name: &&str| {
            format!(
                r#"{{"type":"function","function":{{"name":"{name}","parameters":{{"type":"object","properties":{{}}}}}}}}"#
            )
        };
        let shown: Vec<_> = shown.iter().map(tool).collect();
        let tools_json = if shown.is_empty() {
            String::new()
        } else {
            format!(r#""tools":[{}],"#, shown.join(","))
        };
        let prompt = Prompt { tools, choice, ..Prompt::default() };
        check_rest(prompt, &Traits::default(), &format!(r#"{tools_json}"stream":true"#), lost);
    };
    check(None, &["f", "g"], &[]);
    check(Some(Choice::Auto), &["f", "g"], &[]);
    check(Some(Choice::Never), &[], &[]);
    check(Some(Choice::Required), &["f", "g"], &["tool_choice"]);
    check(Some(Choice::Only("g".into())), &["g"], &["tool_choice"]);
    let among = Choice::Among { names: vec!["f".into()], required: false };
    check(Some(among), &["f"], &[]);
}

#[test]
fn the_form_of_the_answer_is_written() {
    let schema =
        || Format::Schema { name: None, description: None, schema: Schema::empty(), strict: None };
    let with = |format| Prompt { format: Some(format), ..Prompt::default() };
    let traits = Traits::default();
    check_rest(with(Format::Json), &traits, r#""format":"json","stream":true"#, &[]);
    check_rest(with(schema()), &traits, r#""format":{},"stream":true"#, &[]);
    let traits = Traits { structured: Structured::AnyJson, ..Traits::default() };
    let (body, _) = written(&with(schema()), &traits);
    let note =
        r#"{"role":"system","content":"Answer only with JSON that fits this JSON Schema:\n{}"}"#;
    assert_eq!(
        body,
        format!(r#"{{"model":"","messages":[{note}],"format":"json","stream":false}}"#)
    );
}

#[test]
fn what_has_no_place_is_named() {
    let prompt = Prompt {
        verbosity: Some("low".into()),
        user: Some("u".into()),
        tier: Some("flex".into()),
        cache_key: Some("k".into()),
        parallel: Some(false),
        ..Prompt::default()
    };
    let lost = ["verbosity", "user", "service_tier", "prompt_cache_key", "parallel_tool_calls"];
    check_rest(prompt, &Traits::default(), r#""stream":true"#, &lost);
}

#[test]
fn what_is_read_is_written_again() {
    let carrier = Carrier::new(Vault::new(&root_secret()), "p");
    let body = concat!(
        r#"{"model":"m","messages":[{"role":"system","content":"be brief"},"#,
        r#"{"role":"user","content":"see","images":["/9j/AA=="]},"#,
        r#"{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"a":1.0}}}]},"#,
        r#"{"role":"tool","content":"ok","tool_name":"f","tool_call_id":"c1"}],"#,
        r#""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"#,
        r#""format":{"type":"object"},"think":"high","stream":true,"#,
        r#""options":{"temperature":0.0,"top_k":3,"stop":["x"],"num_predict":9}}"#,
    );
    let prompt = read(body.as_bytes(), &carrier).unwrap();
    assert_eq!(written(&prompt, &Traits::default()), (body.to_owned(), Vec::new()));
    let extra = r#"{"model":"m","keep_alive":"5m","logprobs":null,"think":true,"format":"","options":{"num_ctx":9,"num_predict":-1}}"#;
    let prompt = read(extra.as_bytes(), &carrier).unwrap();
    assert_eq!(prompt.foreign, ["num_ctx", "keep_alive"]);
    assert_eq!((prompt.reasoning.effort, prompt.max_tokens), (Some(Effort::Adaptive), None));
    for wrong in [
        r#"{"messages":[{"role":"robot"}]}"#,
        r#"{"format":1}"#,
        r#"{"think":1}"#,
        r#"{"options":{"top_k":"x"}}"#,
        r#"{"tools":[{}]}"#,
    ] {
        assert!(read(wrong.as_bytes(), &carrier).is_err(), "{wrong}");
    }
}
