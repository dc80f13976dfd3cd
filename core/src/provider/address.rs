//! Where does a request to a provider go? Its base URL, what its dialect adds, and what some hosts want in the query.

use super::Provider;
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// Where a base URL has the model's name: Azure's deployments stand in the path.
pub(crate) const MODEL: &str = "{model}";

/// The whole URL of a request for a model. `path` is what the dialect adds to the base.
pub(crate) fn url(provider: &Provider, base: &str, path: &str, model: &str) -> Result<String> {
    let in_path = base.contains(MODEL) || provider.dialect == Dialect::Gemini;
    if in_path && !is_path(model) {
        return Err(Error::not_found("The model's name cannot be one of this provider.")
            .at("model")
            .coded("model_not_found"));
    }
    let base = base.replace(MODEL, model);
    let Some(version) = &provider.api_version else { return Ok(format!("{base}{path}")) };
    let mark = if path.contains('?') { '&' } else { '?' };
    Ok(format!("{base}{path}{mark}api-version={version}"))
}

/// Whether a name leads nowhere else when it stands in a path. It comes from a client.
fn is_path(model: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte);
    let part = |part: &str| {
        !part.is_empty() && !part.bytes().all(|byte| byte == b'.') && part.bytes().all(plain)
    };
    model.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Auth, Host, Rotation, Source};

    fn check(dialect: Dialect, base: &str, version: Option<&str>, model: &str, expected: &str) {
        let host = Host::Url(base.to_owned());
        let provider = Provider {
            id: "p".to_owned(),
            dialect,
            host,
            auth: Auth::ApiKey,
            api_version: version.map(str::to_owned),
            keys: Vec::new(),
            rotation: Rotation::default(),
            models: Vec::new(),
            enabled: true,
            probe: false,
            source: Source::File,
        };
        let path = if dialect == Dialect::Gemini { "/models/m:g?alt=sse" } else { "/c" };
        let found = url(&provider, base, path, model).unwrap_or_else(|_| "refused".to_owned());
        assert_eq!(found, expected, "{base} {model}");
    }

    #[test]
    fn a_base_a_path_and_a_version_are_one_url() {
        use Dialect::{Gemini, OpenAiChat};
        check(OpenAiChat, "https://h/v1", None, "a/b:c", "https://h/v1/c");
        let deployments = "https://r.openai.azure.com/openai/deployments/{model}";
        check(
            OpenAiChat,
            deployments,
            Some("2024-10-21"),
            "gpt-4o",
            "https://r.openai.azure.com/openai/deployments/gpt-4o/c?api-version=2024-10-21",
        );
        check(
            OpenAiChat,
            "https://r.openai.azure.com/openai/v1",
            Some("preview"),
            "gpt-4o",
            "https://r.openai.azure.com/openai/v1/c?api-version=preview",
        );
        check(
            Gemini,
            "https://h/v1beta",
            Some("x"),
            "m",
            "https://h/v1beta/models/m:g?alt=sse&api-version=x",
        );
    }

    #[test]
    fn a_name_in_a_path_leads_nowhere_else() {
        let base = "https://h/deployments/{model}";
        for model in ["..", ".", "...", "", "a/../b", "a//b", "a?b", "a#b", "a%2e", "a b", "é"] {
            check(Dialect::OpenAiChat, base, None, model, "refused");
            check(Dialect::Gemini, "https://h/v1beta", None, model, "refused");
            let plain = "https://h/v1/c";
            check(Dialect::OpenAiChat, "https://h/v1", None, model, plain);
        }
        check(Dialect::OpenAiChat, base, None, "a/b.c", "https://h/deployments/a/b.c/c");
    }
}
