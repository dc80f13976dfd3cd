//! What lines mean, and how events become lines, with literal JSON on both sides.

use std::sync::Arc;

use super::{Reader, Writer};
use crate::{
    dialect::{
        Carrier, Event, Fold, Framing, Stamp,
        event::Kind,
        ir::{Part, Stop},
        ollama::reply,
        unfold,
    },
    error::Error,
    identity::Vault,
    store::Usage,
    testing::root_secret,
};

fn stamp() -> Stamp {
    Stamp {
        id: "abc".to_owned(),
        at_s: 951_827_696,
        model: "m".to_owned(),
        usage_wanted: true,
        framing: Framing::Lines,
        carrier: Arc::new(Carrier::new(Vault::new(&root_secret()), "p")),
        echo: Vec::new(),
    }
}

fn read(lines: &[&str]) -> Vec<Event> {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for line in lines {
        reader.push(line.as_bytes(), &mut events);
    }
    reader.end(&mut events);
    events
}

fn named(event: &Event) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open { part, kind: Kind::Call { id, name, .. } } => {
            format!("open{part} {name}({id})")
        }
        Event::Open { part, kind: Kind::Thought { .. } } => format!("open{part} thought"),
        Event::Open { part, kind: _ } => format!("open{part} text"),
        Event::Delta { part, text } => format!("+{part} {text}"),
        Event::Close { part } => format!("close{part}"),
        Event::Usage(usage) => format!("usage {}+{}", usage.prompt, usage.completion),
        Event::Finish(stop) => format!("{stop:?}"),
        Event::Done => "done".to_owned(),
        Event::Fail(error) => format!("fail {}", error.message),
        Event::Sign { .. } | Event::Cite { .. } | Event::Other => "other".to_owned(),
    }
}

fn check(lines: &[&str], expected: &str) {
    let said: Vec<_> = read(lines).iter().map(named).collect();
    assert_eq!(said.join(", "), expected, "{lines:?}");
}

const LAST: &str = "{\"model\":\"q\",\"created_at\":\"t\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":4}\n";

#[test]
fn thoughts_and_text_flow() {
    check(
        &[
            "{\"model\":\"q\",\"created_at\":\"t\",\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
            "{\"message\":{\"content\":\"\",\"thinking\":\"!\"},\"done\":false}\n",
            "{\"message\":{\"content\":\"h\\u00e9\"},\"done\":false}\n",
            "\n",
            LAST,
            LAST,
        ],
        "start  q, open0 thought, +0 hm, +0 !, close0, open1 text, +1 hé, usage 3+4, close1, End, done",
    );
}

#[test]
fn calls_come_whole() {
    check(
        &[
            "{\"created_at\":\"t\",\"message\":{\"content\":\"a\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{\"n\":9007199254740993}}},{\"id\":\"c2\",\"function\":{\"name\":\"g\"}}]},\"done\":false}\n",
            LAST,
        ],
        "start  , open0 text, +0 a, close0, open1 f(c1), +1 {\"n\":9007199254740993}, close1, open2 g(c2), +2 {}, close2, usage 3+4, Tools, done",
    );
    let call =
        "{\"created_at\":\"t\",\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}}";
    let id = |events: Vec<Event>| match &events[1] {
        Event::Open { kind: Kind::Call { id, .. }, .. } => id.clone(),
        other => panic!("{other:?}"),
    };
    let made = id(read(&[call]));
    assert!(!made.is_empty());
    assert_eq!(made, id(read(&[call])));
    assert_ne!(made, id(read(&[&call.replace("\"t\"", "\"u\"")])));
}

#[test]
fn endings_have_their_meaning() {
    let check_end = |reason: &str, expected: &str| {
        let line = format!(r#"{{"message":{{"content":""}},"done":true{reason}}}"#);
        check(&[&line], &format!("start  , {expected}, done"));
    };
    check_end("", "End");
    check_end(r#","done_reason":"length""#, "Length");
    check_end(r#","done_reason":"load""#, "Failed");
    check_end(r#","done_reason":"stop","eval_count":4"#, "usage 0+4, End");
}

#[test]
fn a_stream_ends_only_with_its_last_line() {
    check(&["{\"message\":{\"content\":\"a\"}}"], "start  , open0 text, +0 a");
    check(
        &["{\"message\":{\"content\":\"a\"}}", "{\"error\":\"gone\"}", LAST],
        "start  , open0 text, +0 a, fail gone",
    );
    check(&["{not json", "{\"novelty\":1}"], "other, start  , other");
}

fn write(events: Vec<Event>) -> String {
    let (mut writer, mut out) = (Writer::new(stamp()), Vec::new());
    for event in events {
        writer.push(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn line(message: &str, end: &str) -> String {
    let done = !end.is_empty();
    format!(
        "{{\"model\":\"m\",\"created_at\":\"2000-02-29T12:34:56Z\",\"message\":{{\"role\":\"assistant\",{message}}},\"done\":{done}{end}}}\n"
    )
}

#[test]
fn events_become_lines() {
    let call = |part, id: &str| {
        let (id, name) = (id.to_owned(), "f".to_owned());
        Event::Open { part, kind: Kind::Call { id, name, custom: false } }
    };
    let delta = |part, text: &str| Event::Delta { part, text: text.to_owned() };
    let events = vec![
        delta(0, "lost"),
        Event::Open { part: 0, kind: Kind::Thought { summary: false } },
        delta(0, "hm"),
        Event::Open { part: 1, kind: Kind::Text },
        delta(1, "é"),
        call(2, "a"),
        call(3, ""),
        delta(3, "{\n}"),
        Event::Close { part: 3 },
        delta(2, "{\"cut"),
        Event::Finish(Stop::Length),
        Event::Usage(Usage { prompt: 3, completion: 4, ..Usage::default() }),
        Event::Done,
        delta(1, "late"),
    ];
    let expected = [
        line(r#""content":"","thinking":"hm""#, ""),
        line(r#""content":"é""#, ""),
        line(
            r#""content":"","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"_raw":"{\"cut"}}}]"#,
            "",
        ),
        line(r#""content":"","tool_calls":[{"function":{"name":"f","arguments":{ }}}]"#, ""),
        line(
            r#""content":"""#,
            r#","done_reason":"length","total_duration":0,"load_duration":0,"prompt_eval_count":3,"prompt_eval_duration":0,"eval_count":4,"eval_duration":0"#,
        ),
    ];
    assert_eq!(write(events), expected.concat());
    let fail = vec![Event::Fail(Error::bad_request("no")), Event::Done];
    assert_eq!(write(fail), "{\"error\":\"no\"}\n");
}

#[test]
fn whole_and_streamed_answers_say_the_same() {
    let body = br#"{"model":"q","created_at":"t","message":{"role":"assistant","thinking":"hm","content":"a","tool_calls":[{"id":"c","function":{"name":"f","arguments":{"x":1.0}}}]},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}"#;
    let given = reply::read(body).unwrap();
    assert_eq!((given.stop.clone(), given.parts.len()), (Stop::Tools, 3));
    let whole = reply::read(&reply::write(&given, &stamp())).unwrap();
    assert_eq!(format!("{:?}", whole.parts), format!("{:?}", given.parts));
    let streamed = write(unfold(given.clone()));
    let mut fold = Fold::default();
    let lines: Vec<&str> = streamed.lines().collect();
    for event in read(&lines) {
        fold.push(event);
    }
    let folded = fold.finish();
    assert_eq!(format!("{:?}", folded.parts), format!("{:?}", given.parts));
    assert_eq!((folded.stop, folded.usage), (given.stop, given.usage));
}

#[test]
fn whole_answers_are_read() {
    let text = br#"{"message":{"content":"a"}}"#;
    let reply = reply::read(text).unwrap();
    assert!(matches!(&reply.parts[..], [Part::Text { text, .. }] if text == "a"));
    assert!(reply::read(br#"{"error":"no"}"#).is_err());
    assert!(reply::read(b"{}").is_err());
    let read = reply::glance(br#"{"message":{"content":"h\u00e9","thinking":"x","tool_calls":[{"function":{"name":"f","arguments":{}}}]},"eval_count":2}"#).unwrap();
    assert_eq!((read.text_bytes, read.usage.unwrap().completion), (3 + 1 + 3, 2));
    assert!(reply::glance(br#"{"error":"no"}"#).unwrap().failure.is_some());
    assert!(reply::glance(b"[]").is_some());
    assert!(reply::glance(b"{").is_none());
}
