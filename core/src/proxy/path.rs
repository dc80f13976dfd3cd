//! Where does a request for a proxy lead? Its slug, and a path that stays below the proxy's own, whoever decodes it.

use crate::error::{Error, Result};

/// What all paths of proxies begin with.
pub(crate) const PROXY: &str = "/proxy/";

/// How often a path is decoded in the search for what it hides: some hosts do it twice.
const DECODINGS_MAX: usize = 4;

/// The slug of a request's path, and the path that the API is asked for: empty, or beginning with a slash.
pub(crate) fn split(path: &str) -> Result<(&str, &str)> {
    let rest = path.strip_prefix(PROXY).unwrap_or_default();
    let (slug, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.is_empty() || is_plain(path) {
        Ok((slug, path))
    } else {
        Err(Error::bad_request("The path is not a plain one."))
    }
}

/// Whether a path begins with a slash and leads nowhere but down, even when it is decoded more than once.
pub(crate) fn is_plain(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(leads_down))
}

/// Whether a path is this one, or below it.
pub(crate) fn is_below(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || above.ends_with('/') || rest.starts_with('/'))
}

/// An encoded slash belongs to a name for some hosts and parts two names for others. A segment has to lead down for both.
fn leads_down(segment: &str) -> bool {
    let segment = segment.as_bytes();
    let decoded = decoded(segment);
    decoded.as_deref().unwrap_or(segment).split(|byte| *byte == b'/').all(is_name)
}

/// Whether this is a name, also for a host that decodes it once more. A slash that shows only then is nobody's way of
/// writing one.
fn is_name(segment: &[u8]) -> bool {
    let mut bytes = segment.to_vec();
    for _ in 1..DECODINGS_MAX {
        // Some hosts take what follows a semicolon for parameters of the segment.
        let name = bytes.split(|byte| *byte == b';').next().unwrap_or_default();
        let strange = |byte: &u8| matches!(byte, b'/' | b'\\') || byte.is_ascii_control();
        if matches!(name, b"." | b"..") || bytes.iter().any(strange) {
            return false;
        }
        let Some(decoded) = decoded(&bytes) else { return true };
        bytes = decoded;
    }
    // Nobody needs to write a name that way.
    false
}

/// One percent-decoding; `None` when nothing changes by it.
fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let hex = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = (*byte == b'%').then(|| Some(hex(at + 1)? * 16 + hex(at + 2)?)).flatten();
        let (read, length) = match pair.and_then(|pair| u8::try_from(pair).ok()) {
            Some(read) => (read, 3),
            None => (*byte, 1),
        };
        out.push(read);
        at += length;
    }
    (out.len() < bytes.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_and_what_follows_it() {
        let check = |path, expected| assert_eq!(split(path).ok(), expected, "{path}");
        check("/proxy/git", Some(("git", "")));
        check("/proxy/git/", Some(("git", "/")));
        check("/proxy/git/a/b%20c", Some(("git", "/a/b%20c")));
        check("/proxy/git/100%25", Some(("git", "/100%25")));
        check("/proxy/git/a;v=1/..b/c..", Some(("git", "/a;v=1/..b/c..")));
        check("/proxy/git/grün", Some(("git", "/grün")));
    }

    #[test]
    fn an_encoded_slash_stays_as_it_was_written() {
        for path in [
            "/projects/group%2Fname",
            "/projects/group%2fsub%2Fname/issues",
            "/a%2F..b%2F...%2Fc.",
            "/a%2F%20b;v=1%2Fc",
            "/%2Fa%2F",
            "/100%25%2Fa",
        ] {
            assert_eq!(split(&format!("/proxy/git{path}")).ok(), Some(("git", path)));
        }
    }

    #[test]
    fn nothing_leads_up_or_hides_where_it_leads() {
        for path in [
            "/..",
            "/a/..",
            "/a/../b",
            "/./a",
            "/%2e%2e/a",
            "/%2E%2e/a",
            "/.%2e/a",
            "/%252e%252e/a",
            "/%25252e%25252e/a",
            "/%2525252525252e",
            "/..%2Fa",
            "/a%2F..",
            "/a%2f..%2Fb",
            "/a%2F%2e%2E%2fb",
            "/a%2F.%2Fb",
            "/a%2F%2e",
            "/a%2F%252e%252e%2Fb",
            "/a%2F..;%2Fb",
            "/a%2F..%3bx=1",
            "/a;x=%2F..",
            "/%2e%2e%252fa",
            "/a%2F%5cb",
            "/a%2Fb\\c",
            "/a%2F%00",
            "/a%2F%0a",
            "/a%252fb",
            "/a%2F%252Fb",
            "/a%5cb",
            "/a%255c..",
            "/a\\b",
            "/a%00b",
            "/a%0d%0ab",
            "/..;/a",
            "/..;x=1/a",
            "/%2e%2e;/a",
            "/..%3b/a",
        ] {
            assert!(split(&format!("/proxy/git{path}")).is_err(), "{path}");
        }
    }

    #[test]
    fn below_means_by_whole_segments() {
        for (path, above, expected) in [
            ("/a", "/a", true),
            ("/a/b", "/a", true),
            ("/ab", "/a", false),
            ("/a/b", "/a/", true),
            ("/a", "/a/", false),
            ("/anything", "/", true),
            ("", "/", false),
        ] {
            assert_eq!(is_below(path, above), expected, "{path} {above}");
        }
    }
}
