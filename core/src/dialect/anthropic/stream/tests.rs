//! What frames mean, and how events become frames, with literal JSON on both sides.

use std::sync::Arc;

use super::{Reader, Writer};
use crate::{
    dialect::{
        Carrier, Dialect, Event, Fold, Framing, Object, Reply, Stamp,
        anthropic::reply,
        event::Kind,
        ir::{Call, Citation, Media, MediaKind, Part, Source, State, Stop, Thought},
        unfold,
    },
    error::{Error, Kind as Failure},
    identity::Vault,
    store::Usage,
    testing::root_secret,
};

pub(in super::super) fn stamp() -> Stamp {
    Stamp {
        id: "1".to_owned(),
        at_s: 0,
        model: "m".to_owned(),
        usage_wanted: true,
        framing: Framing::Events,
        carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
        echo: Vec::new(),
    }
}

fn read(datas: &[&str]) -> Vec<Event> {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for data in datas {
        let mut out = Vec::new();
        reader.push(format!("event: x\ndata: {data}   \n\n").as_bytes(), &mut out);
        events.extend(out);
    }
    reader.end(&mut events);
    events
}

fn said(events: &[Event]) -> String {
    let name = |event: &Event| match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open { part, kind } => match kind {
            Kind::Text => format!("{part}:text"),
            Kind::Refusal => format!("{part}:refusal"),
            Kind::Thought { .. } => format!("{part}:thought"),
            Kind::Call { id, name, .. } => format!("{part}:call {id} {name}"),
            Kind::Media(_) => format!("{part}:media"),
            Kind::Opaque { kind, json, .. } => format!("{part}:{kind} {}", json.get()),
        },
        Event::Delta { part, text } => format!("{part}+{text}"),
        Event::Sign { part, state } => format!("{part}!{} {}", state.form, state.data),
        Event::Cite { part, citation } => {
            format!("{part}@{} {} {}", citation.url, citation.title, citation.quoted)
        }
        Event::Close { part } => format!("{part}."),
        Event::Usage(usage) => format!("usage {}/{}", usage.prompt, usage.completion),
        Event::Finish(stop) => format!("{stop:?}"),
        Event::Done => "done".to_owned(),
        Event::Fail(error) => format!("fail {:?} {}", error.kind, error.message),
        Event::Other => "-".to_owned(),
    };
    events.iter().map(name).collect::<Vec<_>>().join(" | ")
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn check_read(datas: &[&str], expected: &str) {
    assert_eq!(said(&read(datas)), expected, "{datas:?}");
}

#[test]
fn words_and_their_sources_are_read() {
    check_read(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type": "ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\u00e9 "}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"u","title":"t","cited_text":"c","encrypted_index":"e"}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"😀"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"brand_new_delta","text":5}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":7}}"#,
            r#"{"type":"brand_new"}"#,
            STOP,
        ],
        "start msg_1 claude | usage 13/1 | 0:text | 0+hé  | 0@u t c | 0+😀 | - | 0. | usage 13/7 | Sequence(Some(\"END\")) | - | done",
    );
}

#[test]
fn thoughts_and_their_states_are_read() {
    check_read(
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"S=="}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"D"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
        ],
        "0:thought | 0+hm | 0!signature S== | 0. | 1:thought | 1!redacted D | 1.",
    );
}

#[test]
fn arguments_are_read_whole_or_in_pieces() {
    check_read(
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{},"caller":{"type":"direct"}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"n\":"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":" 9007199254740993}"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c","name":"h","input":{"x":1}}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}"#,
            STOP,
        ],
        r#"0:call a f | - | 0+{"n": | 0+ 9007199254740993} | 0. | 1:call b g | 1+{} | 1. | 2:call c h | 2+{"x":1} | 2. | usage 0/7 | Tools | done"#,
    );
}

#[test]
fn what_the_provider_ran_is_kept_whole() {
    check_read(
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[{"text":1}]}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"pause_turn"}}"#,
            STOP,
        ],
        r#"- | - | - | 0:server_tool_use {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"x"}} | 0. | - | 1:web_search_tool_result {"type":"web_search_tool_result","tool_use_id":"s","content":[{"text":1}]} | 1. | Paused | done"#,
    );
}

#[test]
fn unusual_streams_are_read() {
    // The whole answer in the opening message, as after a call made by code.
    check_read(
        &[
            r#"{"type":"message_start","message":{"id":"i","model":"c","content":[{"type":"tool_use","id":"a","name":"f","input":{"p":2}}],"stop_reason":"tool_use","usage":{"input_tokens":0,"output_tokens":0}}}"#,
            STOP,
        ],
        r#"start i c | usage 0/0 | 0:call a f | 0+{"p":2} | 0. | Tools | done"#,
    );
    // Blocks that do not begin or end.
    check_read(
        &[
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"b"}}"#,
            STOP,
        ],
        "0:text | 0+a | 0. | 1:text | 1+b | 1. | End | done",
    );
    // No terminal event.
    check_read(
        &[START, r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#],
        "start msg_1 claude | usage 13/1 | End",
    );
    check_read(&[r#"{"type":"content_block_stop","index":0}"#, "not json", ""], "- | -");
}

#[test]
fn errors_and_refusals_are_read() {
    check_read(
        &[r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
        "fail Upstream(529) Overloaded",
    );
    check_read(
        &[
            r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"bio","explanation":"No."}},"usage":{"output_tokens":1}}"#,
            STOP,
        ],
        "usage 0/1 | 0:refusal | 0+No. | 0. | Refused | done",
    );
}

fn write(events: Vec<Event>) -> String {
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    for event in events {
        writer.push(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// The data of the frames, without those that open and end every answer.
fn inner(events: Vec<Event>) -> Vec<String> {
    let text = write(events);
    let frames: Vec<&str> = text.split_terminator("\n\n").collect();
    for frame in &frames {
        let (name, data) = frame.split_once("\ndata: ").unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        assert!(data.starts_with(&format!(r#"{{"type":"{name}""#)), "{frame}");
    }
    assert!(frames[0].contains("message_start"));
    assert_eq!(frames.last().unwrap(), &"event: message_stop\ndata: {\"type\":\"message_stop\"}");
    let datas = frames[1..frames.len() - 1].iter().map(|frame| frame.split_once("data: ").unwrap());
    datas.map(|(_, data)| data.to_owned()).collect()
}

fn open(part: usize, kind: Kind) -> Event {
    Event::Open { part, kind }
}

fn delta(part: usize, text: &str) -> Event {
    Event::Delta { part, text: text.to_owned() }
}

fn call(id: &str, name: &str) -> Kind {
    Kind::Call { id: id.to_owned(), name: name.to_owned(), custom: false }
}

fn end(reason: &str) -> String {
    let details = if reason == "refusal" {
        r#"{"type":"refusal","category":null,"explanation":null}"#
    } else {
        "null"
    };
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null,"stop_details":{details}}},"usage":{{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":0,"server_tool_use":null,"service_tier":"standard"}}}}"#
    )
}

fn check_write(events: Vec<Event>, expected: &[&str]) {
    assert_eq!(inner(events), expected);
}

#[test]
fn an_answer_opens_at_once_and_ends_with_its_usage() {
    let start = Event::Start { id: "chatcmpl-9".into(), model: "gpt".into() };
    let usage = Usage { prompt: 12, cached: 2, completion: 5, ..Usage::default() };
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    writer.push(start, &mut out);
    let opening = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":0,\"server_tool_use\":null,\"service_tier\":\"standard\"}}}\n\n";
    assert_eq!(String::from_utf8(std::mem::take(&mut out)).unwrap(), opening);
    for event in [Event::Finish(Stop::End), Event::Usage(usage)] {
        writer.push(event, &mut out);
    }
    assert!(out.is_empty(), "the end waits for usage that comes late");
    writer.push(Event::Done, &mut out);
    let end = String::from_utf8(std::mem::take(&mut out)).unwrap();
    assert!(
        end.contains(r#""input_tokens":10,"#) && end.contains(r#""output_tokens":5,"#),
        "{end}"
    );
    writer.push(Event::Done, &mut out);
    writer.push(delta(0, "late"), &mut out);
    assert!(out.is_empty());
}

#[test]
fn words_are_written_as_they_come() {
    check_write(
        vec![
            Event::Delta { part: 0, text: "lost".into() },
            open(0, Kind::Text),
            delta(0, "hé"),
            delta(0, ""),
            delta(0, "\n😀"),
            Event::Cite {
                part: 0,
                citation: Citation { url: "u".into(), title: "t".into(), ..Citation::default() },
            },
            open(1, Kind::Text),
            open(2, Kind::Text),
            delta(2, "b"),
            Event::Finish(Stop::Sequence(None)),
            Event::Done,
        ],
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hé"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\n😀"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","cited_text":"","encrypted_index":"","title":"t","url":"u"}}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            &end("stop_sequence"),
        ],
    );
}

#[test]
fn interleaved_calls_follow_each_other() {
    check_write(
        vec![
            open(0, call("a", "f")),
            delta(0, "{\"x\""),
            open(1, call("b", "g")),
            delta(1, "{}"),
            delta(0, ":1}"),
            open(2, call("", "h")),
            Event::Close { part: 1 },
            Event::Close { part: 0 },
            delta(2, "{}"),
            Event::Finish(Stop::Tools),
            Event::Done,
        ],
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_102","name":"h","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            &end("tool_use"),
        ],
    );
}

#[test]
fn free_text_for_a_tool_becomes_an_object() {
    let kind = Kind::Call { id: "a".into(), name: "f".into(), custom: true };
    let frames = inner(vec![
        open(0, kind),
        delta(0, "say \"é"),
        delta(0, "\""),
        Event::Close { part: 0 },
        Event::Done,
    ]);
    let events = read(&frames.iter().map(String::as_str).collect::<Vec<_>>());
    let mut fold = Fold::default();
    for event in events {
        fold.push(event);
    }
    let Part::Call(call) = &fold.finish().parts[0] else { panic!("no call") };
    assert_eq!(call.arguments, r#"{"input":"say \"é\""}"#);
}

#[test]
fn arguments_that_are_no_object_are_made_one() {
    let pieces = |texts: &[&str]| -> String {
        let mut events = vec![open(0, call("a", "f"))];
        events.extend(texts.iter().map(|text| delta(0, text)));
        events.extend([Event::Close { part: 0 }, Event::Done]);
        let frames = inner(events).into_iter();
        let data = frames.filter_map(|frame| {
            let frame = Object::read(frame.as_bytes()).unwrap();
            frame.nested("delta").unwrap()?.typed::<String>("partial_json").unwrap()
        });
        data.collect::<Vec<_>>().join("|")
    };
    assert_eq!(pieces(&[" ", "{", "}"]), " {|}");
    assert_eq!(pieces(&["nu", "ll"]), "");
    assert_eq!(pieces(&["  "]), "");
    assert_eq!(pieces(&["\"a", "\""]), r#"{"_raw":"\"a\""}"#);
    assert_eq!(pieces(&["{\"a\":", "cut"]), "{\"a\":|cut");
}

fn state(dialect: Dialect, form: &'static str) -> State {
    State { dialect, form, id: String::new(), data: "D".into() }
}

#[test]
fn states_travel_in_their_own_place_or_wrapped() {
    let wrapped = stamp().carrier.wrap(&state(Dialect::Gemini, "signature"));
    let held = State { id: "a".into(), ..state(Dialect::Gemini, "signature") };
    let of_call = stamp().carrier.wrap(&held);
    let thought = |part| open(part, Kind::Thought { summary: false });
    let sign = |part, state| Event::Sign { part, state };
    check_write(
        vec![
            thought(0),
            sign(0, state(Dialect::Anthropic, "signature")),
            delta(0, "hm"),
            Event::Close { part: 0 },
            thought(1),
            sign(1, state(Dialect::Anthropic, "redacted")),
            thought(2),
            sign(2, state(Dialect::Gemini, "signature")),
            thought(3),
            open(4, call("a", "f")),
            sign(4, state(Dialect::Gemini, "signature")),
            Event::Done,
        ],
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"D"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"D"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            &format!(
                r#"{{"type":"content_block_start","index":2,"content_block":{{"type":"redacted_thinking","data":"{wrapped}"}}}}"#
            ),
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#,
            r#"{"type":"content_block_stop","index":3}"#,
            &format!(
                r#"{{"type":"content_block_start","index":4,"content_block":{{"type":"redacted_thinking","data":"{of_call}"}}}}"#
            ),
            r#"{"type":"content_block_stop","index":4}"#,
            &end("tool_use"),
        ],
    );
}

#[test]
fn a_failure_is_the_last_word() {
    let fail = || Event::Fail(Error::new(Failure::UpstreamBroken, "cut"));
    let event = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"},\"request_id\":null}\n\n";
    assert_eq!(write(vec![fail(), Event::Done]), event);
    let text = write(vec![open(0, Kind::Text), delta(0, "a"), fail(), Event::Done]);
    assert!(text.ends_with(event) && !text.contains("message_stop"), "{text}");
}

#[test]
fn a_refusal_is_said_and_marked() {
    check_write(
        vec![open(0, Kind::Refusal), delta(0, "No."), Event::Finish(Stop::End), Event::Done],
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"No."}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            &end("refusal"),
        ],
    );
}

#[test]
fn a_part_that_opens_again_ends_the_one_before() {
    check_write(
        vec![open(0, call("a", "f")), open(0, Kind::Text), Event::Done],
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            &end("tool_use"),
        ],
    );
}

#[test]
fn a_block_over_several_lines_stays_one_frame() {
    let json = serde_json::from_str::<Box<_>>("{\"type\":\"x\",\r\n \"a\": 1}").unwrap();
    let kind = Kind::Opaque { dialect: Dialect::Anthropic, kind: "x".into(), json };
    check_write(
        vec![open(0, kind), Event::Close { part: 0 }, Event::Done],
        &[
            "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"x\",   \"a\": 1}}",
            r#"{"type":"content_block_stop","index":0}"#,
            &end("end_turn"),
        ],
    );
}

#[test]
fn a_stream_and_a_whole_answer_say_the_same() {
    let thought =
        |text: &str, state| Part::Thought(Thought { text: text.into(), summary: true, state });
    let call = |id: &str, arguments: &str, state| {
        let (id, name, arguments) = (id.to_owned(), "f".to_owned(), arguments.to_owned());
        Part::Call(Call { id, name, arguments, custom: false, state })
    };
    let cited = Citation { url: "u".into(), quoted: "q".into(), ..Citation::default() };
    let source = Source::Data { mime: "image/png".into(), base64: "AA==".into() };
    let (kind, detail, name, cache) = (MediaKind::Image, None, None, None);
    let parts = vec![
        thought("a", Some(state(Dialect::Anthropic, "signature"))),
        thought("", Some(state(Dialect::OpenAiResponses, "encrypted"))),
        thought("b", None),
        thought("", None),
        Part::text(""),
        Part::Text { text: "c".into(), citations: vec![cited], cache: None },
        Part::Media(Media { kind, source, detail, name, cache }),
        call("1", "", Some(state(Dialect::Gemini, "signature"))),
        call("", r#"{"a": 1.0}"#, None),
        Part::Refusal("d".into()),
    ];
    let reply = Reply { parts, stop: Stop::Tools, ..Reply::default() };
    let whole = reply::read(&reply::write(&reply, &stamp())).unwrap();
    let frames = write(unfold(reply));
    let datas: Vec<&str> = frames.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let mut fold = Fold::default();
    for event in read(&datas) {
        fold.push(event);
    }
    assert_eq!(format!("{:?}", fold.finish()), format!("{whole:?}"));
}
