//! What chunks mean, and how events become chunks, with literal JSON on both sides.

use std::sync::Arc;

use super::{Reader, Writer};
use crate::{
    dialect::{
        Carrier, Dialect, Event, Fold, Framing, Stamp,
        event::Kind,
        ir::{Part, Reply, State, Stop},
    },
    identity::Vault,
    testing::root_secret,
};

fn stamp() -> Stamp {
    Stamp {
        id: "abc".to_owned(),
        at_s: 5,
        model: "m".to_owned(),
        usage_wanted: false,
        framing: Framing::Events,
        carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
        echo: Vec::new(),
    }
}

fn read(frames: &[&str]) -> Vec<Event> {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for frame in frames {
        let mut out = Vec::new();
        reader.push(frame.as_bytes(), &mut out);
        events.extend(out);
    }
    reader.end(&mut events);
    events
}

fn named(event: &Event) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open { part, kind } => format!("open{part} {}", kind_name(kind)),
        Event::Delta { part, text } if *part == usize::MAX => format!("other+{text}"),
        Event::Delta { part, text } => format!("+{part} {text}"),
        Event::Sign { part, state } => format!("sign{part} {} {}", state.form, state.data),
        Event::Cite { part, citation } => format!("cite{part} {}", citation.url),
        Event::Close { part } => format!("close{part}"),
        Event::Usage(usage) => format!("usage {}+{}", usage.prompt, usage.completion),
        Event::Finish(stop) => format!("{stop:?}"),
        Event::Done => "done".to_owned(),
        Event::Fail(error) => format!("fail {}", error.message),
        Event::Other => "other".to_owned(),
    }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Refusal => "refusal".to_owned(),
        Kind::Thought { .. } => "thought".to_owned(),
        Kind::Call { id, name, custom } => {
            format!("{}{name}({id})", if *custom { "custom " } else { "" })
        }
        Kind::Media(_) => "media".to_owned(),
        Kind::Opaque { kind, .. } => kind.clone(),
    }
}

fn check(frames: &[&str], expected: &str) {
    let said: Vec<_> = read(frames).iter().map(named).collect();
    assert_eq!(said.join(", "), expected, "{frames:?}");
}

#[test]
fn text_opens_flows_and_closes() {
    check(
        &[
            r#"data: {"id":"c1","model":"g","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"data: {"choices":[{"index":0,"delta":{"content":"hé"}}]}"#,
            r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            "data: [DONE]",
        ],
        "start c1 g, open0 text, +0 hé, close0, End, usage 1+2, done, done",
    );
}

#[test]
fn calls_are_told_apart_however_a_host_counts() {
    let call = |index: &str, id: &str, name: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            r#"data: {{"choices":[{{"delta":{{"tool_calls":[{{{index}{id}"function":{{{name}"arguments":{text}}}}}]}}}}]}}"#
        )
    };
    // In pieces, by index.
    let first = call(r#""index":0,"#, r#""id":"a","#, r#""name":"f","#, "");
    let more = call(r#""index":0,"#, "", "", "{}");
    let second = call(r#""index":1,"#, r#""id":"b","#, r#""name":"g","#, "{\"x\":1}");
    let end = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    check(
        &[&first, &more, &second, end],
        "start  , open0 f(a), +0 {}, open1 g(b), +1 {\"x\":1}, close0, close1, Tools, done",
    );
    // Every call at index 0, each with an id of its own.
    let again = call(r#""index":0,"#, r#""id":"b","#, r#""name":"g","#, "{}");
    check(
        &[&first, &again, end],
        "start  , open0 f(a), open1 g(b), +1 {}, close0, close1, Tools, done",
    );
    // No index and no id.
    let bare = call("", "", r#""name":"f","#, "{}");
    check(
        &[&bare, &bare, end],
        "start  , open0 f(), +0 {}, open1 f(), +1 {}, close0, close1, Tools, done",
    );
}

#[test]
fn thoughts_of_every_host_are_thoughts() {
    let thought = "start  , open0 thought, +0 hm, close0, open1 text, +1 a, close1, End, done";
    let text = r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    for field in [r#""reasoning_content":"hm""#, r#""reasoning":"hm","content":null"#] {
        check(&[&format!(r#"data: {{"choices":[{{"delta":{{{field}}}}}]}}"#), text], thought);
    }
    let list = r#"data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]},"finish_reason":"stop"}]}"#;
    check(&[list], thought);
    let details = r#"data: {"choices":[{"delta":{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}}]}"#;
    check(
        &[details, text],
        "start  , open0 thought, +0 hm, sign0 details [{\"type\":\"reasoning.text\",\"text\":\"hm\"}], close0, open1 text, +1 a, close1, End, done",
    );
}

#[test]
fn sources_beside_a_refusal_belong_to_the_text() {
    check(
        &[
            r#"data: {"id":"i","model":"m","choices":[{"delta":{"content":"a","refusal":"no","annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]}}]}"#,
        ],
        "start i m, open0 text, +0 a, cite0 u, close0, open1 refusal, +1 no",
    );
}

#[test]
fn what_is_unknown_broken_or_of_another_answer_is_told_apart() {
    check(&["data: {not json", ": comment", r#"data: {"x":1}"#], "other, start  ");
    check(&[r#"data: {"error":{"message":"no","code":500}}"#], "fail no");
    check(&[r#"data: {"choices":[{"index":1,"delta":{"content":"b"}}]}"#], "start  , other+b");
    // A second reason to finish, and an end that nobody announced.
    let finish = r#"data: {"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    check(&[finish, finish], "start  , Length, other, done");
    check(&[r#"data: {"choices":[{"delta":{"content":"cut"}}]}"#], "start  , open0 text, +0 cut");
}

fn written(events: Vec<Event>) -> String {
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    for event in events {
        writer.push(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let plain = r#"{"id":"chatcmpl-abc","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":"#;
    text.replace(plain, "<").replace(r#","logprobs":null,"finish_reason":null}]}"#, ">")
}

#[test]
fn a_stream_is_written_as_clients_expect_it() {
    let call = |id: &str| Kind::Call { id: id.to_owned(), name: "f".to_owned(), custom: false };
    let delta = |part, text: &str| Event::Delta { part, text: text.to_owned() };
    let events = vec![
        Event::Start { id: "x".to_owned(), model: "y".to_owned() },
        Event::Open { part: 0, kind: Kind::Thought { summary: false } },
        delta(0, "hm"),
        Event::Close { part: 0 },
        Event::Open { part: 1, kind: Kind::Text },
        delta(1, "😀"),
        Event::Close { part: 1 },
        Event::Open { part: 2, kind: call("a") },
        delta(2, "{\"n\":1"),
        delta(2, "}"),
        Event::Open { part: 3, kind: call("b") },
        Event::Finish(Stop::Tools),
        Event::Done,
    ];
    let expected = [
        r#"data: <{"role":"assistant","content":""}>"#,
        r#"data: <{"reasoning_content":"hm"}>"#,
        r#"data: <{"content":"😀"}>"#,
        r#"data: <{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}>"#,
        r#"data: <{"tool_calls":[{"index":0,"function":{"arguments":"{\"n\":1"}}]}>"#,
        r#"data: <{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}>"#,
        r#"data: <{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}}]}>"#,
        r#"data: <{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}>"#,
        r#"data: <{},"logprobs":null,"finish_reason":"tool_calls"}]}"#,
        "data: [DONE]",
    ];
    assert_eq!(written(events), expected.map(|line| format!("{line}\n\n")).concat());
}

#[test]
fn an_error_ends_a_stream_without_done() {
    let error = crate::error::Error::new(crate::error::Kind::UpstreamBroken, "It broke.");
    let text = written(vec![Event::Fail(error)]);
    assert!(text.starts_with(r#"data: {"error":{"message":"It broke.""#), "{text}");
    assert!(!text.contains("[DONE]"), "{text}");
}

#[test]
fn nothing_follows_the_finish_and_the_end() {
    let (done, part) = (Event::Done, 0);
    let late = Event::Delta { part, text: "late".to_owned() };
    let fail = Event::Fail(crate::Error::bad_request("x"));
    let open = Event::Open { part, kind: Kind::Text };
    let events = vec![open, Event::Finish(Stop::End), late, done.clone(), done, fail];
    let text = written(events);
    assert_eq!(text.matches("[DONE]").count(), 1, "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert!(!text.contains("late"), "{text}");
}

#[test]
fn a_part_that_opens_again_moves_no_other() {
    let open = |part| Event::Open { part, kind: Kind::Text };
    let call = Kind::Call { id: "a".to_owned(), name: "f".to_owned(), custom: false };
    let call = Event::Open { part: 1, kind: call };
    let delta = Event::Delta { part: 1, text: "{}".to_owned() };
    let text = written(vec![open(0), call, open(0), delta, Event::Done]);
    assert!(text.contains(r#""function":{"arguments":"{}"}"#), "{text}");
}

#[test]
fn what_is_written_reads_the_same() {
    let text = |text: &str| Part::text(text);
    let call = |id: &str, arguments: &str| {
        Part::Call(crate::dialect::ir::Call {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            state: None,
        })
    };
    let state = State {
        dialect: Dialect::OpenAiChat,
        form: "details",
        id: String::new(),
        data: r#"[{"type":"x"}]"#.to_owned(),
    };
    let thought =
        crate::dialect::ir::Thought { text: "hm".to_owned(), summary: false, state: Some(state) };
    let reply = Reply {
        id: "chatcmpl-abc".to_owned(),
        model: "m".to_owned(),
        parts: vec![
            Part::Thought(thought),
            text("a\u{0}é"),
            call("1", r#"{"n":12345678901234567890}"#),
        ],
        stop: Stop::Tools,
        usage: None,
    };
    let whole = super::super::reply::write(&reply, &stamp());
    let back = super::super::reply::read(&whole).unwrap();
    assert_eq!(format!("{:?}", back.parts), format!("{:?}", reply.parts));
    assert_eq!(back.stop, reply.stop);
    let mut out = Vec::new();
    let mut writer = Writer::new(stamp());
    for event in crate::dialect::unfold(reply.clone()) {
        writer.push(event, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let frames: Vec<_> = text.split("\n\n").collect();
    let mut fold = Fold::default();
    for event in read(&frames) {
        fold.push(event);
    }
    let folded = fold.finish();
    assert_eq!(format!("{:?}", folded.parts), format!("{:?}", reply.parts));
    assert_eq!(folded.stop, reply.stop);
}
