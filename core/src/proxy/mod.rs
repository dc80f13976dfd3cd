//! What is a generic proxy? Another API behind a path of ours, with keys of its own that take turns.
//!
//! Read in this order: this file (what a proxy says), [`path`] (where a request leads), [`headers`] (what passes beside
//! the body), [`upload`] (the body that a client sends along).

pub(crate) mod headers;
pub(crate) mod path;
pub(crate) mod upload;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, header};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{byte_serialize, parse};

use crate::{
    dialect::Dialect,
    error::{Error, Kind, Result},
    limits::{ID_BYTES_MAX, PROXY_PATHS_MAX, URI_BYTES_MAX},
    provider::{Auth, Host, Key, Provider, Rotation, Source, address, base_url::BaseUrl},
};

/// What stands before a slug where providers and proxies have names of one kind. No provider's id has a colon.
pub(crate) const PREFIX: &str = "proxy:";

/// A generic proxy. Its id is the slug in `/proxy/{slug}/…`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Proxy {
    /// Where everything goes: scheme, host and the beginning of the path.
    pub(crate) base_url: String,
    /// Where the API wants a key.
    #[serde(default)]
    pub(crate) key_in: KeyIn,
    /// The header's or the parameter's name; not for `bearer` and `nowhere`.
    #[serde(default)]
    pub(crate) key_name: Option<String>,
    /// How the next key is picked.
    #[serde(default)]
    pub(crate) rotation: Rotation,
    /// The methods that pass; all when none is named.
    #[serde(default)]
    pub(crate) methods: Vec<Method>,
    /// The paths that pass, with everything below them; all when none is named.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// A disabled proxy is shown and not used.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
}

/// Where a key goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum KeyIn {
    #[default]
    Bearer,
    Header,
    Query,
    Nowhere,
}

/// A method that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Method {
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

impl Method {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The word in requests, configuration and documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl Proxy {
    /// Whether it makes sense, beyond the types of its fields.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::bad_request(message).at(field));
        if let Err(why) = BaseUrl::parse(&self.base_url) {
            return wrong("base_url", format!("The URL {why}."));
        }
        if self.base_url.contains(address::MODEL) {
            return wrong("base_url", "The URL has no place for a model.".to_owned());
        }
        match (self.key_in, &self.key_name) {
            (KeyIn::Bearer | KeyIn::Nowhere, None) => {}
            (KeyIn::Bearer | KeyIn::Nowhere, Some(_)) => {
                return wrong("key_name", "Only a header or a parameter has a name.".to_owned());
            }
            (KeyIn::Header, Some(name)) if is_free_header(name) => {}
            (KeyIn::Query, Some(name)) if is_parameter(name) => {}
            (KeyIn::Header | KeyIn::Query, _) => {
                let message = "Name the header or the parameter that takes the key.";
                return wrong("key_name", message.to_owned());
            }
        }
        let plain = |path: &String| path.len() <= URI_BYTES_MAX && path::is_plain(path);
        if self.paths.len() > PROXY_PATHS_MAX || !self.paths.iter().all(plain) {
            let message = format!(
                "At most {PROXY_PATHS_MAX} paths, each beginning with a slash, without `..`."
            );
            return wrong("paths", message);
        }
        Ok(())
    }

    /// Whether a request with this method for this path, as the API has it, may pass.
    pub(crate) fn admit(&self, method: &http::Method, path: &str) -> Result<()> {
        let is_method = |allowed: &Method| allowed.name() == method.as_str();
        if !self.methods.is_empty() && !self.methods.iter().any(is_method) {
            let allowed: Vec<_> = self.methods.iter().map(|method| method.name()).collect();
            let message = format!("This proxy takes {}.", allowed.join(", "));
            return Err(Error::new(Kind::MethodNotAllowed, message));
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|allowed| path::is_below(path, allowed))
        {
            return Err(Error::new(Kind::Forbidden, "This path is not open through this proxy."));
        }
        Ok(())
    }
}

/// A proxy that can be asked.
#[derive(Clone)]
pub struct Entry {
    /// The slug.
    pub slug: String,
    /// What it says.
    pub proxy: Proxy,
    /// Its place and its keys, which take turns and rest as those of a provider do.
    pub pool: Arc<Provider>,
}

impl Entry {
    /// A proxy that was checked, with its keys.
    pub(crate) fn new(slug: &str, proxy: Proxy, keys: Vec<Key>, source: Source) -> Result<Self> {
        let pool = Provider {
            id: pool_id(slug),
            // Whose rate limit headers most APIs have.
            dialect: Dialect::OpenAiChat,
            host: Host::parse(&proxy.base_url)?,
            auth: Auth::Bearer,
            api_version: None,
            keys,
            rotation: proxy.rotation,
            models: Vec::new(),
            enabled: proxy.enabled,
            // It lists no models.
            probe: false,
            source,
        };
        Ok(Self { slug: slug.to_owned(), proxy, pool: Arc::new(pool) })
    }

    /// The whole URL of a path with its query.
    pub(crate) fn url(&self, path: &str, query: Option<&str>) -> String {
        let base = match &self.pool.host {
            Host::Url(base) => base.as_str(),
            Host::Echo => "",
        };
        match query {
            Some(query) => format!("{base}{path}?{query}"),
            None => format!("{base}{path}"),
        }
    }

    /// Puts a key where the API wants it, in the place of whatever stands there.
    pub(crate) fn place<B>(&self, key: &Key, request: &mut Request<B>) -> Result<()> {
        let (secret, name) = (key.secret.expose(), self.proxy.key_name.as_deref());
        let (name, value) = match (self.proxy.key_in, name) {
            (KeyIn::Bearer, _) => (header::AUTHORIZATION, format!("Bearer {secret}")),
            (KeyIn::Header, Some(name)) => {
                (HeaderName::try_from(name).map_err(Error::internal)?, secret.to_owned())
            }
            (KeyIn::Query, Some(name)) => {
                let uri = with_parameter(&request.uri().to_string(), name, secret);
                *request.uri_mut() = uri.parse().map_err(|_| unplaced(key))?;
                return Ok(());
            }
            (KeyIn::Nowhere, _) | (KeyIn::Header | KeyIn::Query, None) => return Ok(()),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| unplaced(key))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
        Ok(())
    }
}

/// What the keys of a proxy name as their owner, and records as their provider.
pub(crate) fn pool_id(slug: &str) -> String {
    format!("{PREFIX}{slug}")
}

/// The URL with this parameter, once.
fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let is_other = |field: &&str| {
        let named = parse(field.as_bytes()).next();
        !field.is_empty() && named.is_none_or(|(found, _)| found != name)
    };
    let mut fields: Vec<&str> = query.split('&').filter(is_other).collect();
    let value: String = byte_serialize(value.as_bytes()).collect();
    let field = format!("{name}={value}");
    fields.push(&field);
    format!("{place}?{}", fields.join("&"))
}

fn unplaced(key: &Key) -> Error {
    Error::internal(format!("key {} cannot stand where its proxy wants it", key.id))
}

/// A header that may hold a key: one that passes, so that a client's own is replaced by it.
fn is_free_header(name: &str) -> bool {
    HeaderName::try_from(name).is_ok_and(|name| !headers::is_kept_back(&name))
}

fn is_parameter(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= ID_BYTES_MAX && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::identity::Secret;

    fn proxy(fields: &Value) -> Proxy {
        let mut all = json!({ "base_url": "https://api.example/v2" });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn placed(fields: &Value, secret: &str, uri: &str) -> (String, Vec<(String, String)>) {
        let entry = Entry::new("a", proxy(fields), Vec::new(), Source::File).unwrap();
        let key = Key::new("a-1".to_owned(), Secret::new(secret.to_owned()));
        let mut request = Request::get(uri).header("authorization", "Basic own").body(()).unwrap();
        entry.place(&key, &mut request).unwrap();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
        (request.uri().to_string(), headers.collect())
    }

    #[test]
    fn a_key_stands_where_the_api_wants_it_and_nowhere_else() {
        let check = |fields: Value, uri: &str, expected_uri: &str, expected: &[(&str, &str)]| {
            let (found, headers) = placed(&fields, "s&k 1", uri);
            assert_eq!(found, expected_uri);
            let expected: Vec<_> =
                expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(headers, expected);
        };
        let own = [("authorization", "Basic own")];
        let u = "https://h/p?a=1";
        check(json!({}), u, u, &[("authorization", "Bearer s&k 1")]);
        let header = json!({ "key_in": "header", "key_name": "X-Token" });
        check(header, u, u, &[own[0], ("x-token", "s&k 1")]);
        check(json!({ "key_in": "nowhere" }), u, u, &own);
        let query = || json!({ "key_in": "query", "key_name": "api_key" });
        check(query(), u, "https://h/p?a=1&api_key=s%26k+1", &own);
        check(query(), "https://h/p", "https://h/p?api_key=s%26k+1", &own);
        // A client's own key does not stand beside it, however it is spelled.
        let both = "https://h/p?api_key=x&%61pi_key=y&&api_keys=1";
        check(query(), both, "https://h/p?api_keys=1&api_key=s%26k+1", &own);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |fields: Value, field: Option<&str>| {
            let error = proxy(&fields).check().err();
            let found = error.and_then(|error| error.hints).and_then(|hints| hints.param);
            assert_eq!(found.as_deref(), field, "{fields}");
        };
        check(json!({}), None);
        check(json!({ "base_url": "http://127.0.0.1:9/{model}" }), Some("base_url"));
        check(json!({ "base_url": "http://169.254.169.254" }), Some("base_url"));
        check(json!({ "key_name": "x" }), Some("key_name"));
        check(json!({ "key_in": "header" }), Some("key_name"));
        for name in ["host", "Content-Length", "connection", "x-tidegate-key", "x-proxy-key", "a b"]
        {
            check(json!({ "key_in": "header", "key_name": name }), Some("key_name"));
        }
        check(json!({ "key_in": "query", "key_name": "a=b" }), Some("key_name"));
        for path in ["v1", "/a/../b", "/a/%2e%2e", "/a%2f.."] {
            check(json!({ "paths": [path] }), Some("paths"));
        }
    }

    #[test]
    fn what_is_not_named_does_not_pass() {
        let fields = json!({ "methods": ["GET", "HEAD"], "paths": ["/v1/users", "/open/"] });
        let proxy = proxy(&fields);
        let check = |method: http::Method, path, kind: Option<Kind>| {
            assert_eq!(proxy.admit(&method, path).err().map(|error| error.kind), kind, "{path}");
        };
        check(http::Method::GET, "/v1/users", None);
        check(http::Method::HEAD, "/v1/users/7", None);
        check(http::Method::GET, "/open/a", None);
        check(http::Method::POST, "/v1/users", Some(Kind::MethodNotAllowed));
        check(http::Method::GET, "/v1/usersecrets", Some(Kind::Forbidden));
        check(http::Method::GET, "/v1/%75sers", Some(Kind::Forbidden));
        check(http::Method::GET, "/", Some(Kind::Forbidden));
    }
}
