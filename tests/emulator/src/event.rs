//! What event does a function URL make of a request? Payload format 2.0.

use std::{
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, header, request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The event for a request, as the function's Runtime API hands it out.
pub(crate) fn event(id: &str, parts: &Parts, body: &[u8], peer: IpAddr) -> Bytes {
    let (headers, cookies) = fields(&parts.headers, peer);
    let (body, is_base64) = coded(&parts.headers, body);
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let epoch_ms =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let domain = "emulated.lambda-url.us-east-1.on.aws";
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": parameters(query),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "emulated",
            "domainName": domain,
            "domainPrefix": "emulated",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.to_string(),
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": id,
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": u64::try_from(epoch_ms).unwrap_or_default(),
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
    .to_string()
    .into()
}

/// Header names in lower case, repeated fields joined with commas, cookies apart.
fn fields(headers: &HeaderMap, peer: IpAddr) -> (Map<String, Value>, Vec<String>) {
    let mut fields = Map::new();
    let mut cookies = Vec::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        if name == header::COOKIE {
            cookies.extend(values.iter().flat_map(|value| value.split("; ")).map(str::to_owned));
        } else {
            fields.insert(name.to_string(), values.join(",").into());
        }
    }
    fields.insert("x-forwarded-proto".to_owned(), "https".into());
    fields.insert("x-forwarded-port".to_owned(), "443".into());
    fields.insert("x-forwarded-for".to_owned(), peer.to_string().into());
    (fields, cookies)
}

/// Text stays text when its type says so; everything else is base64.
fn coded(headers: &HeaderMap, body: &[u8]) -> (Value, bool) {
    if body.is_empty() {
        return (Value::Null, false);
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let texts = ["text/", "application/json", "application/xml", "application/javascript"];
    match std::str::from_utf8(body) {
        Ok(text) if texts.iter().any(|prefix| content_type.starts_with(prefix)) => {
            (text.into(), false)
        }
        Ok(_) | Err(_) => (STANDARD.encode(body).into(), true),
    }
}

fn parameters(query: &str) -> Map<String, Value> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    split.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn made(request: Request<()>, body: &[u8]) -> Value {
        let (parts, ()) = request.into_parts();
        serde_json::from_slice(&event("id", &parts, body, IpAddr::from([127, 0, 0, 1]))).unwrap()
    }

    #[test]
    fn cookies_and_repeated_headers_follow_format_2() {
        let request = Request::builder()
            .uri("/v1/models?limit=2&all")
            .header("x-tag", "a")
            .header("x-tag", "b")
            .header("cookie", "one=1; two=2");
        let event = made(request.body(()).unwrap(), b"");
        assert_eq!(event["headers"]["x-tag"], "a,b");
        assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
        assert_eq!(event["queryStringParameters"], json!({"limit": "2", "all": ""}));
        assert_eq!(event["body"], Value::Null);
    }

    #[test]
    fn only_text_types_stay_text() {
        let check = |content_type: &str, body: &[u8], expected: (&str, bool)| {
            let request = Request::builder().header("content-type", content_type);
            let event = made(request.body(()).unwrap(), body);
            assert_eq!(
                (event["body"].as_str().unwrap(), event["isBase64Encoded"] == true),
                expected
            );
        };
        check("application/json; charset=utf-8", b"{}", ("{}", false));
        check("application/json", b"\xff", ("/w==", true));
        check("application/octet-stream", b"{}", ("e30=", true));
    }
}
