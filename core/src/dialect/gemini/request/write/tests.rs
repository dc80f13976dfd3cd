//! What becomes of a prompt, with literal JSON on the other side.

use super::write;
use crate::{
    dialect::{
        Dialect, Losses, Prompt, Traits, ids,
        ir::{
            Cache, Call, Choice, Effort, Format, Function, Logprobs, Media, MediaKind, Outcome,
            Part, Reasoning, Role, Sampling, Schema, Show, Source, State, Thought, Tool, ToolKind,
            Turn,
        },
        traits::{Structured, Thinking},
    },
    error::Error,
};

fn said(turns: Vec<Turn>) -> Prompt {
    Prompt { turns, ..Prompt::default() }
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn::new(role, parts)
}

fn hi() -> Vec<Turn> {
    vec![turn(Role::User, vec![Part::text("hi")])]
}

/// A model that is told its thinking by tokens, as those before the third generation are.
fn older() -> Traits {
    Traits { thinking: Thinking::Budget { min: 0, max: 24_576 }, ..Traits::default() }
}

fn written(prompt: &Prompt, traits: &Traits) -> (String, Vec<String>) {
    let mut losses = Losses::default();
    let body = write(prompt, traits, &mut losses).unwrap();
    (String::from_utf8(body).unwrap(), losses.names().to_vec())
}

fn refused(prompt: &Prompt, traits: &Traits) -> Error {
    write(prompt, traits, &mut Losses::default()).unwrap_err()
}

fn check(prompt: &Prompt, traits: &Traits, expected: &str) {
    assert_eq!(written(prompt, traits), (expected.to_owned(), Vec::new()));
}

/// What stands behind the one thing that was said.
fn check_rest(prompt: Prompt, traits: &Traits, expected: &str, lost: &[&str]) {
    let (body, losses) = written(&Prompt { turns: hi(), ..prompt }, traits);
    let start = r#"{"contents":[{"parts":[{"text":"hi"}],"role":"user"}]"#;
    let rest = body.strip_prefix(start).unwrap().strip_suffix('}').unwrap();
    assert_eq!(rest.trim_start_matches(','), expected);
    assert_eq!(losses, lost, "{body}");
}

#[expect(clippy::unnecessary_wraps, reason = "it is put where there may be none")]
fn state(dialect: Dialect, data: &str, id: &str) -> Option<State> {
    Some(State { dialect, form: "signature", id: id.to_owned(), data: data.to_owned() })
}

fn call(id: &str, name: &str, arguments: &str, state: Option<State>) -> Part {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    Part::Call(Call { id, name, arguments, custom: false, state })
}

fn outcome(id: &str, parts: Vec<Part>) -> Part {
    let id = id.to_owned();
    Part::Outcome(Outcome { id, name: None, parts, failed: false, custom: false, cache: None })
}

fn image(source: Source) -> Part {
    let kind = MediaKind::Image;
    Part::Media(Media { kind, source, detail: None, name: None, cache: None })
}

#[test]
fn instructions_stand_apart_and_late_ones_in_tags() {
    let prompt = said(vec![
        turn(Role::System, vec![Part::text("one"), Part::text("")]),
        turn(Role::System, vec![Part::text("two")]),
        turn(Role::User, vec![Part::text("a")]),
        turn(Role::System, vec![Part::text("late")]),
        turn(Role::User, vec![Part::text("b")]),
        turn(Role::Assistant, vec![Part::text("c")]),
        turn(Role::Assistant, vec![Part::Refusal("d".into())]),
    ]);
    check(
        &prompt,
        &Traits::default(),
        r#"{"contents":[{"parts":[{"text":"a"},{"text":"<system>\nlate\n</system>"},{"text":"b"}],"role":"user"},{"parts":[{"text":"c"},{"text":"d"}],"role":"model"}],"systemInstruction":{"parts":[{"text":"one"},{"text":"two"}]}}"#,
    );
    check(
        &said(vec![turn(Role::System, vec![Part::text("alone")])]),
        &Traits::default(),
        r#"{"contents":[{"parts":[{"text":"alone"}],"role":"user"}]}"#,
    );
}

#[test]
fn results_stand_first_and_in_the_order_of_their_calls() {
    let made = ids::make("r", 0, "f");
    let prompt = said(vec![
        turn(Role::User, vec![Part::text("go")]),
        turn(
            Role::Assistant,
            vec![
                call(&made, "f", "", state(Dialect::Gemini, "S", "")),
                call("c2", "g", r#"{"n":9007199254740993}"#, None),
            ],
        ),
        turn(Role::User, vec![Part::text("now"), outcome("c2", vec![Part::text("[1]")])]),
        turn(Role::User, vec![outcome(&made, vec![Part::text(r#"{"a":1}"#)])]),
    ]);
    check(
        &prompt,
        &Traits::default(),
        r#"{"contents":[{"parts":[{"text":"go"}],"role":"user"},{"parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"S"},{"functionCall":{"id":"c2","name":"g","args":{"n":9007199254740993}}}],"role":"model"},{"parts":[{"functionResponse":{"name":"f","response":{"a":1}}},{"functionResponse":{"id":"c2","name":"g","response":{"result":[1]}}},{"text":"now"}],"role":"user"}]}"#,
    );
}

#[test]
fn results_are_objects() {
    let check = |text: &str, failed: bool, expected: &str| {
        let Part::Outcome(given) = outcome("c", vec![Part::text(text)]) else { unreachable!() };
        let given = Part::Outcome(Outcome { failed, name: Some("f".into()), ..given });
        let (body, _) = written(&said(vec![turn(Role::User, vec![given])]), &Traits::default());
        let (_, rest) = body.split_once(r#""response":"#).unwrap();
        assert_eq!(rest.strip_suffix(r#"}}],"role":"user"}]}"#).unwrap(), expected, "{text}");
    };
    check("sunny", false, r#"{"result":"sunny"}"#);
    check("5", false, r#"{"result":"5"}"#);
    check("", false, r#"{"result":""}"#);
    check(r#" {"a": 1} "#, false, r#"{"a": 1}"#);
    check("{cut", false, r#"{"result":"{cut"}"#);
    check("no", true, r#"{"error":"no"}"#);
    check(r#"{"a":1}"#, true, r#"{"error":{"a":1}}"#);
}

#[test]
fn images_of_results_go_with_them() {
    let picture = image(Source::Data { mime: "image/png".into(), base64: "AA==".into() });
    let given = vec![turn(Role::User, vec![outcome("c", vec![Part::text("see"), picture])])];
    check(
        &said(given),
        &Traits::default(),
        r#"{"contents":[{"parts":[{"functionResponse":{"id":"c","name":"unknown","response":{"result":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}],"role":"user"}]}"#,
    );
}

#[test]
fn a_call_without_a_signature_gets_the_documented_value() {
    let turns = |state| {
        said(vec![turn(
            Role::Assistant,
            vec![call("a", "f", "{}", state), call("b", "f", "{}", None)],
        )])
    };
    let unsigned = r#"{"functionCall":{"id":"b","name":"f","args":{}}}],"role":"model"}]}"#;
    let first = r#"{"contents":[{"parts":[{"functionCall":{"id":"a","name":"f","args":{}}"#;
    let escaped =
        format!(r#"{first},"thoughtSignature":"skip_thought_signature_validator"}},{unsigned}"#);
    check(&turns(None), &Traits::default(), &escaped);
    check(&turns(state(Dialect::Anthropic, "A", "")), &Traits::default(), &escaped);
    check(&turns(None), &older(), &format!("{first}}},{unsigned}"));
}

#[test]
fn thoughts_go_back_only_with_their_own_signature() {
    let thought =
        |text: &str, state| Part::Thought(Thought { text: text.to_owned(), summary: true, state });
    let check = |parts, expected: &str| {
        let (body, _) = written(&said(vec![turn(Role::Assistant, parts)]), &older());
        let inner = body.strip_prefix(r#"{"contents":[{"parts":["#).unwrap();
        assert_eq!(inner.strip_suffix(r#"],"role":"model"}]}"#).unwrap(), expected);
    };
    check(
        vec![
            thought("x", state(Dialect::Anthropic, "A", "")),
            thought("y", None),
            thought("z", state(Dialect::Gemini, "Z", "")),
            Part::text("a"),
            thought("", state(Dialect::Gemini, "S", "text")),
            Part::text("b"),
            thought("", state(Dialect::Gemini, "T", "")),
        ],
        r#"{"text":"z","thought":true,"thoughtSignature":"Z"},{"text":"a","thoughtSignature":"S"},{"text":"b"},{"text":"","thoughtSignature":"T"}"#,
    );
    // Some dialects put all thoughts first.
    check(
        vec![thought("", state(Dialect::Gemini, "S", "text")), Part::text("a")],
        r#"{"text":"a","thoughtSignature":"S"}"#,
    );
    check(
        vec![
            Part::text("a"),
            call("c", "f", "{}", None),
            thought("", state(Dialect::Gemini, "S", "text")),
        ],
        r#"{"text":"a"},{"functionCall":{"id":"c","name":"f","args":{}}},{"text":"","thoughtSignature":"S"}"#,
    );
}

#[test]
fn media_goes_by_value_or_by_address() {
    let url = |url: &str| Source::Url { mime: None, url: url.to_owned() };
    let turns = |source| said(vec![turn(Role::User, vec![image(source)])]);
    check(
        &turns(url("https://a/b.png")),
        &Traits::default(),
        r#"{"contents":[{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"https://a/b.png"}}],"role":"user"}]}"#,
    );
    let closed = Traits { media_urls: false, ..Traits::default() };
    let error = refused(&turns(url("https://a/b.png")), &closed).hints.unwrap();
    assert_eq!(error.code.as_deref(), Some("unsupported_parameter"));
    assert_eq!(error.param.as_deref(), Some("messages[0]"));
    assert!(write(&turns(url("https://youtu.be/x")), &closed, &mut Losses::default()).is_ok());
    let file = Source::File { dialect: Dialect::OpenAiChat, id: "file-1".into() };
    refused(&turns(file), &Traits::default());
}

fn function(name: &str, schema: Option<&str>) -> Tool {
    let read = |json: &str| Schema::read(serde_json::from_str(json).unwrap()).unwrap();
    let (name, schema) = (name.to_owned(), schema.map(read));
    let kind = ToolKind::Function(Function { name, description: None, schema, strict: None });
    Tool { kind, cache: None }
}

#[test]
fn tools_are_written() {
    let schema = r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#;
    let tools = || {
        let allowed = vec!["x.org".to_owned()];
        let search = ToolKind::Search { allowed, blocked: Vec::new(), origin: None };
        let code = ToolKind::RunCode { origin: None };
        let mut tools = vec![
            Tool { kind: search, cache: None },
            function("f", Some(schema)),
            Tool { kind: code, cache: None },
            function("g", Some(r#"{"type":"object","properties":{}}"#)),
        ];
        tools.push(function("h", None));
        Prompt { tools, ..Prompt::default() }
    };
    check_rest(
        tools(),
        &Traits::default(),
        &format!(
            r#""tools":[{{"functionDeclarations":[{{"name":"f","parametersJsonSchema":{schema}}},{{"name":"g"}},{{"name":"h"}}]}},{{"googleSearch":{{}}}},{{"codeExecution":{{}}}}]"#
        ),
        &["allowed_domains"],
    );
    check_rest(
        tools(),
        &Traits { json_schema: false, ..Traits::default() },
        r#""tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}},{"name":"g"},{"name":"h"}]},{"googleSearch":{}},{"codeExecution":{}}]"#,
        &["allowed_domains"],
    );
    let json = serde_json::value::RawValue::from_string("{}".into()).unwrap();
    let kind = ToolKind::Opaque { dialect: Dialect::Anthropic, kind: "bash".into(), json };
    let tools = vec![Tool { kind, cache: None }];
    let error = refused(&Prompt { tools, turns: hi(), ..Prompt::default() }, &Traits::default());
    assert_eq!(error.hints.unwrap().param.as_deref(), Some("tools"));
}

#[test]
fn the_choice_is_written() {
    let given = |choice, parallel| Prompt {
        tools: vec![function("f", None)],
        choice: Some(choice),
        parallel,
        ..Prompt::default()
    };
    let check = |choice, expected: &str| {
        let tools = r#""tools":[{"functionDeclarations":[{"name":"f"}]}]"#;
        let expected = format!(r#"{tools},"toolConfig":{{"functionCallingConfig":{expected}}}"#);
        check_rest(given(choice, Some(true)), &Traits::default(), &expected, &[]);
    };
    let names = || vec!["f".to_owned(), "g".to_owned()];
    check(Choice::Auto, r#"{"mode":"AUTO"}"#);
    check(Choice::Never, r#"{"mode":"NONE"}"#);
    check(Choice::Required, r#"{"mode":"ANY"}"#);
    check(Choice::Only("f".into()), r#"{"mode":"ANY","allowedFunctionNames":["f"]}"#);
    check(
        Choice::Among { names: names(), required: true },
        r#"{"mode":"ANY","allowedFunctionNames":["f","g"]}"#,
    );
    check(
        Choice::Among { names: names(), required: false },
        r#"{"mode":"VALIDATED","allowedFunctionNames":["f","g"]}"#,
    );
    let free = Traits { forced_tools: false, ..Traits::default() };
    check_rest(
        given(Choice::Required, Some(false)),
        &free,
        r#""tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}"#,
        &["parallel_tool_calls", "tool_choice"],
    );
    check_rest(Prompt { choice: Some(Choice::Required), ..Prompt::default() }, &free, "", &[]);
}

#[test]
fn thinking_is_a_level_or_a_budget() {
    let check = |traits: &Traits, effort, show, expected: &str, lost: &[&str]| {
        let reasoning = Reasoning { effort, show };
        check_rest(Prompt { reasoning, ..Prompt::default() }, traits, expected, lost);
    };
    let config = |inner: &str| format!(r#""generationConfig":{{"thinkingConfig":{inner}}}"#);
    let level = |effort, word: &str| {
        let expected = config(&format!(r#"{{"thinkingLevel":"{word}"}}"#));
        check(&Traits::default(), Some(effort), None, &expected, &[]);
    };
    level(Effort::Off, "minimal");
    level(Effort::Low, "low");
    level(Effort::Medium, "medium");
    level(Effort::Max, "high");
    level(Effort::Budget(8_192), "medium");
    check(&Traits::default(), Some(Effort::Adaptive), None, "", &[]);
    let budget = |effort, tokens: i64| {
        let expected = config(&format!(r#"{{"thinkingBudget":{tokens}}}"#));
        check(&older(), Some(effort), None, &expected, &[]);
    };
    budget(Effort::Off, 0);
    budget(Effort::Low, 1_024);
    budget(Effort::Max, 24_576);
    budget(Effort::Adaptive, -1);
    let pro = Traits { thinking: Thinking::Budget { min: 128, max: 32_768 }, ..Traits::default() };
    let shown = config(r#"{"includeThoughts":true,"thinkingBudget":128}"#);
    check(&pro, Some(Effort::Off), Some(Show::Summary), &shown, &[]);
    let hidden = config(r#"{"thinkingBudget":0}"#);
    check(&older(), Some(Effort::Off), Some(Show::Summary), &hidden, &[]);
    let only_shown = config(r#"{"includeThoughts":true}"#);
    check(&older(), None, Some(Show::Detailed), &only_shown, &[]);
    let untold = Traits { thinking: Thinking::Untold, ..Traits::default() };
    check(&untold, Some(Effort::High), Some(Show::Summary), "", &["reasoning_effort"]);
    check(&untold, Some(Effort::Off), None, "", &[]);
}

#[test]
fn the_form_of_the_answer_is_written() {
    let schema = |json: &str| Format::Schema {
        name: Some("n".into()),
        description: None,
        schema: Schema::read(serde_json::from_str(json).unwrap()).unwrap(),
        strict: Some(true),
    };
    let with = |format, tools| Prompt { format: Some(format), tools, ..Prompt::default() };
    let closed = r#"{"type":"object","properties":{"a":{"const":1}},"additionalProperties":false}"#;
    let json = r#""generationConfig":{"responseMimeType":"application/json""#;
    check_rest(with(Format::Json, vec![]), &Traits::default(), &format!("{json}}}"), &[]);
    check_rest(
        with(schema(closed), vec![]),
        &Traits::default(),
        &format!(r#"{json},"responseJsonSchema":{closed}}}"#),
        &[],
    );
    check_rest(
        with(schema(closed), vec![]),
        &Traits { json_schema: false, ..Traits::default() },
        &format!(
            r#"{json},"responseSchema":{{"type":"OBJECT","properties":{{"a":{{"type":"STRING","enum":["1"]}}}}}}}}"#
        ),
        &[],
    );
    let note = r#""systemInstruction":{"parts":[{"text":"Answer only with JSON that fits this JSON Schema:\n{}"}]}"#;
    check_rest(
        with(schema("{}"), vec![]),
        &Traits { structured: Structured::AnyJson, ..Traits::default() },
        &format!("{note},{json}}}"),
        &[],
    );
    // Older models refuse both together.
    check_rest(
        with(schema("{}"), vec![function("f", None)]),
        &older(),
        &format!(r#"{note},"tools":[{{"functionDeclarations":[{{"name":"f"}}]}}]"#),
        &["response_format"],
    );
}

#[test]
fn sampling_is_written_where_the_model_takes_it() {
    let sampling = Sampling {
        temperature: Some(1.5),
        top_p: Some(0.5),
        top_k: Some(40),
        seed: Some(1 << 40 | 5),
        presence_penalty: Some(1.0),
        frequency_penalty: Some(-1.0),
        answers: Some(1),
        logprobs: Some(Logprobs { top: 2 }),
    };
    let stop: Vec<_> = (0..6).map(|at| at.to_string()).collect();
    let prompt = || Prompt {
        sampling: sampling.clone(),
        stop: stop.clone(),
        max_tokens: Some(900),
        ..Prompt::default()
    };
    check_rest(
        prompt(),
        &Traits { output_max: Some(500), ..Traits::default() },
        r#""generationConfig":{"temperature":1.5,"topP":0.5,"topK":40,"seed":5,"presencePenalty":1.0,"frequencyPenalty":-1.0,"maxOutputTokens":500,"stopSequences":["0","1","2","3","4"]}"#,
        &["stop", "logprobs"],
    );
    check_rest(
        prompt(),
        &Traits { sampling: false, ..Traits::default() },
        r#""generationConfig":{"seed":5,"presencePenalty":1.0,"frequencyPenalty":-1.0,"maxOutputTokens":900,"stopSequences":["0","1","2","3","4"]}"#,
        &["stop", "temperature", "top_p", "top_k", "logprobs"],
    );
    let sampling = Sampling { answers: Some(2), ..Sampling::default() };
    let error = refused(&Prompt { sampling, turns: hi(), ..Prompt::default() }, &Traits::default());
    assert_eq!(error.hints.unwrap().param.as_deref(), Some("n"));
}

#[test]
fn what_has_no_place_is_named() {
    let prompt = Prompt {
        verbosity: Some("low".into()),
        user: Some("u".into()),
        tier: Some("flex".into()),
        cache: Some(Cache::Short),
        cache_key: Some("k".into()),
        ..Prompt::default()
    };
    let lost = ["verbosity", "user", "service_tier", "prompt_cache_key", "cache_control"];
    check_rest(prompt, &Traits::default(), "", &lost);
    check_rest(
        Prompt { tier: Some("auto".into()), ..Prompt::default() },
        &Traits::default(),
        "",
        &[],
    );
    let source = Source::Data { mime: "image/png".into(), base64: String::new() };
    let kind = MediaKind::Image;
    let media = Media {
        kind,
        source,
        detail: Some("high".into()),
        name: Some("x.png".into()),
        cache: Some(Cache::Long),
    };
    let turn = Turn { name: Some("ann".into()), ..turn(Role::User, vec![Part::Media(media)]) };
    let (_, losses) = written(&said(vec![turn]), &Traits::default());
    assert_eq!(losses, ["name", "cache_control", "detail", "filename"]);
}
