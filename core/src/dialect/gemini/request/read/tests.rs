//! What a request says, with literal JSON on one side and what is written of it on the other.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

use std::fmt::Write;

use super::read;
use crate::{
    dialect::{
        Carrier, Dialect, Prompt,
        ir::{Choice, Effort, Format, Part, Show, Source, State, ToolKind},
    },
    identity::Vault,
    testing::root_secret,
};

fn carrier() -> Carrier {
    Carrier::new(Vault::new(&root_secret()), "p")
}

fn prompt(body: &str) -> Prompt {
    read(body.as_bytes(), &carrier()).unwrap()
}

/// A prompt of one turn of the user, and these fields.
fn with(fields: &str) -> Prompt {
    prompt(&format!(r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}],{fields}}}"#))
}

fn shown(part: &Part) -> String {
    match part {
        Part::Text { text, .. } => format!("text {text}"),
        Part::Refusal(text) => format!("refusal {text}"),
        Part::Media(media) => match &media.source {
            Source::Data { mime, base64 } => format!("{:?} {mime} {base64}", media.kind),
            Source::Text(text) => format!("{:?} text {text}", media.kind),
            Source::Url { url, .. } => format!("{:?} at {url}", media.kind),
            Source::File { id, .. } => format!("{:?} file {id}", media.kind),
        },
        Part::Thought(thought) => {
            let state = thought.state.as_ref();
            let state =
                state.map(|state| format!("{}/{}/{}", state.dialect.name(), state.data, state.id));
            format!("thought {} {}", thought.text, state.unwrap_or_default())
        }
        Part::Call(call) => {
            let state = call.state.as_ref().map_or("", |state| &state.data);
            format!("call {}={} {} {state}", call.id, call.name, call.arguments)
        }
        Part::Outcome(outcome) => {
            let parts: Vec<_> = outcome.parts.iter().map(shown).collect();
            let (name, failed) = (outcome.name.as_deref().unwrap_or("?"), outcome.failed);
            format!("outcome {}={name} {} {failed}", outcome.id, parts.join("+"))
        }
        Part::Opaque { kind, json, .. } => format!("{kind} {json}"),
    }
}

fn check_turns(body: &str, expected: &str) {
    let mut said = String::new();
    for turn in prompt(body).turns {
        let parts: Vec<_> = turn.parts.iter().map(shown).collect();
        writeln!(said, "{:?}: {}", turn.role, parts.join(" | ")).unwrap();
    }
    assert_eq!(said.trim_end(), expected, "{body}");
}

#[test]
fn turns_are_read_in_both_spellings() {
    check_turns(
        r#"{"system_instruction":{"role":"model","parts":[{"text":"be","thought":false},{"text":"brief"}]},"contents":[{"role":"user","parts":[{"text":"é"},{"inline_data":{"mime_type":"image/png","data":"_-8"}}]},{"role":"model","parts":[{"text":"a"}]},{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"https://x/y.mp4"}},{"file_data":{"file_uri":"gs://b/c"}}]}]}"#,
        "System: text be | text brief\nUser: text é | Image image/png /+8=\nAssistant: text a\nUser: Video at https://x/y.mp4 | Document file gs://b/c",
    );
    check_turns(
        r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"text/plain","data":"aGk="}},{"inlineData":{"mimeType":"application/pdf","data":"AA=="}},{"inlineData":{"mimeType":"audio/wav","data":"AA=="}}]}]}"#,
        "User: Document text hi | Document application/pdf AA== | Audio audio/wav AA==",
    );
}

#[test]
fn calls_and_results_are_read() {
    check_turns(
        r#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":9007199254740993}},"thoughtSignature":"S"},{"functionCall":{"id":"c2","name":"g"}}]},{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"a":1}}},{"functionResponse":{"id":"c2","name":"g","response":{"result":"ok"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]}]}"#,
        "Assistant: call =f {\"n\":9007199254740993} S | call c2=g {} \nUser: outcome =f text {\"a\":1} false | outcome c2=g text ok+Image image/png AA== false",
    );
}

#[test]
fn results_come_out_of_the_object_they_were_put_in() {
    let check = |response: &str, expected: &str| {
        check_turns(
            &format!(
                r#"{{"contents":[{{"parts":[{{"functionResponse":{{"name":"f","response":{response}}}}}]}}]}}"#
            ),
            &format!("User: outcome =f text {expected}"),
        );
    };
    check(r#"{"result":"5"}"#, "5 false");
    check(r#"{"result":[1]}"#, "[1] false");
    check(r#"{"result":5}"#, r#"{"result":5} false"#);
    check(r#"{"result":{"a":1}}"#, r#"{"result":{"a":1}} false"#);
    check(r#"{"output":"x"}"#, r#"{"output":"x"} false"#);
    check(r#"{"error":"no"}"#, "no true");
    check(r#"{"error":"no","code":1}"#, r#"{"error":"no","code":1} false"#);
    check("{}", "{} false");
}

#[test]
fn thoughts_keep_what_the_provider_wants_back() {
    let state = State {
        dialect: Dialect::Anthropic,
        form: "signature",
        id: String::new(),
        data: "A".into(),
    };
    // Clients write a signature back in either alphabet of base64.
    let wrapped = URL_SAFE.encode(carrier().wrap(&state));
    let lost = STANDARD.encode(Carrier::new(Vault::new(&root_secret()), "other").wrap(&state));
    let body = format!(
        r#"{{"contents":[{{"role":"model","parts":[{{"text":"h","thought":true}},{{"text":"m","thought":true}},{{"text":"","thought":true,"thoughtSignature":"{wrapped}"}},{{"text":"x","thought":true,"thoughtSignature":"{lost}"}},{{"text":"a","thoughtSignature":"S"}},{{"text":"","thoughtSignature":"T"}}]}}]}}"#
    );
    check_turns(
        &body,
        "Assistant: thought hm anthropic/A/ | thought x  | text a | thought  gemini/S/text | thought  gemini/T/",
    );
}

#[test]
fn parts_that_only_this_api_knows_stay() {
    check_turns(
        r#"{"contents":[{"role":"model","parts":[{"executableCode":{"code":"1","language":"PYTHON"}},{}]}]}"#,
        r#"Assistant: executableCode {"executableCode":{"code":"1","language":"PYTHON"}}"#,
    );
}

#[test]
fn tools_are_read() {
    let prompt = with(
        r#""tools":[{"function_declarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}},{"name":"g","parametersJsonSchema":{"type":"object","$id":"x"}},{"name":"h","response":{"type":"STRING"}}],"googleSearch":{},"codeExecution":null},{"urlContext":{}}]"#,
    );
    let named = |kind: &ToolKind| match kind {
        ToolKind::Function(function) => {
            let schema = function.schema.as_ref();
            let schema = schema.map(|schema| serde_json::to_string(schema).unwrap());
            format!("{} {}", function.name, schema.unwrap_or_default())
        }
        ToolKind::Custom { .. } => "custom".to_owned(),
        ToolKind::Search { origin, .. } => format!("search {}", origin.as_ref().unwrap().1),
        ToolKind::RunCode { .. } => "code".to_owned(),
        ToolKind::Opaque { kind, json, .. } => format!("{kind} {json}"),
    };
    let tools: Vec<_> = prompt.tools.iter().map(|tool| named(&tool.kind)).collect();
    assert_eq!(
        tools,
        [
            r#"f {"type":"object","properties":{"a":{"type":["string","null"]}}}"#,
            r#"g {"type":"object","$id":"x"}"#,
            "h ",
            r#"search {"googleSearch":{}}"#,
            r#"urlContext {"urlContext":{}}"#,
        ]
    );
    assert_eq!(prompt.foreign, ["response"]);
}

#[test]
fn the_choice_is_read() {
    let check = |config: &str, expected: Option<Choice>| {
        let prompt = with(&format!(r#""toolConfig":{{"functionCallingConfig":{config}}}"#));
        assert_eq!(prompt.choice, expected, "{config}");
    };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    check(r#"{"mode":"AUTO"}"#, Some(Choice::Auto));
    check(r#"{"mode":"any"}"#, Some(Choice::Required));
    check(r#"{"mode":"NONE"}"#, Some(Choice::Never));
    check(r#"{"mode":"ANY","allowed_function_names":["f"]}"#, Some(Choice::Only("f".into())));
    let required = |required| Some(Choice::Among { names: names(&["f", "g"]), required });
    check(r#"{"mode":"ANY","allowedFunctionNames":["f","g"]}"#, required(true));
    check(r#"{"mode":"VALIDATED","allowedFunctionNames":["f","g"]}"#, required(false));
    check(r#"{"mode":"VALIDATED"}"#, Some(Choice::Auto));
    check("{}", None);
}

#[test]
fn the_configuration_is_read() {
    let prompt = with(
        r#""generationConfig":{"temperature":0,"top_p":0.5,"topK":"40","seed":7,"maxOutputTokens":100,"stopSequences":["x"],"presencePenalty":1,"frequencyPenalty":-1.5,"candidateCount":1,"responseLogprobs":true,"logprobs":3,"responseModalities":["TEXT"],"speechConfig":{"a":1},"thinkingConfig":null}"#,
    );
    let sampling = prompt.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k, sampling.seed),
        (Some(0.0), Some(0.5), Some(40), Some(7))
    );
    assert_eq!((sampling.presence_penalty, sampling.frequency_penalty), (Some(1.0), Some(-1.5)));
    assert_eq!((sampling.answers, sampling.logprobs.unwrap().top), (None, 3));
    assert_eq!((prompt.max_tokens, prompt.stop), (Some(100), vec!["x".to_owned()]));
    assert_eq!(prompt.foreign, ["speechConfig"]);
}

#[test]
fn thinking_is_read() {
    let check = |config: &str, effort: Option<Effort>, show: Option<Show>| {
        let prompt = with(&format!(r#""generationConfig":{{"thinkingConfig":{config}}}"#));
        assert_eq!((prompt.reasoning.effort, prompt.reasoning.show), (effort, show), "{config}");
    };
    check(r#"{"thinkingBudget":0}"#, Some(Effort::Off), None);
    check(
        r#"{"thinking_budget":-1,"include_thoughts":true}"#,
        Some(Effort::Adaptive),
        Some(Show::Summary),
    );
    check(
        r#"{"thinkingBudget":512,"includeThoughts":false}"#,
        Some(Effort::Budget(512)),
        Some(Show::Hidden),
    );
    check(r#"{"thinkingLevel":"HIGH"}"#, Some(Effort::High), None);
    check(r#"{"thinkingLevel":"minimal"}"#, Some(Effort::Minimal), None);
    check(r#"{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}"#, None, None);
}

#[test]
fn the_form_of_the_answer_is_read() {
    let form = |config: &str| match with(&format!(r#""generationConfig":{config}"#)).format {
        None => "none".to_owned(),
        Some(Format::Json) => "json".to_owned(),
        Some(Format::Schema { schema, .. }) => serde_json::to_string(&schema).unwrap(),
    };
    assert_eq!(form(r#"{"responseMimeType":"text/plain"}"#), "none");
    assert_eq!(form(r#"{"responseMimeType":"application/json"}"#), "json");
    assert_eq!(
        form(r#"{"responseMimeType":"application/json","responseSchema":{"type":"INTEGER"}}"#),
        r#"{"type":"integer"}"#
    );
    assert_eq!(
        form(r#"{"responseMimeType":"application/json","responseJsonSchema":{"type":["a"]}}"#),
        r#"{"type":["a"]}"#
    );
}

#[test]
fn what_only_this_api_has_is_named() {
    let prompt = with(
        r#""safetySettings":[{"category":"x"}],"labels":{},"store":false,"novelty":1,"model":"m","serviceTier":"SERVICE_TIER_FLEX","toolConfig":{"retrievalConfig":{"a":1}}"#,
    );
    assert_eq!(prompt.foreign, ["retrievalConfig", "safetySettings", "novelty"]);
    assert_eq!(prompt.tier.as_deref(), Some("flex"));
    assert_eq!(with(r#""serviceTier":"standard""#).tier.as_deref(), Some("default"));
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let check = |body: &str, param: &str| {
        let error = read(body.as_bytes(), &carrier()).unwrap_err();
        assert_eq!(error.hints.unwrap_or_default().param.as_deref(), Some(param), "{body}");
    };
    let said = r#""contents":[{"parts":[{"text":"hi"}]}]"#;
    check("{}", "contents");
    check(r#"{"contents":{}}"#, "contents");
    check(r#"{"contents":[{"parts":[]},{"role":"robot"}]}"#, "contents[1].role");
    check(r#"{"contents":[{"parts":[{"text":1}]}]}"#, "contents[0].text");
    check(
        r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":[]}}]}]}"#,
        "contents[0].args",
    );
    check(&format!(r#"{{{said},"generationConfig":{{"temperature":"warm"}}}}"#), "temperature");
    check(&format!(r#"{{{said},"generationConfig":{{"maxOutputTokens":-1}}}}"#), "maxOutputTokens");
    check(
        &format!(r#"{{{said},"tools":[{{"functionDeclarations":{{}}}}]}}"#),
        "functionDeclarations",
    );
    check(&format!(r#"{{{said},"cachedContent":"cachedContents/1"}}"#), "cachedContent");
    assert!(read(b"[]", &carrier()).is_err());
}
