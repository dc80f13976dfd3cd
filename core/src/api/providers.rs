//! Which providers are there? What is declared is shown and locked; the others are made and changed here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    document::{Declared, Resource},
    keys,
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    gateway::Gateway,
    limits::{ID_BYTES_MAX, MODEL_BYTES_MAX, PROVIDER_MODELS_MAX},
    provider::{Auth, Host, Provider, Rotation, Source, base_url::BaseUrl},
    store::{Document, Kind},
};

/// A host that answers. Its keys are [`keys`] and are bound to the origin of `base_url`: at another one they do not work
/// until they are given anew.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Body {
    /// What it speaks.
    #[cfg_attr(test, schemars(extend("enum" = Dialect::ALL.map(Dialect::name))))]
    dialect: String,
    /// Where it is, such as `https://api.example.com/v1`; `echo:` is the demo.
    base_url: String,
    /// In which header it wants a key; what is usual there unless said.
    #[serde(default)]
    auth: Option<AuthName>,
    /// What it wants as `api-version` in the query.
    #[serde(default)]
    api_version: Option<String>,
    /// The models it serves under their own names; what the catalogue knows unless said.
    #[serde(default)]
    models: Option<Vec<String>>,
    /// How its keys take turns.
    #[serde(default)]
    rotation: Rotation,
    /// A disabled provider is shown and not used.
    #[serde(default = "yes")]
    enabled: bool,
    /// Whether it is asked for its list of models now and then, to see how it is.
    #[serde(default = "yes")]
    probe: bool,
}

/// The header of a key.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum AuthName {
    Bearer,
    XApiKey,
    ApiKey,
    XGoogApiKey,
}

fn yes() -> bool {
    true
}

impl Body {
    /// Where it is.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }
}

#[async_trait]
impl Resource for Body {
    const KIND: Kind = Kind::Provider;
    const WORD: &'static str = "provider";

    fn check(&self, _: &str) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::bad_request(message).at(field));
        if !Dialect::ALL.iter().any(|dialect| dialect.name() == self.dialect) {
            let names = Dialect::ALL.map(Dialect::name).join(", ");
            return wrong("dialect", format!("A dialect is one of {names}."));
        }
        if self.base_url != "echo:"
            && let Err(why) = BaseUrl::parse(&self.base_url)
        {
            return wrong("base_url", format!("The URL {why}."));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let version = self.api_version.as_deref().unwrap_or("-");
        if version.is_empty() || version.len() > ID_BYTES_MAX || !version.bytes().all(plain) {
            let message = "A version has letters, digits, `-`, `_` and `.`.";
            return wrong("api_version", message.to_owned());
        }
        let models = self.models.as_deref().unwrap_or_default();
        let name = |name: &String| {
            let spaced = name.chars().any(|c| c.is_whitespace() || c.is_control());
            !name.is_empty() && name.len() <= MODEL_BYTES_MAX && !spaced
        };
        if models.len() > PROVIDER_MODELS_MAX || !models.iter().all(name) {
            let message = format!(
                "At most {PROVIDER_MODELS_MAX} models, each with a name without white space."
            );
            return wrong("models", message);
        }
        Ok(())
    }

    fn declared(gateway: &Gateway) -> Vec<Declared<Self>> {
        let providers = gateway.state.config.providers.iter();
        providers
            .map(|provider| Declared {
                id: provider.id.clone(),
                place: place(provider),
                body: shown(provider),
            })
            .collect()
    }

    async fn dependents(gateway: &Gateway, id: &str) -> Result<Vec<Document>> {
        keys::of(gateway, id).await
    }
}

/// Where a provider is declared.
pub(super) fn place(provider: &Provider) -> &'static str {
    match provider.source {
        Source::File => "`[[provider]]` of the configuration",
        Source::Environment => "the environment",
        Source::Database => "the database",
    }
}

fn shown(provider: &Provider) -> Body {
    Body {
        dialect: provider.dialect.name().to_owned(),
        base_url: match &provider.host {
            Host::Echo => "echo:".to_owned(),
            Host::Url(url) => url.clone(),
        },
        auth: Some(match provider.auth {
            Auth::Bearer => AuthName::Bearer,
            Auth::XApiKey => AuthName::XApiKey,
            Auth::ApiKey => AuthName::ApiKey,
            Auth::XGoogApiKey => AuthName::XGoogApiKey,
        }),
        api_version: provider.api_version.clone(),
        models: Some(provider.models.clone()),
        rotation: provider.rotation,
        enabled: provider.enabled,
        probe: provider.probe,
    }
}
