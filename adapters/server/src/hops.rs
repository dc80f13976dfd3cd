//! Who is the client when a proxy stands in between? What the proxy says, if its word is taken.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use tidegate_core::{network::Network, ports::Transport};

use crate::exchange::Peer;

/// A client as the gateway is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: Option<IpAddr>,
    pub(crate) transport: Transport,
}

impl Client {
    /// The other end of the connection, or whoever a trusted proxy at that end speaks for: the last address in its list
    /// that is not a trusted proxy itself. What stands before that, the client could have written.
    pub(crate) fn of(peer: Option<Peer>, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let address = peer.map(|Peer(address)| address);
        let is_proxy = |address| trusted.iter().any(|network| network.contains(address));
        let Some(mut client) = address.filter(|address| is_proxy(*address)) else {
            return Self { address, transport: Transport::Plain };
        };
        for hop in hops(headers).into_iter().rev() {
            let Some(hop) = hop else { break };
            client = hop;
            if !is_proxy(hop) {
                break;
            }
        }
        let https = protocol(headers).is_some_and(|word| word.eq_ignore_ascii_case("https"));
        let transport = if https { Transport::Https } else { Transport::Plain };
        Self { address: Some(client), transport }
    }
}

/// The addresses that the request has come through, the client's first; `None` for what is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let plain: Vec<_> = items(headers, "x-forwarded-for").map(address).collect();
    if !plain.is_empty() {
        return plain;
    }
    items(headers, "forwarded").map(|item| address(field(item, "for")?)).collect()
}

/// What the last proxy says about the way the request came to it.
fn protocol(headers: &HeaderMap) -> Option<&str> {
    let named = items(headers, "x-forwarded-proto").last();
    named.or_else(|| field(items(headers, "forwarded").last()?, "proto"))
}

fn items<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// `for=192.0.2.1;proto=https`
fn field<'h>(item: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = item.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// With a port or without, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse().ok();
    found.or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn check(peer: &str, pairs: &[(&str, &str)], address: &str, transport: Transport) {
        let trusted = ["10.0.0.0/8", "127.0.0.1"].map(|text| Network::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let found = Client::of(Some(Peer(peer.parse().unwrap())), &headers, &trusted);
        let expected = Client { address: Some(address.parse().unwrap()), transport };
        assert_eq!(found, expected, "{peer} {pairs:?}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let said = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")];
        check("192.0.2.1", &said, "192.0.2.1", Transport::Plain);
        check("10.0.0.1", &said, "203.0.113.9", Transport::Https);
        check("127.0.0.1", &[], "127.0.0.1", Transport::Plain);
    }

    #[test]
    fn what_the_client_may_have_written_counts_for_nothing() {
        let check = |said: &str, address| {
            check("10.0.0.1", &[("x-forwarded-for", said)], address, Transport::Plain);
        };
        check("198.51.100.1, 203.0.113.9", "203.0.113.9");
        check("198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9");
        check("10.0.0.3, 10.0.0.2", "10.0.0.3");
        check("198.51.100.1, unknown, 10.0.0.2", "10.0.0.2");
        check("unknown", "10.0.0.1");
        check("203.0.113.9:4711", "203.0.113.9");
        check("[2001:db8::1]:4711", "2001:db8::1");
        check("2001:db8::1", "2001:db8::1");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let said = [("forwarded", "for=198.51.100.1, for=\"[2001:db8::1]\";proto=https")];
        check("10.0.0.1", &said, "2001:db8::1", Transport::Https);
        let both = [("x-forwarded-proto", "https, http"), ("x-forwarded-for", "203.0.113.9")];
        check("10.0.0.1", &both, "203.0.113.9", Transport::Plain);
    }
}
