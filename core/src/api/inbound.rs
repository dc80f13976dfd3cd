//! What was sent? Bodies and queries are read strictly: what has no meaning is refused, and named.

mod place;

use http::{HeaderMap, HeaderName, Request, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{
    error::{Error, Kind, Result},
    http::{Body, read},
    limits::{CONTROL_BODY_BYTES_MAX, NAME_BYTES_MAX},
};

/// A JSON body.
pub(super) async fn body<T: DeserializeOwned>(request: Request<Body>) -> Result<T> {
    bounded(request, CONTROL_BODY_BYTES_MAX).await
}

/// A JSON body of at most so many bytes.
pub(super) async fn bounded<T: DeserializeOwned>(
    request: Request<Body>,
    bytes_max: usize,
) -> Result<T> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.to_str().is_ok_and(is_json)) {
        let message = "Send the body as JSON, with `content-type: application/json`.";
        return Err(Error::new(Kind::UnsupportedMedia, message));
    }
    let bytes = read(request.into_body(), bytes_max).await?;
    parse(&bytes)
}

/// A JSON body that may be missing.
pub(super) async fn optional<T: DeserializeOwned + Default>(request: Request<Body>) -> Result<T> {
    let bytes = read(request.into_body(), CONTROL_BODY_BYTES_MAX).await?;
    if bytes.is_empty() { Ok(T::default()) } else { parse(&bytes) }
}

/// The parameters of a query.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T> {
    let text = uri.query().unwrap_or_default();
    if text.to_ascii_lowercase().contains("%00") {
        return Err(Error::bad_request("The query holds a character that nothing is called by."));
    }
    serde_urlencoded::from_str(text).map_err(|error| told(&error.to_string(), ""))
}

/// What a change depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing was said.
    Unsaid,
    /// `If-Match: "3"`: exactly this version.
    Version(i64),
    /// `If-Match: *`: any version.
    Any,
    /// `If-None-Match: *`: nothing is there.
    Absent,
}

impl Precondition {
    /// Reads `If-Match` or `If-None-Match`.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self> {
        match (text(headers, &header::IF_MATCH)?, text(headers, &header::IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::Unsaid),
            (Some("*"), None) => Ok(Self::Any),
            (None, Some("*")) => Ok(Self::Absent),
            (Some(tag), None) => version(tag).map(Self::Version).ok_or_else(|| {
                Error::bad_request("`If-Match` is the `ETag` of the thing, such as \"3\".")
                    .at("If-Match")
            }),
            (None, Some(_)) => {
                Err(Error::bad_request("`If-None-Match` can only be `*`.").at("If-None-Match"))
            }
            (Some(_), Some(_)) => {
                let message = "`If-Match` and `If-None-Match` contradict each other.";
                Err(Error::bad_request(message).at("If-None-Match"))
            }
        }
    }

    /// Whether a thing of this version may be changed.
    pub(super) fn allow(self, found: i64) -> Result<()> {
        match self {
            Self::Any => Ok(()),
            Self::Version(wanted) if wanted == found => Ok(()),
            Self::Version(_) => Err(moved()),
            Self::Absent => Err(Error::new(Kind::PreconditionFailed, "It is there already.")),
            Self::Unsaid => Err(Error::new(
                Kind::PreconditionRequired,
                "Say with `If-Match` which version is changed: the `ETag` that was read, or `*`.",
            )
            .at("If-Match")),
        }
    }
}

/// Somebody else was faster.
pub(super) fn moved() -> Error {
    let message = "It was changed since it was read; read it again and repeat.";
    Error::new(Kind::PreconditionFailed, message)
}

/// Reads JSON. What serde found is not repeated, for it may be a secret; what it expected is ours.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut unknown = None;
    let value = serde_ignored::deserialize(&mut json, |path| {
        unknown.get_or_insert_with(|| path.to_string().replace(".?", ""));
    });
    let value = value.map_err(|cause| unread(bytes, &cause))?;
    json.end().map_err(|error| broken(&error))?;
    match unknown {
        None => Ok(value),
        Some(field) => Err(meaningless(&field)),
    }
}

fn unread(bytes: &[u8], cause: &serde_json::Error) -> Error {
    match cause.classify() {
        Category::Data => {
            told(&cause.to_string(), &place::field(bytes, cause.line(), cause.column()))
        }
        Category::Syntax | Category::Eof | Category::Io => broken(cause),
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"]
        .iter()
        .any(|json| kind.eq_ignore_ascii_case(json))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| {
        Error::bad_request(format!("`{name}` holds what no header may hold.")).at(name.as_str())
    })
}

fn version(tag: &str) -> Option<i64> {
    tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok().filter(|version| *version >= 0)
}

fn broken(cause: &serde_json::Error) -> Error {
    let (line, column) = (cause.line(), cause.column());
    Error::bad_request(format!("The body is not JSON: line {line}, column {column}."))
}

fn meaningless(field: &str) -> Error {
    let field: String = field.chars().take(NAME_BYTES_MAX).collect();
    Error::bad_request(format!("`{field}` is nothing that can be said here.")).at(&field)
}

/// What serde has to say about the field at `path`.
fn told(text: &str, path: &str) -> Error {
    let name = text.split('`').nth(1).unwrap_or_default();
    let field = match path {
        "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if text.starts_with("unknown field") {
        meaningless(&field)
    } else if text.starts_with("missing field") {
        Error::bad_request(format!("`{field}` is missing.")).at(&field)
    } else if text.starts_with("duplicate field") {
        Error::bad_request(format!("`{field}` is said twice.")).at(&field)
    } else if let Some((_, expected)) = text.split_once("expected ") {
        let expected = expected.split(" at line ").next().unwrap_or_default();
        let place = if path.is_empty() { "This" } else { path };
        let message = format!("`{place}` is not what can stand here: expected {expected}.");
        let error = Error::bad_request(message);
        if path.is_empty() { error } else { error.at(path) }
    } else {
        Error::bad_request("A value is not of the kind that can stand there.").at(path)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        inner: Inner,
        #[serde(default)]
        limit: Option<u32>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        enabled: bool,
    }

    #[test]
    fn the_field_at_fault_is_named_and_its_value_is_not() {
        let check = |json: &str, message: &str, field: Option<&str>| {
            let error = parse::<Outer>(json.as_bytes()).unwrap_err();
            assert_eq!(error.message, message, "{json}");
            assert_eq!(error.hints.and_then(|hints| hints.param).as_deref(), field, "{json}");
        };
        let unknown = "`inner.role` is nothing that can be said here.";
        check(r#"{"inner":{"enabled":true,"role":1}}"#, unknown, Some("inner.role"));
        let wrong = "`inner.enabled` is not what can stand here: expected a boolean.";
        check(r#"{"inner":{"enabled":"sk-secret"}}"#, wrong, Some("inner.enabled"));
        check(r#"{"inner":{}}"#, "`inner.enabled` is missing.", Some("inner.enabled"));
        check("{}", "`inner` is missing.", Some("inner"));
        check("{", "The body is not JSON: line 1, column 1.", None);
    }

    #[test]
    fn a_query_is_read_as_strictly() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Page {
            limit: Option<u32>,
            model: Option<String>,
        }
        let read = |uri: &str| query::<Page>(&uri.parse().unwrap());
        let page = read("/api/x?limit=5&model=a%2Fb+c").unwrap();
        assert_eq!((page.limit, page.model.as_deref()), (Some(5), Some("a/b c")));
        let field = |uri| read(uri).unwrap_err().hints.and_then(|hints| hints.param);
        assert_eq!(field("/api/x?evil=1").as_deref(), Some("evil"));
        assert!(read("/api/x?limit=-1").is_err());
        assert!(read("/api/x?model=%00").is_err());
    }

    #[test]
    fn a_precondition_is_one_of_four() {
        let read = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )]);
            Precondition::read(&headers).ok()
        };
        assert_eq!(read("if-match", "\"3\""), Some(Precondition::Version(3)));
        assert_eq!(read("if-match", "*"), Some(Precondition::Any));
        assert_eq!(read("if-none-match", "*"), Some(Precondition::Absent));
        assert_eq!(read("if-match", "3"), None);
        assert_eq!(read("if-match", "W/\"3\""), None);
        assert_eq!(Precondition::read(&HeaderMap::new()).ok(), Some(Precondition::Unsaid));
    }
}
