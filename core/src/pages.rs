//! Which requests are for the dashboard, and how long may a browser keep what it gets? All adapters ask here.

use http::{HeaderMap, Method, Request, header};

/// Where the dashboard's pages and files are. No route of the gateway begins so.
const PAGES: &str = "/ui";
/// Where files are whose names change with what they hold.
pub const ASSETS: &str = "/ui/assets/";
/// Where a one-time link leads.
const SETUP: &str = "/setup";

/// Whether a page or a file is wanted. A path that names no file leads to the page, but for those below [`ASSETS`].
#[must_use]
pub fn wanted<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let below = path.strip_prefix(PAGES);
    let below = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    reads && (below || path == SETUP || (path == "/" && takes_pages(request.headers())))
}

/// Programs ask the same address for JSON.
fn takes_pages(headers: &HeaderMap) -> bool {
    let wanted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    wanted.flat_map(|value| value.split(',')).any(|kind| kind.trim_start().starts_with("text/html"))
}

/// How long a browser may keep a file.
#[must_use]
pub fn keeping(path: &str) -> &'static str {
    if path.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

/// What decides what is sent, beside the address.
pub const VARY: &str = "accept, accept-encoding";

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;
    use crate::http::secure;

    #[test]
    fn browsers_get_pages_and_programs_get_the_gateway() {
        const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
        for (method, path, accept, expected) in [
            (Method::GET, "/", BROWSER, true),
            (Method::HEAD, "/", BROWSER, true),
            (Method::GET, "/", "*/*", false),
            (Method::GET, "/", "application/json, text/html", true),
            (Method::POST, "/", BROWSER, false),
            (Method::GET, "/setup", BROWSER, true),
            (Method::GET, "/ui", "*/*", true),
            (Method::GET, "/ui/requests/abc", "*/*", true),
            (Method::GET, "/ui/assets/index-12345678.js", "*/*", true),
            (Method::DELETE, "/ui/requests", "*/*", false),
            (Method::GET, "/uiet", BROWSER, false),
            (Method::GET, "/v1/models", BROWSER, false),
            (Method::GET, "/api/session", BROWSER, false),
        ] {
            let request = Request::builder().method(method.clone()).uri(path);
            let request = request.header(header::ACCEPT, accept).body(()).unwrap();
            assert_eq!(wanted(&request), expected, "{method} {path} {accept}");
        }
    }

    /// What a host that serves the files by itself says with them, in the words of its own file.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the words are a file")]
    fn hosts_of_static_files_are_told_the_same() {
        let mut headers = HeaderMap::new();
        secure(&mut headers);
        let secured = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let mut lines =
            vec!["# Written by `UPDATE=1 cargo test -p tidegate-core pages`.".to_owned()];
        lines.push("/*".to_owned());
        lines.extend(
            secured
                .chain([("vary", VARY), ("cache-control", keeping("/"))])
                .map(|(name, value)| format!("  {name}: {value}")),
        );
        // What the rule for all paths says is taken away first: two values would be joined.
        lines.push(format!("{ASSETS}*\n  ! cache-control"));
        lines.push(format!("  cache-control: {}\n", keeping(ASSETS)));
        let text = lines.join("\n");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard/public/_headers");
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, &text).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(found == text, "run `UPDATE=1 cargo test -p tidegate-core pages`");
    }
}
