//! Where is a provider? A base URL taken apart, so strictly that no other parser can read another host into it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::address::MODEL;

/// The base of a provider's API, such as `https://api.openai.com/v1`. It displays without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Origin,
    path: String,
}

/// Scheme, host and port: what a key is bound to. Two spellings of one origin are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
}

impl BaseUrl {
    /// Reads a URL. The error completes the sentence "the URL …" and does not repeat the URL: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = split_scheme(text)?;
        if rest.contains('?') {
            return Err("must have no query");
        }
        if rest.contains('#') {
            return Err("must have no fragment");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("must hold no user name or password");
        }
        let (host, port) = split_port(authority)?;
        let host = read_host(host)?;
        let port = port.unwrap_or(scheme.port());
        Ok(Self { origin: Origin { scheme, host, port }, path: read_path(path)? })
    }

    /// What keys of this provider are bound to.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The same URL with `last` as the last part of its path, added unless it stands there.
    #[must_use]
    pub fn ending_in(mut self, last: &str) -> Self {
        if self.path.rsplit('/').next() != Some(last) {
            self.path.push('/');
            self.path.push_str(last);
        }
        self
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        if self.port == self.scheme.port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("must begin with http:// or https://");
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok((Scheme::Http, rest)),
        "https" => Ok((Scheme::Https, rest)),
        _ => Err("must begin with http:// or https://"),
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    // An IPv6 address has colons of its own, inside its brackets.
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority[after_host..].find(':').map(|at| at + after_host) else {
        return Ok((authority, None));
    };
    let digits = &authority[colon + 1..];
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(port) if plain && port != 0 => Ok((&authority[..colon], Some(port))),
        _ => Err("must have a port from 1 to 65535 after the colon"),
    }
}

fn read_host(host: &str) -> Result<String, &'static str> {
    const METADATA: &str = "must not be a link-local or metadata address";
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let Ok(address) = address.parse::<Ipv6Addr>() else {
            return Err("must have an IPv6 address between the brackets");
        };
        return if is_metadata(address.into()) {
            Err(METADATA)
        } else {
            Ok(format!("[{address}]"))
        };
    }
    let host = host.to_ascii_lowercase();
    // URL parsers read `2130706433`, `0x7f.1` and `127.1` as addresses; this one knows the usual form alone.
    if ends_in_number(&host) {
        let Ok(address) = host.parse::<Ipv4Addr>() else {
            return Err("must have an address of four decimal numbers or a name as its host");
        };
        return if is_metadata(address.into()) { Err(METADATA) } else { Ok(host) };
    }
    if !is_name(&host) {
        return Err(
            "must have a host: a name of ASCII letters, digits, dots and hyphens, or an address",
        );
    }
    if is_metadata_name(&host) { Err(METADATA) } else { Ok(host) }
}

fn ends_in_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").unwrap_or(last);
    let hex = digits.len() < last.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn is_metadata_name(host: &str) -> bool {
    const NAMES: [&str; 5] = [
        "metadata",
        "metadata.goog",
        "instance-data",
        "metadata.azure.internal",
        "metadata.google.internal",
    ];
    NAMES.contains(&host)
        || host.ends_with(".metadata.google.internal")
        || host == "instance-data.ec2.internal"
}

/// Whether an address is one that no request ever goes to, not even an administrator's: link-local ones and the clouds'
/// metadata services outside of that range, also wrapped into IPv6.
#[must_use]
pub fn is_metadata(address: IpAddr) -> bool {
    const SERVICES: [Ipv4Addr; 3] = [
        Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    // Amazon keeps this network for its services, Google that address.
    const AWS: u128 = 0xfd00_0ec2;
    const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || SERVICES.contains(&v4),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.to_bits() >> 96 == AWS
                || v6 == GOOGLE
                || wrapped(v6).is_some_and(|v4| is_metadata(v4.into()))
        }
    }
}

/// The IPv4 address that a mapped, compatible, NAT64 or 6to4 address leads to.
fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let v4 = match bits >> 32 {
        0 | 0xffff => bits,
        prefix if prefix >> 64 == 0x0064_ff9b => bits,
        prefix if prefix >> 80 == 0x2002 => bits >> 80,
        _ => return None,
    };
    Some(Ipv4Addr::from_bits((v4 & 0xffff_ffff) as u32))
}

fn read_path(path: &str) -> Result<String, &'static str> {
    let path = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    let part = |part: &str| part == MODEL || part.bytes().all(plain);
    if !path.split('/').all(part) {
        return Err("must have a path of plain ASCII characters");
    }
    if path.split('/').any(|part| part == "." || part == "..") || path.contains("//") {
        return Err("must have a path without empty parts or dots");
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_place_are_one_url() {
        for (text, shown, origin) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1", "https://api.openai.com"),
            (
                "HTTPS://API.OpenAI.com:443/v1/",
                "https://api.openai.com/v1",
                "https://api.openai.com",
            ),
            ("http://localhost:11434", "http://localhost:11434", "http://localhost:11434"),
            ("http://127.0.0.1:80//", "http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:9100/v1", "http://[::1]:9100/v1", "http://[::1]:9100"),
            ("http://[0:0:0:0:0:0:0:1]:9100", "http://[::1]:9100", "http://[::1]:9100"),
            ("http://my_host-2.local/a/b", "http://my_host-2.local/a/b", "http://my_host-2.local"),
            ("https://host/d/{model}/", "https://host/d/{model}", "https://host"),
            ("https://10.0.0.7/openai/v1", "https://10.0.0.7/openai/v1", "https://10.0.0.7"),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.origin().to_string(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        for text in [
            "",
            "api.openai.com/v1",
            "ftp://host/v1",
            "https://",
            "https:///v1",
            "https://:443/v1",
            "https://host:0",
            "https://host:+80",
            "https://host:65536",
            "https://host:80:80",
            "https://user@host/v1",
            "https://user:word@host/v1",
            "https://host\\@evil/v1",
            "https://host/v1?key=1",
            "https://host/v1#x",
            "https://ho st/v1",
            "https://höst/v1",
            "https://host%2e/v1",
            "https://host./v1",
            "https://a..b/v1",
            "https://[::1/v1",
            "https://::1/v1",
            "https://[fe80::1%25eth0]/v1",
            "https://host/v1/../admin",
            "https://host/a//b",
            "https://host/%2e%2e",
            "https://host/{name}",
            "https://host/a{model}",
            "https://{model}/v1",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_spelling_reaches_a_metadata_service() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "2852039166",
            "0xa9fea9fe",
            "0xa9.0xfe.0xa9.0xfe",
            "169.254.43518",
            "0251.0376.0251.0376",
            "169.254.169.254.",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
            "[fd20:ce::254]",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "metadata.google.internal",
            "METADATA.google.internal",
            "metadata.google.internal.",
            "metadata",
        ] {
            assert!(BaseUrl::parse(&format!("http://{host}/latest")).is_err(), "{host}");
        }
    }

    #[test]
    fn the_last_part_is_added_once() {
        for (text, shown) in [
            ("http://localhost:11434", "http://localhost:11434/v1"),
            ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
            ("http://localhost/ollama", "http://localhost/ollama/v1"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().ending_in("v1").to_string(), shown);
        }
    }
}
