//! Is media that a client names by its address sent as bytes where it must be, and as an address where it may?

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use http::{Request, Response};
use serde_json::{Value, json};
use tidegate_core::{
    Body,
    error::Kind,
    media::{Gate, Place},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";
const PNG_BASE64: &str = "iVBORw0KGgouLi4u";
const PICTURE: &str = "https://a.example/cat";

fn answer_chat(world: &World) {
    let body = r#"{"model":"m","message":{"role":"assistant","content":"a cat"},"done":true,"done_reason":"stop"}"#;
    world.upstream.answer(200, "application/json", vec![Ok(body.into())]);
}

fn answer_media(world: &World, bytes: &'static [u8]) {
    world.media.answer(200, "image/png", vec![Ok(Bytes::from_static(bytes))]);
}

/// A client of the chat dialect shows pictures to a model.
fn show(model: &str, urls: &[&str]) -> String {
    let parts: Vec<Value> = urls
        .iter()
        .map(|url| json!({ "type": "image_url", "image_url": { "url": url } }))
        .collect();
    json!({ "model": model, "messages": [
        { "role": "system", "content": "look" },
        { "role": "user", "content": parts },
    ] })
    .to_string()
}

fn asked(world: &World) -> Value {
    serde_json::from_slice(&world.upstream.asked()[0].body).unwrap()
}

fn fetched(world: &World) -> Vec<String> {
    world.media.asked().into_iter().map(|asked| asked.url).collect()
}

/// What a client reads of a refusal, and that the provider heard nothing.
fn refusal(world: &World, body: &str) -> (u16, Value) {
    let (status, answer) = block_on(world.ask(body));
    assert!(world.upstream.asked().is_empty(), "{body}");
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    (status, answer["error"].clone())
}

#[test]
fn a_provider_that_takes_no_addresses_gets_the_bytes() {
    let world = World::new();
    answer_media(&world, PNG);
    answer_chat(&world);
    let (status, answer) = block_on(world.ask(&show("ollama/m", &[PICTURE, PICTURE])));
    assert_eq!(status, 200, "{answer:?}");
    assert_eq!(asked(&world)["messages"][1]["images"], json!([PNG_BASE64, PNG_BASE64]));
    assert_eq!(fetched(&world), [PICTURE], "once, although it is shown twice");
    let [asked] = &world.media.asked()[..] else { panic!("one fetch") };
    let mut names: Vec<&str> = asked.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "user-agent"]);
}

#[test]
fn a_provider_that_takes_addresses_gets_the_address() {
    for (model, url) in [
        ("anthropic/claude-x", "http://10.0.0.1/cat.png"),
        ("anthropic/claude-x", PICTURE),
        ("gemini/gemini-2.5-pro", PICTURE),
        ("up/mock", "http://127.0.0.1/cat.png"),
    ] {
        let world = World::new();
        world.upstream.answer(200, "application/json", vec![Ok("{}".into())]);
        let _ = block_on(world.ask(&show(model, &[url])));
        assert!(asked(&world).to_string().contains(url), "{model}");
        assert!(fetched(&world).is_empty(), "{model}");
    }
}

#[test]
fn older_gemini_models_and_plain_http_get_the_bytes() {
    for (model, url) in
        [("gemini/gemini-2.0-flash", PICTURE), ("gemini/gemini-2.5-pro", "http://a.example/cat")]
    {
        let world = World::new();
        answer_media(&world, PNG);
        world.upstream.answer(200, "application/json", vec![Ok("{}".into())]);
        let _ = block_on(world.ask(&show(model, &[url])));
        let inline = json!({ "mimeType": "image/png", "data": PNG_BASE64 });
        assert_eq!(asked(&world)["contents"][0]["parts"][0]["inlineData"], inline, "{model}");
    }
}

#[test]
fn a_document_by_address_reaches_a_chat_provider() {
    let world = World::new();
    answer_media(&world, b"%PDF-1.7");
    world.upstream.answer(200, "application/json", vec![Ok("{}".into())]);
    let source = json!({ "type": "url", "url": "https://a.example/paper" });
    let body = json!({ "model": "up/mock", "max_tokens": 9, "messages": [
        { "role": "user", "content": [{ "type": "document", "source": source }] },
    ] });
    let request = Request::post("/v1/messages").header("x-api-key", world.key.clone());
    let _ = block_on(world.send(request.body(Body::from(body.to_string())).unwrap()));
    let part = &asked(&world)["messages"][0]["content"][0];
    assert_eq!(part["file"]["file_data"], "data:application/pdf;base64,JVBERi0xLjc=", "{part}");
}

#[test]
fn what_a_tool_gave_is_fetched_too() {
    let world = World::new();
    answer_media(&world, PNG);
    answer_chat(&world);
    let image = json!({ "type": "image", "source": { "type": "url", "url": PICTURE } });
    let body = json!({ "model": "ollama/m", "max_tokens": 9, "messages": [
        { "role": "user", "content": "look" },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "see", "input": {} }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": [image] }] },
    ] });
    let request = Request::post("/v1/messages").header("x-api-key", world.key.clone());
    let _ = block_on(world.send(request.body(Body::from(body.to_string())).unwrap()));
    assert!(asked(&world).to_string().contains(PNG_BASE64));
}

#[test]
fn whatever_goes_wrong_the_client_reads_the_same() {
    let told = json!({
        "message": "messages[1]: The media at this URL cannot be fetched: send its bytes.",
        "type": "invalid_request_error", "param": "messages[1]", "code": "media_unavailable",
    });
    let check = |what: &str, url: &str, fetches: usize, script: &dyn Fn(&World)| {
        let world = World::new();
        script(&world);
        assert_eq!(refusal(&world, &show("ollama/m", &[url])), (400, told.clone()), "{what}");
        assert_eq!(fetched(&world).len(), fetches, "{what}");
    };
    let nothing = |_: &World| {};
    for url in [
        "http://127.0.0.1:9/x",
        "http://169.254.169.254/latest",
        "https://localhost/",
        "http://[::1]/",
    ] {
        check("inside", url, 0, &nothing);
    }
    check("unreachable", PICTURE, 1, &|world| world.media.fail(Kind::UpstreamUnreachable));
    check("broken", PICTURE, 1, &|world| world.media.fail(Kind::UpstreamBroken));
    check("missing", PICTURE, 1, &|world| {
        world.media.answer(404, "text/html", vec![Ok(Bytes::from_static(PNG))]);
    });
    check("empty", PICTURE, 1, &|world| answer_media(world, b""));
    check("a page", PICTURE, 1, &|world| answer_media(world, b"<html>secret</html>"));
    check("not a picture", PICTURE, 1, &|world| answer_media(world, b"%PDF-1.7"));
    check("cut", PICTURE, 1, &|world| {
        let cut = std::io::Error::other("cut");
        world.media.answer(200, "image/png", vec![Ok(Bytes::from_static(PNG)), Err(cut)]);
    });
    check("too large", PICTURE, 1, &|world| {
        let piece = || Ok(Bytes::from(vec![0; 1 << 20]));
        world.media.answer(200, "image/png", (0..21).map(|_| piece()).collect());
    });
}

#[test]
fn a_redirect_is_followed_three_times_and_checked_each_time() {
    let moved = |world: &World, status: u16, to: &str| {
        let response = Response::builder().status(status).header("location", to);
        world.media.respond(response.body(Body::empty()).unwrap());
    };
    for status in [301, 302, 303, 307, 308] {
        let world = World::new();
        moved(&world, status, "https://b.example/dog");
        moved(&world, status, "cat");
        answer_media(&world, PNG);
        answer_chat(&world);
        assert_eq!(block_on(world.ask(&show("ollama/m", &[PICTURE]))).0, 200);
        let way = [PICTURE, "https://b.example/dog", "https://b.example/cat"];
        assert_eq!(fetched(&world), way, "{status}");

        for to in ["http://127.0.0.1/", "//0x7f000001/", "http://169.254.169.254/", "file:///x"] {
            let world = World::new();
            moved(&world, status, "https://b.example/");
            moved(&world, status, to);
            assert_eq!(refusal(&world, &show("ollama/m", &[PICTURE])).0, 400, "{status} {to}");
            assert_eq!(fetched(&world), [PICTURE, "https://b.example/"], "{status} {to}");
        }
    }
    let world = World::new();
    (0..9).for_each(|_| moved(&world, 302, "https://b.example/"));
    assert_eq!(refusal(&world, &show("ollama/m", &[PICTURE])).0, 400);
    assert_eq!(fetched(&world).len(), 4);
}

#[test]
fn too_many_are_refused_before_any_is_fetched() {
    let urls: Vec<String> = (0..17).map(|at| format!("{PICTURE}/{at}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let world = World::new();
    let (status, error) = refusal(&world, &show("ollama/m", &urls));
    assert_eq!((status, &error["param"]), (400, &json!("messages[1]")));
    assert!(fetched(&world).is_empty());
}

#[test]
fn one_picture_in_many_places_counts_each_time() {
    let large = || {
        let mut bytes = PNG.to_vec();
        bytes.resize(8 << 20, 0);
        Bytes::from(bytes)
    };
    let world = World::new();
    world.media.answer(200, "image/png", vec![Ok(large())]);
    assert_eq!(refusal(&world, &show("ollama/m", &[PICTURE, PICTURE])).0, 400);
    assert_eq!(fetched(&world).len(), 1);

    let world = World::new();
    world.media.answer(200, "image/png", vec![Ok(large())]);
    answer_chat(&world);
    assert_eq!(block_on(world.ask(&show("ollama/m", &[PICTURE]))).0, 200);
}

#[test]
fn another_target_does_not_fetch_again() {
    let world = World::declaring(|config| {
        let ollama = config.providers.iter_mut().find(|it| it.id == "ollama").unwrap();
        let mut second = ollama.keys[0].clone();
        second.id = "ollama-2".to_owned();
        ollama.keys.push(second);
    });
    answer_media(&world, PNG);
    world.upstream.fail(Kind::UpstreamUnreachable);
    answer_chat(&world);
    assert_eq!(block_on(world.ask(&show("ollama/m", &[PICTURE]))).0, 200);
    assert_eq!((world.upstream.asked().len(), fetched(&world).len()), (2, 1));
    let asked = world.upstream.asked();
    assert_eq!(asked[0].body, asked[1].body);
}

#[test]
fn the_operator_may_allow_a_place_or_switch_it_off() {
    let allowed = Gate::new(vec![Place::parse("10.0.0.7:9000").unwrap()]);
    let world = World::declaring(|config| config.media = Some(allowed));
    answer_media(&world, PNG);
    answer_chat(&world);
    assert_eq!(block_on(world.ask(&show("ollama/m", &["http://10.0.0.7:9000/cat"]))).0, 200);

    let off = World::declaring(|config| config.media = None);
    let (status, error) = refusal(&off, &show("ollama/m", &[PICTURE]));
    assert_eq!((status, &error["message"]), (400, &json!("The API takes no media by URL.")));
    assert!(fetched(&off).is_empty());
}

#[test]
fn the_refusal_speaks_the_dialect_of_the_client() {
    let world = World::new();
    let source = json!({ "type": "url", "url": "http://127.0.0.1/cat.png" });
    let body = json!({ "model": "ollama/m", "max_tokens": 9, "messages": [
        { "role": "user", "content": [{ "type": "image", "source": source }] },
    ] });
    let request = Request::post("/v1/messages").header("x-api-key", world.key.clone());
    let (status, answer) = block_on(async {
        read(world.send(request.body(Body::from(body.to_string())).unwrap()).await).await
    });
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["error"]["type"]), (400, &json!("invalid_request_error")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("messages[0]"), "{answer}");
    let record = block_on(world.record());
    assert_eq!((record.status, record.attempts), (400, 0));
}
