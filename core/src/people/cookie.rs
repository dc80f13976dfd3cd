//! Which cookie carries a session? One that a browser keeps for this host alone, and sends nowhere but back.

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::{
    config::Cookies,
    error::{Error, Kind, Result},
    identity::Secret,
    people::origin::host_of,
    ports::Transport,
};

/// Over https. The prefix makes browsers insist on `Secure`, on `Path=/`, and on no `Domain`.
const SAFE: &str = "__Host-tidegate";
/// Without encryption another name, so that neither is taken for the other.
const PLAIN: &str = "tidegate-plain";

/// The value of the session's cookie.
pub(crate) fn value(headers: &HeaderMap, transport: Transport) -> Option<&str> {
    let wanted = name(transport);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim())
}

/// The header that gives a session to a browser, for so many seconds.
pub(crate) fn give(session: &Secret, transport: Transport, seconds: i64) -> Result<HeaderValue> {
    set(session.expose(), transport, seconds)
}

/// The header that takes it away.
pub(crate) fn take(transport: Transport) -> Result<HeaderValue> {
    set("", transport, 0)
}

/// A session may begin over https and on this machine. Anywhere else its cookie could be read on the way.
pub(crate) fn may_be_given(
    headers: &HeaderMap,
    uri: &Uri,
    transport: Transport,
    cookies: Cookies,
) -> Result<()> {
    let local = host_of(headers, uri).is_some_and(is_this_machine);
    if transport == Transport::Https || cookies == Cookies::Insecure || local {
        return Ok(());
    }
    let message = "A session would travel unencrypted here. Use https; if a proxy does that already, name the proxy in \
                   `trusted_proxies`. In a network that you trust, set `insecure_cookies = true`.";
    Err(Error::new(Kind::Forbidden, message).coded("insecure_transport"))
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Https => SAFE,
        Transport::Plain => PLAIN,
    }
}

fn set(value: &str, transport: Transport, seconds: i64) -> Result<HeaderValue> {
    let secure = match transport {
        Transport::Https => "; Secure",
        Transport::Plain => "",
    };
    let name = name(transport);
    let text = zeroize::Zeroizing::new(format!(
        "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    ));
    let mut header = HeaderValue::from_str(&text).map_err(Error::internal)?;
    header.set_sensitive(true);
    Ok(header)
}

/// What browsers reach without any network.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_has_its_cookie() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; tidegate-plain=p"));
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-tidegate=s ; b=2"));
        assert_eq!(value(&headers, Transport::Https), Some("s"));
        assert_eq!(value(&headers, Transport::Plain), Some("p"));
        assert_eq!(value(&HeaderMap::new(), Transport::Plain), None);
        let secret = Secret::new("v".to_owned());
        assert_eq!(
            give(&secret, Transport::Https, 60).unwrap(),
            "__Host-tidegate=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            take(Transport::Plain).unwrap(),
            "tidegate-plain=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        let check = |host: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            let uri = Uri::from_static("/api/session");
            let given = |cookies| may_be_given(&headers, &uri, Transport::Plain, cookies).is_ok();
            assert_eq!(given(Cookies::Safe), expected, "{host}");
            assert!(given(Cookies::Insecure));
            assert!(may_be_given(&headers, &uri, Transport::Https, Cookies::Safe).is_ok());
        };
        check("localhost", true);
        check("LocalHost:8080", true);
        check("127.0.0.1:8080", true);
        check("[::1]:8080", true);
        check("192.168.1.5:8080", false);
        check("localhost.example.org", false);
        check("127.0.0.1.example.org", false);
        check("[2001:db8::1]", false);
    }
}
