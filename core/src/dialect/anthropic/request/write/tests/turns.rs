//! What becomes of the conversation.

use serde_json::{Value, json};

use super::{check, hi, refusal, written};
use crate::dialect::{
    Dialect, Prompt, Traits,
    ir::{
        Cache, Call, Effort, Media, MediaKind, Outcome, Part, Reasoning, Role, Source, State,
        Thought, Turn,
    },
    traits::Thinking,
};

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn::new(role, parts)
}

fn system(text: &str) -> Turn {
    turn(Role::System, vec![Part::text(text)])
}

fn user(text: &str) -> Turn {
    turn(Role::User, vec![Part::text(text)])
}

fn model(text: &str) -> Turn {
    turn(Role::Assistant, vec![Part::text(text)])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    Part::Call(Call { id, name, arguments, custom: false, state: None })
}

fn outcome(id: &str, name: Option<&str>, text: &str) -> Outcome {
    let (id, name) = (id.to_owned(), name.map(str::to_owned));
    let parts = vec![Part::text(text)];
    Outcome { id, name, parts, failed: false, custom: false, cache: None }
}

fn result(id: &str, text: &str) -> Part {
    Part::Outcome(outcome(id, None, text))
}

fn media(kind: MediaKind, source: Source) -> Media {
    Media { kind, source, detail: None, name: None, cache: None }
}

fn prompt(turns: Vec<Turn>) -> Prompt {
    Prompt { turns, ..hi() }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn check_turns(turns: Vec<Turn>, traits: &Traits, expected: &Value) {
    let (body, lost) = written(&prompt(turns), traits);
    assert_eq!(body["messages"], *expected);
    assert!(lost.is_empty(), "{lost:?}");
}

fn check_plain(turns: Vec<Turn>, expected: &Value) {
    check_turns(turns, &Traits::default(), expected);
}

#[test]
fn instructions_at_the_start_stand_apart() {
    let turns = vec![system("a"), system(" "), system("b"), user("hi")];
    check(&prompt(turns), &Traits::default(), &json!({"system": [text("a"), text("b")]}), &[]);
    check_plain(vec![system("a")], &json!([{"role": "user", "content": [text(".")]}]));
}

#[test]
fn late_instructions_follow_what_the_user_says() {
    let late = Traits { late_system: true, ..Traits::default() };
    let turns = || vec![user("a"), model("b"), system("s"), user("c"), system("t")];
    check_turns(
        turns(),
        &late,
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [text("b")]},
            {"role": "user", "content": [text("c")]},
            {"role": "system", "content": [text("s"), text("t")]}
        ]),
    );
    check_plain(
        turns(),
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [text("b")]},
            {"role": "user", "content": [text("<system>\ns\n</system>"), text("c"), text("<system>\nt\n</system>")]}
        ]),
    );
    // Without a word of the user before it, an instruction is the user's.
    check_turns(
        vec![user("a"), model("b"), system("s"), model("c")],
        &late,
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [text("b")]},
            {"role": "user", "content": [text("<system>\ns\n</system>")]},
            {"role": "assistant", "content": [text("c")]}
        ]),
    );
}

#[test]
fn turns_alternate_and_the_user_begins() {
    check_plain(
        vec![model("a"), model("b"), user(""), model("c \n"), user("d"), user("e")],
        &json!([
            {"role": "user", "content": [text(".")]},
            {"role": "assistant", "content": [text("a"), text("b"), text("c \n")]},
            {"role": "user", "content": [text("d"), text("e")]}
        ]),
    );
    // An answer begun by the client may not end in white space.
    check_plain(
        vec![user("a"), model("{\n")],
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [text("{")]}
        ]),
    );
}

#[test]
fn results_come_first_and_in_the_order_of_their_calls() {
    let broken = Outcome { failed: true, ..outcome("b", None, "") };
    let image = Part::Media(media(
        MediaKind::Image,
        Source::Data { mime: "image/jpg".into(), base64: "AA==".into() },
    ));
    let seen = Outcome { parts: vec![image], ..outcome("a", None, "") };
    check_plain(
        vec![
            turn(Role::Assistant, vec![call("a", "f", ""), call("b", "g", "{\"n\": 1")]),
            turn(Role::User, vec![Part::text("and?"), Part::Outcome(broken)]),
            system("s"),
            turn(Role::User, vec![Part::Outcome(seen)]),
        ],
        &json!([
            {"role": "user", "content": [text(".")]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {"_raw": "{\"n\": 1"}}
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA=="}}
                ]},
                {"type": "tool_result", "tool_use_id": "b", "is_error": true},
                text("and?"),
                text("<system>\ns\n</system>")
            ]}
        ]),
    );
}

#[test]
fn arguments_keep_their_text() {
    let turns =
        vec![turn(Role::Assistant, vec![call("a", "f", r#"{"z":1e400, "a":9007199254740993}"#)])];
    let mut losses = crate::dialect::Losses::default();
    let body = super::write(&prompt(turns), &Traits::default(), &mut losses).unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains(r#""input":{"z":1e400, "a":9007199254740993}"#), "{body}");
}

fn ids(turns: Vec<Turn>) -> Vec<String> {
    let (body, _) = written(&prompt(turns), &Traits::default());
    let messages = body["messages"].as_array().unwrap().iter();
    let blocks = messages.flat_map(|message| message["content"].as_array().unwrap());
    let id = |block: &Value| block.get("id").or(block.get("tool_use_id")).map(Value::to_string);
    blocks.filter_map(id).map(|id| id.trim_matches('"').to_owned()).collect()
}

#[test]
fn ids_are_unique_and_of_the_characters_that_are_allowed() {
    let asked = |id: &str| {
        [turn(Role::Assistant, vec![call(id, "f", "")]), turn(Role::User, vec![result(id, "r")])]
    };
    assert_eq!(ids(asked("call_1").to_vec()), ["call_1", "call_1"]);
    let mapped = ids(asked("functions.f:0").to_vec());
    assert_eq!(mapped[0], mapped[1]);
    assert!(mapped[0].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
    assert_eq!(mapped, ids(asked("functions.f:0").to_vec()), "the same every time");
    let again = ids([asked("f_0"), asked("f_0")].concat());
    assert_eq!((&again[0], &again[2]), (&again[1], &again[3]));
    assert_ne!(again[0], again[2]);
}

#[test]
fn results_without_ids_find_their_calls() {
    let results = [("g", "1"), ("f", "2"), ("f", "3")];
    let results = results.map(|(name, text)| Part::Outcome(outcome("", Some(name), text)));
    let calls = vec![call("", "f", ""), call("", "g", ""), call("", "f", "")];
    let turns = vec![turn(Role::Assistant, calls), turn(Role::User, results.to_vec())];
    let (body, _) = written(&prompt(turns), &Traits::default());
    let said = |at: &str| body.pointer(at).unwrap().clone();
    for (place, text) in ["2", "1", "3"].into_iter().enumerate() {
        let id = said(&format!("/messages/1/content/{place}/id"));
        assert_eq!(said(&format!("/messages/2/content/{place}/tool_use_id")), id);
        assert_eq!(said(&format!("/messages/2/content/{place}/content/0/text")), text);
    }
}

fn thought(text: &str, dialect: Dialect, form: &'static str) -> Part {
    let state = Some(State { dialect, form, id: String::new(), data: "D".into() });
    Part::Thought(Thought { text: text.into(), summary: true, state })
}

#[test]
fn only_thoughts_that_can_be_checked_go_back() {
    let plain = Thought { text: "x".into(), summary: false, state: None };
    check_plain(
        vec![
            user("a"),
            turn(
                Role::Assistant,
                vec![
                    thought("t", Dialect::Anthropic, "signature"),
                    thought("", Dialect::Anthropic, "redacted"),
                    thought("g", Dialect::Gemini, "signature"),
                    Part::Thought(plain),
                    Part::text("b"),
                ],
            ),
        ],
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": "D"},
                {"type": "redacted_thinking", "data": "D"},
                text("b")
            ]}
        ]),
    );
}

#[test]
fn a_model_without_its_thoughts_goes_on_without_thinking() {
    let effort = |turns| Prompt {
        reasoning: Reasoning { effort: Some(Effort::Low), show: None },
        max_tokens: Some(4_000),
        ..prompt(turns)
    };
    let asked = |parts| {
        vec![user("a"), turn(Role::Assistant, parts), turn(Role::User, vec![result("c", "r")])]
    };
    let gone = effort(asked(vec![call("c", "f", "")]));
    let kept =
        effort(asked(vec![thought("t", Dialect::Anthropic, "signature"), call("c", "f", "")]));
    let budget = Thinking::Budget { min: 0, max: 9_000 };
    let traits = Traits { thinking: budget, ..Traits::default() };
    let limit = json!({"max_tokens": 4_000});
    check(&gone, &traits, &limit, &["reasoning_effort"]);
    let thinks =
        json!({"max_tokens": 4_000, "thinking": {"type": "enabled", "budget_tokens": 1_024}});
    check(&kept, &traits, &thinks, &[]);
    let free = json!({"max_tokens": 4_000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}});
    check(&gone, &Traits::default(), &free, &[]);
}

#[test]
fn media_is_said() {
    let says = |kind: MediaKind, source: Source, expected: Value| {
        check_plain(
            vec![turn(Role::User, vec![Part::Media(media(kind, source))])],
            &json!([{"role": "user", "content": [expected]}]),
        );
    };
    let url = |url: &str| Source::Url { mime: None, url: url.into() };
    let data = |mime: &str, base64: &str| Source::Data { mime: mime.into(), base64: base64.into() };
    let file = |dialect| Source::File { dialect, id: "f".into() };
    let (image, document) = (MediaKind::Image, MediaKind::Document);
    says(
        image,
        url("https://x"),
        json!({"type": "image", "source": {"type": "url", "url": "https://x"}}),
    );
    says(
        image,
        file(Dialect::Anthropic),
        json!({"type": "image", "source": {"type": "file", "file_id": "f"}}),
    );
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "AA=="});
    says(document, data("application/pdf", "AA=="), json!({"type": "document", "source": pdf}));
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "hé"});
    says(document, data("text/markdown", "aMOp"), json!({"type": "document", "source": plain}));
    says(document, Source::Text("hé".into()), json!({"type": "document", "source": plain}));

    let refused = |kind: MediaKind, source: Source| {
        let prompt = prompt(vec![turn(Role::User, vec![Part::Media(media(kind, source))])]);
        assert_eq!(refusal(&prompt), "unsupported_parameter messages");
    };
    refused(MediaKind::Audio, data("audio/wav", "AA=="));
    refused(MediaKind::Video, url("https://x"));
    refused(image, url("gs://x"));
    refused(image, file(Dialect::OpenAiChat));
    refused(document, data("application/msword", "AA=="));
}

#[test]
fn pictures_of_the_model_are_shown_by_the_user() {
    let picture =
        Part::Media(media(MediaKind::Image, Source::Url { mime: None, url: "https://x".into() }));
    check_plain(
        vec![user("a"), turn(Role::Assistant, vec![Part::text("b"), picture]), user("c")],
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [text("b")]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}, text("c")]}
        ]),
    );
}

#[test]
fn blocks_of_this_api_go_back_and_others_are_refused() {
    let opaque = |dialect| {
        let json = serde_json::from_str(r#"{"type":"server_tool_use","id":"s"}"#).unwrap();
        let part = Part::Opaque { dialect, kind: "server_tool_use".into(), json };
        vec![user("a"), turn(Role::Assistant, vec![part])]
    };
    check_plain(
        opaque(Dialect::Anthropic),
        &json!([
            {"role": "user", "content": [text("a")]},
            {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s"}]}
        ]),
    );
    assert_eq!(
        refusal(&prompt(opaque(Dialect::OpenAiResponses))),
        "unsupported_parameter messages"
    );
}

#[test]
fn breakpoints_are_as_many_as_the_api_takes() {
    use Cache::{Long, Short};

    let marked = |text: &str, cache| Part::Text {
        text: text.into(),
        citations: Vec::new(),
        cache: Some(cache),
    };
    let kept = |caches: &[Cache], whole: Option<Cache>| {
        let parts = caches.iter().map(|cache| marked("a", *cache)).collect();
        let prompt = Prompt { cache: whole, ..prompt(vec![turn(Role::User, parts)]) };
        let (body, lost) = written(&prompt, &Traits::default());
        let content = body["messages"][0]["content"].as_array().unwrap().clone();
        let mark = |block: &Value| match block.get("cache_control") {
            None => '-',
            Some(control) if control.get("ttl").is_some() => 'L',
            Some(_) => 'S',
        };
        format!("{} {}", content.iter().map(mark).collect::<String>(), lost.join(","))
    };
    assert_eq!(kept(&[Long, Short], None), "LS ");
    assert_eq!(kept(&[Short; 6], None), "--SSSS cache_control");
    assert_eq!(kept(&[Short; 4], Some(Short)), "-SSS cache_control");
    assert_eq!(kept(&[Short, Long], None), "SS cache_control");
}

#[test]
fn names_of_speakers_are_lost() {
    let named = Turn { name: Some("ann".into()), ..user("a") };
    let (_, lost) = written(&prompt(vec![named]), &Traits::default());
    assert_eq!(lost, ["name"]);
}
