//! May this URL be fetched? It is read once, as browsers read it, and what goes out is what was read.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use super::address::{is_global, is_inside_name};
use crate::{limits::MEDIA_URL_BYTES_MAX, provider::base_url::BaseUrl};

/// Lets public places pass, and those that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    allow: Vec<Place>,
}

/// A host and a port that the operator allows, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: u16,
}

/// A URL that passed.
#[derive(Clone, Debug)]
pub struct Admitted {
    url: Url,
    allowed: bool,
}

impl Gate {
    /// A gate that lets these places pass too.
    #[must_use]
    pub fn new(allow: Vec<Place>) -> Self {
        Self { allow }
    }

    /// The places that the operator allows.
    pub fn allowed(&self) -> impl Iterator<Item = &Place> {
        self.allow.iter()
    }

    /// Reads a URL. The error is for the log: a client is told the same whatever it is.
    pub fn admit(&self, text: &str) -> Result<Admitted, &'static str> {
        self.check(Url::parse(plain(text)?).map_err(|_| "it is no URL")?)
    }

    /// Reads where a redirect leads from a URL that passed: it is checked like any other.
    pub(super) fn admit_next(
        &self,
        at: &Admitted,
        location: &str,
    ) -> Result<Admitted, &'static str> {
        self.check(at.url.join(plain(location)?).map_err(|_| "it is moved to no URL")?)
    }

    fn check(&self, mut url: Url) -> Result<Admitted, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its scheme is neither http nor https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user");
        }
        url.set_fragment(None);
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err("it has no host");
        };
        let name = host.to_string();
        let allowed = self.allow.iter().any(|place| place.host == name && place.port == port);
        let outside = match host {
            Host::Ipv4(v4) => is_global(v4.into()),
            Host::Ipv6(v6) => is_global(v6.into()),
            Host::Domain(name) => !is_inside_name(name),
        };
        if !allowed && !outside {
            return Err("its host is not public");
        }
        Ok(Admitted { url, allowed })
    }
}

impl Place {
    /// Reads `host:port`. The error completes a sentence about the text and does not repeat it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "must be a host and a port, such as 10.0.0.7:9000";
        let port = text.rsplit_once(':').map(|(_, port)| port).ok_or(WANTED)?;
        let port = port.parse().map_err(|_| WANTED)?;
        // What a provider's address must not be is not allowed here either.
        let url = BaseUrl::parse(&format!("http://{text}"))?;
        let origin = url.to_string();
        let host = origin.trim_start_matches("http://");
        let host = host.strip_suffix(&format!(":{port}")).unwrap_or(host);
        if text.contains('/') { Err(WANTED) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Admitted {
    /// The URL as it was read: every parser finds the same host in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether it may lead inside, because the operator allows its place.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The address that it names, if it names one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(v4) => Some(v4.into()),
            Host::Ipv6(v6) => Some(v6.into()),
            Host::Domain(_) => None,
        }
    }
}

/// A parser would take some of these out and read others as `/`; no URL needs them.
fn plain(text: &str) -> Result<&str, &'static str> {
    if text.len() > MEDIA_URL_BYTES_MAX {
        return Err("it is too long");
    }
    let strange = |byte: u8| byte.is_ascii_control() || matches!(byte, b' ' | b'\\');
    if text.bytes().any(strange) { Err("it has strange characters") } else { Ok(text) }
}

#[cfg(test)]
mod tests;
