//! What was said before, and how is this turn kept for the next? Only the Responses dialect refers to earlier answers.

use bytes::Bytes;
use memchr::memmem;

use super::{dispatch::Served, receive::Inbound};
use crate::{
    dialect::{Dialect, Edit, Object, apply, event_data},
    error::Result,
    gateway::Gateway,
    limits::TURN_STORE_WAIT,
    operation::Operation,
    ports::{BoxFuture, within},
    turns::{self, Keep, Recalled},
};

/// The terminal events whose response can be referred to.
const ENDS: [&str; 2] = ["response.completed", "response.incomplete"];

/// Puts what was said before into the request.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn remember(gateway: &Gateway, client: &str, inbound: Inbound) -> Result<Inbound> {
    if inbound.dialect != Dialect::OpenAiResponses || inbound.operation != Operation::Chat {
        return Ok(inbound);
    }
    let Recalled { body, parent, keep } =
        turns::recall(gateway, client, inbound.raw.clone()).await?;
    // What is answered in another dialect has no id that could be referred to.
    let keep = keep.filter(|_| inbound.answers == inbound.dialect);
    // Nobody has asked for its size yet.
    Ok(Inbound { raw: body, parent, keep, ..inbound })
}

/// Keeps a whole answer at once, so that the next turn finds it; a stream's when it ends.
pub(super) async fn keep(
    gateway: &Gateway,
    served: Served,
    keep: Option<Keep>,
) -> (Served, Option<Box<Keeping>>) {
    let Some(keep) = keep else { return (served, None) };
    let keeping = Box::new(Keeping { gateway: gateway.clone(), keep });
    match &served {
        Served::Whole { body, .. } => {
            keeping.store(body.clone()).await;
            (served, None)
        }
        Served::Stream { .. } => (served, Some(keeping)),
        Served::Opaque { .. } => (served, None),
    }
}

/// Keeps the turn of a stream once its end has come.
pub(super) struct Keeping {
    gateway: Gateway,
    keep: Keep,
}

impl Keeping {
    /// What has to be done before the client may see the end of its stream, if these frames hold it.
    pub(super) fn at_end(self: Box<Self>, frames: &[Bytes]) -> Result<BoxFuture<()>, Box<Self>> {
        match frames.iter().rev().find_map(response) {
            Some(response) => Ok(Box::pin(self.store(response))),
            None => Err(self),
        }
    }

    /// An answer that could not be kept is an answer all the same.
    fn store(self, response: Bytes) -> BoxFuture<()> {
        let Self { gateway, keep } = self;
        let clock = gateway.ports.clock.clone();
        Box::pin(async move {
            let stored = Box::pin(keep.store(gateway, response));
            match within(&*clock, TURN_STORE_WAIT, stored).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "a response could not be kept"),
                None => tracing::warn!("a response could not be kept in time"),
            }
        })
    }
}

/// The field of a response that names the one before. A provider that was sent everything itself says that there is
/// none, in one of these spellings.
const NO_PARENT: [&str; 2] = ["\"previous_response_id\":null", "\"previous_response_id\": null"];

/// A provider's words with the name of the response that the client referred to.
pub(super) fn with_parent(words: Bytes, parent: Option<&str>) -> Bytes {
    let Some(parent) = parent else { return words };
    let name = serde_json::to_string(parent).expect("text always serializes");
    let mut edits = Vec::new();
    for said in NO_PARENT {
        let null = said.len() - "null".len();
        let found = memmem::find_iter(&words, said.as_bytes());
        edits.extend(found.map(|at| Edit { at: at + null..at + said.len(), with: name.clone() }));
    }
    edits.sort_by_key(|edit| edit.at.start);
    apply(&words, &edits)
}

/// The response of the terminal event in some whole frames.
fn response(frames: &Bytes) -> Option<Bytes> {
    let start =
        ENDS.iter().find_map(|end| memmem::rfind(frames, format!("event: {end}").as_bytes()))?;
    let data = event_data(&frames[start..]);
    let object = Object::read(&data).ok()?;
    object.present("response").map(|response| Bytes::copy_from_slice(response.get().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_before_is_named_again() {
        let check = |words: &'static str, expected: &str| {
            let named = with_parent(Bytes::from_static(words.as_bytes()), Some("resp_1"));
            assert_eq!(named, expected.as_bytes());
        };
        check(
            r#"{"x":1,"previous_response_id":null,"y":"\"previous_response_id\":null"}"#,
            r#"{"x":1,"previous_response_id":"resp_1","y":"\"previous_response_id\":null"}"#,
        );
        check(r#"{"previous_response_id": null}"#, r#"{"previous_response_id": "resp_1"}"#);
        check(r#"{"previous_response_id":"other"}"#, r#"{"previous_response_id":"other"}"#);
        let same = Bytes::from_static(br#"{"previous_response_id":null}"#);
        assert_eq!(with_parent(same.clone(), None), same);
    }
}
