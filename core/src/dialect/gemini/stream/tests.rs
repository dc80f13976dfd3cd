//! What elements mean, and how events become elements, with literal JSON on both sides.

use base64::{Engine, engine::general_purpose::STANDARD};

use std::sync::Arc;

use super::{Reader, Writer};
use crate::{
    dialect::{
        Carrier, Dialect, Event, Fold, Framing, Stamp,
        event::Kind,
        gemini::reply,
        ir::{Call, Citation, Media, MediaKind, Part, Reply, Source, State, Stop, Thought},
        unfold,
    },
    error::Error,
    identity::Vault,
    store::Usage,
    testing::root_secret,
};

fn stamp(framing: Framing) -> Stamp {
    Stamp {
        id: "abc".to_owned(),
        at_s: 5,
        model: "m".to_owned(),
        usage_wanted: true,
        framing,
        carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
        echo: Vec::new(),
    }
}

fn read(frames: &[&str]) -> Vec<Event> {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for frame in frames {
        reader.push(frame.as_bytes(), &mut events);
    }
    reader.end(&mut events);
    events
}

fn named(event: &Event) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open { part, kind } => format!("open{part} {}", kind_name(kind)),
        Event::Delta { part, text } => format!("+{part} {text}"),
        Event::Sign { part, state } => format!("sign{part} {}/{}", state.data, state.id),
        Event::Cite { part, citation } => {
            format!("cite{part} {} {:?}", citation.url, citation.span)
        }
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
        Kind::Call { id, name, custom: _ } => format!("{name}({id})"),
        Kind::Media(media) => format!("{:?}", media.kind),
        Kind::Opaque { kind, json, .. } => format!("{kind} {json}"),
    }
}

fn check(frames: &[&str], expected: &str) {
    let said: Vec<_> = read(frames).iter().map(named).collect();
    assert_eq!(said.join(", "), expected, "{frames:?}");
}

/// An event with these parts and what stands beside them.
fn frame(parts: &str, beside: &str) -> String {
    format!(
        "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{parts}],\"role\":\"model\"}}{beside}}}]}}\r\n\r\n"
    )
}

fn check_parts(parts: &str, expected: &str) {
    let last = frame(parts, r#","finishReason":"STOP""#);
    let said: Vec<_> = read(&[&last]).iter().map(named).collect();
    let said = said.join(", ");
    let said = said.strip_prefix("start  , ").unwrap();
    assert_eq!(said.strip_suffix(", done").unwrap(), expected, "{parts}");
}

#[test]
fn text_flows_until_the_connection_ends() {
    check(
        &[
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hé\"}]},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3},\"modelVersion\":\"g\",\"responseId\":\"r\"}\r\n\r\n",
            &frame(r#"{"text":"llo"}"#, r#","finishReason":"STOP""#),
        ],
        "start r g, open0 text, +0 hé, usage 3+0, +0 llo, close0, End, done",
    );
}

#[test]
fn a_stream_may_finish_twice() {
    check(
        &[
            &frame(r#"{"text":"a"}"#, r#","finishReason":"STOP""#),
            &frame(r#"{"text":"b"}"#, r#","finishReason":"MAX_TOKENS""#),
        ],
        "start  , open0 text, +0 a, +0 b, close0, Length, done",
    );
}

#[test]
fn a_cut_stream_is_not_done() {
    check(&[&frame(r#"{"text":"a"}"#, "")], "start  , open0 text, +0 a");
    check(&[], "");
}

#[test]
fn parts_of_all_kinds_are_told_apart() {
    check_parts(r#"{"text":""}"#, "other, End");
    check_parts(
        r#"{"text":"t1","thought":true},{"text":"t2","thought":true},{"text":"a"}"#,
        "open0 thought, +0 t1, +0 t2, close0, open1 text, +1 a, close1, End",
    );
    check_parts(
        r#"{"functionCall":{"id":"c1","name":"f","args":{"n":9007199254740993, "é":1.0}},"thoughtSignature":"S"},{"functionCall":{"id":"c2","name":"g"}}"#,
        r#"open0 f(c1), +0 {"n":9007199254740993, "é":1.0}, sign0 S/, close0, open1 g(c2), +1 {}, close1, Tools"#,
    );
    check_parts(
        r#"{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"inlineData":{"mimeType":"audio/L16","data":"AA=="}}"#,
        "open0 Image, close0, open1 Audio, close1, End",
    );
    check_parts(
        r#"{"text":"a"},{"executableCode":{"code":"1"},"thoughtSignature":"S"},{},{"thoughtSignature":"E"}"#,
        r#"open0 text, +0 a, close0, open1 executableCode {"executableCode":{"code":"1"},"thoughtSignature":"S"}, close1, open2 thought, sign2 E/, close2, End"#,
    );
    check_parts(
        r#"{"thought":true,"inlineData":{"mimeType":"image/png","data":"draft"}}"#,
        r#"open0 inlineData {"thought":true,"inlineData":{"mimeType":"image/png","data":"draft"}}, close0, End"#,
    );
}

#[test]
fn a_signature_keeps_its_place() {
    check_parts(
        r#"{"text":"a","thoughtSignature":"S"}"#,
        "open0 text, +0 a, close0, open1 thought, sign1 S/text, close1, End",
    );
    check_parts(
        r#"{"text":"a","thoughtSignature":"S"},{"text":"b"}"#,
        "open0 text, +0 a, close0, open1 thought, sign1 S/text, close1, open2 text, +2 b, close2, End",
    );
    check_parts(
        r#"{"text":"a"},{"text":"","thoughtSignature":"S"}"#,
        "open0 text, +0 a, close0, open1 thought, sign1 S/, close1, End",
    );
    check_parts(
        r#"{"text":"x","thought":true,"thoughtSignature":"S"},{"text":"y","thought":true}"#,
        "open0 thought, +0 x, sign0 S/, close0, open1 thought, +1 y, close1, End",
    );
}

#[test]
fn ids_that_are_missing_are_made() {
    let calls =
        r#"{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}"#;
    let ids = |response: &str| -> Vec<String> {
        let frame = frame(calls, "").replacen('{', &format!("{{\"responseId\":\"{response}\","), 1);
        let events = read(&[&frame]);
        let id = |event: &Event| match event {
            Event::Open { kind: Kind::Call { id, .. }, .. } => Some(id.clone()),
            _ => None,
        };
        events.iter().filter_map(id).collect()
    };
    let first = ids("r1");
    assert_eq!(first, ids("r1"));
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0], ids("r2")[0]);
}

#[test]
fn the_first_answer_counts() {
    let two = r#"data: {"candidates":[{"content":{"parts":[{"text":"b"}]},"index":1},{"content":{"parts":[{"text":"a"}]},"index":0,"finishReason":"STOP"}]}"#;
    check(&[two], "start  , open0 text, +0 a, close0, End, done");
}

#[test]
fn endings_have_their_meaning() {
    let call = r#"{"functionCall":{"id":"c","name":"f"}}"#;
    let stop = |parts: &str, reason: &str| {
        let frame = frame(parts, &format!(r#","finishReason":"{reason}""#));
        let events = read(&[&frame]);
        let [.., Event::Finish(stop), Event::Done] = &events[..] else { panic!("{events:?}") };
        stop.clone()
    };
    assert_eq!(stop(call, "STOP"), Stop::Tools);
    assert_eq!(stop(call, "MAX_TOKENS"), Stop::Length);
    assert_eq!(stop("", "MAX_TOKENS"), Stop::Length);
    assert_eq!(stop("", "SAFETY"), Stop::Filtered);
    assert_eq!(stop("", "MALFORMED_FUNCTION_CALL"), Stop::Failed);
    assert_eq!(stop("", "SOMETHING_ELSE"), Stop::Failed);
}

#[test]
fn a_blocked_prompt_is_filtered() {
    let blocked = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":4}}\r\n";
    check(&[blocked], "start  , usage 4+0, Filtered, done");
    let rated = "data: {\"promptFeedback\":{\"safetyRatings\":[]}}\n\n";
    check(&[rated], "start  , other");
}

#[test]
fn errors_come_bare_or_as_events() {
    let good = frame(r#"{"text":"a"}"#, r#","finishReason":"STOP""#);
    let bare = "{\n  \"error\": {\n    \"code\": 499,\n    \"message\": \"cancelled\"\n  }\n}\n";
    check(&[&good, bare], "start  , open0 text, +0 a, fail cancelled");
    let event =
        "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n";
    check(&[event, &good], "fail busy");
    check(&["data: [{\"error\":{\"code\":503,\"message\":\"busy\"}}]\n\n"], "fail busy");
}

#[test]
fn elements_of_an_array_are_the_same() {
    let element = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
    check(
        &[&format!("[{element}"), &format!("\n,\r\n{element}"), "\n]\n"],
        "start  , open0 text, +0 a, +0 a, close0, End, done",
    );
}

#[test]
fn what_is_unknown_is_passed_over() {
    check(&["data: {not json\n\n"], "other");
    check(&[": comment\n\n"], "");
    check(&["data: {\"novelty\":1}\n\n"], "start  , other");
    let odd = frame(r#"{"novelty":{"a":1}}"#, r#","groundingMetadata":7,"finishReason":"STOP""#);
    check(&[&odd], r#"start  , open0 novelty {"novelty":{"a":1}}, close0, End, done"#);
}

#[test]
fn sources_are_of_the_open_text() {
    let grounding = r#","groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"u","title":"t"}}],"groundingSupports":[{"segment":{"startIndex":4,"endIndex":6,"text":"bc"},"groundingChunkIndices":[0]}]},"finishReason":"STOP""#;
    check(
        &[
            &frame(r#"{"text":"é a"}"#, ""),
            &frame(r#"{"text":"bc","thoughtSignature":"S"}"#, grounding),
        ],
        "start  , open0 text, +0 é a, +0 bc, cite0 u Some((3, 5)), close0, open1 thought, sign1 S/text, close1, End, done",
    );
}

fn write(framing: Framing, events: Vec<Event>) -> String {
    let (mut writer, mut out) = (Writer::new(stamp(framing)), Vec::new());
    for event in events {
        writer.push(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn open_call(part: usize, id: &str, name: &str) -> Event {
    let (id, name) = (id.to_owned(), name.to_owned());
    Event::Open { part, kind: Kind::Call { id, name, custom: false } }
}

fn delta(part: usize, text: &str) -> Event {
    Event::Delta { part, text: text.to_owned() }
}

#[test]
fn events_are_written_as_they_come() {
    let usage = Usage { prompt: 3, completion: 5, reasoning: 2, cached: 1, ..Usage::default() };
    let events = || {
        vec![
            Event::Start { id: "x".into(), model: "y".into() },
            delta(9, "lost"),
            Event::Open { part: 0, kind: Kind::Text },
            delta(0, "hé"),
            delta(0, ""),
            Event::Close { part: 0 },
            Event::Finish(Stop::Length),
            Event::Usage(usage),
            Event::Done,
            delta(0, "late"),
        ]
    };
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"hé"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"abc"}"#;
    let end = r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":3,"cachedContentTokenCount":1,"candidatesTokenCount":3,"thoughtsTokenCount":2,"totalTokenCount":8},"modelVersion":"m","responseId":"abc"}"#;
    let sse = write(Framing::Events, events());
    assert_eq!(sse, format!("data: {text}\r\n\r\ndata: {end}\r\n\r\n"));
    assert_eq!(write(Framing::Array, events()), format!("[{text},\r\n{end}]"));
}

/// The parts that come out, without what stands round them.
fn parts(events: Vec<Event>) -> Vec<String> {
    let text = write(Framing::Events, events);
    let inner = |line: &str| {
        let (_, rest) = line.split_once(r#"{"parts":["#)?;
        rest.split_once(r#"],"role":"model"}"#).map(|(part, _)| part.to_owned())
    };
    text.lines().filter_map(inner).collect()
}

#[test]
fn calls_are_written_whole_and_in_order() {
    let events = vec![
        open_call(0, "c1", "f"),
        open_call(1, "c2", "g"),
        delta(1, "{\"b\":\n9007199254740993}"),
        Event::Close { part: 1 },
        delta(0, "{\"a\""),
        delta(0, ":1}"),
        Event::Close { part: 0 },
        open_call(2, "", "h"),
        delta(2, "{\"cut"),
        Event::Done,
    ];
    assert_eq!(
        parts(events),
        [
            r#"{"functionCall":{"id":"c1","name":"f","args":{"a":1}}}"#,
            r#"{"functionCall":{"id":"c2","name":"g","args":{"b": 9007199254740993}}}"#,
            r#"{"functionCall":{"name":"h","args":{"_raw":"{\"cut"}}}"#,
            r#"{"text":""}"#,
        ]
    );
}

#[test]
fn state_of_others_travels_wrapped() {
    let carrier = stamp(Framing::Events).carrier;
    let state = |dialect, data: &str| State {
        dialect,
        form: "signature",
        id: String::new(),
        data: data.to_owned(),
    };
    let (own, foreign) = (state(Dialect::Gemini, "S"), state(Dialect::Anthropic, "A"));
    let wrapped = STANDARD.encode(carrier.wrap(&foreign));
    let thought = |part| Event::Open { part, kind: Kind::Thought { summary: true } };
    let sign = |part, state: &State| Event::Sign { part, state: state.clone() };
    let events = vec![
        thought(0),
        delta(0, "hm"),
        sign(0, &foreign),
        thought(1),
        sign(1, &own),
        thought(2),
        sign(2, &foreign),
        open_call(3, "c", "f"),
        sign(3, &own),
        Event::Close { part: 3 },
        Event::Done,
    ];
    assert_eq!(
        parts(events),
        [
            r#"{"text":"hm","thought":true}"#.to_owned(),
            format!(r#"{{"text":"","thought":true,"thoughtSignature":"{wrapped}"}}"#),
            r#"{"text":"","thoughtSignature":"S"}"#.to_owned(),
            format!(r#"{{"text":"","thought":true,"thoughtSignature":"{wrapped}"}}"#),
            r#"{"functionCall":{"id":"c","name":"f","args":{}},"thoughtSignature":"S"}"#.to_owned(),
            r#"{"text":""}"#.to_owned(),
        ]
    );
}

#[test]
fn an_error_is_the_last_thing() {
    let fail = || vec![Event::Fail(Error::bad_request("no")), Event::Done];
    let body = r#"{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}"#;
    assert_eq!(write(Framing::Events, fail()), format!("data: {body}\r\n\r\n"));
    assert_eq!(write(Framing::Array, fail()), format!("[{body}]"));
}

fn reply_of_everything() -> Reply {
    let state = |id: &str| {
        let (dialect, form) = (Dialect::Gemini, "signature");
        Some(State { dialect, form, id: id.to_owned(), data: "S".to_owned() })
    };
    let citation =
        Citation { url: "u".into(), title: "t".into(), quoted: String::new(), span: Some((1, 3)) };
    let source = Source::Data { mime: "image/png".into(), base64: "AA==".into() };
    let call = Call {
        id: "c".into(),
        name: "f".into(),
        arguments: r#"{"x":1.0}"#.into(),
        custom: false,
        state: state(""),
    };
    Reply {
        id: "r".into(),
        model: "g".into(),
        parts: vec![
            Part::Thought(Thought { text: "hm".into(), summary: true, state: state("") }),
            Part::Text { text: "é😀 two".into(), citations: vec![citation], cache: None },
            Part::Thought(Thought { text: String::new(), summary: true, state: state("") }),
            Part::Media(Media {
                kind: MediaKind::Image,
                source,
                detail: None,
                name: None,
                cache: None,
            }),
            Part::Call(call),
        ],
        stop: Stop::Tools,
        usage: Some(Usage { prompt: 9, completion: 4, ..Usage::default() }),
    }
}

#[test]
fn whole_and_streamed_answers_say_the_same() {
    let given = reply_of_everything();
    let whole = reply::read(&reply::write(&given, &stamp(Framing::Events))).unwrap();
    let expected = format!("{:?}", given.parts);
    assert_eq!(format!("{:?}", whole.parts), expected);
    assert_eq!((whole.stop, whole.usage), (given.stop.clone(), given.usage));
    assert_eq!((whole.id.as_str(), whole.model.as_str()), ("abc", "m"));

    let streamed = write(Framing::Array, unfold(given.clone()));
    let frames: Vec<_> = streamed.split_inclusive("}\n").collect();
    let mut fold = Fold::default();
    for line in frames.iter().flat_map(|frame| frame.split("\r\n")) {
        assert!(line.starts_with(['[', '{']), "{line}");
    }
    let pieces: Vec<String> = streamed.split(",\r\n").map(ToOwned::to_owned).collect();
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for piece in &pieces {
        let piece = piece.strip_suffix(']').filter(|_| piece.ends_with("}]")).unwrap_or(piece);
        reader.push(piece.as_bytes(), &mut events);
    }
    reader.end(&mut events);
    for event in events {
        fold.push(event);
    }
    let folded = fold.finish();
    assert_eq!(format!("{:?}", folded.parts), expected);
    assert_eq!((folded.stop, folded.usage), (given.stop, given.usage));
}

#[test]
fn whole_answers_are_read() {
    let stop = |body: &str| reply::read(body.as_bytes()).map(|reply| reply.stop);
    assert_eq!(stop(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#).unwrap(), Stop::Filtered);
    assert_eq!(stop(r#"{"candidates":[],"promptFeedback":{}}"#).unwrap(), Stop::Filtered);
    assert_eq!(stop(r#"{"candidates":[{"content":{"role":"model"}}]}"#).unwrap(), Stop::End);
    let called = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#;
    assert_eq!(stop(called).unwrap(), Stop::Tools);
    assert!(stop(r#"{"totalTokens":1}"#).is_err());
    assert!(stop("<html>").is_err());
    assert!(stop(r#"{"error":{"code":503,"message":"busy"}}"#).is_err());
}

#[test]
fn a_glance_is_enough_for_the_record() {
    let body = br#"{"candidates":[{"content":{"parts":[{"text":"h\u00e9"},{"functionCall":{"name":"f","args":{"a":1}}}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#;
    let read = reply::glance(body).unwrap();
    assert_eq!(read.text_bytes, 3 + 1 + 7);
    assert_eq!(read.usage.unwrap().completion, 4);
    assert!(reply::glance(br#"{"error":{"message":"no"}}"#).unwrap().failure.is_some());
    assert!(reply::glance(b"[1]").is_some_and(|read| read.usage.is_none()));
    assert!(reply::glance(b"{").is_none());
}
