//! What requests say, with literal JSON on one side and the common words on the other.

use super::*;
use crate::{
    dialect::{
        Dialect,
        ir::{Choice, MediaKind, Part, Source, State, ToolKind},
    },
    identity::Vault,
    testing::root_secret,
};

fn carrier(provider: &str) -> Carrier {
    Carrier::new(Vault::new(&root_secret()), provider)
}

fn prompt(fields: &str) -> Prompt {
    let body = format!(r#"{{"model":"m","max_tokens":9,{fields}}}"#);
    read(body.as_bytes(), &carrier("p")).unwrap_or_else(|error| panic!("{fields}: {error}"))
}

/// The turns of some messages, each part by its kind and its words.
fn said(fields: &str) -> String {
    let prompt = prompt(fields);
    let turns = prompt.turns.iter().map(|turn| {
        let parts: Vec<String> = turn.parts.iter().map(part).collect();
        format!("{:?}[{}]", turn.role, parts.join(" "))
    });
    turns.collect::<Vec<_>>().join(" ")
}

fn part(part: &Part) -> String {
    match part {
        Part::Text { text, citations, cache } => {
            let cache = cache.map(|cache| format!("#{cache:?}")).unwrap_or_default();
            let cited: Vec<&str> = citations.iter().map(|it| it.url.as_str()).collect();
            let cited = if cited.is_empty() { String::new() } else { format!("@{cited:?}") };
            format!("text({text}){cited}{cache}")
        }
        Part::Refusal(text) => format!("refusal({text})"),
        Part::Media(media) => {
            let kind = match media.kind {
                MediaKind::Image => "image",
                MediaKind::Document => "document",
                MediaKind::Audio => "audio",
                MediaKind::Video => "video",
            };
            let source = match &media.source {
                Source::Data { mime, base64 } => format!("{mime},{base64}"),
                Source::Text(text) => format!("'{text}'"),
                Source::Url { url, .. } => url.clone(),
                Source::File { id, .. } => format!("file {id}"),
            };
            let name = media.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("{kind}({source}{name})")
        }
        Part::Thought(thought) => {
            format!("thought({}){}", thought.text, state(thought.state.as_ref()))
        }
        Part::Call(call) => {
            format!(
                "call({} {} {}){}",
                call.id,
                call.name,
                call.arguments,
                state(call.state.as_ref())
            )
        }
        Part::Outcome(outcome) => {
            let parts: Vec<String> = outcome.parts.iter().map(self::part).collect();
            let failed = if outcome.failed { "!" } else { "" };
            format!("result({} {}){failed}", outcome.id, parts.join(" "))
        }
        Part::Opaque { kind, .. } => format!("opaque({kind})"),
    }
}

fn state(state: Option<&State>) -> String {
    let Some(State { dialect, form, id, data }) = state else { return String::new() };
    format!("!{} {form} {id}{data}", dialect.name())
}

fn check(messages: &str, expected: &str) {
    assert_eq!(said(&format!(r#""messages":[{messages}]"#)), expected, "{messages}");
}

#[test]
fn words_are_read() {
    check(r#"{"role":"user","content":"h\u00e9"}"#, "User[text(hé)]");
    check(r#"{"role":"user","content":""}"#, "User[]");
    check(
        r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}},{"type":"text","text":"c","cache_control":null}]}"#,
        "User[text(a)#Long text(b)#Short text(c)]",
    );
    check(
        r#"{"role":"assistant","content":[{"type":"text","text":"a","citations":[{"type":"web_search_result_location","url":"u","encrypted_index":"e"}]}]}"#,
        r#"Assistant[text(a)@["u"]]"#,
    );
}

#[test]
fn instructions_stand_first_and_between() {
    let messages =
        r#""messages":[{"role":"user","content":"a"},{"role":"system","content":"late"}]"#;
    assert_eq!(
        said(&format!(r#""system":"s",{messages}"#)),
        "System[text(s)] User[text(a)] System[text(late)]"
    );
    assert_eq!(
        said(&format!(
            r#""system":[{{"type":"text","text":"s","cache_control":{{"type":"ephemeral"}}}},{{"type":"text","text":"t"}}],{messages}"#
        )),
        "System[text(s)#Short text(t)] User[text(a)] System[text(late)]"
    );
}

#[test]
fn media_is_read() {
    let check = |block: &str, expected: &str| {
        check(&format!(r#"{{"role":"user","content":[{block}]}}"#), &format!("User[{expected}]"));
    };
    check(
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}"#,
        "image(image/png,AA==)",
    );
    check(r#"{"type":"image","source":{"type":"url","url":"https://x/y"}}"#, "image(https://x/y)");
    check(r#"{"type":"image","source":{"type":"file","file_id":"f1"}}"#, "image(file f1)");
    check(
        r#"{"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"d"}}"#,
        "document('d' T)",
    );
    check(
        r#"{"type":"document","source":{"type":"content","content":[{"type":"text","text":"d"}]}}"#,
        "text(d)",
    );
    check(
        r#"{"type":"search_result","source":"u","title":"T","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        "document('ab' T)",
    );
}

#[test]
fn calls_and_results_are_read() {
    check(
        r#"{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"n": 9007199254740993.0, "e":{}}},{"type":"tool_use","id":"b","name":"g","input":{}}]},
           {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"},{"type":"tool_result","tool_use_id":"b","is_error":true,"content":[{"type":"text","text":"y"},{"type":"image","source":{"type":"url","url":"u"}}]},{"type":"tool_result","tool_use_id":"c"}]}"#,
        r#"Assistant[call(a f {"n": 9007199254740993.0, "e":{}}) call(b g {})] User[result(a text(x)) result(b text(y) image(u))! result(c )]"#,
    );
    check(
        r#"{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]}]}"#,
        "Assistant[opaque(server_tool_use) opaque(web_search_tool_result)]",
    );
}

#[test]
fn states_come_home() {
    let foreign = |id: &str| State {
        dialect: Dialect::Gemini,
        form: "signature",
        id: id.to_owned(),
        data: "G".to_owned(),
    };
    let (ours, theirs) = (carrier("p"), carrier("other"));
    let check = |blocks: &str, expected: &str| {
        check(
            &format!(r#"{{"role":"assistant","content":[{blocks}]}}"#),
            &format!("Assistant[{expected}]"),
        );
    };
    check(
        r#"{"type":"thinking","thinking":"t","signature":"S"},{"type":"redacted_thinking","data":"D"},{"type":"thinking","thinking":"u","signature":""}"#,
        "thought(t)!anthropic signature S thought()!anthropic redacted D thought(u)",
    );
    let (own, other) = (ours.wrap(&foreign("")), theirs.wrap(&foreign("")));
    check(
        &format!(
            r#"{{"type":"thinking","thinking":"t","signature":"{own}"}},{{"type":"thinking","thinking":"u","signature":"{other}"}},{{"type":"redacted_thinking","data":"{other}"}}"#
        ),
        "thought(t)!gemini signature G thought(u)",
    );
    let of_call = ours.wrap(&foreign("b"));
    check(
        &format!(
            r#"{{"type":"tool_use","id":"a","name":"f","input":{{}}}},{{"type":"tool_use","id":"b","name":"f","input":{{}}}},{{"type":"redacted_thinking","data":"{of_call}"}}"#
        ),
        "call(a f {}) call(b f {})!gemini signature G",
    );
    let item = State { dialect: Dialect::OpenAiResponses, form: "encrypted", ..foreign("rs_1") };
    let item = ours.wrap(&item);
    check(
        &format!(
            r#"{{"type":"text","text":"x"}},{{"type":"redacted_thinking","data":"{item}"}},{{"type":"tool_use","id":"a","name":"f","input":{{}}}}"#
        ),
        "text(x) thought()!openai_responses encrypted rs_1G call(a f {})",
    );
}

#[test]
fn fields_are_read() {
    let all = prompt(
        r#""messages":[{"role":"user","content":"a"}],"stream":true,"temperature":0.5,"top_p":0.9,"top_k":3,"stop_sequences":["x"],"metadata":{"user_id":"u"},"service_tier":"standard_only","cache_control":{"type":"ephemeral"},"container":null,"mcp_servers":[]"#,
    );
    assert!(all.stream);
    assert_eq!((all.max_tokens, all.stop), (Some(9), vec!["x".to_owned()]));
    let Sampling { temperature, top_p, top_k, .. } = all.sampling;
    assert_eq!((temperature, top_p, top_k), (Some(0.5), Some(0.9), Some(3)));
    assert_eq!((all.user.as_deref(), all.tier.as_deref()), (Some("u"), Some("default")));
    assert_eq!((all.cache, all.foreign), (Some(Cache::Short), Vec::<String>::new()));
}

#[test]
fn what_no_other_dialect_has_is_named() {
    let check = |fields: &str, expected: &[&str]| {
        let messages = r#""messages":[{"role":"user","content":"a"}]"#;
        assert_eq!(prompt(&format!("{messages},{fields}")).foreign, expected, "{fields}");
    };
    check(r#""container":"c","inference_geo":"us""#, &["container", "inference_geo"]);
    check(r#""metadata":{"user_id":"u","x":1}"#, &["metadata.x"]);
    check(
        r#""output_config":{"effort":"low","task_budget":{"t":1}}"#,
        &["output_config.task_budget"],
    );
    check(
        r#""tools":[{"name":"f","input_schema":{},"defer_loading":false,"input_examples":[{}],"allowed_callers":["direct"]}]"#,
        &["tools.input_examples"],
    );
    check(
        r#""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":2}]"#,
        &["tools.web_search.max_uses"],
    );
    check(
        r#""messages":[{"role":"user","content":[{"type":"document","context":"c","citations":{"enabled":true},"source":{"type":"text","data":"d"}}]}]"#,
        &["citations", "context"],
    );
}

#[test]
fn thinking_is_read() {
    let check = |fields: &str, effort: Option<Effort>, show: Option<Show>| {
        let messages = r#""messages":[{"role":"user","content":"a"}]"#;
        let read = prompt(&format!("{messages}{fields}")).reasoning;
        assert_eq!(read, Reasoning { effort, show }, "{fields}");
    };
    check("", None, None);
    let budget = Some(Effort::Budget(2048));
    check(r#","thinking":{"type":"enabled","budget_tokens":2048}"#, budget, Some(Show::Summary));
    check(
        r#","thinking":{"type":"enabled","budget_tokens":2048,"display":"omitted"}"#,
        budget,
        Some(Show::Hidden),
    );
    check(r#","thinking":{"type":"disabled"}"#, Some(Effort::Off), None);
    check(r#","thinking":{"type":"adaptive"}"#, Some(Effort::Adaptive), Some(Show::Summary));
    check(
        r#","thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}"#,
        Some(Effort::Higher),
        Some(Show::Summary),
    );
    check(r#","output_config":{"effort":"low"}"#, Some(Effort::Low), None);
}

#[test]
fn tools_and_choice_are_read() {
    let messages = r#""messages":[{"role":"user","content":"a"}]"#;
    let tools = prompt(&format!(
        r#"{messages},"tools":[
            {{"name":"f","description":"d","input_schema":{{"type":"object"}},"strict":true,"cache_control":{{"type":"ephemeral"}}}},
            {{"type":"custom","name":"g","input_schema":{{"type":"object"}}}},
            {{"type":"web_search_20260318","name":"web_search","allowed_domains":["x"]}},
            {{"type":"code_execution_20250825","name":"code_execution"}},
            {{"type":"bash_20250124","name":"bash"}}]"#
    ))
    .tools;
    let named = tools.iter().map(|tool| match &tool.kind {
        ToolKind::Function(function) => {
            format!("{} {:?} {:?}", function.name, function.strict, tool.cache)
        }
        ToolKind::Search { allowed, origin, .. } => {
            format!("search {allowed:?} {}", origin.is_some())
        }
        ToolKind::RunCode { origin } => format!("code {}", origin.is_some()),
        ToolKind::Opaque { kind, .. } => kind.clone(),
        ToolKind::Custom { name, .. } => format!("custom {name}"),
    });
    let expected = [
        "f Some(true) Some(Short)",
        "g None None",
        r#"search ["x"] true"#,
        "code true",
        "bash_20250124",
    ];
    assert_eq!(named.collect::<Vec<_>>(), expected);

    let check = |choice: &str, expected: Choice, parallel: Option<bool>| {
        let read = prompt(&format!(r#"{messages},"tool_choice":{choice}"#));
        assert_eq!((read.choice, read.parallel), (Some(expected), parallel), "{choice}");
    };
    check(r#"{"type":"auto"}"#, Choice::Auto, None);
    check(r#"{"type":"auto","disable_parallel_tool_use":false}"#, Choice::Auto, None);
    check(r#"{"type":"any","disable_parallel_tool_use":true}"#, Choice::Required, Some(false));
    check(r#"{"type":"none"}"#, Choice::Never, None);
    check(r#"{"type":"tool","name":"f"}"#, Choice::Only("f".into()), None);
}

#[test]
fn the_form_of_the_answer_is_read_by_both_names() {
    let messages = r#""messages":[{"role":"user","content":"a"}]"#;
    for fields in [
        r#""output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}"#,
        r#""output_format":{"type":"json_schema","schema":{"type":"object"}}"#,
    ] {
        let Some(Format::Schema { schema, .. }) = prompt(&format!("{messages},{fields}")).format
        else {
            panic!("{fields}")
        };
        assert_eq!(serde_json::to_string(&schema).unwrap(), r#"{"type":"object"}"#);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let check = |body: &str, param: &str| {
        let error = read(body.as_bytes(), &carrier("p")).expect_err(body);
        assert_eq!(error.hints.unwrap().param.as_deref(), Some(param), "{body}");
    };
    check(r#"{"model":"m"}"#, "messages");
    check(r#"{"messages":[],"max_tokens":1}"#, "messages");
    check(r#"{"messages":[{"role":"user","content":"a"}],"max_tokens":"9"}"#, "max_tokens");
    check(r#"{"messages":[{"role":"robot","content":"a"}]}"#, "messages[0].role");
    check(r#"{"messages":[{"role":"user","content":"a"},{"role":"user"}]}"#, "messages[1].content");
    check(
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":5}]}]}"#,
        "messages[0].content[1].text",
    );
    check(
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"carrier pigeon"}}]}]}"#,
        "messages[0].content[0].source",
    );
    check(
        r#"{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"custom"}]}"#,
        "tools[0].name",
    );
    check(
        r#"{"messages":[{"role":"user","content":"a"}],"tool_choice":{"type":"maybe"}}"#,
        "tool_choice",
    );
    check(
        r#"{"messages":[{"role":"user","content":"a"}],"output_config":{"effort":"huge"}}"#,
        "output_config",
    );
}
