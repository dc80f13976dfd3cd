//! Does a browser send this for its own page, or for somebody else's? Other sites must not act with a session.

use http::{HeaderMap, Method, Uri, header};

use crate::error::{Error, Kind, Result};

/// What a request that changes something must show when a session comes with it: that a page of this host sent it, and
/// JSON, which no form of another site can send.
pub(crate) fn check(method: &Method, headers: &HeaderMap, uri: &Uri) -> Result<()> {
    if method.is_safe() {
        return Ok(());
    }
    match sender(headers, uri) {
        Sender::Own => {}
        Sender::Other => return Err(foreign()),
        Sender::Unknown => {
            let message = "With a session, send `Sec-Fetch-Site` or `Origin`, as browsers do.";
            return Err(Error::new(Kind::Forbidden, message).coded("foreign_origin"));
        }
    }
    if *method == Method::DELETE || is_json(headers) {
        return Ok(());
    }
    Err(Error::new(Kind::UnsupportedMedia, "Send the body as `application/json`."))
}

/// What is asked of a request that begins a session: a program may say nothing of where it comes from.
pub(crate) fn check_beginning(headers: &HeaderMap, uri: &Uri) -> Result<()> {
    if sender(headers, uri) == Sender::Other {
        return Err(foreign());
    }
    if is_json(headers) {
        return Ok(());
    }
    Err(Error::new(Kind::UnsupportedMedia, "Send the body as `application/json`."))
}

/// What a WebSocket must show when a session comes with it. Browsers let a page of any site open one, cookies and all, and
/// say in `Origin` which one it is; not all of them send `Sec-Fetch-Site` with it.
pub(crate) fn check_socket(headers: &HeaderMap, uri: &Uri) -> Result<()> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| is_own(origin, headers, uri)) { Ok(()) } else { Err(foreign()) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// A page of this host, or the person themselves.
    Own,
    /// A page of another one.
    Other,
    /// Nothing says so.
    Unknown,
}

fn sender(headers: &HeaderMap, uri: &Uri) -> Sender {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some("same-origin" | "none"), _) => Sender::Own,
        (None, Some(origin)) if is_own(origin, headers, uri) => Sender::Own,
        (Some(_), _) | (None, Some(_)) => Sender::Other,
        (None, None) => Sender::Unknown,
    }
}

fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let (_, host) = origin.split_once("://").unwrap_or_default();
    host_of(headers, uri).is_some_and(|own| own.eq_ignore_ascii_case(host))
}

/// The host that was asked, with its port.
pub(crate) fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| uri.authority().map(http::uri::Authority::as_str))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn foreign() -> Error {
    Error::new(Kind::Forbidden, "Another site has sent this.").coded("foreign_origin")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn sent(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("gate.example:8080"));
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        check(method, &headers, &Uri::from_static("/api/x")).is_ok()
    }

    #[test]
    fn only_pages_of_this_host_change_something() {
        let json = ("content-type", "application/json; charset=utf-8");
        for (pairs, expected) in [
            (vec![json, ("sec-fetch-site", "same-origin")], true),
            (vec![json, ("sec-fetch-site", "none")], true),
            (vec![json, ("sec-fetch-site", "same-site")], false),
            (vec![json, ("sec-fetch-site", "cross-site")], false),
            (
                vec![
                    json,
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://gate.example:8080"),
                ],
                false,
            ),
            (vec![json, ("origin", "http://gate.example:8080")], true),
            (vec![json, ("origin", "https://GATE.example:8080")], true),
            (vec![json, ("origin", "http://gate.example")], false),
            (vec![json, ("origin", "http://evil.example")], false),
            (vec![json, ("origin", "null")], false),
            (vec![json], false),
            (vec![("sec-fetch-site", "same-origin")], false),
            (vec![("sec-fetch-site", "same-origin"), ("content-type", "text/plain")], false),
        ] {
            assert_eq!(sent(&Method::POST, &pairs), expected, "{pairs:?}");
        }
        assert!(sent(&Method::GET, &[("sec-fetch-site", "cross-site")]));
        let opened = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("gate.example:8080"));
            headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
            headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
            check_socket(&headers, &Uri::from_static("/api/x")).is_ok()
        };
        assert!(opened(Some("http://gate.example:8080")));
        for origin in [None, Some("null"), Some("http://evil.example"), Some("http://gate.example")]
        {
            assert!(!opened(origin), "{origin:?}");
        }
        assert!(sent(&Method::DELETE, &[("sec-fetch-site", "same-origin")]));
        assert!(!sent(&Method::DELETE, &[json]));
    }
}
