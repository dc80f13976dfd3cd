//! Where is a deployment, by the prefix of its model's name? Providers that are known here, and any other place that speaks
//! as they do.

use tidegate_core::provider::builtin::BUILTIN;

/// Where a model is.
#[derive(Clone)]
pub(super) struct Place {
    /// What the provider is called here.
    pub(super) id: String,
    pub(super) dialect: &'static str,
    pub(super) base_url: String,
    pub(super) auth: Option<&'static str>,
    pub(super) version: Option<String>,
    /// The model's name there.
    pub(super) model: String,
    /// Variables that `LiteLLM` finds a key in by itself.
    pub(super) variables: &'static [&'static str],
    /// Whether it is where the provider always is, so that the catalogue knows its models.
    pub(super) is_usual: bool,
}

impl Place {
    /// Whether both are at one provider.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        self.base_url == other.base_url
            && self.version == other.version
            && self.dialect == other.dialect
    }
}

/// Its words for providers that are known here.
const KNOWN: [(&str, &str); 15] = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("gemini", "gemini"),
    ("deepseek", "deepseek"),
    ("moonshot", "moonshot"),
    ("xai", "xai"),
    ("mistral", "mistral"),
    ("codestral", "mistral"),
    ("groq", "groq"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("openrouter", "openrouter"),
    ("perplexity", "perplexity"),
    ("cerebras", "cerebras"),
    ("text-completion-openai", "openai"),
];

/// Its words for any place that speaks as OpenAI does, and must be named.
const ANY: [&str; 8] = [
    "openai_like",
    "custom_openai",
    "hosted_vllm",
    "vllm",
    "lm_studio",
    "litellm_proxy",
    "llamafile",
    "xinference",
];

/// Where the model of this name is, or why that cannot be said.
pub(super) fn place(
    model: &str,
    base: Option<String>,
    version: Option<String>,
) -> Result<Place, String> {
    let base = base.map(|url| url.trim_end_matches('/').to_owned());
    let (prefix, name) = match model.split_once('/') {
        Some((prefix, name)) => (prefix, name),
        None => (bare(model)?, model),
    };
    match prefix {
        "azure" => azure(name, base, version),
        "azure_ai" => {
            Err("Azure AI Foundry is reached by its own address: declare it as a provider"
                .to_owned())
        }
        "ollama" | "ollama_chat" => {
            let base = base.unwrap_or_else(|| "http://localhost:11434".to_owned());
            Ok(other("ollama", with_v1(base), name))
        }
        _ if ANY.contains(&prefix) => {
            let base = base.ok_or(format!("`{prefix}` needs an api_base"))?;
            let id = host_id(&base);
            Ok(other(&id, base, name))
        }
        _ => known(prefix, name, base),
    }
}

fn known(prefix: &str, name: &str, base: Option<String>) -> Result<Place, String> {
    let id = KNOWN.iter().find(|(theirs, _)| *theirs == prefix).map(|(_, ours)| *ours);
    let builtin = id.and_then(|id| BUILTIN.iter().find(|builtin| builtin.id == id));
    let Some(builtin) = builtin else {
        return Err(format!("providers called `{prefix}` are not known here"));
    };
    let usual = builtin.base_url.unwrap_or_default();
    let is_usual = base.as_deref().is_none_or(|base| base == usual);
    let base_url = base.unwrap_or_else(|| usual.to_owned());
    let id = if is_usual { builtin.id.to_owned() } else { host_id(&base_url) };
    Ok(Place {
        id,
        dialect: builtin.dialect.name(),
        base_url: if is_usual { base_url } else { with_path(base_url, usual) },
        auth: None,
        version: None,
        model: name.to_owned(),
        variables: if is_usual { builtin.key_variables } else { &[] },
        is_usual,
    })
}

/// A resource of Azure names the deployment in its path, or nowhere where its address is the newer one.
fn azure(name: &str, base: Option<String>, version: Option<String>) -> Result<Place, String> {
    let base = base.ok_or("`azure` needs an api_base")?;
    let newer = base.ends_with("/openai/v1");
    let base_url =
        if newer { base.clone() } else { format!("{base}/openai/deployments/{{model}}") };
    Ok(Place {
        id: format!("azure-{}", host_id(&base)),
        dialect: "openai_chat",
        base_url,
        auth: Some("api-key"),
        version: if newer { None } else { version.or_else(|| Some("2024-10-21".to_owned())) },
        model: name.to_owned(),
        variables: &["AZURE_API_KEY"],
        is_usual: false,
    })
}

fn other(id: &str, base_url: String, name: &str) -> Place {
    Place {
        id: id.to_owned(),
        dialect: "openai_chat",
        base_url,
        auth: None,
        version: None,
        model: name.to_owned(),
        variables: &[],
        is_usual: false,
    }
}

/// A model without a prefix is one whose name tells whose it is.
fn bare(model: &str) -> Result<&'static str, String> {
    let of = [
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("text-embedding-", "openai"),
        ("dall-e", "openai"),
        ("claude-", "anthropic"),
    ];
    let found = of.iter().find(|(begin, _)| model.starts_with(begin)).map(|(_, prefix)| *prefix);
    found.ok_or(format!("the name `{model}` does not tell whose model it is"))
}

/// Made of a host: `eu` of `https://eu.example.com/v1`, `127-0-0-1-8000` of an address.
fn host_id(url: &str) -> String {
    let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or_default();
    let is_address = host.split([':', '.']).all(|part| part.parse::<u16>().is_ok());
    let first = host.split(['.', ':']).next().unwrap_or(host);
    let general = ["api", "www", "llm", "localhost"].contains(&first);
    super::super::id_of(&if is_address || general {
        host.replace(['.', ':'], "-")
    } else {
        first.to_owned()
    })
}

/// The path of the usual place, where another place of the same kind has none.
fn with_path(url: String, usual: &str) -> String {
    let path = |url: &str| {
        let behind = url.split("://").nth(1).unwrap_or(url);
        behind.split_once('/').map(|(_, path)| format!("/{path}"))
    };
    match (path(&url), path(usual)) {
        (None, Some(path)) => url + &path,
        _ => url,
    }
}

fn with_v1(url: String) -> String {
    if url.ends_with("/v1") { url } else { url + "/v1" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(model: &str, base: Option<&str>) -> (String, String, String) {
        let place = place(model, base.map(str::to_owned), None).unwrap();
        (place.id, place.base_url, place.model)
    }

    fn is(id: &str, url: &str, model: &str) -> (String, String, String) {
        (id.to_owned(), url.to_owned(), model.to_owned())
    }

    #[test]
    fn a_prefix_names_the_place() {
        assert_eq!(at("openai/gpt-4o", None), is("openai", "https://api.openai.com/v1", "gpt-4o"));
        assert_eq!(at("gpt-4o", None), is("openai", "https://api.openai.com/v1", "gpt-4o"));
        assert_eq!(
            at("openai/facebook/opt-125m", Some("http://eu.example.com:8000")),
            is("eu", "http://eu.example.com:8000/v1", "facebook/opt-125m")
        );
        assert_eq!(
            at("together_ai/meta/llama", None),
            is("together", "https://api.together.xyz/v1", "meta/llama")
        );
        assert_eq!(
            at("azure/my-gpt", Some("https://acme.openai.azure.com/")),
            is("azure-acme", "https://acme.openai.azure.com/openai/deployments/{model}", "my-gpt")
        );
        assert_eq!(at("ollama/llama3", None), is("ollama", "http://localhost:11434/v1", "llama3"));
        assert_eq!(
            at("hosted_vllm/qwen", Some("http://10.0.0.1:8000/v1")),
            is("10-0-0-1-8000", "http://10.0.0.1:8000/v1", "qwen")
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        for model in ["bedrock/anthropic.claude", "vertex_ai/gemini-pro", "a-model", "azure/x"] {
            assert!(place(model, None, None).is_err(), "{model}");
        }
    }
}
