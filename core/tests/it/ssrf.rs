//! Does any field in which a client may name an address lead inside, in any spelling?

use std::net::Ipv4Addr;

use crate::common::{World, read};
use futures_executor::block_on;
use http::Request;
use serde_json::{Value, json};
use tidegate_core::Body;

/// This machine, private networks, and the clouds' services.
const INSIDE: [[u8; 4]; 9] = [
    [127, 0, 0, 1],
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [172, 16, 0, 1],
    [192, 168, 0, 1],
    [100, 64, 0, 1],
    [169, 254, 169, 254],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
];

fn hosts(address: [u8; 4]) -> Vec<String> {
    let v4 = Ipv4Addr::from(address);
    let ([a, b, c, d], whole) = (address, u32::from(v4));
    let (high, low) = (whole >> 16, whole & 0xffff);
    vec![
        format!("{v4}"),
        format!("{v4}."),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("0{whole:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("{a}.{b}.{low}"),
        format!("[::ffff:{v4}]"),
        format!("[64:ff9b::{v4}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("user@{v4}"),
        format!("a.example\\@{v4}"),
        format!("{v4}.nip.io"),
        v4.to_string().replace('.', "\u{3002}"),
    ]
}

/// Every place of a request that may hold the address of something, by the path it is sent to.
fn fields(url: &str) -> Vec<(&'static str, Value)> {
    let chat = |part: Value| json!({ "model": "ollama/m", "messages": [{ "role": "user", "content": [part] }] });
    let responses = |part: Value| json!({ "model": "ollama/m", "input": [{ "role": "user", "content": [part] }] });
    let messages = |kind: &str| {
        let part = json!({ "type": kind, "source": { "type": "url", "url": url } });
        json!({ "model": "ollama/m", "max_tokens": 9, "messages": [{ "role": "user", "content": [part] }] })
    };
    let file = json!({ "fileData": { "fileUri": url, "mimeType": "image/png" } });
    vec![
        ("/v1/chat/completions", chat(json!({ "type": "image_url", "image_url": { "url": url } }))),
        ("/v1/chat/completions", chat(json!({ "type": "file", "file": { "file_data": url } }))),
        ("/v1/responses", responses(json!({ "type": "input_image", "image_url": url }))),
        ("/v1/responses", responses(json!({ "type": "input_file", "file_url": url }))),
        ("/v1/messages", messages("image")),
        ("/v1/messages", messages("document")),
        (
            "/v1beta/models/ollama/m:generateContent",
            json!({ "contents": [{ "role": "user", "parts": [file] }] }),
        ),
    ]
}

#[test]
fn no_field_leads_inside() {
    let world = World::new();
    let mut count = 0;
    for host in
        INSIDE.into_iter().flat_map(hosts).chain(["localhost", "metadata"].map(str::to_owned))
    {
        for (path, body) in fields(&format!("http://{host}/a.png")) {
            let request = Request::post(path)
                .header("authorization", format!("Bearer {}", world.key))
                .body(Body::from(body.to_string()));
            let sent = block_on(world.send(request.expect("a request")));
            let (status, told) = block_on(read(sent));
            assert_eq!(status, 400, "{path} {host}: {told:?}");
            count += 1;
        }
    }
    assert!(count >= 400, "{count} questions");
    assert!(world.media.asked().is_empty(), "{:?}", world.media.asked());
    assert!(world.upstream.asked().is_empty(), "{:?}", world.upstream.asked());
}
