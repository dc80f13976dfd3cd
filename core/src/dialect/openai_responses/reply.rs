//! What does a whole answer say, and how is one written?

mod response;

use serde_json::value::RawValue;

use super::{
    error,
    stream::{Reader, Writer, canonical},
    wire,
};
use crate::{
    dialect::{Event, Fold, Read, Reply, Stamp, unfold},
    error::{Error, Kind, Result},
};

pub(super) use response::Response;

/// Reads what the record needs. JSON of an unknown shape says nothing and is no error; what is not JSON is `None`. The
/// text is measured only where no usage is told.
pub(crate) fn glance(body: &[u8]) -> Option<Read> {
    let Ok(response) = serde_json::from_slice::<wire::Response<'_>>(body) else {
        let json = serde_json::from_slice::<&RawValue>(body);
        return json.is_ok().then(Read::default);
    };
    let usage = response.usage.as_ref().map(canonical);
    let text_bytes = if usage.is_some() { 0 } else { text_bytes(&response) };
    Some(Read { usage, text_bytes, failure: response.error.map(error::read_inner) })
}

/// Reads a whole answer: it is what the last event of a stream holds.
pub(crate) fn read(body: &[u8]) -> Result<Reply> {
    let broken = |detail: String| {
        Error::new(Kind::UpstreamBroken, "The provider's answer cannot be read.").because(detail)
    };
    let response: wire::Response<'_> =
        serde_json::from_slice(body).map_err(|error| broken(error.to_string()))?;
    if let status @ Some("queued" | "in_progress") = response.status.as_deref() {
        return Err(broken(format!("its status is {status:?}")));
    }
    if response.output.is_none() && response.error.is_none() {
        return Err(broken("it has no output".to_owned()));
    }
    let mut fold = Fold::default();
    for event in events(&response) {
        match event {
            Event::Fail(error) => return Err(error),
            event => fold.push(event),
        }
    }
    Ok(fold.finish())
}

/// Writes a whole answer: the response that would end its stream.
pub(crate) fn write(reply: &Reply, stamp: &Stamp) -> Vec<u8> {
    let (mut writer, mut frames) = (Writer::new(stamp.clone()), Vec::new());
    for event in unfold(reply.clone()) {
        frames.clear();
        writer.push(event, &mut frames);
    }
    writer.response().get().as_bytes().to_vec()
}

fn events(response: &wire::Response<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    Reader::default().complete(response, &mut events);
    events
}

fn text_bytes(response: &wire::Response<'_>) -> u64 {
    let length = |event: &Event| match event {
        Event::Delta { text, .. } => text.len() as u64,
        _ => 0,
    };
    events(response).iter().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNREADABLE: &str = "The provider's answer cannot be read.";

    #[test]
    fn a_glance_tells_usage_text_and_failure() {
        let check = |body: &str, prompt: Option<i64>, bytes: u64, failed: bool| {
            let read = glance(body.as_bytes()).unwrap();
            assert_eq!(read.usage.map(|usage| usage.prompt), prompt, "{body}");
            assert_eq!(read.text_bytes, bytes, "{body}");
            assert_eq!(read.failure.is_some(), failed, "{body}");
        };
        let output =
            r#""output":[{"type":"message","content":[{"type":"output_text","text":"hé"}]}]"#;
        check(&format!(r#"{{{output},"usage":{{"input_tokens":3}}}}"#), Some(3), 0, false);
        check(&format!(r#"{{{output},"error":null}}"#), None, 3, false);
        check(r#"{"status":"failed","error":{"code":"server_error"}}"#, None, 0, true);
        check(r#"{"output":"text"}"#, None, 0, false);
        check("[]", None, 0, false);
        assert!(glance(b"<html>").is_none());
    }

    #[test]
    fn what_is_no_whole_answer_is_an_error() {
        let check = |body: &str, expected: &str| {
            let Err(error) = read(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(error.message, expected, "{body}");
        };
        check("<html>", UNREADABLE);
        check("{}", UNREADABLE);
        check(r#"{"status":"in_progress","output":[]}"#, UNREADABLE);
        check(r#"{"status":"failed","error":{"code":"x","message":"broke"}}"#, "broke");
        check(r#"{"status":"cancelled","output":[]}"#, "The provider could not finish its answer.");
        assert!(read(br#"{"status":"completed","output":[]}"#).is_ok());
    }
}
