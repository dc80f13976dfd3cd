//! How is something else than a conversation had of a provider of another dialect? Asked in its words, told in the client's.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    dispatch::Served,
    judge::{read_failure, read_whole, silent},
    prepare::{note_losses, request},
    receive::Inbound,
    resolve::Target,
};
use crate::{
    dialect::{Carrier, Losses, Read},
    error::{Error, Result},
    form,
    gateway::Gateway,
    limits::{ERRANDS_AT_ONCE_MAX, REPLY_BYTES_MAX},
    operation::{Answer, Asked, Errand},
    ports::within,
    provider::{Host, address},
    store::Record,
};

/// Has the answer. What goes to the provider is written anew, and so is what comes back.
pub(super) async fn exchange(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    target: &Target,
    (wait, record): (Duration, &mut Record),
) -> Result<Served> {
    let carrier = Carrier::new(gateway.state.vault.clone(), &target.provider.id);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let asked = Asked {
        provider: target.provider.dialect,
        body: &inbound.raw,
        boundary: kind.and_then(form::boundary),
        model: &target.model,
        at_s: gateway.ports.clock.now().div_euclid(1000),
        carrier: &carrier,
    };
    let mut losses = Losses::default();
    let errand = inbound.operation.errand(&asked, &mut losses)?;
    note_losses(&losses, inbound, record)?;
    match errand {
        Errand::Known(answer) => Ok(served(answer)),
        Errand::Ask { path, bodies, back } => {
            record.attempts += u32::try_from(bodies.len()).unwrap_or(u32::MAX);
            let asks: Vec<_> = bodies
                .into_iter()
                .map(|body| ask(gateway, inbound, target, &path, (wait, body)))
                .collect();
            let answers = stream::iter(asks).buffered(ERRANDS_AT_ONCE_MAX).try_collect::<Vec<_>>();
            back.read(&answers.await?).map(served)
        }
    }
}

/// One request and its whole answer.
async fn ask(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    path: &str,
    (wait, body): (Duration, Vec<u8>),
) -> Result<Bytes> {
    let Host::Url(base) = &target.provider.host else {
        return Err(Error::not_found("The demo provider only chats.").at("model"));
    };
    let uri = address::url(&target.provider, base, path, &target.model)?;
    let mut request = request(&uri, inbound, None, target, body.into())?;
    // A client that wants events gets them of the gateway.
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let sent = gateway.ports.upstream.send(request);
    let sent = within(&*gateway.ports.clock, wait, sent).await;
    let (head, body) = sent.unwrap_or_else(|| Err(silent()))?.into_parts();
    if !head.status.is_success() {
        return Err(read_failure(gateway, target.provider.dialect, head, body).await);
    }
    read_whole(gateway, body, REPLY_BYTES_MAX).await
}

fn served(answer: Answer) -> Served {
    let Answer { kind, body, usage, estimated } = answer;
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let read = Read { usage: Some(usage), ..Read::default() };
    let (status, body, leaving) = (StatusCode::OK, body.into(), None);
    Served::Whole { status, headers, body, read, estimated, held_back: false, leaving }
}
