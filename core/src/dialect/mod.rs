//! Which API dialects are there? The only `match` on a dialect is in this file.

mod anthropic;
mod arguments;
mod array;
mod bill;
mod carry;
pub(crate) mod event;
mod fold;
mod frame;
mod gemini;
mod glimpse;
mod ids;
pub(crate) mod ir;
mod lines;
mod note;
mod object;
mod ollama;
mod openai_chat;
mod openai_responses;
mod patch;
mod reshape;
mod speech;
mod sse;
mod stamp;
pub(crate) mod traits;

use bytes::Bytes;
use http::StatusCode;
use serde_json::value::RawValue;

pub(crate) use carry::Carrier;
pub(crate) use event::{Event, Kind as EventKind};
pub(crate) use fold::{Fold, unfold};
pub(crate) use frame::{Framing, Splitter};
pub(crate) use gemini::request::{path_of as gemini_path, rename as gemini_rename};
pub(crate) use glimpse::Glimpse;
pub(crate) use ir::{Losses, Prompt, Reply};
pub(crate) use object::Object;
pub(crate) use patch::{Edit, apply};
pub(crate) use reshape::Reshape;
pub(crate) use speech::{Reader, Writer};
pub(crate) use sse::data as event_data;
pub(crate) use stamp::Stamp;
pub(crate) use traits::{Structured, Thinking, ThoughtsBack, Traits};

use self::ir::{Media, MediaKind, Source};
use crate::{
    error::{Error, Result},
    money::estimate::{self, Counting},
    provider::Auth,
    store::Usage,
};

/// The language of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/responses`.
    OpenAiResponses,
    /// `POST /v1/messages`.
    Anthropic,
    /// `POST /v1beta/models/{model}:generateContent`.
    Gemini,
    /// `POST /api/chat`; of providers only.
    Ollama,
}

/// In whose words a provider is asked for texts as vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Embedding {
    /// `POST /v1/embeddings`.
    OpenAi,
    /// `POST /v1beta/models/{model}:batchEmbedContents`.
    Gemini,
    /// `POST /api/embed`.
    Ollama,
}

/// In whose headers rates are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rates {
    /// `x-ratelimit-…`, with how long it takes.
    OpenAi,
    /// `anthropic-ratelimit-…`, with the time it is.
    Anthropic,
}

/// What a request asks for, as far as the gateway cares.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The model, as the client calls it.
    pub(crate) model: String,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Whether the client wants to see the usage at a stream's end.
    pub(crate) usage_wanted: bool,
}

/// What a whole answer says.
#[derive(Default)]
pub(crate) struct Read {
    /// The usage, if it is told.
    pub(crate) usage: Option<Usage>,
    /// How much text there is, for an estimate.
    pub(crate) text_bytes: u64,
    /// The error, if the answer is one in spite of its status.
    pub(crate) failure: Option<Error>,
}

impl Dialect {
    /// How its providers count what is no text.
    pub(crate) fn counting(self) -> &'static Counting {
        match self {
            Self::OpenAiChat | Self::Ollama => &estimate::CHAT,
            Self::OpenAiResponses => &estimate::RESPONSES,
            Self::Anthropic => &estimate::ANTHROPIC,
            Self::Gemini => &estimate::GEMINI,
        }
    }

    /// All dialects.
    pub const ALL: [Self; 5] =
        [Self::OpenAiChat, Self::OpenAiResponses, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// The word in configuration and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// What follows a provider's base URL.
    pub(crate) fn path(self, ask: &Ask, model: &str, framing: Framing) -> String {
        match self {
            Self::OpenAiChat => "/chat/completions".to_owned(),
            Self::OpenAiResponses => "/responses".to_owned(),
            Self::Anthropic => "/messages".to_owned(),
            Self::Gemini => gemini::request::path(ask, model, framing),
            Self::Ollama => "/api/chat".to_owned(),
        }
    }

    /// The same, where a provider lists its models.
    pub(crate) fn list_path(self) -> &'static str {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Anthropic | Self::Gemini => "/models",
            Self::Ollama => "/api/tags",
        }
    }

    /// How the events of a stream are told apart.
    pub(crate) fn framing(self) -> Framing {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Anthropic | Self::Gemini => {
                Framing::Events
            }
            Self::Ollama => Framing::Lines,
        }
    }

    /// Reads the few things the gateway itself needs of a request.
    pub(crate) fn ask(self, body: &[u8]) -> Result<Ask> {
        let ask = match self {
            Self::OpenAiChat => return openai_chat::request::ask(body),
            Self::OpenAiResponses => openai_responses::request::ask(body),
            Self::Anthropic => anthropic::request::ask(body),
            Self::Gemini => gemini::request::ask(body),
            Self::Ollama => ollama::request::ask(body),
        };
        // Only the chat dialect lets the client do without.
        ask.map(|ask| Ask { usage_wanted: true, ..ask })
    }

    fn echoed(self) -> &'static [&'static str] {
        match self {
            Self::OpenAiResponses => openai_responses::request::ECHOED,
            Self::OpenAiChat | Self::Anthropic | Self::Gemini | Self::Ollama => &[],
        }
    }

    /// Whether the version of the API is a part of a provider's base URL.
    pub(crate) fn is_versioned(self) -> bool {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Anthropic | Self::Gemini => true,
            Self::Ollama => false,
        }
    }

    /// The fields of a request that its answer repeats, as they came.
    pub(crate) fn echo(self, body: &[u8]) -> Vec<(String, Box<RawValue>)> {
        let names = self.echoed();
        if names.is_empty() {
            return Vec::new();
        }
        let Ok(object) = Object::read(body) else { return Vec::new() };
        let field = |name: &&str| Some(((*name).to_owned(), object.present(name)?.to_owned()));
        names.iter().filter_map(field).collect()
    }

    /// Whether a provider of this dialect ends an answer at a text by itself.
    pub(crate) fn stops(self) -> bool {
        match self {
            Self::OpenAiChat | Self::Anthropic | Self::Gemini | Self::Ollama => true,
            Self::OpenAiResponses => false,
        }
    }

    /// Whether a provider of this dialect can take tools of free text.
    pub(crate) fn has_custom_tools(self) -> bool {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => true,
            Self::Anthropic | Self::Gemini | Self::Ollama => false,
        }
    }

    /// What the field is called that asks for several answers at once.
    pub(crate) fn answers_field(self) -> &'static str {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Anthropic | Self::Ollama => "n",
            Self::Gemini => "generationConfig.candidateCount",
        }
    }

    /// In whose headers its rates are told; `None` when it has none.
    pub(crate) fn rates(self) -> Option<Rates> {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => Some(Rates::OpenAi),
            Self::Anthropic => Some(Rates::Anthropic),
            Self::Gemini | Self::Ollama => None,
        }
    }

    /// Whether a provider of this dialect wants something back with the calls of its earlier answers.
    pub(crate) fn wants_state(self, traits: &Traits, prompt: &Prompt) -> bool {
        let thinks = traits.thinking != Thinking::Untold;
        let effort = prompt.reasoning.effort;
        match self {
            Self::OpenAiChat => traits.thoughts_back != ThoughtsBack::Never,
            Self::OpenAiResponses | Self::Gemini => thinks && effort != Some(ir::Effort::Off),
            Self::Anthropic => thinks && effort.is_some_and(|effort| effort != ir::Effort::Off),
            Self::Ollama => false,
        }
    }

    /// How a provider of this dialect is asked for texts as vectors; `None` when it has none.
    pub(crate) fn embedding(self) -> Option<Embedding> {
        match self {
            Self::OpenAiChat => Some(Embedding::OpenAi),
            Self::Gemini => Some(Embedding::Gemini),
            Self::Ollama => Some(Embedding::Ollama),
            Self::OpenAiResponses | Self::Anthropic => None,
        }
    }

    /// Whether providers of this dialect have models that make pictures as Google's do.
    pub(crate) fn paints(self) -> bool {
        match self {
            Self::Gemini => true,
            Self::OpenAiChat | Self::OpenAiResponses | Self::Anthropic | Self::Ollama => false,
        }
    }

    /// In which header most providers of this dialect want their key.
    pub(crate) fn auth(self) -> Auth {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Ollama => Auth::Bearer,
            Self::Anthropic => Auth::XApiKey,
            Self::Gemini => Auth::XGoogApiKey,
        }
    }

    /// The request for a provider of the same dialect.
    pub(crate) fn patch_request(self, body: &Bytes, ask: &Ask, model: &str) -> Result<Bytes> {
        match self {
            Self::OpenAiChat => openai_chat::request::patch(body, ask, model),
            Self::OpenAiResponses => openai_responses::request::patch(body, ask, model),
            Self::Anthropic => anthropic::request::patch(body, ask, model),
            Self::Gemini => gemini::request::patch(body, ask, model),
            Self::Ollama => ollama::request::patch(body, ask, model),
        }
    }

    /// A request with an instruction added, for a provider of the same dialect; `None` when the client gives one.
    pub(crate) fn instruct(self, body: &Bytes, text: &str) -> Result<Option<Bytes>> {
        note::add(body, &self.instructions(), text)
    }

    /// Looks at what a request says and brings along, without reading it wholly.
    pub(crate) fn glimpse(self, body: &[u8]) -> Glimpse<'_> {
        Glimpse::of(body, &self.instructions())
    }

    fn instructions(self) -> note::Place {
        let (turns, fields, around): (_, &[&str], _) = match self {
            Self::OpenAiChat | Self::Ollama => {
                ("messages", &[], (r#"{"role":"system","content":"#, "}"))
            }
            Self::OpenAiResponses => ("input", &["instructions"], ("", "")),
            Self::Anthropic => ("messages", &["system"], ("", "")),
            Self::Gemini => {
                let names = &["systemInstruction", "system_instruction"];
                ("contents", names, (r#"{"parts":[{"text":"#, "}]}"))
            }
        };
        note::Place { turns, fields, around }
    }

    /// Reads a request wholly, for a provider of another dialect.
    pub(crate) fn read_request(self, body: &[u8], carrier: &Carrier) -> Result<Prompt> {
        match self {
            Self::OpenAiChat => openai_chat::request::read(body, carrier),
            Self::OpenAiResponses => openai_responses::request::read(body, carrier),
            Self::Anthropic => anthropic::request::read(body, carrier),
            Self::Gemini => gemini::request::read(body, carrier),
            Self::Ollama => ollama::request::read(body, carrier),
        }
    }

    /// The address of media that a provider of this dialect takes with its bytes alone.
    pub(crate) fn url_to_fetch<'m>(self, media: &'m Media, traits: &Traits) -> Option<&'m str> {
        let Source::Url { url, mime: _ } = &media.source else { return None };
        let fetches = traits.media_urls;
        let takes = match (self, media.kind) {
            (Self::OpenAiChat, MediaKind::Image)
            | (Self::OpenAiResponses | Self::Anthropic, MediaKind::Image | MediaKind::Document) => {
                fetches
            }
            (Self::OpenAiChat, MediaKind::Document | MediaKind::Audio)
            | (Self::Ollama, MediaKind::Image) => false,
            (Self::Gemini, MediaKind::Image | MediaKind::Document | MediaKind::Audio) => {
                gemini::request::takes_url(url, traits)
            }
            // Refused with its bytes as well, or too large to pass through here.
            (Self::OpenAiResponses | Self::Anthropic, MediaKind::Audio)
            | (Self::Ollama, MediaKind::Document | MediaKind::Audio)
            | (_, MediaKind::Video) => true,
        };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
        let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
        (is_web && !takes).then_some(url)
    }

    /// Writes a request. What the dialect or the target cannot express is named in `losses`; what cannot be left out
    /// without changing what the client meant is an error.
    pub(crate) fn write_request(
        self,
        prompt: &Prompt,
        traits: &Traits,
        losses: &mut Losses,
    ) -> Result<Vec<u8>> {
        match self {
            Self::OpenAiChat => openai_chat::request::write(prompt, traits, losses),
            Self::OpenAiResponses => openai_responses::request::write(prompt, traits, losses),
            Self::Anthropic => anthropic::request::write(prompt, traits, losses),
            Self::Gemini => gemini::request::write(prompt, traits, losses),
            Self::Ollama => ollama::request::write(prompt, traits, losses),
        }
    }

    /// Reads what the record needs of a whole answer; `None` when it is not even JSON.
    pub(crate) fn glance(self, body: &[u8]) -> Option<Read> {
        match self {
            Self::OpenAiChat => openai_chat::reply::glance(body),
            Self::OpenAiResponses => openai_responses::reply::glance(body),
            Self::Anthropic => anthropic::reply::glance(body),
            Self::Gemini => gemini::reply::glance(body),
            Self::Ollama => ollama::reply::glance(body),
        }
    }

    /// Reads a whole answer, for a client of another dialect.
    pub(crate) fn read_reply(self, body: &[u8]) -> Result<Reply> {
        match self {
            Self::OpenAiChat => openai_chat::reply::read(body),
            Self::OpenAiResponses => openai_responses::reply::read(body),
            Self::Anthropic => anthropic::reply::read(body),
            Self::Gemini => gemini::reply::read(body),
            Self::Ollama => ollama::reply::read(body),
        }
    }

    /// Writes a whole answer.
    pub(crate) fn write_reply(self, reply: &Reply, stamp: &Stamp) -> Vec<u8> {
        match self {
            Self::OpenAiChat => openai_chat::reply::write(reply, stamp),
            Self::OpenAiResponses => openai_responses::reply::write(reply, stamp),
            Self::Anthropic => anthropic::reply::write(reply, stamp),
            Self::Gemini => gemini::reply::write(reply, stamp),
            Self::Ollama => ollama::reply::write(reply, stamp),
        }
    }

    pub(crate) fn reader(self) -> Reader {
        match self {
            Self::OpenAiChat => Reader::OpenAiChat(openai_chat::stream::Reader::default()),
            Self::OpenAiResponses => {
                Reader::OpenAiResponses(openai_responses::stream::Reader::default())
            }
            Self::Anthropic => Reader::Anthropic(anthropic::stream::Reader::default()),
            Self::Gemini => Reader::Gemini(gemini::stream::Reader::default()),
            Self::Ollama => Reader::Ollama(ollama::stream::Reader::default()),
        }
    }

    pub(crate) fn writer(self, stamp: Stamp) -> Writer {
        match self {
            Self::OpenAiChat => Writer::OpenAiChat(openai_chat::stream::Writer::new(stamp)),
            Self::OpenAiResponses => {
                Writer::OpenAiResponses(openai_responses::stream::Writer::new(stamp))
            }
            Self::Anthropic => Writer::Anthropic(anthropic::stream::Writer::new(stamp)),
            Self::Gemini => Writer::Gemini(gemini::stream::Writer::new(stamp)),
            Self::Ollama => Writer::Ollama(ollama::stream::Writer::new(stamp)),
        }
    }

    pub(crate) fn read_error(self, status: StatusCode, body: &[u8]) -> Error {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => openai_chat::error::read(status, body),
            Self::Anthropic => anthropic::error::read(status, body),
            Self::Gemini => gemini::error::read(status, body),
            Self::Ollama => ollama::error::read(status, body),
        }
    }

    pub(crate) fn write_error(self, error: &Error) -> (StatusCode, Vec<u8>) {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => openai_chat::error::write(error),
            Self::Anthropic => anthropic::error::write(error),
            Self::Gemini => gemini::error::write(error),
            Self::Ollama => ollama::error::write(error),
        }
    }

    /// An error as a frame of a stream whose frames are passed on as they come.
    pub(crate) fn error_frame(self, error: &Error, framing: Framing) -> Bytes {
        if framing == Framing::Array {
            // Something was passed on already, so the array is open.
            let (_, body) = self.write_error(error);
            return [b",\n", &body[..], b"\n]\n"].concat().into();
        }
        match self {
            Self::OpenAiChat => openai_chat::error::event(error),
            Self::OpenAiResponses => openai_responses::error::event(error),
            Self::Anthropic => anthropic::error::event(error),
            Self::Gemini => gemini::error::event(error),
            Self::Ollama => ollama::error::event(error),
        }
    }

    /// The frame that says a stream is over, for a stream that has finished and did not say so; empty when the dialect
    /// has none.
    pub(crate) fn done_frame(self) -> &'static [u8] {
        match self {
            Self::OpenAiChat => b"data: [DONE]\n\n",
            Self::Anthropic => b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            Self::OpenAiResponses | Self::Gemini | Self::Ollama => b"",
        }
    }
}

#[cfg(test)]
mod laws;
