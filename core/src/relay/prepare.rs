//! What is sent to a target? The client's own bytes where it speaks the same dialect, else its request written anew.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use memchr::memmem;
use serde_json::value::to_raw_value;

use super::{gather::gather, receive::Inbound, resolve::Target};
use crate::{
    dialect::{
        Carrier, Dialect, Framing, Losses, Reshape, Stamp, Structured, ThoughtsBack, Traits, ir,
        ir::Format,
    },
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    memory::{self, Memo, Plain},
    operation::{Operation, Way},
    provider::{Host, address, note, traits},
    store::Record,
};

/// What goes out.
pub(super) enum Outgoing {
    /// To the demo provider, in this process.
    Echo(Bytes),
    /// To the outside world.
    Upstream(Box<Request<Body>>),
}

/// How the answer gets back to the client.
pub(super) struct Passage {
    /// What the provider speaks.
    pub(super) from: Dialect,
    /// How its stream is framed.
    pub(super) framing: Framing,
    /// What a converted answer needs; `None` when the bytes go on as they come.
    pub(super) crossing: Option<Crossing>,
}

/// What an answer in another dialect is written with.
pub(super) struct Crossing {
    pub(super) stamp: Stamp,
    pub(super) reshape: Reshape,
    /// Keeps what the provider wants back, in case the client does not.
    pub(super) memo: Memo,
}

impl Passage {
    /// Whether the answer is written anew.
    pub(super) fn crosses(&self) -> bool {
        self.crossing.is_some()
    }
}

/// What a client may tell a provider of its own dialect beside the body.
const PASSED_UP: [HeaderName; 3] = [
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
];

/// What of a request's head providers are told, whichever way it takes.
pub(super) fn passed_up(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
    let names = PASSED_UP.into_iter().chain([header::CONTENT_TYPE]);
    names.filter_map(|name| headers.get(&name).map(|value| (name, value)))
}

/// What the record calls an instruction that the client did not give.
const ADDED_SYSTEM: &str = "system";

/// The field that names the response before.
const PARENT: &str = "previous_response_id";

/// Prepares the request for a target, and the way back.
pub(super) async fn prepare(
    gateway: &Gateway,
    inbound: &Inbound,
    headers: &HeaderMap,
    target: &Target,
    record: &mut Record,
) -> Result<(Outgoing, Passage)> {
    let dialect = target.provider.dialect;
    if target.way == Way::Passage {
        let passage = Passage { from: dialect, framing: inbound.framing, crossing: None };
        return Ok((pass(inbound, headers, target)?, passage));
    }
    let chats = inbound.operation == Operation::Chat;
    let alike = dialect == inbound.dialect && dialect == inbound.answers;
    let same = chats && alike && !holds_wrapped_state(&inbound.raw);
    let (body, passage) = if same {
        let body = patch(gateway, inbound, target, record)?;
        (body, Passage { from: dialect, framing: inbound.framing, crossing: None })
    } else {
        let (body, crossing) = cross(gateway, inbound, target, record).await?;
        let framing = dialect.framing();
        (body, Passage { from: dialect, framing, crossing: Some(crossing) })
    };
    let outgoing = match &target.provider.host {
        Host::Echo => Outgoing::Echo(body),
        Host::Url(base) => {
            let path = dialect.path(&inbound.ask, &target.model, passage.framing);
            let uri = address::url(&target.provider, base, &path, &target.model)?;
            let headers = same.then_some(headers);
            Outgoing::Upstream(Box::new(request(&uri, inbound, headers, target, body)?))
        }
    };
    Ok((outgoing, passage))
}

/// The client's own request, but for what the provider must be told otherwise.
fn patch(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    record: &mut Record,
) -> Result<Bytes> {
    let dialect = target.provider.dialect;
    let body = dialect.patch_request(&inbound.raw, &inbound.ask, &target.model)?;
    let Some(note) = note::of(&target.model, &gateway.state.config) else { return Ok(body) };
    let Some(noted) = dialect.instruct(&body, note)? else { return Ok(body) };
    ADDED_SYSTEM.clone_into(&mut record.added);
    Ok(noted)
}

/// The client's own request, but for the model's name.
fn pass(inbound: &Inbound, headers: &HeaderMap, target: &Target) -> Result<Outgoing> {
    let Inbound { operation, raw, ask, .. } = inbound;
    let body = operation.patch(raw, headers, ask, &target.model)?;
    let Host::Url(base) = &target.provider.host else {
        return Err(Error::not_found("The demo provider only chats.").at("model"));
    };
    let path = operation.path(&target.model);
    let uri = address::url(&target.provider, base, &path, &target.model)?;
    let mut request = request(&uri, inbound, Some(headers), target, body)?;
    let out = request.headers_mut();
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        out.insert(header::CONTENT_TYPE, kind.clone());
    }
    out.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    Ok(Outgoing::Upstream(Box::new(request)))
}

/// Whether the client gives back what another provider wanted it to keep. Only a rewritten request can leave that out.
fn holds_wrapped_state(body: &[u8]) -> bool {
    let begins = [Carrier::PREFIX, Carrier::PREFIX_BASE64];
    begins.iter().any(|begin| memmem::find(body, begin.as_bytes()).is_some())
}

/// Writes the request in the target's dialect. What cannot cross is noted in the record, or refused to a strict client.
async fn cross(
    gateway: &Gateway,
    inbound: &Inbound,
    target: &Target,
    record: &mut Record,
) -> Result<(Bytes, Crossing)> {
    let dialect = target.provider.dialect;
    let carrier = Carrier::new(gateway.state.vault.clone(), &target.provider.id);
    let mut prompt = inbound.operation.read(inbound.dialect, &inbound.raw, &carrier)?;
    if prompt.sampling.answers.is_some_and(|answers| answers > 1) {
        // Several of the dialects have a field for it, but an answer that is converted has room for one.
        let message =
            "Only a provider of the client's own dialect can give several answers at once.";
        let field = inbound.dialect.answers_field();
        return Err(Error::bad_request(message).at(field).coded("unsupported_parameter"));
    }
    prompt.model.clone_from(&target.model);
    prompt.stream = inbound.ask.stream;
    ir::link(&mut prompt.turns);
    let traits = traits::of(&target.provider, &target.model);
    let now = gateway.ports.clock.now();
    let memo = recall(gateway, (&record.client, target), &traits, &mut prompt).await;
    let instructed = prompt.turns.iter().any(|turn| turn.role == ir::Role::System);
    if let Some(note) = note::of(&target.model, &gateway.state.config).filter(|_| !instructed) {
        prompt.turns.insert(0, ir::Turn::new(ir::Role::System, vec![ir::Part::text(note)]));
        ADDED_SYSTEM.clone_into(&mut record.added);
    }
    let (mut losses, mut reshape) = (Losses::default(), Reshape::default());
    if !(dialect.has_custom_tools() && traits.native) {
        reshape.without_custom_tools(&mut prompt, &mut losses);
    }
    if !(dialect.stops() && traits.stop) {
        reshape.stopping_at(&prompt.stop);
    }
    if let (Structured::ForcedTool, Some(Format::Schema { name, .. })) =
        (traits.structured, &prompt.format)
    {
        reshape.answering_by(name.as_deref().unwrap_or(ir::UNNAMED_SCHEMA));
    }
    gather(gateway, inbound, target, &traits, &mut prompt).await?;
    prompt.foreign.iter().for_each(|name| losses.lose(name));
    let body = dialect.write_request(&prompt, &traits, &mut losses)?;
    note_losses(&losses, inbound, record)?;
    let mut echo = Vec::new();
    if inbound.answers == inbound.dialect {
        echo = inbound.dialect.echo(&inbound.raw);
        // The body holds what was said before in place of the name of the response.
        let parent = inbound.parent.as_ref().and_then(|id| to_raw_value(id).ok());
        echo.extend(parent.map(|id| (PARENT.to_owned(), id)));
    }
    let stamp = Stamp {
        id: record.id.clone(),
        at_s: now.div_euclid(1000),
        model: target.model.clone(),
        usage_wanted: inbound.ask.usage_wanted,
        framing: inbound.framing,
        carrier: carrier.into(),
        echo,
    };
    Ok((body.into(), Crossing { stamp, reshape, memo }))
}

/// Puts back what the client left out of its calls, and watches the answer for what it may leave out next.
async fn recall(
    gateway: &Gateway,
    (client, target): (&str, &Target),
    traits: &Traits,
    prompt: &mut ir::Prompt,
) -> Memo {
    let (memory, provider) = (&gateway.state.memory, &target.provider);
    let now = gateway.ports.clock.now();
    if provider.dialect.wants_state(traits, prompt) {
        memory::fetch(gateway, client, &provider.id, &prompt.turns).await;
    }
    memory.recall(client, &provider.id, &mut prompt.turns, now);
    let plain = match traits.thoughts_back {
        ThoughtsBack::Never => Plain::Left,
        ThoughtsBack::Field | ThoughtsBack::Always => Plain::Kept,
    };
    memory.memo(client, &provider.id, now, plain)
}

/// Writes down what the provider is not told, or refuses it to a strict client.
pub(super) fn note_losses(losses: &Losses, inbound: &Inbound, record: &mut Record) -> Result<()> {
    record.dropped = losses.names().join(",");
    let (true, Some(first)) = (inbound.strict, losses.names().first()) else { return Ok(()) };
    let message = format!("The provider cannot be told: {}.", losses.names().join(", "));
    Err(Error::bad_request(message).at(first).coded("unsupported_parameter"))
}

/// Builds the upstream request from nothing, so that only what is listed can pass.
pub(super) fn request(
    uri: &str,
    inbound: &Inbound,
    headers: Option<&HeaderMap>,
    target: &Target,
    body: Bytes,
) -> Result<Request<Body>> {
    let uri: Uri = uri
        .parse()
        .map_err(|error| Error::internal(format!("provider {}: {error}", target.provider.id)))?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let accept = if inbound.ask.stream { "text/event-stream" } else { "application/json" };
    let out = request.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::ACCEPT, HeaderValue::from_static(accept));
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in PASSED_UP {
        if let Some(value) = headers.and_then(|headers| headers.get(&name)) {
            out.insert(name, value.clone());
        }
    }
    target.provider.sign(out, target.key())?;
    Ok(request)
}
