//! What may be said in an answer? Answers, their streams, and streams that keep no rule.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::value::RawValue;

use crate::{
    dialect::{
        Dialect, Event,
        event::Kind,
        ir::{Call, Citation, Media, MediaKind, Part, Reply, Source, State, Stop, Thought},
        unfold,
    },
    error::{Error, Kind as ErrorKind},
    store::Usage,
};

/// A few words, with whatever a framing might trip over.
pub(super) fn text() -> impl Strategy<Value = String> {
    let odd = ["\n", "\r", "\r\n\r\n", "\u{2028}", "\"", "\\u0000\0", "data: [DONE]\n\n", "}", "é"];
    prop_oneof![4 => "\\PC{1,9}", 2 => "[a-z ]{1,12}", 1 => select(odd.to_vec()).prop_map(str::to_owned)]
}

/// A name that every dialect takes.
pub(super) fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,6}"
}

/// The arguments of a call, as a model writes them.
pub(super) fn arguments() -> impl Strategy<Value = String> {
    let odd = ["{}", "", r#"{"n":90071992547409931.0}"#, r#"{"a":{"b":[1,null,"\n"]}}"#];
    let said = (name(), text()).prop_map(|(name, text)| {
        let text = serde_json::to_string(&text).expect("text is JSON");
        format!("{{\"{name}\":{text}}}")
    });
    prop_oneof![2 => said, 1 => select(odd.to_vec()).prop_map(str::to_owned)]
}

/// A picture.
pub(super) fn image() -> Media {
    let source = Source::Data { mime: "image/png".to_owned(), base64: "iVBORw0KGgo=".to_owned() };
    Media { kind: MediaKind::Image, source, detail: None, name: None, cache: None }
}

/// What a provider wants back with a thought.
pub(super) fn state() -> impl Strategy<Value = State> {
    let forms = [
        (Dialect::OpenAiChat, "details", r#"[{"type":"reasoning.text","text":"x"}]"#),
        (Dialect::OpenAiResponses, "encrypted", "ENC=="),
        (Dialect::Anthropic, "signature", "c2ln"),
        (Dialect::Anthropic, "redacted", "cmVk"),
        (Dialect::Gemini, "signature", "R2Vt"),
    ];
    (select(forms.to_vec()), "[a-z_0-9]{0,5}").prop_map(|((dialect, form, data), id)| {
        let id =
            if dialect == Dialect::OpenAiResponses { format!("rs_{id}") } else { String::new() };
        State { dialect, form, id, data: data.to_owned() }
    })
}

/// Pieces that only one dialect knows, with a line end where JSON allows one.
fn opaque() -> impl Strategy<Value = (Dialect, String, Box<RawValue>)> {
    let pieces = [
        (
            Dialect::OpenAiResponses,
            "web_search_call",
            "{\"type\":\"web_search_call\",\n\"id\":\"ws_1\",\r\"status\":\"completed\"}",
        ),
        (
            Dialect::Anthropic,
            "server_tool_use",
            "{\"type\":\"server_tool_use\",\n\"id\":\"srvtoolu_1\",\r\n\"name\":\"web_search\",\"input\":{}}",
        ),
        (
            Dialect::Gemini,
            "executableCode",
            "{\"executableCode\":\r{\"language\":\"PYTHON\",\n\"code\":\"1\"}}",
        ),
    ];
    select(pieces.to_vec()).prop_map(|(dialect, kind, json)| {
        let json = RawValue::from_string(json.to_owned()).expect("it is JSON");
        (dialect, kind.to_owned(), json)
    })
}

fn citation() -> impl Strategy<Value = Citation> {
    ("[a-z]{1,4}", text()).prop_map(|(host, title)| {
        let url = format!("https://{host}.example/");
        Citation { url, title, quoted: String::new(), span: None }
    })
}

fn call() -> impl Strategy<Value = Call> {
    let id = prop_oneof![3 => "call_[a-z0-9]{4}", 1 => "[a-z.:]{4}"];
    (id, name(), arguments(), any::<bool>(), option::weighted(0.2, state())).prop_map(
        |(id, name, arguments, custom, state)| {
            let arguments = if custom { format!("free {arguments}") } else { arguments };
            Call { id, name, arguments, custom, state }
        },
    )
}

fn thought() -> impl Strategy<Value = Thought> {
    (text(), any::<bool>(), option::of(state())).prop_map(|(text, summary, state)| Thought {
        text,
        summary,
        state,
    })
}

fn part() -> impl Strategy<Value = Part> {
    let text = (text(), vec(citation(), 0..2)).prop_map(|(text, citations)| Part::Text {
        text,
        citations,
        cache: None,
    });
    prop_oneof![
        4 => text,
        1 => self::text().prop_map(Part::Refusal),
        2 => thought().prop_map(Part::Thought),
        3 => call().prop_map(Part::Call),
        1 => Just(Part::Media(image())),
        1 => opaque().prop_map(|(dialect, kind, json)| Part::Opaque { dialect, kind, json }),
    ]
}

fn stop() -> impl Strategy<Value = Stop> {
    prop_oneof![
        4 => Just(Stop::End),
        1 => Just(Stop::Length),
        1 => Just(Stop::Filtered),
        1 => Just(Stop::Refused),
        1 => Just(Stop::Failed),
        1 => Just(Stop::Sequence(Some("END".to_owned()))),
    ]
}

/// Usage whose sums are right.
fn usage() -> impl Strategy<Value = Usage> {
    let count = || 0_i64..1_000_000;
    (count(), count(), count(), count(), count(), count()).prop_map(
        |(fresh, cached, cache_write_5m, cache_write_1h, said, reasoning)| Usage {
            prompt: fresh + cached + cache_write_5m + cache_write_1h,
            cached,
            cache_write_5m,
            cache_write_1h,
            completion: said + reasoning,
            reasoning,
            ..Usage::default()
        },
    )
}

/// An answer, as a dialect's reader may have read it.
pub(super) fn reply() -> impl Strategy<Value = Reply> {
    (vec(part(), 0..6), stop(), option::of(usage())).prop_map(|(parts, stop, usage)| {
        let calls = parts.iter().any(|part| matches!(part, Part::Call(_)));
        let stop = if calls && stop == Stop::End { Stop::Tools } else { stop };
        Reply { id: "resp-1".to_owned(), model: "their-model".to_owned(), parts, stop, usage }
    })
}

/// An answer and its stream, whose words come in pieces of so many characters.
pub(super) fn streamed() -> impl Strategy<Value = (Reply, Vec<Event>)> {
    (reply(), 1_usize..6).prop_map(|(reply, length)| {
        let events = unfold(reply.clone()).into_iter().flat_map(|event| pieces(event, length));
        let events = events.collect();
        (reply, events)
    })
}

fn pieces(event: Event, length: usize) -> Vec<Event> {
    let Event::Delta { part, text } = event else { return vec![event] };
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(length).map(|piece| Event::Delta { part, text: piece.iter().collect() }).collect()
}

/// Events in any order: parts that never open, open twice, or stay open; ends in the middle.
pub(super) fn disorder() -> impl Strategy<Value = Vec<Event>> {
    let part = || prop_oneof![9 => 0_usize..4, 1 => Just(usize::MAX)];
    let kind = prop_oneof![
        3 => Just(Kind::Text),
        1 => Just(Kind::Refusal),
        1 => any::<bool>().prop_map(|summary| Kind::Thought { summary }),
        3 => call().prop_map(|Call { id, name, custom, .. }| Kind::Call { id, name, custom }),
        1 => Just(Kind::Media(image())),
        1 => opaque().prop_map(|(dialect, kind, json)| Kind::Opaque { dialect, kind, json }),
    ];
    let words = prop_oneof![text(), arguments()];
    let event = prop_oneof![
        1 => Just(Event::Start { id: "again".to_owned(), model: String::new() }),
        6 => (0_usize..4, kind).prop_map(|(part, kind)| Event::Open { part, kind }),
        8 => (part(), words).prop_map(|(part, text)| Event::Delta { part, text }),
        1 => (part(), state()).prop_map(|(part, state)| Event::Sign { part, state }),
        1 => (part(), citation()).prop_map(|(part, citation)| Event::Cite { part, citation }),
        4 => part().prop_map(|part| Event::Close { part }),
        1 => usage().prop_map(Event::Usage),
        1 => stop().prop_map(Event::Finish),
        1 => Just(Event::Other),
        1 => end(),
    ];
    (vec(event, 0..16), end()).prop_map(|(mut events, end)| {
        events.push(end);
        events
    })
}

/// What ends a stream, well or not.
fn end() -> impl Strategy<Value = Event> {
    let error = Error::new(ErrorKind::UpstreamBroken, "It\nbroke\r off.");
    prop_oneof![3 => Just(Event::Done), 1 => Just(Event::Fail(error))]
}
