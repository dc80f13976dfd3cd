//! In which header does a provider want its key?

use http::{HeaderName, header};

use super::{Host, builtin};
use crate::dialect::Dialect;

/// The header of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `x-api-key`, as Anthropic has it.
    XApiKey,
    /// `api-key`, as Azure has it.
    ApiKey,
    /// `x-goog-api-key`, as Google has it.
    XGoogApiKey,
}

impl Auth {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bearer, Self::XApiKey, Self::ApiKey, Self::XGoogApiKey];

    /// Where a provider of this dialect at this place wants its key, unless it is said.
    #[must_use]
    pub fn usual(host: &Host, dialect: Dialect) -> Self {
        builtin::at(host).and_then(|row| row.auth).unwrap_or_else(|| dialect.auth())
    }

    /// The word in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::XApiKey => "x-api-key",
            Self::ApiKey => "api-key",
            Self::XGoogApiKey => "x-goog-api-key",
        }
    }

    /// The header, and what stands before the key.
    pub(crate) fn header(self) -> (HeaderName, &'static str) {
        match self {
            Self::Bearer => (header::AUTHORIZATION, "Bearer "),
            Self::XApiKey | Self::ApiKey | Self::XGoogApiKey => {
                (HeaderName::from_static(self.name()), "")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_then_the_dialect_say_which() {
        let usual = |url: &str, dialect| Auth::usual(&Host::Url(url.to_owned()), dialect);
        for (url, dialect, auth) in [
            ("https://api.openai.com/v1", Dialect::OpenAiChat, Auth::Bearer),
            ("https://api.anthropic.com/v1", Dialect::Anthropic, Auth::XApiKey),
            (
                "https://generativelanguage.googleapis.com/v1beta",
                Dialect::Gemini,
                Auth::XGoogApiKey,
            ),
            ("https://r.openai.azure.com/openai/v1", Dialect::OpenAiResponses, Auth::ApiKey),
            (
                "https://r.openai.azure.com/openai/deployments/{model}",
                Dialect::OpenAiChat,
                Auth::ApiKey,
            ),
            ("http://gpu:11434", Dialect::Ollama, Auth::Bearer),
        ] {
            assert_eq!(usual(url, dialect), auth, "{url}");
        }
    }

    #[test]
    fn a_key_stands_in_the_header_of_its_name() {
        for auth in Auth::ALL {
            let (name, before) = auth.header();
            let expected = if auth == Auth::Bearer { "authorization" } else { auth.name() };
            assert_eq!((name.as_str(), before.is_empty()), (expected, auth != Auth::Bearer));
        }
    }
}
