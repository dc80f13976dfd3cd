//! What crosses from one chat request to another through the shared vocabulary, with literal JSON on both sides.

use super::{read, write};
use crate::{
    dialect::{
        Carrier, Losses,
        ir::{Effort, link},
        traits::{
            Breakpoints, CallIds, Degrees, Documents, MaxTokens, MustCall, Prefill, Seed,
            Structured, Thinking, ThoughtsBack, Traits,
        },
    },
    identity::Vault,
    testing::root_secret,
};

fn cross(body: &str, traits: &Traits) -> Result<(String, String), String> {
    let carrier = Carrier::new(Vault::new(&root_secret()), "p");
    let told = |error: crate::Error| {
        let param = error.hints.and_then(|hints| hints.param).unwrap_or_default();
        format!("{param}: {}", error.message)
    };
    let mut prompt = read(body.as_bytes(), &carrier).map_err(told)?;
    link(&mut prompt.turns);
    let mut losses = Losses::default();
    prompt.foreign.iter().for_each(|name| losses.lose(name));
    let written = write(&prompt, traits, &mut losses).map_err(told)?;
    Ok((String::from_utf8(written).unwrap(), losses.names().join(",")))
}

fn check(body: &str, expected: &str, lost: &str) {
    let (written, losses) = cross(body, &Traits::default()).unwrap();
    assert_eq!(written, expected);
    assert_eq!(losses, lost, "{body}");
}

/// Only what stands beside model and messages.
fn check_field(field: &str, expected: &str, traits: &Traits) {
    let hello = r#""model":"m","messages":[{"role":"user","content":"hi"}]"#;
    let (written, _) = cross(&format!("{{{hello},{field}}}"), traits).unwrap();
    let rest = written.strip_prefix(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]"#);
    let rest = rest.unwrap_or(&written).trim_start_matches(',').trim_end_matches('}').to_owned();
    assert_eq!(rest, expected.trim_end_matches('}'), "{field}");
}

#[test]
fn a_conversation_with_tools_crosses_whole() {
    check(
        r#"{"model":"m","messages":[
            {"role":"developer","content":"be brief"},
            {"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}],"name":"ann"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"n\":12345678901234567890}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},
            {"role":"tool","tool_call_id":"a","content":"one"},
            {"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"two"}]},
            {"role":"user","content":"go on"}],
          "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"n":{"type":"integer"}}},"strict":true}}],
          "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false}"#,
        &[
            r#"{"model":"m","messages":[{"role":"system","content":"be brief"},"#,
            r#"{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},"#,
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"n\":12345678901234567890}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"#,
            r#"{"role":"tool","content":"one","tool_call_id":"a"},{"role":"tool","content":"two","tool_call_id":"b"},{"role":"user","content":"go on"}],"#,
            r#""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"n":{"type":"integer"}}},"strict":true}}],"#,
            r#""tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false}"#,
        ]
        .concat(),
        "messages.name",
    );
}

#[test]
fn the_older_functions_are_tools() {
    check(
        r#"{"model":"m","functions":[{"name":"f"}],"function_call":{"name":"f"},"messages":[
            {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
            {"role":"function","name":"f","content":"1"}]}"#,
        &[
            r#"{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"call_0001","type":"function","function":{"name":"f","arguments":"{}"}}]},"#,
            r#"{"role":"tool","content":"1","tool_call_id":"call_0001"}],"#,
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
        ]
        .concat(),
        "",
    );
}

#[test]
fn fields_are_written_as_the_target_has_them() {
    let usual = Traits::default();
    check_field(r#""max_tokens":5"#, r#""max_completion_tokens":5"#, &usual);
    let plain = Traits { max_tokens: MaxTokens::Plain, ..Traits::default() };
    check_field(r#""max_completion_tokens":5"#, r#""max_tokens":5"#, &plain);
    check_field(r#""stop":"x""#, r#""stop":["x"]"#, &usual);
    check_field(r#""temperature":0.7,"seed":1"#, r#""temperature":0.7,"seed":1"#, &usual);
    check_field(r#""reasoning_effort":"high""#, r#""reasoning_effort":"high""#, &usual);
    let switch = Traits { thinking: Thinking::Switch, ..Traits::default() };
    check_field(r#""reasoning_effort":"none""#, r#""thinking":{"type":"disabled"}"#, &switch);
    check_field(
        r#""stream":true"#,
        r#""stream":true,"stream_options":{"include_usage":true"#,
        &usual,
    );
    check_field(r#""tools":[],"tool_choice":"auto""#, "", &usual);
}

#[test]
fn a_number_of_tokens_is_one_that_the_model_can_write() {
    let most = |output_max, output_usual| Traits { output_max, output_usual, ..Traits::default() };
    check_field(r#""max_tokens":9"#, r#""max_completion_tokens":5"#, &most(Some(5), None));
    check_field(r#""max_tokens":9"#, r#""max_completion_tokens":9"#, &most(Some(10), Some(2)));
    let hello = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]"#;
    let (written, _) = cross(&format!("{hello}}}"), &most(Some(10), Some(2))).unwrap();
    assert_eq!(written, format!(r#"{hello},"max_completion_tokens":2}}"#));
}

#[test]
fn what_a_model_refuses_is_left_out_and_told() {
    let usual = Traits::default;
    let dropped = |field: &str, traits: Traits| {
        let hello = r#""model":"m","messages":[{"role":"user","content":"hi"}]"#;
        let (written, lost) = cross(&format!("{{{hello},{field}}}"), &traits).unwrap();
        assert!(written.ends_with(r#""content":"hi"}]}"#), "{written}");
        lost
    };
    let refuses = |field: &str| {
        let none = Traits { sampling: false, penalties: false, logprobs: false, ..usual() };
        dropped(field, none)
    };
    assert_eq!(refuses(r#""temperature":1,"top_p":0.5"#), "temperature,top_p");
    let penalties = r#""presence_penalty":1,"frequency_penalty":1"#;
    assert_eq!(refuses(penalties), "presence_penalty,frequency_penalty");
    assert_eq!(refuses(r#""logprobs":true,"top_logprobs":2"#), "logprobs");
    assert_eq!(dropped(r#""seed":7"#, Traits { seed: Seed::Absent, ..usual() }), "seed");
    // The gateway itself ends the answer there.
    assert_eq!(dropped(r#""stop":["x"]"#, Traits { stop: false, ..usual() }), "");
    assert_eq!(dropped(r#""n":1"#, Traits { answers: false, ..usual() }), "");
    let untold = || Traits { thinking: Thinking::Untold, ..usual() };
    assert_eq!(dropped(r#""reasoning_effort":"low""#, untold()), "reasoning_effort");
    assert_eq!(dropped(r#""reasoning_effort":"none""#, untold()), "");
}

#[test]
fn fields_have_the_words_of_the_host() {
    let usual = Traits::default;
    let random = Traits { seed: Seed::Random, ..usual() };
    check_field(r#""seed":7"#, r#""random_seed":7"#, &random);
    let efforts = Degrees::of(&[Effort::Low, Effort::High, Effort::Max]);
    let told = Traits { efforts, switch: true, ..usual() };
    check_field(r#""reasoning_effort":"medium""#, r#""reasoning_effort":"high""#, &told);
    check_field(r#""reasoning_effort":"minimal""#, r#""reasoning_effort":"low""#, &told);
    check_field(r#""reasoning_effort":"none""#, r#""thinking":{"type":"disabled"}"#, &told);
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    let any = Traits { must_call: MustCall::Any, ..usual() };
    let required = format!(r#"{tools},"tool_choice":"required""#);
    check_field(&required, &format!(r#"{tools},"tool_choice":"any""#), &any);
    let thinks =
        Traits { forced_tools: false, thinking: Thinking::Switch, switch: true, ..usual() };
    check_field(&required, &format!(r#"{tools},"tool_choice":"auto""#), &thinks);
    check_field(
        &format!(r#"{required},"reasoning_effort":"none""#),
        &format!(r#""thinking":{{"type":"disabled"}},{required}"#),
        &thinks,
    );
}

#[test]
fn a_document_is_shown_as_the_host_reads_it() {
    let by_url = Traits { documents: Documents::Url, ..Traits::default() };
    let written = |part: &str, traits: &Traits| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        let written = cross(&body, traits).map(|(written, _)| written)?;
        let begin = r#"{"model":"m","messages":[{"role":"user","content":["#;
        Ok::<_, String>(written.strip_prefix(begin).unwrap_or(&written).replace("]}]}", ""))
    };
    let address = r#"{"type":"document_url","document_url":"https://a/b.pdf"}"#;
    assert_eq!(written(address, &by_url).unwrap(), address);
    assert!(written(address, &Traits::default()).unwrap_err().starts_with("content:"));
    let file = r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AA==","filename":"b.pdf"}}"#;
    let named = r#"{"type":"document_url","document_url":"data:application/pdf;base64,AA==","document_name":"b.pdf"}"#;
    assert_eq!(written(file, &by_url).unwrap(), named);
    assert_eq!(written(named, &Traits::default()).unwrap(), file);
}

#[test]
fn a_host_that_cannot_do_it_is_not_asked() {
    let refused = |field: &str, traits: &Traits| {
        let hello = r#""model":"m","messages":[{"role":"user","content":"hi"}]"#;
        cross(&format!("{{{hello},{field}}}"), traits).unwrap_err()
    };
    let one = Traits { answers: false, ..Traits::default() };
    assert!(refused(r#""n":2"#, &one).starts_with("n:"));
    let none = Traits { tools: false, ..Traits::default() };
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    assert!(refused(tools, &none).starts_with("tools:"));
    check_field(&format!(r#"{tools},"tool_choice":"none""#), "", &none);
}

#[test]
fn the_end_of_a_cache_is_marked_as_the_host_reads_it() {
    let body = r#"{"model":"m","messages":[
        {"role":"system","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"user","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}]}"#;
    let written = |breakpoints| {
        let (written, lost) = cross(body, &Traits { breakpoints, ..Traits::default() }).unwrap();
        (written.strip_prefix(r#"{"model":"m","messages":"#).unwrap().to_owned(), lost)
    };
    let control = [
        r#"[{"role":"system","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]},"#,
        r#"{"role":"user","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}]}"#,
    ];
    assert_eq!(written(Breakpoints::CacheControl), (control.concat(), String::new()));
    let explicit = r#""prompt_cache_breakpoint":{"mode":"explicit"}"#;
    let expected = format!(
        r#"[{{"role":"system","content":[{{"type":"text","text":"a",{explicit}}}]}},{{"role":"user","content":[{{"type":"text","text":"b",{explicit}}}]}}]}}"#
    );
    assert_eq!(written(Breakpoints::PromptCache), (expected, String::new()));
    let plain = r#"[{"role":"system","content":"a"},{"role":"user","content":"b"}]}"#;
    assert_eq!(written(Breakpoints::Untold), (plain.to_owned(), "cache_control".to_owned()));
}

#[test]
fn user_and_model_speak_in_turns_where_they_must() {
    let body = r#"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"system","content":"b"},
        {"role":"user","content":"c"},{"role":"user","content":[{"type":"text","text":"d"},{"type":"image_url","image_url":{"url":"u"}}]},
        {"role":"assistant","content":"e"},{"role":"system","content":"f"},{"role":"user","content":"g"}]}"#;
    let traits = Traits { alternating: true, ..Traits::default() };
    let expected = [
        r#"{"model":"m","messages":[{"role":"system","content":"a\n\nb"},"#,
        r#"{"role":"user","content":[{"type":"text","text":"c"},{"type":"text","text":"d"},{"type":"image_url","image_url":{"url":"u"}}]},"#,
        r#"{"role":"assistant","content":"e"},"#,
        r#"{"role":"user","content":"<system>f</system>\n\ng"}]}"#,
    ];
    assert_eq!(cross(body, &traits).unwrap().0, expected.concat());
}

#[test]
fn ids_of_calls_and_the_beginning_of_an_answer_are_as_the_host_wants_them() {
    let body = r#"{"model":"m","messages":[
        {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"1"},
        {"role":"assistant","content":"So"}]}"#;
    let written = |traits: Traits| cross(body, &traits).unwrap().0;
    let nine =
        written(Traits { call_ids: CallIds::Nine, prefill: Prefill::Prefix, ..Traits::default() });
    let id = nine.split(r#""id":""#).nth(1).unwrap().get(..9).unwrap();
    assert!(nine.contains(&format!(r#""tool_call_id":"{id}"}}"#)), "{nine}");
    assert!(nine.ends_with(r#"{"role":"assistant","content":"So","prefix":true}]}"#), "{nine}");
    let partial = written(Traits { prefill: Prefill::Partial, ..Traits::default() });
    assert!(partial.ends_with(r#""content":"So","partial":true}]}"#), "{partial}");
    let plain = written(Traits::default());
    assert!(plain.ends_with(r#"{"role":"assistant","content":"So"}]}"#), "{plain}");
}

#[test]
fn a_schema_goes_into_words_where_the_host_takes_none() {
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#;
    let usual = Traits::default();
    check_field(format, format.trim_end_matches('}'), &usual);
    let any = Traits { structured: Structured::AnyJson, ..Traits::default() };
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{format}}}"#);
    let (written, _) = cross(&body, &any).unwrap();
    assert!(
        written.contains(r#"JSON schema, and nothing else: {\"type\":\"object\"}"#),
        "{written}"
    );
    assert!(written.contains(r#""response_format":{"type":"json_object"}"#), "{written}");
}

#[test]
fn thoughts_go_back_as_the_host_wants_them() {
    let body = r#"{"model":"m","messages":[{"role":"assistant","reasoning_content":"hm","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#;
    let back =
        |thoughts_back| cross(body, &Traits { thoughts_back, ..Traits::default() }).unwrap().0;
    assert!(!back(ThoughtsBack::Never).contains("reasoning_content"));
    assert!(back(ThoughtsBack::Field).contains(r#""content":"ab","reasoning_content":"hm""#));
    let silent = r#"{"model":"m","messages":[{"role":"assistant","content":"a"},{"role":"user","content":"c"}]}"#;
    let traits = Traits { thoughts_back: ThoughtsBack::Always, ..Traits::default() };
    assert!(cross(silent, &traits).unwrap().0.contains(r#""reasoning_content":"""#));
}

#[test]
fn what_cannot_cross_is_named() {
    let hello = r#""model":"m","messages":[{"role":"user","content":"hi"}]"#;
    let lost = |field: &str| cross(&format!("{{{hello},{field}}}"), &Traits::default()).unwrap().1;
    assert_eq!(lost(r#""logit_bias":{"1":2},"metadata":{},"store":null"#), "logit_bias,metadata");
    assert_eq!(lost(r#""verbosity":"low""#), "verbosity");
    assert_eq!(lost(r#""service_tier":"flex""#), "service_tier");
    assert_eq!(lost(r#""service_tier":"auto""#), "");
}

#[test]
fn a_wrong_request_is_told_where_it_is_wrong() {
    let refused = |body: &str| cross(body, &Traits::default()).unwrap_err();
    assert!(refused(r#"{"model":"m"}"#).starts_with("messages:"));
    assert!(refused(r#"{"model":"m","messages":[{"role":"x"}]}"#).starts_with("messages[0].role:"));
    let part = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#;
    assert!(refused(part).starts_with("messages[0].content:"));
    let temperature =
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#;
    assert!(refused(temperature).starts_with("temperature:"));
}
