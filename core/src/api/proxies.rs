//! Which other APIs are reached through the gateway? Generic proxies with keys of their own are kept and checked here.

use async_trait::async_trait;
use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::{document::Resource, keys};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    limits::{ID_BYTES_MAX, PROXY_PATHS_MAX, URI_BYTES_MAX},
    provider::base_url::BaseUrl,
    store::{Document, Kind},
};

/// A generic proxy. Its id is the slug in `/proxy/{slug}/…`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Proxy {
    /// Where everything goes: scheme, host and the beginning of the path.
    base_url: String,
    /// Where the API wants a key.
    #[serde(default)]
    key_in: KeyIn,
    /// The header's or the parameter's name; not for `bearer` and `nowhere`.
    #[serde(default)]
    key_name: Option<String>,
    /// How the next key is picked.
    #[serde(default)]
    rotation: Rotation,
    /// The methods that pass; all when none is named.
    #[serde(default)]
    methods: Vec<Method>,
    /// What paths begin with that pass; all when none is named.
    #[serde(default)]
    paths: Vec<String>,
    /// A disabled proxy is shown and not used.
    #[serde(default = "yes")]
    enabled: bool,
}

/// Where a key goes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum KeyIn {
    #[default]
    Bearer,
    Header,
    Query,
    Nowhere,
}

/// How keys take turns.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) enum Rotation {
    #[default]
    RoundRobin,
    Weighted,
    LeastUsed,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

fn yes() -> bool {
    true
}

impl Proxy {
    /// Where it is.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }
}

#[async_trait]
impl Resource for Proxy {
    const KIND: Kind = Kind::Proxy;
    const WORD: &'static str = "proxy";

    async fn check(&self, _: &Gateway, _: &str) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::bad_request(message).at(field));
        if let Err(why) = BaseUrl::parse(&self.base_url) {
            return wrong("base_url", format!("The URL {why}."));
        }
        match (self.key_in, &self.key_name) {
            (KeyIn::Bearer | KeyIn::Nowhere, None) => {}
            (KeyIn::Bearer | KeyIn::Nowhere, Some(_)) => {
                return wrong("key_name", "Only a header or a parameter has a name.".to_owned());
            }
            (KeyIn::Header, Some(name)) if HeaderName::try_from(name).is_ok() => {}
            (KeyIn::Query, Some(name)) if is_parameter(name) => {}
            (KeyIn::Header | KeyIn::Query, _) => {
                let message = "Name the header or the parameter that takes the key.";
                return wrong("key_name", message.to_owned());
            }
        }
        let plain = |path: &String| {
            path.starts_with('/') && path.len() <= URI_BYTES_MAX && !path.contains("..")
        };
        if self.paths.len() > PROXY_PATHS_MAX || !self.paths.iter().all(plain) {
            let message = format!(
                "At most {PROXY_PATHS_MAX} paths, each beginning with a slash, without `..`."
            );
            return wrong("paths", message);
        }
        Ok(())
    }

    async fn dependents(gateway: &Gateway, id: &str) -> Result<Vec<Document>> {
        keys::of(gateway, &keys::parent_of_proxy(id)).await
    }
}

fn is_parameter(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= ID_BYTES_MAX && name.bytes().all(plain)
}
