//! Which requests are refused before anybody reads them? Those that are ambiguous or out of size.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use tidegate_core::{
    Body,
    http::json,
    limits::{HEADER_BYTES_MAX, URI_BYTES_MAX},
};

use crate::scan::Flaw;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: &'static str,
}

/// Looks at a request's head, and at what was `flawed` about its bytes.
pub(crate) fn inspect<B>(request: &Request<B>, flawed: Option<Flaw>) -> Result<(), Refusal> {
    match flawed {
        Some(Flaw::TwoLengths) => {
            return Err(bad("Content-Length and Transfer-Encoding exclude each other."));
        }
        Some(Flaw::BareLineFeed) => return Err(bad("Header lines must end with CR LF.")),
        None => {}
    }
    let uri = request.uri();
    let path_bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = uri.authority().map(http::uri::Authority::as_str);
    if path_bytes + authority.map_or(0, str::len) > URI_BYTES_MAX {
        return Err(Refusal { status: StatusCode::URI_TOO_LONG, message: "The URL is too long." });
    }
    if header_bytes(request.headers()) > HEADER_BYTES_MAX {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Refusal { status, message: "The headers are too large." });
    }
    one_host(request.headers(), authority, request.version())
}

/// Virtual hosts and caches go by the host, so there must be one and only one.
fn one_host(headers: &HeaderMap, authority: Option<&str>, version: Version) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("There must be one Host header."));
    }
    match (host, authority) {
        (Some(host), Some(authority)) if !same(host, authority) => {
            Err(bad("The URL's host and the Host header must be the same."))
        }
        (None, None) if version >= Version::HTTP_11 => Err(bad("The Host header is missing.")),
        (None, Some(_)) if version == Version::HTTP_11 => Err(bad("The Host header is missing.")),
        _ => Ok(()),
    }
}

fn same(host: &HeaderValue, authority: &str) -> bool {
    host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())
}

/// As they were on the wire: a colon, a space and the line's end between and behind them.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn bad(message: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, message }
}

impl Refusal {
    /// The answer, in the form of the most common dialect: the client's own is not known yet.
    pub(crate) fn response(self) -> Response<Body> {
        let error = serde_json::json!({
            "error": {
                "message": self.message,
                "type": "invalid_request_error",
                "param": null,
                "code": null,
            }
        });
        json(self.status, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        for host in hosts {
            request.headers_mut().append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        request
    }

    fn check(request: &Request<()>, expected: Result<(), u16>) {
        let found = inspect(request, None).map_err(|refusal| refusal.status.as_u16());
        assert_eq!(found, expected, "{request:?}");
    }

    #[test]
    fn there_is_one_host() {
        check(&request("/", &["a"]), Ok(()));
        check(&request("/", &[]), Err(400));
        check(&request("/", &["a", "a"]), Err(400));
        check(&request("http://A:1/", &["a:1"]), Ok(()));
        check(&request("http://a/", &["b"]), Err(400));
        check(&request("http://a/", &[]), Err(400));
    }

    #[test]
    fn older_and_newer_versions_have_their_own_rules() {
        let mut ancient = request("/", &[]);
        *ancient.version_mut() = Version::HTTP_10;
        check(&ancient, Ok(()));
        let mut modern = request("https://a/", &[]);
        *modern.version_mut() = Version::HTTP_2;
        check(&modern, Ok(()));
        modern.headers_mut().insert(header::HOST, HeaderValue::from_static("b"));
        check(&modern, Err(400));
        let mut nowhere = request("/", &[]);
        *nowhere.version_mut() = Version::HTTP_2;
        check(&nowhere, Err(400));
    }

    #[test]
    fn sizes_are_bounded() {
        check(&request(&format!("/{}", "a".repeat(URI_BYTES_MAX - 1)), &["a"]), Ok(()));
        check(&request(&format!("/{}", "a".repeat(URI_BYTES_MAX)), &["a"]), Err(414));
        let mut large = request("/", &["a"]);
        let value = HeaderValue::from_str(&"v".repeat(HEADER_BYTES_MAX)).unwrap();
        large.headers_mut().insert("x", value);
        check(&large, Err(431));
    }
}
