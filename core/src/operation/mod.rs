//! What can be asked for, and which way does it take to a provider? One file or folder for each operation.

mod completions;
pub(crate) mod embeddings;
mod errand;
pub(crate) mod images;
pub(crate) mod plain;
mod rename;
pub(crate) mod tokens;

use bytes::Bytes;
use http::HeaderMap;

pub(crate) use errand::{Answer, Asked, Errand};

use crate::{
    dialect::{self, Ask, Carrier, Dialect, Event, Losses, Prompt, Reply, Stamp},
    error::{Error, Result},
    provider::{Host, Provider},
};

/// What is done at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A conversation.
    Chat,
    /// A text that is continued; of the `OpenAI` dialect, before there were conversations.
    Completions,
    /// Texts as vectors.
    Embeddings(embeddings::Form),
    /// How many tokens a request has.
    Tokens(tokens::Form),
    /// Pictures, made or changed; of the `OpenAI` dialect.
    Images(images::Task),
    /// Something that only providers of the same dialect do.
    Plain {
        /// What follows a provider's base URL.
        path: &'static str,
        /// The model, when the client names none.
        usual: Option<&'static str>,
    },
}

/// How a request gets to a provider, and its answer back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As a conversation, which crosses dialects and streams.
    Conversation,
    /// As it came: the provider has the same endpoint.
    Passage,
    /// Asked in the provider's words and answered in the client's, whole.
    Errand,
}

impl Operation {
    /// Which way it takes from a client of a dialect to a provider; `None` when that provider cannot do it.
    pub(crate) fn way(self, client: Dialect, provider: &Provider) -> Option<Way> {
        let there = provider.dialect;
        let same = there == client && provider.host != Host::Echo;
        let asks = |can: bool| (can && provider.host != Host::Echo).then_some(Way::Errand);
        match self {
            Self::Chat => Some(Way::Conversation),
            _ if same => Some(Way::Passage),
            Self::Completions => Some(Way::Conversation),
            Self::Embeddings(_) => asks(there.embedding().is_some()),
            Self::Images(_) => asks(there.paints()),
            Self::Tokens(_) => Some(Way::Errand),
            Self::Plain { .. } => None,
        }
    }

    /// Whether it is asked and answered in words and numbers alone: no pictures, no speech, no files.
    pub(crate) fn speaks(self) -> bool {
        match self {
            Self::Chat | Self::Completions | Self::Embeddings(_) | Self::Tokens(_) => true,
            Self::Images(_) => false,
            Self::Plain { path, .. } => !path.starts_with("/audio/"),
        }
    }

    /// An answer that passes, in the form that its request asked for.
    pub(crate) fn as_asked(self, request: &[u8], answer: Bytes) -> Bytes {
        match self {
            Self::Embeddings(embeddings::Form::List) => {
                embeddings::in_bytes(request, &answer).unwrap_or(answer)
            }
            Self::Embeddings(embeddings::Form::One | embeddings::Form::Batch)
            | Self::Chat
            | Self::Tokens(_)
            | Self::Completions
            | Self::Images(_)
            | Self::Plain { .. } => answer,
        }
    }

    /// Reads the few things the gateway itself needs of a request.
    pub(crate) fn ask(self, client: Dialect, body: &[u8], headers: &HeaderMap) -> Result<Ask> {
        match self {
            Self::Chat
            | Self::Tokens(_)
            | Self::Embeddings(embeddings::Form::One | embeddings::Form::Batch) => client.ask(body),
            Self::Completions | Self::Embeddings(embeddings::Form::List) => {
                plain::ask(body, headers, None)
            }
            Self::Images(_) => plain::ask(body, headers, Some(images::USUAL)),
            Self::Plain { usual, .. } => plain::ask(body, headers, usual),
        }
    }

    /// What follows the base URL of a provider of the client's dialect, on [`Way::Passage`].
    pub(crate) fn path(self, model: &str) -> String {
        match self {
            Self::Chat | Self::Completions => completions::PATH.to_owned(),
            Self::Embeddings(form) => form.path(model),
            Self::Tokens(form) => form.path(model),
            Self::Images(task) => task.path().to_owned(),
            Self::Plain { path, .. } => path.to_owned(),
        }
    }

    /// The request as a provider of the client's dialect gets it: with its own name of the model.
    pub(crate) fn patch(
        self,
        body: &Bytes,
        headers: &HeaderMap,
        ask: &Ask,
        model: &str,
    ) -> Result<Bytes> {
        match self {
            Self::Embeddings(embeddings::Form::One | embeddings::Form::Batch)
            | Self::Tokens(tokens::Form::Contents) => rename::everywhere(body, &ask.model, model),
            Self::Chat
            | Self::Completions
            | Self::Embeddings(embeddings::Form::List)
            | Self::Tokens(tokens::Form::Messages)
            | Self::Images(_)
            | Self::Plain { .. } => plain::patch(body, headers, model),
        }
    }

    /// Reads a request wholly, on [`Way::Conversation`].
    pub(crate) fn read(self, client: Dialect, body: &[u8], carrier: &Carrier) -> Result<Prompt> {
        match self {
            Self::Completions => completions::read(body),
            Self::Chat
            | Self::Embeddings(_)
            | Self::Tokens(_)
            | Self::Images(_)
            | Self::Plain { .. } => client.read_request(body, carrier),
        }
    }

    /// Writes a whole answer, on [`Way::Conversation`].
    pub(crate) fn write(self, client: Dialect, reply: &Reply, stamp: &Stamp) -> Vec<u8> {
        match self {
            Self::Completions => completions::answer(reply, stamp),
            Self::Chat
            | Self::Embeddings(_)
            | Self::Tokens(_)
            | Self::Images(_)
            | Self::Plain { .. } => client.write_reply(reply, stamp),
        }
    }

    /// Writes the frames of a stream, on [`Way::Conversation`].
    pub(crate) fn writer(self, client: Dialect, stamp: Stamp) -> Writer {
        match self {
            Self::Completions => Writer::Completions(completions::Writer::new(stamp)),
            Self::Chat
            | Self::Embeddings(_)
            | Self::Tokens(_)
            | Self::Images(_)
            | Self::Plain { .. } => Writer::Conversation(client.writer(stamp)),
        }
    }

    /// What a provider of another dialect is asked, on [`Way::Errand`].
    pub(crate) fn errand(self, asked: &Asked<'_>, losses: &mut Losses) -> Result<Errand> {
        match self {
            Self::Embeddings(form) => embeddings::errand(form, asked, losses),
            Self::Tokens(form) => tokens::errand(form, asked),
            Self::Images(task) => images::errand(task, asked, losses),
            Self::Chat | Self::Completions | Self::Plain { .. } => {
                Err(Error::internal("a conversation is no errand"))
            }
        }
    }
}

/// Writes the frames of a stream.
pub(crate) enum Writer {
    /// Of a conversation.
    Conversation(dialect::Writer),
    /// Of a text that is continued.
    Completions(completions::Writer),
}

impl Writer {
    /// Adds what an event is to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        match self {
            Self::Conversation(writer) => writer.push(event, out),
            Self::Completions(writer) => writer.push(event, out),
        }
    }
}
