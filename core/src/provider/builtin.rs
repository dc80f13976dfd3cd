//! Which providers are known by name? One row each; a variable makes them appear, and a table of the file changes them.

use super::{Auth, Host, Provider, catalog};
use crate::dialect::Dialect;

/// The demo provider's only model.
pub const ECHO: &str = "echo";

/// A provider that is known by name.
pub struct Builtin {
    /// Its id, the part before the slash in `provider/model`.
    pub id: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is; `None` where every customer has a place of their own.
    pub base_url: Option<&'static str>,
    /// Where else it is: a host, the end of one from a dot on, or a port from a colon on.
    pub hosts: &'static [&'static str],
    /// In which header it wants its key, if not in the usual one of its dialect.
    pub auth: Option<Auth>,
    /// Its name in the [catalogue](super::catalog), if its models stand there.
    pub catalog: Option<&'static str>,
    /// The variables that may hold its keys; the first one that is set counts.
    pub key_variables: &'static [&'static str],
    /// A variable that moves it elsewhere. Such a provider needs no key.
    pub url_variable: &'static [&'static str],
    /// A variable that lists its models.
    pub model_variable: &'static [&'static str],
}

/// What most hosts are: a place of the chat dialect.
const HOST: Builtin = Builtin {
    id: "",
    dialect: Dialect::OpenAiChat,
    base_url: None,
    hosts: &[],
    auth: None,
    catalog: None,
    key_variables: &[],
    url_variable: &[],
    model_variable: &[],
};

/// All of them. What a host and its models understand stands in the rows of [`traits`](super::traits).
pub static BUILTIN: [Builtin; 15] = [
    Builtin {
        id: "openai",
        base_url: Some("https://api.openai.com/v1"),
        hosts: &[".api.openai.com"],
        catalog: Some("openai"),
        key_variables: &["OPENAI_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "anthropic",
        dialect: Dialect::Anthropic,
        base_url: Some("https://api.anthropic.com/v1"),
        catalog: Some("anthropic"),
        key_variables: &["ANTHROPIC_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "gemini",
        dialect: Dialect::Gemini,
        base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
        catalog: Some("google"),
        key_variables: &["GEMINI_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        catalog: Some("deepseek"),
        key_variables: &["DEEPSEEK_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "moonshot",
        base_url: Some("https://api.moonshot.ai/v1"),
        hosts: &["api.moonshot.cn"],
        catalog: Some("moonshotai"),
        key_variables: &["MOONSHOT_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "xai",
        base_url: Some("https://api.x.ai/v1"),
        hosts: &[".api.x.ai"],
        catalog: Some("xai"),
        key_variables: &["XAI_API_KEY", "GROK_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        hosts: &["codestral.mistral.ai"],
        catalog: Some("mistral"),
        key_variables: &["MISTRAL_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        catalog: Some("groq"),
        key_variables: &["GROQ_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "together",
        base_url: Some("https://api.together.xyz/v1"),
        hosts: &["api.together.ai"],
        catalog: Some("togetherai"),
        key_variables: &["TOGETHER_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "fireworks",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        catalog: Some("fireworks-ai"),
        key_variables: &["FIREWORKS_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_variables: &["OPENROUTER_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "perplexity",
        base_url: Some("https://api.perplexity.ai"),
        catalog: Some("perplexity"),
        key_variables: &["PERPLEXITY_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        catalog: Some("cerebras"),
        key_variables: &["CEREBRAS_API_KEY"],
        ..HOST
    },
    Builtin {
        id: "azure",
        hosts: &[".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"],
        auth: Some(Auth::ApiKey),
        catalog: Some("azure"),
        ..HOST
    },
    Builtin {
        id: "ollama",
        base_url: Some("http://127.0.0.1:11434/v1"),
        hosts: &["ollama.com", ":11434"],
        url_variable: &["OLLAMA_BASE_URL"],
        model_variable: &["OLLAMA_MODELS"],
        ..HOST
    },
];

/// The row of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Builtin> {
    BUILTIN.iter().find(|row| row.id == id)
}

/// The row that is at this place.
#[must_use]
pub fn at(host: &Host) -> Option<&'static Builtin> {
    let Host::Url(_) = host else { return None };
    let origin = host.origin();
    let place = origin.split_once("://").map_or(&*origin, |(_, place)| place);
    let name = place.rsplit_once(':').map_or(place, |(name, _)| name);
    let is_here = |known: &str| match known.as_bytes() {
        [b':', ..] => place.ends_with(known),
        [b'.', ..] => name.ends_with(known),
        _ => name == known,
    };
    let usual = |row: &Builtin| {
        let usual = row.base_url.map(|url| Host::Url(url.to_owned()).origin());
        usual.is_some_and(|usual| usual == origin)
    };
    BUILTIN.iter().find(|row| usual(row) || row.hosts.iter().any(|known| is_here(known)))
}

/// The row of a provider: that of its place, or else the one of its id, behind which a mirror of it is expected.
#[must_use]
pub fn of(provider: &Provider) -> Option<&'static Builtin> {
    at(&provider.host).or_else(|| find(&provider.id))
}

/// Under which name the catalogue may list the models of `provider`; its own id where it is no known one.
#[must_use]
pub fn catalog_id(provider: &Provider) -> &str {
    of(provider).map_or(&provider.id, |row| row.catalog.unwrap_or_default())
}

/// The models of a provider that lists none: all that the catalogue knows.
#[must_use]
pub fn usual_models(provider: &Provider) -> Vec<String> {
    if provider.host == Host::Echo {
        return vec![ECHO.to_owned()];
    }
    catalog::models(catalog_id(provider)).map(|model| model.id.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::VARIABLES, provider::base_url::BaseUrl};

    #[test]
    fn every_base_url_reads_back_as_it_stands() {
        for url in BUILTIN.iter().filter_map(|row| row.base_url) {
            assert_eq!(BaseUrl::parse(url).unwrap().to_string(), url);
        }
    }

    #[test]
    fn every_row_is_found_by_id_and_by_place() {
        for row in &BUILTIN {
            assert_eq!(find(row.id).map(|found| found.id), Some(row.id));
            let Some(url) = row.base_url else { continue };
            assert_eq!(at(&Host::Url(url.to_owned())).map(|found| found.id), Some(row.id));
        }
        assert!(find("").is_none());
    }

    #[test]
    fn a_place_is_known_by_its_host() {
        for (url, id) in [
            ("https://API.openai.com:443/v1", Some("openai")),
            ("https://eu.api.openai.com/v1", Some("openai")),
            ("https://evilapi.openai.com.example/v1", None),
            ("https://r.openai.azure.com/openai/v1", Some("azure")),
            ("https://r.services.ai.azure.com/openai/v1", Some("azure")),
            ("https://openai.azure.com/openai/v1", None),
            ("https://api.deepseek.com/anthropic/v1", Some("deepseek")),
            ("https://api.moonshot.cn/v1", Some("moonshot")),
            ("http://gpu:11434", Some("ollama")),
            ("https://ollama.com/v1", Some("ollama")),
            ("http://127.0.0.1:8000/v1", None),
            ("http://api.openai.com/v1", None),
        ] {
            let found = at(&Host::Url(url.to_owned())).map(|row| row.id);
            assert_eq!(found, id, "{url}");
        }
        assert!(at(&Host::Echo).is_none());
    }

    #[test]
    fn every_variable_is_listed() {
        for row in &BUILTIN {
            for name in [row.key_variables, row.url_variable, row.model_variable].concat() {
                assert!(VARIABLES.contains(&name), "{name}");
            }
        }
    }
}
