//! Which headers pass a proxy? All but those of one connection, those of the way here, and those that are ours.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use memchr::memmem;

/// Where a client of a proxy shows its key, so that `Authorization` is free for the API.
pub(crate) const KEY_HEADERS: [&str; 2] = ["x-tidegate-key", "x-proxy-key"];

/// Those of one connection, and those that are written anew for the next one.
const OF_CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Who has passed the request on, and for whom. Clouds believe them of whoever may connect.
const OF_THE_WAY: [&str; 9] = [
    "cdn-loop",
    "client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-amzn-trace-id",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
];

/// What the clouds' metadata services want to see, and nobody else.
const OF_METADATA: [&str; 4] =
    ["metadata", "metadata-flavor", "x-aws-ec2-metadata-token", "x-google-metadata-request"];

/// What an API may not say in our name: cookies and rules of this origin, and that somebody else may keep an answer.
const OF_ORIGIN: [&str; 7] = [
    "alt-svc",
    "clear-site-data",
    "nel",
    "report-to",
    "set-cookie",
    "strict-transport-security",
    "surrogate-control",
];

/// Whether a header of a client stays here.
pub(crate) fn is_kept_back(name: &HeaderName) -> bool {
    let name = name.as_str();
    let listed = |list: &[&str]| list.contains(&name);
    let begins = |begin: &str| name.starts_with(begin);
    // What an edge in between says of the client, but for what clients themselves show to APIs behind one.
    let of_edge = begins("cf-") && !begins("cf-access-");
    begins("x-tidegate-")
        || begins("x-forwarded-")
        || of_edge
        || listed(&OF_CONNECTION)
        || listed(&OF_THE_WAY)
        || listed(&OF_METADATA)
        || listed(&KEY_HEADERS)
        // A browser's cookies for this host are the dashboard's.
        || name == "cookie"
}

/// What the API is told. Wherever the client's own key stands, it goes no further.
pub(crate) fn up(given: &HeaderMap, client_key: &str) -> HeaderMap {
    let shows = |value: &HeaderValue| memmem::find(value.as_bytes(), client_key.as_bytes());
    passing(given, |name, value| !is_kept_back(name) && shows(value).is_none())
}

/// What the client is told. A key that the API repeats is taken out.
pub(crate) fn down(given: &HeaderMap, secret: Option<&str>) -> HeaderMap {
    let mut out = passing(given, |name, _| {
        let name = name.as_str();
        let length = name == header::CONTENT_LENGTH.as_str();
        let here = OF_CONNECTION.contains(&name) && !length;
        let rules = name.starts_with("access-control-") || name.ends_with("cdn-cache-control");
        !here && !rules && !OF_ORIGIN.contains(&name)
    });
    if let Some(secret) = secret {
        out.values_mut().for_each(|value| hide(value, secret));
    }
    out
}

/// Headers that pass, but for those that `Connection` names.
fn passing(given: &HeaderMap, may: impl Fn(&HeaderName, &HeaderValue) -> bool) -> HeaderMap {
    let named = given.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    let is_named = |name: &HeaderName| named.iter().any(|n| name.as_str().eq_ignore_ascii_case(n));
    let passed = given.iter().filter(|(name, value)| !is_named(name) && may(name, value));
    let mut out = HeaderMap::with_capacity(given.len() + 2);
    passed.for_each(|(name, value)| {
        out.append(name.clone(), value.clone());
    });
    out
}

/// A redirect may repeat the URL, and the key with it.
fn hide(value: &mut HeaderValue, secret: &str) {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for shown in [secret, &encoded] {
        let Ok(text) = value.to_str() else { return };
        if text.contains(shown) {
            let hidden = HeaderValue::try_from(text.replace(shown, "***"));
            *value = hidden.unwrap_or_else(|_| HeaderValue::from_static("***"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in given {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn told(map: &HeaderMap) -> Vec<(&str, &str)> {
        map.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn what_is_ours_or_of_the_way_stays_here() {
        let given = headers(&[
            ("authorization", "Basic own"),
            ("x-tidegate-key", "tg_1"),
            ("x-api-key", "tg_1"),
            ("x-tidegate-strict", "true"),
            ("cookie", "s=1"),
            ("host", "gateway"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-anything", "1"),
            ("forwarded", "for=10.0.0.1"),
            ("cf-connecting-ip", "10.0.0.1"),
            ("cf-access-client-id", "own"),
            ("metadata-flavor", "Google"),
            ("accept", "a"),
            ("accept", "b"),
            ("x-custom", "kept"),
            ("content-type", "text/csv"),
        ]);
        let expected = [
            ("authorization", "Basic own"),
            ("cf-access-client-id", "own"),
            ("accept", "a"),
            ("accept", "b"),
            ("x-custom", "kept"),
            ("content-type", "text/csv"),
        ];
        assert_eq!(told(&up(&given, "tg_1")), expected);
    }

    #[test]
    fn an_answer_says_nothing_in_our_name_and_shows_no_key() {
        let given = headers(&[
            ("content-type", "text/csv"),
            ("content-length", "7"),
            ("etag", "x"),
            ("set-cookie", "a=b"),
            ("access-control-allow-origin", "*"),
            ("cdn-cache-control", "max-age=9"),
            ("transfer-encoding", "chunked"),
            ("location", "https://h/p?api_key=s%26k&a=s&k"),
        ]);
        let expected = [
            ("content-type", "text/csv"),
            ("content-length", "7"),
            ("etag", "x"),
            ("location", "https://h/p?api_key=***&a=***"),
        ];
        assert_eq!(told(&down(&given, Some("s&k"))), expected);
    }
}
