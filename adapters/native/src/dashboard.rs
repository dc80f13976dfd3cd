//! Is this request for a page or a file of the dashboard? Then the answer lies in the program already.

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use tidegate_core::{
    Body,
    http::secure,
    pages::{ASSETS, VARY, keeping, wanted},
};

/// One file of the built dashboard.
struct File {
    /// From the root of the host.
    path: &'static str,
    plain: &'static [u8],
    /// The same compressed, where that is smaller.
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// The page that all deep links show.
const INDEX: &str = "/index.html";

/// What a browser is shown by a program that was built without the dashboard.
const UNBUILT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Tidegate</title>
<h1>Tidegate is running</h1>
<p>This program was built without its dashboard. With Node.js 20 or later, <code>cargo xtask dashboard</code> builds it;
build and start Tidegate again after that.</p>
<p>The API works all the same.</p>
</html>
";

/// The answer, if the dashboard has one.
#[must_use]
pub fn dashboard<B>(request: &Request<B>) -> Option<Response<Body>> {
    if !wanted(request) {
        return None;
    }
    let path = request.uri().path();
    let find = |path: &str| FILES.iter().find(|file| file.path == path);
    let file = match find(path) {
        None if path.starts_with(ASSETS) => return None,
        None => find(INDEX),
        found => found,
    };
    let head = *request.method() == Method::HEAD;
    Some(file.map_or_else(unbuilt, |file| answer(file, request.headers(), head)))
}

fn answer(file: &File, headers: &HeaderMap, head: bool) -> Response<Body> {
    let packed = file.gzip.filter(|_| takes_gzip(headers));
    let bytes = packed.unwrap_or(file.plain);
    let mut response = Response::new(if head { Body::empty() } else { Body::from(bytes) });
    let told = response.headers_mut();
    told.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(file.path)));
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeping(file.path)));
    told.insert(header::VARY, HeaderValue::from_static(VARY));
    if packed.is_some() {
        told.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    secure(told);
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let taken = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut codings = taken.unwrap_or_default().split(',');
    codings.any(|coding| coding.trim() == "gzip")
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

fn unbuilt() -> Response<Body> {
    let mut response = Response::new(Body::from(UNBUILT));
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secure(told);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Option<Response<Body>> {
        dashboard(&Request::get(path).body(()).unwrap())
    }

    #[test]
    fn links_lead_to_the_page_and_lost_files_to_nothing() {
        for path in ["/ui", "/ui/requests/abc", "/setup"] {
            let found = asked(path).unwrap();
            assert_eq!(found.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert!(found.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        }
        for path in ["/ui/assets/gone-12345678.js", "/", "/v1/models"] {
            assert!(asked(path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_changes_is_asked_for_again_and_what_has_a_digest_is_kept() {
        let file = |path| File { path, plain: b"plain", gzip: Some(b"gz") };
        let told = |path, codings: &'static str, name| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
            let found = answer(&file(path), &headers, false);
            found.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let keeping = |path| told(path, "", header::CACHE_CONTROL).unwrap();
        assert_eq!(keeping("/index.html"), "no-cache");
        assert!(keeping("/ui/assets/index-1a2b.js").ends_with("immutable"));
        assert_eq!(told("/x.js", "br, gzip", header::CONTENT_LENGTH).unwrap(), "2");
        assert_eq!(told("/x.js", "br", header::CONTENT_LENGTH).unwrap(), "5");
        assert_eq!(told("/x.js", "br", header::CONTENT_ENCODING), None);
    }
}
