//! What does a path say? Which pattern it fits, what it names, and whose client asks for it.

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    proxy::path::PROXY,
};

/// What stands before a path of ours when a provider is chosen by the path: `/llm/{provider}/v1/…`.
const PINNED: &str = "/llm/";

/// Whether a path fits a route's pattern.
#[must_use]
pub fn fits(pattern: &str, path: &str) -> bool {
    capture(pattern, path).is_some()
}

/// Whether a body that is sent to this path may pass on without being read whole.
#[must_use]
pub fn passes_bodies(path: &str) -> bool {
    path.starts_with(PROXY)
}

/// What the pattern's `{…}` takes of the path; `Some("")` when there is none, `None` when it does not fit.
pub(super) fn capture<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((start, rest)) = pattern.split_once('{') else {
        return (pattern == path).then_some("");
    };
    let (name, end) = rest.split_once('}')?;
    let value = path.strip_prefix(start)?.strip_suffix(end)?;
    let fits = !value.is_empty() && (name.ends_with('*') || !value.contains('/'));
    fits.then_some(value)
}

/// One percent-decoding; the path was refused if it hides a slash.
pub(super) fn decode(param: &str) -> Result<String> {
    let bad = || Error::bad_request("The path is not a plain one.");
    let mut bytes = Vec::with_capacity(param.len());
    let mut rest = param.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        match byte {
            b'%' => {
                let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) else {
                    return Err(bad());
                };
                bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// The provider that a path names before everything else, and the path behind it.
pub(super) fn pinned(path: &str) -> (Option<&str>, &str) {
    let named = path.strip_prefix(PINNED).and_then(|rest| Some((rest, rest.find('/')?)));
    named.map_or((None, path), |(rest, end)| (Some(&rest[..end]), &rest[end..]))
}

/// Whose client asks for a path, to be told in its own words that there is nothing.
pub(super) fn spoken_at(path: &str) -> Dialect {
    let verb = path.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if path.starts_with("/v1/messages") {
        Dialect::Anthropic
    } else if path.starts_with("/v1beta/") || (verb && path.starts_with("/v1/models/")) {
        Dialect::Gemini
    } else {
        Dialect::OpenAiChat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say() {
        let check =
            |pattern, path, expected| assert_eq!(capture(pattern, path), expected, "{path}");
        check("/health", "/health", Some(""));
        check("/health", "/health/", None);
        check("/api/clients/{id}", "/api/clients/a", Some("a"));
        check("/api/clients/{id}", "/api/clients/", None);
        check("/api/clients/{id}", "/api/clients/a/b", None);
        check("/v1/models/{id*}", "/v1/models/meta/llama", Some("meta/llama"));
        check("/v1/models/{id*}", "/v1/models", None);
        check("/m/{id*}:go", "/m/a/b:go", Some("a/b"));
        check("/m/{id*}:go", "/m/a:goat", None);
        check("/m/{id*}:go", "/m/:go", None);
    }

    #[test]
    fn a_provider_may_stand_before_a_path() {
        let check = |path, expected| assert_eq!(pinned(path), expected, "{path}");
        check("/llm/up/v1/models", (Some("up"), "/v1/models"));
        check("/llm/up/", (Some("up"), "/"));
        check("/llm/up", (None, "/llm/up"));
        check("/v1/llm/up/x", (None, "/v1/llm/up/x"));
    }
}
