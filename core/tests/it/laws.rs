//! What holds for every input? Properties, tried on inputs nobody thought of.

use crate::common::World;
use bytes::Bytes;
use futures_executor::block_on;
use http_body_util::BodyExt;
use proptest::prelude::*;
use tidegate_core::store::Ended;

const ASK: &str = r#"{"model":"mock","stream":true,"stream_options":{"include_usage":true}}"#;

/// A stream as providers send them: line ends of all three kinds, comments, text of any script, usage, an end.
fn stream() -> impl Strategy<Value = String> {
    let line_end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let payload = prop_oneof![
        "\\PC{0,12}".prop_map(|text| {
            let text = serde_json::to_string(&text).expect("text is JSON");
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{text}}}}}]}}")
        }),
        Just(": comment 😀".to_owned()),
        Just("event: x".to_owned()),
        Just(
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":9}}"
                .to_owned()
        ),
        Just("data: not json".to_owned()),
    ];
    prop::collection::vec((payload, line_end), 1..12).prop_map(|frames| {
        let frames = frames.into_iter().map(|(payload, end)| format!("{payload}{end}{end}"));
        let first = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_owned();
        let last = "data: [DONE]\n\n".to_owned();
        std::iter::once(first).chain(frames).chain(std::iter::once(last)).collect()
    })
}

fn cut(text: &str, at: &[prop::sample::Index]) -> Vec<Bytes> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let mut places: Vec<_> = at.iter().map(|index| index.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| bytes.slice(pair[0]..pair[1])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Equal dialects: the client's bytes are the provider's, however they were cut, and the record is the same.
    #[test]
    fn any_cut_passes_byte_for_byte(text in stream(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        block_on(async {
            let run = async |pieces: Vec<Bytes>| {
                let world = World::new();
                world.upstream.answer(200, "text/event-stream", pieces.into_iter().map(Ok).collect());
                let (_, body) = world.ask(ASK).await;
                (body, world.record().await)
            };
            let (whole, expected) = run(vec![Bytes::copy_from_slice(text.as_bytes())]).await;
            let (body, record) = run(cut(&text, &at)).await;
            prop_assert_eq!(&whole, text.as_bytes());
            prop_assert_eq!(&body, &whole);
            prop_assert_eq!(record, expected);
            Ok(())
        })?;
    }

    /// Whatever the provider sends and whenever the client leaves: one record, and never a body that fails.
    #[test]
    fn every_request_settles_once(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        status in prop_oneof![Just(200_u16), 300_u16..600],
        event_stream in any::<bool>(),
        breaks in any::<bool>(),
        taken in 0_usize..6,
    ) {
        block_on(async {
            let world = World::new();
            let mut answer: Vec<_> = pieces.into_iter().map(|piece| Ok(Bytes::from(piece))).collect();
            if breaks {
                answer.push(Err(std::io::Error::other("cut")));
            }
            let content_type = if event_stream { "text/event-stream" } else { "application/json" };
            world.upstream.answer(status, content_type, answer);
            let mut body = world.send(world.chat(ASK)).await.into_body();
            for _ in 0..taken {
                let Some(frame) = body.frame().await else { break };
                prop_assert!(frame.is_ok());
            }
            drop(body);
            world.later.run_all().await;
            prop_assert_eq!(world.kept.records().len(), 1);
            Ok(())
        })?;
    }

    /// A body that is no request is refused with a clear error, never with a panic or a fault of ours.
    #[test]
    fn any_body_gets_an_answer(body in prop_oneof![
        ".{0,60}",
        r#"\{"model":.{0,20}\}"#,
        r#"\{"model":"echo","(messages|stream|tools|tool_choice|stream_options)":.{0,30}\}"#,
    ]) {
        block_on(async {
            let world = World::new();
            let (status, _) = world.ask(&body).await;
            prop_assert!(matches!(status, 200 | 400 | 404), "{status}");
            let record = world.record().await;
            prop_assert_eq!(record.ended == Ended::Done, status == 200);
            Ok(())
        })?;
    }
}
