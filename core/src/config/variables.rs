//! Which variables of the environment does the gateway know? `.env.example` lists the same ones.

use super::document::Said;

/// Every variable, in the order of `.env.example`. A declaration may name others with `{ env = "NAME" }`.
pub const VARIABLES: [&str; 34] = [
    "TIDEGATE_CONFIG",
    "TIDEGATE_CONFIG_FILE",
    "TIDEGATE_DATA",
    "TIDEGATE_LISTEN",
    "TIDEGATE_DEMO",
    "TIDEGATE_USER",
    "TIDEGATE_SECRET",
    "TIDEGATE_SECRET_OLD",
    "TIDEGATE_ADMIN_TOKEN",
    "TIDEGATE_ADMIN_PASSWORD",
    "TIDEGATE_INSECURE_COOKIES",
    "TIDEGATE_TRUSTED_PROXIES",
    "TIDEGATE_RETENTION_DAYS",
    "TIDEGATE_LOG",
    "TIDEGATE_LOG_FORMAT",
    "DATABASE_URL",
    "DATABASE_TOKEN",
    "REDIS_URL",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "DEEPSEEK_API_KEY",
    "MOONSHOT_API_KEY",
    "XAI_API_KEY",
    "GROK_API_KEY",
    "MISTRAL_API_KEY",
    "GROQ_API_KEY",
    "TOGETHER_API_KEY",
    "FIREWORKS_API_KEY",
    "OPENROUTER_API_KEY",
    "PERPLEXITY_API_KEY",
    "CEREBRAS_API_KEY",
    "OLLAMA_BASE_URL",
    "OLLAMA_MODELS",
];

/// The environment, as the adapter gives it.
#[derive(Clone, Copy)]
pub(super) struct Environment<'e>(pub(super) &'e dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// The text of a variable, even an empty one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    /// Whether any of these says something.
    pub(super) fn any(&self, names: &[&'static str]) -> bool {
        names.iter().any(|name| self.said(name).is_some())
    }

    /// What a variable says. An empty one says nothing: deployment tools set what was left blank to an empty text.
    pub(super) fn said(&self, name: &'static str) -> Option<Said<'static>> {
        let text = self.text(name)?;
        (!text.trim().is_empty()).then(|| Said::variable(name, text))
    }
}
