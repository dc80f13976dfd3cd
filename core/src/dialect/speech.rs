//! Who reads a stream, and who writes one? The reader or the writer of its dialect.

use super::{Event, anthropic, gemini, ollama, openai_chat, openai_responses};

/// Reads the frames of a stream.
pub(crate) enum Reader {
    /// `OpenAI` chat.
    OpenAiChat(openai_chat::stream::Reader),
    /// `OpenAI` Responses.
    OpenAiResponses(openai_responses::stream::Reader),
    /// Anthropic.
    Anthropic(anthropic::stream::Reader),
    /// Gemini.
    Gemini(gemini::stream::Reader),
    /// Ollama.
    Ollama(ollama::stream::Reader),
}

/// Writes the frames of a stream.
pub(crate) enum Writer {
    /// `OpenAI` chat.
    OpenAiChat(openai_chat::stream::Writer),
    /// `OpenAI` Responses.
    OpenAiResponses(openai_responses::stream::Writer),
    /// Anthropic.
    Anthropic(anthropic::stream::Writer),
    /// Gemini.
    Gemini(gemini::stream::Writer),
    /// Ollama.
    Ollama(ollama::stream::Writer),
}

impl Reader {
    /// Reads one frame into `out`, which is empty.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        match self {
            Self::OpenAiChat(reader) => reader.push(frame, out),
            Self::OpenAiResponses(reader) => reader.push(frame, out),
            Self::Anthropic(reader) => reader.push(frame, out),
            Self::Gemini(reader) => reader.push(frame, out),
            Self::Ollama(reader) => reader.push(frame, out),
        }
    }

    /// The text of a frame that says nothing else: enough to know of a stream that passes as it came.
    pub(crate) fn skim<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        match self {
            Self::OpenAiChat(_) => openai_chat::stream::skim(frame),
            Self::OpenAiResponses(_) | Self::Anthropic(_) | Self::Gemini(_) | Self::Ollama(_) => {
                None
            }
        }
    }

    /// The upstream has closed the stream: what the dialect says by that. [`Event::Done`] comes only if the answer was
    /// finished.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        match self {
            Self::OpenAiChat(reader) => reader.end(out),
            Self::OpenAiResponses(reader) => reader.end(out),
            Self::Anthropic(reader) => reader.end(out),
            Self::Gemini(reader) => reader.end(out),
            Self::Ollama(reader) => reader.end(out),
        }
    }
}

impl Writer {
    /// Adds what an event is in this dialect to `out`. After [`Event::Done`] and [`Event::Fail`] nothing follows.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<u8>) {
        match self {
            Self::OpenAiChat(writer) => writer.push(event, out),
            Self::OpenAiResponses(writer) => writer.push(event, out),
            Self::Anthropic(writer) => writer.push(event, out),
            Self::Gemini(writer) => writer.push(event, out),
            Self::Ollama(writer) => writer.push(event, out),
        }
    }
}
