//! What holds for every dialect, whatever is said in it?

mod arbitrary;
mod bytes;
mod prompts;
mod requests;
mod streams;
mod written;

use super::{Dialect, Framing};

/// Every dialect in every framing that it is written in.
const WAYS: [(Dialect, Framing); 6] = [
    (Dialect::OpenAiChat, Framing::Events),
    (Dialect::OpenAiResponses, Framing::Events),
    (Dialect::Anthropic, Framing::Events),
    (Dialect::Gemini, Framing::Events),
    (Dialect::Gemini, Framing::Array),
    (Dialect::Ollama, Framing::Lines),
];
