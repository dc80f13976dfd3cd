//! What do Responses events mean, and how are events written as them?

use std::sync::Arc;

use super::*;
use crate::{
    dialect::{
        Carrier, Dialect, Fold, Framing, Stamp,
        event::{Event, Kind},
        ir::{Citation, Media, MediaKind, Reply, Source, State, Stop},
        openai_responses::reply,
        unfold,
    },
    error::{Error, Kind as ErrorKind},
    identity::Vault,
    store::Usage,
    testing::root_secret,
};

fn stamp() -> Stamp {
    Stamp {
        id: "x".to_owned(),
        at_s: 7,
        model: "m".to_owned(),
        usage_wanted: true,
        framing: Framing::Events,
        carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
        echo: Vec::new(),
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open { part, kind } => match kind {
            Kind::Text => format!("text {part}"),
            Kind::Refusal => format!("refusal {part}"),
            Kind::Thought { summary: true } => format!("summary {part}"),
            Kind::Thought { summary: false } => format!("thought {part}"),
            Kind::Call { id, name, custom: false } => format!("call {part} {id} {name}"),
            Kind::Call { id, name, custom: true } => format!("custom {part} {id} {name}"),
            Kind::Media(media) => format!("{:?} {part}", media.kind),
            Kind::Opaque { kind, .. } => format!("{kind} {part}"),
        },
        Event::Delta { part, text } => format!("{part}+{text}"),
        Event::Sign { part, state } => format!("sign {part} {} {}", state.id, state.data),
        Event::Cite { part, citation } => {
            format!("cite {part} {} {:?}", citation.url, citation.span)
        }
        Event::Close { part } => format!("close {part}"),
        Event::Usage(usage) => format!("usage {}+{}", usage.prompt, usage.completion),
        Event::Finish(stop) => format!("finish {stop:?}"),
        Event::Done => "done".to_owned(),
        Event::Fail(error) => format!("fail {:?} {}", error.kind, error.message),
        Event::Other => "other".to_owned(),
    }
}

fn events(frames: &[&str]) -> Vec<Event> {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    for data in frames {
        let mut out = Vec::new();
        reader.push(format!("event: x\ndata: {data}\n\n").as_bytes(), &mut out);
        all.append(&mut out);
    }
    reader.end(&mut all);
    all
}

fn check(frames: &[&str], expected: &str) {
    let events = events(frames);
    let shorts: Vec<_> = events.iter().map(short).filter(|text| text != "other").collect();
    assert_eq!(shorts.join(", "), expected);
}

const CREATED: &str =
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m"}}"#;
const MESSAGE: &str = r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rotated","type":"message","content":[{"type":"output_text","text":"héllo","annotations":[{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":2}]}]}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"héllo"}]}],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}"#;
const WHOLE: &str = "text 0, 0+héllo, cite 0 u Some((0, 2)), close 0, usage 3+2, finish End, done";

#[test]
fn text_is_told_once_however_it_comes() {
    let delta = r#"{"type":"response.output_text.delta","item_id":"a","output_index":0,"content_index":0,"delta":"hé"}"#;
    let done =
        r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"héllo"}"#;
    let start = "start resp_1 m";
    check(&[CREATED, MESSAGE, COMPLETED], &format!("{start}, {WHOLE}"));
    let pieces = WHOLE.replace("0+héllo", "0+hé, 0+llo");
    check(&[CREATED, delta, MESSAGE, COMPLETED], &format!("{start}, {pieces}"));
    check(&[CREATED, delta, done, MESSAGE, COMPLETED], &format!("{start}, {pieces}"));
    let uncited = pieces.replace("cite 0 u Some((0, 2)), ", "");
    check(&[CREATED, delta, done, COMPLETED], &format!("{start}, {uncited}"));
    check(&[CREATED, delta, COMPLETED], &format!("{start}, {uncited}"));
    // The response alone: nothing came before.
    check(&[COMPLETED], &format!("start  , {}", uncited.replace("0+hé, 0+llo", "0+héllo")));
}

#[test]
fn a_message_numbered_oddly_is_not_doubled() {
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"content_index":1,"delta":"héllo"}"#;
    check(&[CREATED, delta, MESSAGE, COMPLETED], &format!("start resp_1 m, {WHOLE}"));
}

#[test]
fn items_follow_each_other() {
    check(
        &[
            CREATED,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"a"}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"b"}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"text":"a"},{"text":"b"}],"encrypted_content":"ENC"}}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"n\":9007199"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"254740993}"}"#,
            r#"{"type":"response.function_call_arguments.done","output_index":1,"arguments":"{\"n\":9007199254740993}"}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"call_1","name":"f","arguments":"{\"n\":9007199254740993}"}}"#,
            r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"custom_tool_call","call_id":"call_2","name":"g","input":"free"}}"#,
            r#"{"type":"response.web_search_call.searching","output_index":3}"#,
            r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"web_search_call","id":"ws_1"}}"#,
            r#"{"type":"response.output_item.done","output_index":4,"item":{"type":"image_generation_call","result":"AA=="}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
            "[DONE]",
        ],
        "start resp_1 m, summary 0, 0+a, 0+\n\nb, sign 0 rs_1 ENC, close 0, call 1 call_1 f, 1+{\"n\":9007199, 1+254740993}, close 1, custom 2 call_2 g, 2+free, close 2, web_search_call 3, close 3, Image 4, close 4, finish Tools, done",
    );
}

#[test]
fn encrypted_and_raw_thoughts_are_thoughts() {
    check(
        &[
            r#"{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"raw"}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"raw"}]}}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"E"}}"#,
            r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"reasoning","id":"rs_3","summary":[]}}"#,
        ],
        "thought 0, 0+raw, close 0, summary 1, sign 1 rs_2 E, close 1",
    );
}

#[test]
fn every_end_has_its_reason() {
    let check_end = |response: &str, expected: &str| {
        let refusal = r#"{"type":"response.refusal.delta","output_index":0,"delta":"no"}"#;
        let frame = format!(r#"{{"type":"response.completed","response":{{{response}}}}}"#);
        let last = events(&[refusal, &frame]).iter().map(short).rev().nth(1).unwrap();
        assert_eq!(last, expected, "{response}");
    };
    check_end(r#""status":"completed""#, "finish Refused");
    let because = |reason: &str| {
        format!(r#""status":"incomplete","incomplete_details":{{"reason":"{reason}"}}"#)
    };
    check_end(&because("max_output_tokens"), "finish Length");
    check_end(&because("content_filter"), "finish Filtered");
    check_end(&because("steered"), "finish End");
    let call = r#""output":[{"type":"message","content":[]},{"type":"function_call","call_id":"c","name":"f","arguments":""}]"#;
    check_end(&format!(r#""status":"completed",{call}"#), "finish Tools");
}

#[test]
fn an_error_ends_the_stream_once() {
    let flat = r#"{"type":"error","sequence_number":1,"code":"rate_limit_exceeded","message":"slow","param":null}"#;
    let nested = r#"{"type":"error","error":{"type":"server_error","code":"x","message":"broke","param":null}}"#;
    let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"broke"}}}"#;
    check(&[CREATED, flat, failed], "start resp_1 m, fail Upstream(429) slow");
    check(&[CREATED, nested, failed], "start resp_1 m, fail UpstreamBroken broke");
    check(&[CREATED, failed, COMPLETED], "start resp_1 m, fail UpstreamBroken broke");
}

#[test]
fn what_is_unknown_passes_and_a_cut_stream_is_not_done() {
    let frames = [CREATED, r#"{"type":"response.novelty","delta":{"x":1}}"#, "{not json", "[1]"];
    let names: Vec<_> = events(&frames).iter().map(short).collect();
    assert_eq!(names, ["start resp_1 m", "other", "other", "other"]);
}

/// The frames of some events: type and data, without the response.
fn frames(events: Vec<Event>) -> Vec<String> {
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    for event in events {
        writer.push(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let lines = text.split_terminator("\n\n").enumerate().map(|(at, frame)| {
        let (event, data) = frame.split_once("\ndata: ").unwrap();
        let head = format!(r#"{{"type":"{}","sequence_number":{at}"#, &event["event: ".len()..]);
        let rest = data.strip_prefix(&head).unwrap_or_else(|| panic!("{head}: {data}"));
        let rest = rest.split_once(r#","response":"#).map_or(rest, |(rest, _)| rest);
        format!("{}{rest}", event["event: ".len()..].trim_start_matches("response."))
    });
    lines.collect()
}

fn open(part: usize, kind: Kind) -> Event {
    Event::Open { part, kind }
}

fn delta(part: usize, text: &str) -> Event {
    Event::Delta { part, text: text.to_owned() }
}

fn call(id: &str) -> Kind {
    Kind::Call { id: id.to_owned(), name: "f".to_owned(), custom: false }
}

#[test]
fn text_and_refusal_share_a_message() {
    let citation = Citation { url: "u".into(), title: "t".into(), ..Citation::default() };
    let written = frames(vec![
        open(0, Kind::Text),
        delta(0, "hé"),
        Event::Cite { part: 0, citation },
        Event::Close { part: 0 },
        open(1, Kind::Refusal),
        delta(1, "no"),
        Event::Finish(Stop::Refused),
        Event::Done,
        Event::Done,
    ]);
    let at = r#","item_id":"msg_x00","output_index":0,"content_index":"#;
    let annotation =
        r#"{"type":"url_citation","start_index":0,"end_index":2,"url":"u","title":"t"}"#;
    let text = format!(
        r#"{{"type":"output_text","text":"hé","annotations":[{annotation}],"logprobs":[]}}"#
    );
    let refusal = r#"{"type":"refusal","refusal":"no"}"#;
    let expected = [
        "created".to_owned(),
        "in_progress".to_owned(),
        r#"output_item.added,"output_index":0,"item":{"type":"message","id":"msg_x00","role":"assistant","status":"in_progress","content":[]}}"#.to_owned(),
        format!(r#"content_part.added{at}0,"part":{{"type":"output_text","text":"","annotations":[],"logprobs":[]}}}}"#),
        format!(r#"output_text.delta{at}0,"delta":"hé","logprobs":[]}}"#),
        format!(r#"output_text.annotation.added{at}0,"annotation_index":0,"annotation":{annotation}}}"#),
        format!(r#"output_text.done{at}0,"text":"hé","logprobs":[]}}"#),
        format!(r#"content_part.done{at}0,"part":{text}}}"#),
        format!(r#"content_part.added{at}1,"part":{{"type":"refusal","refusal":""}}}}"#),
        format!(r#"refusal.delta{at}1,"delta":"no"}}"#),
        format!(r#"refusal.done{at}1,"refusal":"no"}}"#),
        format!(r#"content_part.done{at}1,"part":{refusal}}}"#),
        format!(r#"output_item.done,"output_index":0,"item":{{"type":"message","id":"msg_x00","role":"assistant","status":"completed","content":[{text},{refusal}]}}}}"#),
        "completed".to_owned(),
    ];
    assert_eq!(written, expected);
}

#[test]
fn calls_that_interleave_are_told_one_after_another() {
    let written = frames(vec![
        delta(7, "of nothing"),
        open(0, call("a")),
        delta(0, "{"),
        open(1, call("")),
        delta(1, "[]"),
        Event::Close { part: 1 },
        delta(0, "}"),
        Event::Finish(Stop::Tools),
        Event::Done,
    ]);
    let item = |at: usize, call: &str, text: &str, status: &str| {
        format!(
            r#""output_index":{at},"item":{{"type":"function_call","id":"fc_x0{at}","call_id":"{call}","name":"f","arguments":"{text}","status":"{status}"}}}}"#
        )
    };
    let at = |at: usize| format!(r#","item_id":"fc_x0{at}","output_index":{at}"#);
    let expected = [
        format!("output_item.added,{}", item(0, "a", "", "in_progress")),
        format!(r#"function_call_arguments.delta{},"delta":"{{"}}"#, at(0)),
        format!(r#"function_call_arguments.delta{},"delta":"}}"}}"#, at(0)),
        format!(r#"function_call_arguments.done{},"name":"f","arguments":"{{}}"}}"#, at(0)),
        format!("output_item.done,{}", item(0, "a", "{}", "completed")),
        format!("output_item.added,{}", item(1, "call_x01", "", "in_progress")),
        format!(r#"function_call_arguments.delta{},"delta":"[]"}}"#, at(1)),
        format!(r#"function_call_arguments.done{},"name":"f","arguments":"[]"}}"#, at(1)),
        format!("output_item.done,{}", item(1, "call_x01", "[]", "completed")),
    ];
    assert_eq!(written[2..written.len() - 1], expected);
    assert_eq!(written.last().unwrap(), "completed");
}

#[test]
fn thoughts_bear_their_state_and_calls_lend_theirs() {
    let state = |dialect, data: &str| State {
        dialect,
        form: "signature",
        id: String::new(),
        data: data.to_owned(),
    };
    let sign = |part, state: &State| Event::Sign { part, state: state.clone() };
    let (own, foreign) = (state(Dialect::OpenAiResponses, "OWN"), state(Dialect::Gemini, "SIG"));
    let written = frames(vec![
        open(0, Kind::Thought { summary: true }),
        delta(0, "t"),
        sign(0, &foreign),
        Event::Close { part: 0 },
        open(1, Kind::Thought { summary: false }),
        sign(1, &own),
        open(2, Kind::Thought { summary: false }),
        open(3, call("a")),
        sign(3, &foreign),
        Event::Done,
    ]);
    let wrapped = stamp().carrier.wrap(&foreign);
    let of_call = stamp().carrier.wrap(&State { id: "a ".into(), ..foreign });
    let done: Vec<_> =
        written.iter().filter(|frame| frame.starts_with("output_item.done")).collect();
    let reasoning = |at: usize, summary: &str, state: &str| {
        format!(
            r#"output_item.done,"output_index":{at},"item":{{"type":"reasoning","id":"rs_x0{at}","summary":[{summary}],"encrypted_content":"{state}"}}}}"#
        )
    };
    assert_eq!(*done[0], reasoning(0, r#"{"type":"summary_text","text":"t"}"#, &wrapped));
    assert_eq!(*done[1], reasoning(1, "", "OWN"));
    assert!(done[2].contains(r#""type":"function_call""#), "{}", done[2]);
    assert_eq!(*done[3], reasoning(3, "", &of_call));
    assert_eq!(done.len(), 4);
}

#[test]
fn an_error_is_told_twice_and_ends() {
    let error = Error::new(ErrorKind::UpstreamTimeout, "Too slow.");
    let written =
        frames(vec![open(0, Kind::Text), delta(0, "x"), Event::Fail(error), delta(0, "y")]);
    let inner =
        r#"{"message":"Too slow.","type":"timeout","param":null,"code":"upstream_timeout"}"#;
    let event = format!(
        r#"error,"code":"upstream_timeout","message":"Too slow.","param":null,"error":{inner}}}"#
    );
    assert_eq!(written[5..], [event, "failed".to_owned()]);
}

#[test]
fn a_whole_answer_is_the_end_of_its_stream() {
    let source = Source::Data { mime: "image/webp".into(), base64: "AA==".into() };
    let kind = MediaKind::Image;
    let media = Media { kind, source, detail: None, name: None, cache: None };
    let raw = "{\"type\":\"web_search_call\",\n\"id\":\"ws_1\"}".to_owned();
    let json = serde_json::value::RawValue::from_string(raw).unwrap();
    let events = vec![
        Event::Start { id: "up".into(), model: "up".into() },
        open(0, Kind::Media(media)),
        open(
            1,
            Kind::Opaque {
                dialect: Dialect::OpenAiResponses,
                kind: "web_search_call".into(),
                json,
            },
        ),
        open(2, Kind::Text),
        delta(2, "a\u{2028}\"b"),
        Event::Finish(Stop::Length),
        Event::Usage(Usage {
            prompt: 9,
            cached: 4,
            cache_write_5m: 1,
            completion: 5,
            reasoning: 2,
            ..Usage::default()
        }),
    ];
    let mut fold = Fold::default();
    for event in events {
        fold.push(event);
    }
    let answer: Reply = fold.finish();
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    for event in unfold(answer.clone()) {
        writer.push(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let whole = String::from_utf8(reply::write(&answer, &stamp())).unwrap().replace('\n', " ");
    let (head, response) = last.split_once(r#""response":"#).unwrap();
    assert!(head.starts_with("event: response.incomplete\n"), "{head}");
    assert_eq!(response, format!("{whole}}}"));
    let expected = r#"{"id":"resp_x","object":"response","created_at":7,"completed_at":null,"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},"model":"m","output":[{"type":"image_generation_call","id":"ig_x00","status":"completed","result":"AA==","output_format":"webp"},{"type":"web_search_call", "id":"ws_1"},{"type":"message","id":"msg_x02","role":"assistant","status":"incomplete","content":[{"type":"output_text","text":"a\u2028\"b","annotations":[],"logprobs":[]}]}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":14},"background":false,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"metadata":{},"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default","store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","user":null}"#;
    assert_eq!(whole, expected.replace("\\u2028", "\u{2028}"));
}

#[test]
fn the_request_is_echoed() {
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    let echo = [("tools", r#"[{"type":"function"}]"#), ("temperature", "null"), ("store", "false")];
    let echo = echo.map(|(name, json)| (name.to_owned(), raw(json))).to_vec();
    let stamp = Stamp { echo, ..stamp() };
    let whole = String::from_utf8(reply::write(&Reply::default(), &stamp)).unwrap();
    for field in [r#""tools":[{"type":"function"}]"#, r#""temperature":1.0"#, r#""store":false"#] {
        assert!(whole.contains(field), "{whole}");
    }
}
