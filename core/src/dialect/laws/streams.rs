//! Does a stream say what the whole answer says, and end exactly once?

use proptest::prelude::*;

use super::{
    WAYS,
    arbitrary::{disorder, streamed},
    written,
};
use crate::{
    dialect::{
        Dialect, Event, Fold, Framing, Reply,
        ir::{Citation, Part, Thought},
        unfold,
    },
    testing::fuzz::{events, stamp, write},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a provider's stream is like, the client's ends once, at its end, and no line end stands inside a line.
    #[test]
    fn every_stream_ends_once(events in disorder()) {
        for (dialect, framing) in WAYS {
            let bytes = write(dialect, framing, &events);
            let frames = written::frames(framing, &bytes);
            let ends: Vec<usize> =
                (0..frames.len()).filter(|at| written::ends(dialect, &frames[*at])).collect();
            prop_assert_eq!(&ends, &[frames.len().wrapping_sub(1)], "{}", String::from_utf8_lossy(&bytes));
            written::check_order(dialect, &frames);
        }
    }

    /// A whole answer and its stream are the same answer.
    #[test]
    fn a_stream_folds_to_the_whole((reply, stream) in streamed()) {
        for (dialect, framing) in WAYS {
            let whole = dialect.read_reply(&dialect.write_reply(&reply, &stamp(framing)));
            let bytes = write(dialect, framing, &stream);
            let read = events(dialect, framing, [&bytes[..]]);
            prop_assert!(matches!(read.last(), Some(Event::Done)) || whole.is_err(), "{:?}: {:?}", dialect, read);
            let Ok(whole) = whole else { continue };
            prop_assert_eq!(said(dialect, fold(read)), said(dialect, whole), "{:?}", dialect);
        }
    }

    /// Events gather to the answer they were made of.
    #[test]
    fn to_unfold_and_to_fold_changes_nothing((reply, stream) in streamed()) {
        let expected = format!("{reply:?}");
        prop_assert_eq!(format!("{:?}", fold(unfold(reply))), expected.clone());
        prop_assert_eq!(format!("{:?}", fold(stream)), expected);
    }

    /// A stream says the same, wherever it is cut and however its lines end.
    #[test]
    fn any_cut_says_the_same((_, stream) in streamed(), length in 1_usize..40, end in 0_usize..3) {
        for (dialect, framing) in WAYS {
            let mut bytes = write(dialect, framing, &stream);
            let expected = format!("{:?}", events(dialect, framing, [&bytes[..]]));
            if framing == Framing::Events {
                let text = String::from_utf8(bytes).expect("text").replace("\r\n", "\n");
                bytes = text.replace('\n', ["\n", "\r\n", "\r"][end]).into_bytes();
            }
            let cut = events(dialect, framing, bytes.chunks(length));
            prop_assert_eq!(format!("{:?}", cut), expected, "{:?}", dialect);
        }
    }
}

fn fold(events: Vec<Event>) -> Reply {
    let mut fold = Fold::default();
    for event in events {
        fold.push(event);
    }
    fold.finish()
}

/// What a client gets to see. A dialect with one place for each kind of part keeps the order of each kind alone.
fn said(dialect: Dialect, reply: Reply) -> Vec<(String, String)> {
    let mut said: Vec<(String, String)> = Vec::new();
    let ordered = !matches!(dialect, Dialect::OpenAiChat | Dialect::Ollama);
    for part in reply.parts {
        for (kind, words) in shown(part, ordered) {
            let kind = kind.to_owned();
            let same = |(known, _): &&mut (String, String)| *known == kind;
            let open =
                if ordered { said.last_mut().filter(same) } else { said.iter_mut().find(same) };
            match open {
                Some((_, text)) => text.push_str(&words),
                None => said.push((kind, words)),
            }
        }
    }
    said.retain(|(_, words)| !words.is_empty());
    said.sort_by(|a, b| if ordered { std::cmp::Ordering::Equal } else { a.cmp(b) });
    said.push((
        "end".to_owned(),
        format!("{:?} {:?} {} {}", reply.stop, reply.usage, reply.id, reply.model),
    ));
    said
}

fn shown(part: Part, ordered: bool) -> Vec<(&'static str, String)> {
    match part {
        Part::Text { text, citations, .. } => {
            let cited = citations.into_iter().map(|citation| cite(citation, ordered)).collect();
            vec![("text", text), ("cited", cited)]
        }
        Part::Refusal(text) => vec![("refusal", text)],
        Part::Thought(Thought { text, summary, state }) => {
            let state = state.filter(|_| ordered).map(|state| format!("{state:?}"));
            vec![
                (if summary { "summary" } else { "thought" }, text),
                ("state", state.unwrap_or_default()),
            ]
        }
        Part::Call(call) => vec![("call", format!("{call:?}"))],
        // Raw JSON may be broken over lines, which a stream cannot be.
        other => vec![("other", format!("{other:?}").replace(['\n', '\r'], " "))],
    }
}

fn cite(citation: Citation, ordered: bool) -> String {
    let span = citation.span.filter(|_| ordered);
    format!("{:?}", Citation { span, ..citation })
}
