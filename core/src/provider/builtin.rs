//! Which providers appear by themselves when a variable is set? One row each.

use super::{Host, Provider};
use crate::dialect::Dialect;

/// A provider that needs no declaration: its variables are enough.
pub struct Builtin {
    /// Its id, the part before the slash in `provider/model`.
    pub id: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub base_url: &'static str,
    /// Its name in the [catalogue](super::catalog), if its models stand there.
    pub catalog: Option<&'static str>,
    /// The variables that may hold its keys; the first one that is set counts.
    pub key_variables: &'static [&'static str],
    /// A variable that moves it elsewhere. Such a provider needs no key.
    pub url_variable: &'static [&'static str],
    /// A variable that lists its models.
    pub model_variable: &'static [&'static str],
}

/// All of them. A host with several dialects stands here with the one that the gateway speaks.
pub static BUILTIN: [Builtin; 7] = [
    hosted("openai", "openai", &["OPENAI_API_KEY"], "https://api.openai.com/v1"),
    hosted("anthropic", "anthropic", &["ANTHROPIC_API_KEY"], "https://api.anthropic.com/v1"),
    hosted(
        "gemini",
        "google",
        &["GEMINI_API_KEY"],
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    hosted("deepseek", "deepseek", &["DEEPSEEK_API_KEY"], "https://api.deepseek.com"),
    hosted("moonshot", "moonshotai", &["MOONSHOT_API_KEY"], "https://api.moonshot.ai/v1"),
    hosted("xai", "xai", &["XAI_API_KEY", "GROK_API_KEY"], "https://api.x.ai/v1"),
    local("ollama", &["OLLAMA_BASE_URL"], &["OLLAMA_MODELS"], "http://127.0.0.1:11434/v1"),
];

/// The built-in provider of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Builtin> {
    BUILTIN.iter().find(|row| row.id == id)
}

/// Under which name the catalogue may list the models of `provider`: a built-in's, found by id or by base URL;
/// otherwise the provider's own id.
#[must_use]
pub fn catalog_id(provider: &Provider) -> &str {
    let same_place = |row: &&Builtin| match &provider.host {
        Host::Echo => false,
        Host::Url(url) => url == row.base_url,
    };
    let row = find(&provider.id).or_else(|| BUILTIN.iter().find(same_place));
    row.map_or(&provider.id, |row| row.catalog.unwrap_or_default())
}

const fn hosted(
    id: &'static str,
    catalog: &'static str,
    key_variables: &'static [&'static str],
    base_url: &'static str,
) -> Builtin {
    Builtin {
        id,
        dialect: Dialect::OpenAiChat,
        base_url,
        catalog: Some(catalog),
        key_variables,
        url_variable: &[],
        model_variable: &[],
    }
}

const fn local(
    id: &'static str,
    url_variable: &'static [&'static str],
    model_variable: &'static [&'static str],
    base_url: &'static str,
) -> Builtin {
    Builtin {
        id,
        dialect: Dialect::OpenAiChat,
        base_url,
        catalog: None,
        key_variables: &[],
        url_variable,
        model_variable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::VARIABLES, provider::base_url::BaseUrl};

    #[test]
    fn every_base_url_reads_back_as_it_stands() {
        for row in &BUILTIN {
            assert_eq!(BaseUrl::parse(row.base_url).unwrap().to_string(), row.base_url);
        }
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
