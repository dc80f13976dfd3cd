//! How is a prompt written as a Responses request, with literal JSON to compare?

use serde_json::value::RawValue;

use super::*;
use crate::{
    dialect::{
        Carrier, Dialect, ir,
        ir::{
            Cache, Call, Choice, Function, Logprobs, Media, MediaKind, Outcome, Sampling, Source,
            State, Thought, Tool, ToolKind,
        },
        openai_responses::request::read,
        traits::ThoughtsBack,
    },
    identity::Vault,
    testing::root_secret,
};

fn written(prompt: &Prompt, traits: &Traits) -> (String, String) {
    let mut losses = Losses::default();
    let body = write(prompt, traits, &mut losses).unwrap();
    (String::from_utf8(body).unwrap(), losses.names().join(","))
}

fn native() -> Traits {
    Traits { native: true, ..Traits::default() }
}

/// What a client of this API says is said to the provider so.
fn check(fields: &str, expected: &str) {
    let carrier = Carrier::new(Vault::new(&root_secret()), "p");
    let body = format!(r#"{{"model":"m",{fields}}}"#);
    let prompt = read(body.as_bytes(), &carrier).unwrap();
    let (written, lost) = written(&prompt, &native());
    let tail = r#""include":["reasoning.encrypted_content"],"store":false}"#;
    assert_eq!(written, format!(r#"{{"model":"m",{expected},{tail}"#), "{fields}");
    assert_eq!(lost, "", "{fields}");
}

fn items(turns: Vec<Turn>, traits: &Traits) -> (String, String) {
    let mut all = vec![Turn::new(Role::User, vec![Part::text("q")])];
    all.extend(turns);
    let prompt = Prompt { model: "m".into(), turns: all, ..Prompt::default() };
    let (written, lost) = written(&prompt, traits);
    let items = written.split_once(r#""content":"q"},"#).unwrap().1;
    (items.split_once(r#"],"include""#).unwrap().0.to_owned(), lost)
}

#[test]
fn leading_instructions_are_hoisted_and_late_ones_stay() {
    check(r#""input":"hi""#, r#""input":[{"type":"message","role":"user","content":"hi"}]"#);
    check(
        r#""instructions":"a","input":[{"role":"developer","content":"b"},{"role":"user","content":"c"},{"role":"system","content":"d"}]"#,
        r#""instructions":"a\n\nb","input":[{"type":"message","role":"user","content":"c"},{"type":"message","role":"developer","content":"d"}]"#,
    );
    check(
        r#""input":[{"role":"system","content":"alone"}]"#,
        r#""input":[{"type":"message","role":"developer","content":"alone"}]"#,
    );
    let late = vec![Turn::new(Role::System, vec![Part::text("late")])];
    let (items, _) = items(late, &Traits::default());
    assert_eq!(items, r#"{"type":"message","role":"system","content":"late"}"#);
}

#[test]
fn a_conversation_goes_back_as_it_came() {
    let input = r#""input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"auto"},{"type":"input_file","file_data":"data:application/pdf;base64,JVBE","filename":"a.pdf"},{"type":"input_file","file_id":"file_1"}]},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"ENC"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation","start_index":0,"end_index":1,"url":"http://u","title":"t"}]},{"type":"refusal","refusal":"no"}]},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{ \"n\": 9007199254740993 }"},{"type":"custom_tool_call","call_id":"call_2","name":"g","input":"free"},{"type":"web_search_call","id":"ws_1","status":"completed"},{"type":"function_call_output","call_id":"call_1","output":[{"type":"input_text","text":"x"},{"type":"input_image","image_url":"https://h/i.png","detail":"low"}]},{"type":"custom_tool_call_output","call_id":"call_2","output":"ok"},{"type":"message","role":"user","content":"é😀"}]"#;
    check(input, input);
}

#[test]
fn fields_are_said_in_this_apis_words() {
    let fields = r#""input":[{"type":"message","role":"user","content":"x"}],"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false},{"type":"custom","name":"c","format":{"type":"text"}},{"type":"web_search","filters":{"allowed_domains":["a.b"]},"x":1},{"type":"code_interpreter","container":"c"},{"type":"mcp","server_label":"s"}],"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"}]},"parallel_tool_calls":false,"text":{"format":{"type":"json_schema","name":"n","schema":{"b":1,"a":[null]},"strict":true},"verbosity":"low"},"reasoning":{"effort":"minimal","summary":"auto"},"temperature":0.5,"top_p":0.9,"max_output_tokens":100,"user":"u","service_tier":"flex","prompt_cache_key":"k""#;
    check(fields, fields);
}

#[test]
fn a_function_is_not_strict_unless_it_is_said() {
    let function = Function { name: "f".into(), description: None, schema: None, strict: None };
    let kind = ToolKind::Function(function);
    let tools = vec![Tool { kind, cache: Some(Cache::Short) }];
    let turns = vec![Turn::new(Role::User, vec![Part::text("x")])];
    let choice = Some(Choice::Only("f".into()));
    let prompt = Prompt { turns, tools, choice, ..Prompt::default() };
    let (body, lost) = written(&prompt, &Traits { forced_tools: false, ..native() });
    let tools = r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}],"tool_choice":"auto""#;
    assert!(body.contains(tools), "{body}");
    assert_eq!(lost, "cache_control,tool_choice");
}

#[test]
fn a_grammar_of_chat_is_made_flat() {
    let format =
        r#"{"type":"grammar","grammar":{"definition":"start: x","syntax":"lark"}}"#.to_owned();
    let kind = ToolKind::Custom {
        name: "c".into(),
        description: None,
        format: RawValue::from_string(format).ok(),
    };
    let turns = vec![Turn::new(Role::User, vec![Part::text("x")])];
    let tools = vec![Tool { kind, cache: None }];
    let (body, _) = written(&Prompt { turns, tools, ..Prompt::default() }, &native());
    let flat = r#""format":{"type":"grammar","syntax":"lark","definition":"start: x"}"#;
    assert!(body.contains(flat), "{body}");
}

#[test]
fn what_this_api_lacks_is_named() {
    let sampling = Sampling {
        temperature: Some(1.0),
        top_k: Some(1),
        seed: Some(1),
        presence_penalty: Some(1.0),
        frequency_penalty: Some(1.0),
        answers: Some(1),
        logprobs: Some(Logprobs { top: 0 }),
        ..Sampling::default()
    };
    let mut turn = Turn::new(Role::User, vec![Part::text("x")]);
    turn.name = Some("ann".into());
    let prompt = Prompt {
        turns: vec![turn],
        sampling,
        stop: vec!["END".into()],
        max_tokens: Some(1),
        reasoning: ir::Reasoning { effort: Some(Effort::High), show: None },
        tier: Some("standard_only".into()),
        cache: Some(Cache::Short),
        cache_key: Some("k".into()),
        ..Prompt::default()
    };
    let traits = Traits { sampling: false, thinking: Thinking::Untold, ..Traits::default() };
    let (body, lost) = written(&prompt, &traits);
    let names = "name,temperature,top_k,seed,presence_penalty,frequency_penalty,logprobs,reasoning_effort,prompt_cache_key,service_tier,cache_control";
    assert_eq!(lost, names);
    let expected = r#"{"model":"","input":[{"type":"message","role":"user","content":"x"}],"max_output_tokens":16,"store":false}"#;
    assert_eq!(body, expected);
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    let check = |prompt: Prompt, param: &str| {
        let Err(error) = write(&prompt, &Traits::default(), &mut Losses::default()) else {
            panic!("{param}")
        };
        let hints = error.hints.unwrap();
        assert_eq!(hints.param.as_deref(), Some(param));
        assert_eq!(hints.code.as_deref(), Some("unsupported_parameter"));
    };
    let saying =
        |part| Prompt { turns: vec![Turn::new(Role::User, vec![part])], ..Prompt::default() };
    let media =
        |kind, source| Part::Media(Media { kind, source, detail: None, name: None, cache: None });
    let json = || RawValue::from_string("{}".into()).unwrap();
    let (dialect, kind) = (Dialect::Anthropic, "bash".to_owned());
    let file = Source::File { dialect, id: "f".into() };
    let data = Source::Data { mime: "audio/wav".into(), base64: "AA==".into() };
    check(saying(media(MediaKind::Image, file)), "messages");
    check(saying(media(MediaKind::Audio, data)), "messages");
    check(saying(Part::Opaque { dialect, kind: kind.clone(), json: json() }), "messages");
    let kind = ToolKind::Opaque { dialect, kind, json: json() };
    check(Prompt { tools: vec![Tool { kind, cache: None }], ..Prompt::default() }, "tools");
    let sampling = Sampling { answers: Some(2), ..Sampling::default() };
    check(Prompt { sampling, ..Prompt::default() }, "n");
}

#[test]
fn calls_and_results_keep_their_text() {
    let call = |id: &str, arguments: &str| {
        let (id, arguments) = (id.to_owned(), arguments.to_owned());
        Part::Call(Call { id, name: "f".into(), arguments, custom: false, state: None })
    };
    let long = "x".repeat(65);
    let outcome = |id: &str, parts| {
        let id = id.to_owned();
        Part::Outcome(Outcome { id, name: None, parts, failed: true, custom: false, cache: None })
    };
    let turns = vec![
        Turn::new(Role::Assistant, vec![call("toolu_1", " "), call(&long, "{oops")]),
        Turn::new(
            Role::User,
            vec![
                outcome("toolu_1", vec![Part::text("a"), Part::text("b")]),
                outcome(&long, Vec::new()),
            ],
        ),
    ];
    let (items, lost) = items(turns, &native());
    let hash = "call_9537c5fdf120482f7d58d25e9ed583f5";
    let expected = [
        r#"{"type":"function_call","call_id":"toolu_1","name":"f","arguments":"{}"},"#,
        &format!(
            r#"{{"type":"function_call","call_id":"{hash}","name":"f","arguments":"{{oops"}},"#
        ),
        r#"{"type":"function_call_output","call_id":"toolu_1","output":"Error: ab"},"#,
        &format!(r#"{{"type":"function_call_output","call_id":"{hash}","output":"Error: "}}"#),
    ];
    assert_eq!((items, lost), (expected.concat(), String::new()));
}

#[test]
fn only_own_state_goes_back() {
    let thought = |dialect, text: &str| {
        let (form, id, data) = ("encrypted", "rs_1".to_owned(), "ENC".to_owned());
        let state = Some(State { dialect, form, id, data });
        Part::Thought(Thought { text: text.to_owned(), summary: false, state })
    };
    let turns = || {
        let parts = vec![
            thought(Dialect::Anthropic, "foreign"),
            thought(Dialect::OpenAiResponses, "own"),
            thought(Dialect::OpenAiResponses, ""),
        ];
        vec![Turn::new(Role::Assistant, parts)]
    };
    let own = r#"{"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"own"}],"encrypted_content":"ENC"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"ENC"}"#;
    assert_eq!(items(turns(), &native()).0, own);
    let foreign = r#"{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"foreign"}]}"#;
    let plain = Traits { thoughts_back: ThoughtsBack::Field, ..Traits::default() };
    assert_eq!(items(turns(), &plain).0, format!("{foreign},{own}"));
}

#[test]
fn an_image_of_the_model_is_shown_to_it() {
    let source = Source::Data { mime: "image/png".into(), base64: "AA==".into() };
    let media = Media { kind: MediaKind::Image, source, detail: None, name: None, cache: None };
    let turn = Turn::new(Role::Assistant, vec![Part::text("here"), Part::Media(media)]);
    let expected = r#"{"type":"message","role":"assistant","content":"here"},{"type":"message","role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"auto"}]}"#;
    assert_eq!(items(vec![turn], &native()).0, expected);
}

#[test]
fn any_json_must_be_spoken_of() {
    let prompt = |text: &str| {
        let turns = vec![Turn::new(Role::User, vec![Part::text(text)])];
        Prompt { turns, format: Some(Format::Json), ..Prompt::default() }
    };
    let (spoken, _) = written(&prompt("Give me JSON"), &native());
    assert!(spoken.contains(r#""text":{"format":{"type":"json_object"}}"#), "{spoken}");
    assert!(!spoken.contains(JSON_NOTE), "{spoken}");
    let (unspoken, _) = written(&prompt("Give me data"), &native());
    assert!(unspoken.contains(JSON_NOTE), "{unspoken}");
}
