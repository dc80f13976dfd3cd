//! What does a whole answer say, and how is one written?

use serde_json::value::RawValue;

use super::{
    error, finish,
    grounding::{Cited, Said},
    parts,
    stream::Reader,
    usage,
    wire::{CandidateOut, ContentOut, Element, ElementOut, Made, Part as WirePart, PartOut},
};
use crate::{
    dialect::{
        Dialect, Event, Fold, Read, Reply, Stamp,
        ir::{Part, State, Stop, Thought},
    },
    error::{Error, Kind, Result},
    json,
};

/// Reads what the record needs. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    let Ok(element) = serde_json::from_slice::<Element<'_>>(body) else {
        let json = serde_json::from_slice::<&RawValue>(body);
        return json.is_ok().then(Read::default);
    };
    let candidates = element.candidates.unwrap_or_default().into_iter();
    let parts = candidates.filter_map(|candidate| candidate.content?.parts).flatten();
    Some(Read {
        text_bytes: parts.map(text_bytes).sum(),
        usage: element.usage_metadata.map(|told| usage::read(&told, 0)),
        failure: element.error.map(|told| error::from_body(told, None)),
    })
}

/// How much a part says, in bytes: what an estimate of its tokens starts from.
fn text_bytes(json: &RawValue) -> u64 {
    let Ok(part) = json::read::<WirePart<'_>>(json.get()) else { return 0 };
    let text = part.text.map_or(0, |text| text.len());
    let call = part.function_call.map_or(0, |call| {
        call.name.map_or(0, |name| name.len()) + call.args.map_or(0, |args| args.get().len())
    });
    (text + call) as u64
}

/// Reads a whole answer.
pub(crate) fn read(body: &[u8]) -> Result<Reply> {
    let broken = || Error::new(Kind::UpstreamBroken, "The provider's answer cannot be read.");
    let element: Element<'_> =
        serde_json::from_slice(body).map_err(|error| broken().because(error))?;
    if element.candidates.is_none() && element.prompt_feedback.is_none() && element.error.is_none()
    {
        return Err(broken().because("neither candidates nor feedback"));
    }
    let silent = element.candidates.as_ref().is_none_or(Vec::is_empty);
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    reader.element(element, &mut events);
    reader.end(&mut events);
    let mut fold = Fold::default();
    let mut told = None;
    for event in events {
        match event {
            Event::Fail(error) => return Err(error),
            Event::Finish(ref stop) => told = Some(stop.clone()),
            _ => {}
        }
        fold.push(event);
    }
    let mut reply = fold.finish();
    if told.is_none() {
        // A whole answer is complete even if it does not say why it ends; one without a candidate was held back.
        let called = reply.parts.iter().any(|part| matches!(part, Part::Call(_)));
        reply.stop = match (silent, called) {
            (true, _) => Stop::Filtered,
            (false, true) => Stop::Tools,
            (false, false) => Stop::End,
        };
    }
    Ok(reply)
}

/// Writes a whole answer.
pub(crate) fn write(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let (mut said, mut cited) = (Said::default(), Cited::default());
    for (part, number) in reply.parts.iter().zip(0..) {
        let (text, citations) = match part {
            Part::Text { text, citations, cache: _ } => (text, citations.as_slice()),
            Part::Refusal(text) => (text, &[][..]),
            Part::Media(_)
            | Part::Thought(_)
            | Part::Call(_)
            | Part::Outcome(_)
            | Part::Opaque { .. } => continue,
        };
        said.open(number);
        said.push(text);
        for citation in citations {
            cited.push(number, citation.clone());
        }
    }
    let parts = reply.parts.iter().filter_map(|part| write_part(part, stamp)).collect();
    let element = ElementOut {
        candidates: [CandidateOut {
            content: ContentOut { parts, role: Some("model") },
            finish_reason: Some(finish::write(&reply.stop)),
            index: 0,
            grounding_metadata: cited.write(&said),
        }],
        usage_metadata: reply.usage.as_ref().map(usage::write),
        model_version: &stamp.model,
        response_id: &stamp.id,
    };
    serde_json::to_vec(&element).expect("strings and JSON always serialize")
}

fn write_part<'r>(part: &'r Part, stamp: &Stamp) -> Option<PartOut<'r>> {
    let sign = |state: &State| parts::signature(state, &stamp.carrier);
    let made = match part {
        Part::Text { text, .. } | Part::Refusal(text) => parts::text(text),
        Part::Media(media) => parts::media(media)?,
        Part::Thought(Thought { text, summary: _, state }) => {
            let thought_signature = state.as_ref().map(sign);
            let own = state.as_ref().is_some_and(|state| state.dialect == Dialect::Gemini);
            // A signature on nothing belongs to the answer, any other to what was thought.
            let thought = (!own || !text.is_empty()).then_some(true);
            Made { thought, thought_signature, ..parts::text(text) }
        }
        Part::Call(call) => {
            Made { thought_signature: call.state.as_ref().map(sign), ..parts::call(call) }
        }
        Part::Opaque { dialect: Dialect::Gemini, kind: _, json } => {
            return Some(PartOut::Raw(json));
        }
        Part::Opaque { .. } | Part::Outcome(_) => return None,
    };
    Some(PartOut::Made(made))
}
