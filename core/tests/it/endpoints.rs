//! What else than conversations crosses dialects: vectors, counts of tokens, pictures, texts that go on.

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use serde_json::{Value, json};
use tidegate_core::{Body, store::Ended};

fn post(world: &World, path: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("the request is a request")
}

fn answer(world: &World, body: &Value) {
    world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(body.to_string()))]);
}

/// Asks and reads JSON.
async fn ask(world: &World, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = read(world.send(post(world, path, &body)).await).await;
    (status, serde_json::from_slice(&body).expect("the answer is JSON"))
}

/// Where the provider was asked, and for what.
fn asked(world: &World) -> Vec<(String, Value)> {
    let asked = world.upstream.asked().into_iter();
    asked
        .map(|it| (it.url, serde_json::from_slice(&it.body).expect("the request is JSON")))
        .collect()
}

#[test]
fn openai_clients_get_vectors_of_gemini() {
    block_on(async {
        let world = World::new();
        answer(&world, &json!({ "embeddings": [{ "values": [0.5] }, { "values": [-1.0] }] }));
        let body = json!({
            "model": "gemini/g", "input": ["abcd", "é"], "dimensions": 1,
            "encoding_format": "base64", "user": "u",
        });
        let response = world.send(post(&world, "/v1/embeddings", &body)).await;
        assert_eq!(response.headers()["x-tidegate-dropped"], "user");
        assert_eq!(response.headers()["x-tidegate-estimated"], "true");
        let (status, body) = read(response).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, body),
            (
                200,
                json!({
                    "object": "list", "model": "g",
                    "data": [
                        { "object": "embedding", "index": 0, "embedding": "AAAAPw==" },
                        { "object": "embedding", "index": 1, "embedding": "AACAvw==" },
                    ],
                    "usage": { "prompt_tokens": 2, "total_tokens": 2 },
                })
            )
        );
        let request = |text| {
            json!({
                "model": "models/g", "content": { "parts": [{ "text": text }] },
                "outputDimensionality": 1,
            })
        };
        let requests = json!({ "requests": [request("abcd"), request("é")] });
        let url = "http://gemini.example/models/g:batchEmbedContents".to_owned();
        assert_eq!(asked(&world), [(url, requests)]);
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.estimated), (2, true));
        assert_eq!((record.ended, record.attempts), (Ended::Done, 1));
    });
}

#[test]
fn openai_clients_get_vectors_of_ollama() {
    block_on(async {
        let world = World::new();
        answer(&world, &json!({ "embeddings": [[0.25, 1]], "prompt_eval_count": 3 }));
        let body = json!({ "model": "ollama/nomic", "input": "a" });
        let (status, body) = ask(&world, "/v1/embeddings", body).await;
        assert_eq!((status, &body["data"][0]["embedding"]), (200, &json!([0.25, 1.0])), "{body}");
        let request = json!({ "model": "nomic", "input": ["a"], "truncate": false });
        assert_eq!(asked(&world), [("http://ollama.example/api/embed".to_owned(), request)]);
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.estimated), (3, false));
    });
}

#[test]
fn gemini_clients_get_vectors_of_openai() {
    block_on(async {
        let world = World::new();
        let content = json!({ "parts": [{ "text": "a" }] });
        let told = json!({ "prompt_tokens": 1, "total_tokens": 1 });
        answer(&world, &json!({ "data": [{ "index": 0, "embedding": [0.5] }], "usage": told }));
        let path = "/v1beta/models/up/e:embedContent";
        let (status, one) =
            ask(&world, path, json!({ "content": content, "output_dimensionality": 1 })).await;
        assert_eq!((status, &one["embedding"]), (200, &json!({ "values": [0.5] })), "{one}");
        let vectors =
            [json!({ "index": 1, "embedding": [2] }), json!({ "index": 0, "embedding": [1] })];
        answer(&world, &json!({ "data": vectors, "usage": told }));
        let path = "/v1beta/models/up/e:batchEmbedContents";
        let requests = json!([{ "content": content }, { "content": content }]);
        let (status, batch) = ask(&world, path, json!({ "requests": requests })).await;
        let expected = json!([{ "values": [1.0] }, { "values": [2.0] }]);
        assert_eq!((status, &batch["embeddings"]), (200, &expected), "{batch}");
        let url = "http://up.example/v1/embeddings".to_owned();
        let one = json!({ "model": "e", "input": ["a"], "dimensions": 1 });
        let batch = json!({ "model": "e", "input": ["a", "a"] });
        assert_eq!(asked(&world), [(url.clone(), one), (url, batch)]);
    });
}

#[test]
fn gemini_requests_pass_to_gemini_as_they_come() {
    block_on(async {
        let world = World::new();
        for (verb, body, answered) in [
            (
                "embedContent",
                r#"{ "model":"models/gemini/g", "content":{"parts":[{"inlineData":{}}]}, "x":1e2 }"#,
                r#"{"embedding": {"values":[1]} , "usageMetadata":{"promptTokenCount":3}}"#,
            ),
            (
                "batchEmbedContents",
                r#"{"requests":[{"model":"models/gemini/g"}]}"#,
                r#"{"embeddings": []}"#,
            ),
            (
                "countTokens",
                r#"{"generateContentRequest":{"model":"models/gemini/g"}}"#,
                r#"{"totalTokens": 7}"#,
            ),
        ] {
            world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(answered))]);
            let path = format!("/v1beta/models/gemini/g:{verb}");
            let request = Request::post(&path)
                .header("x-goog-api-key", &world.key)
                .body(Body::from(body))
                .unwrap();
            assert_eq!(read(world.send(request).await).await, (200, Bytes::from(answered)));
            let asked = world.upstream.asked().pop().unwrap();
            assert_eq!(asked.url, format!("http://gemini.example/models/g:{verb}"));
            assert_eq!(asked.body, body.replace("models/gemini/g", "models/g"));
        }
    });
}

#[test]
fn what_has_no_vectors_is_refused_in_the_clients_words() {
    block_on(async {
        let world = World::new();
        let tokens = json!({ "model": "ollama/m", "input": [[1, 2]] });
        let (status, body) = ask(&world, "/v1/embeddings", tokens).await;
        let error = &body["error"];
        assert_eq!(
            (status, &error["param"], &error["code"]),
            (400, &json!("input"), &json!("unsupported_parameter")),
            "{body}"
        );
        let (status, _) =
            ask(&world, "/v1/embeddings", json!({ "model": "anthropic/m", "input": "a" })).await;
        assert_eq!(status, 404);
        let (status, body) = ask(&world, "/v1beta/models/up/m:embedContent", json!({})).await;
        assert_eq!((status, &body["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{body}");
        assert!(world.upstream.asked().is_empty());
        answer(&world, &json!({ "embeddings": [] }));
        let (status, _) =
            ask(&world, "/v1/embeddings", json!({ "model": "gemini/m", "input": "a" })).await;
        assert_eq!(status, 502, "a vector is missing");
        let missing = json!({ "error": { "code": 404, "message": "models/m is not found", "status": "NOT_FOUND" } });
        world.upstream.answer(404, "application/json", vec![Ok(Bytes::from(missing.to_string()))]);
        let (status, body) =
            ask(&world, "/v1/embeddings", json!({ "model": "gemini/m", "input": "a" })).await;
        assert_eq!(status, 404);
        assert!(body["error"]["message"].is_string(), "{body}");
    });
}

#[test]
fn tokens_are_counted_by_anthropic_or_estimated() {
    block_on(async {
        let world = World::new();
        answer(&world, &json!({ "input_tokens": 14 }));
        let body = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "12345" }], "x": 1 });
        let path = "/v1/messages/count_tokens";
        let counted = ask(&world, path, body("anthropic/claude")).await;
        assert_eq!(counted, (200, json!({ "input_tokens": 14 })));
        let url = "http://anthropic.example/messages/count_tokens".to_owned();
        assert_eq!(asked(&world), [(url, body("claude"))]);
        for model in ["gemini/g", "up/gpt", "ollama/l", "echo/echo"] {
            let response = world.send(post(&world, path, &body(model))).await;
            assert_eq!(response.headers()["x-tidegate-estimated"], "true");
            let estimated = read(response).await;
            assert_eq!(estimated, (200, Bytes::from(r#"{"input_tokens":2}"#)), "{model}");
        }
        let contents = json!({ "contents": [{ "parts": [{ "text": "12345" }] }] });
        let estimated = ask(&world, "/v1beta/models/up/gpt:countTokens", contents).await;
        assert_eq!(estimated, (200, json!({ "totalTokens": 2 })));
        assert_eq!(asked(&world).len(), 1, "an estimate asks nobody");
        let (status, error) = ask(&world, path, json!({ "messages": [] })).await;
        assert_eq!((status, &error["type"]), (400, &json!("error")), "{error}");
        world.later.run_all().await;
        let records = world.kept.records();
        assert_eq!(records[0].attempts, 1);
        assert_eq!((records[1].attempts, records[1].usage.prompt), (0, 0));
        assert!(records[1].estimated && !records[0].estimated);
    });
}

#[test]
fn gemini_paints_for_openai_clients() {
    block_on(async {
        let world = World::new();
        for _ in 0..2 {
            answer(
                &world,
                &json!({
                    "candidates": [{
                        "content": { "role": "model", "parts": [{ "inlineData": { "mimeType": "image/png", "data": "AA==" } }] },
                        "finishReason": "STOP",
                    }],
                    "usageMetadata": { "promptTokenCount": 5, "candidatesTokenCount": 10, "totalTokenCount": 15 },
                }),
            );
        }
        let body = json!({
            "model": "gemini/gemini-2.5-flash-image", "prompt": "a gopher", "n": 2,
            "size": "1536x1024", "response_format": "url",
        });
        let (status, body) = ask(&world, "/v1/images/generations", body).await;
        let url = json!({ "url": "data:image/png;base64,AA==" });
        assert_eq!((status, &body["data"]), (200, &json!([url, url])), "{body}");
        assert_eq!(body["usage"]["total_tokens"], 30);
        let request = json!({
            "contents": [{ "role": "user", "parts": [{ "text": "a gopher" }] }],
            "generationConfig": {
                "responseModalities": ["IMAGE"], "imageConfig": { "aspectRatio": "3:2" },
            },
        });
        let url = "http://gemini.example/models/gemini-2.5-flash-image:generateContent".to_owned();
        assert_eq!(asked(&world), [(url.clone(), request.clone()), (url, request)]);
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.usage.completion, record.attempts), (10, 20, 2));
    });
}

#[test]
fn imagen_paints_for_openai_clients() {
    block_on(async {
        let world = World::new();
        let picture = json!({ "mimeType": "image/png", "bytesBase64Encoded": "AA==" });
        answer(&world, &json!({ "predictions": [picture] }));
        let wish = json!({ "model": "gemini/imagen-4.0-generate-001", "prompt": "a" });
        let (status, body) = ask(&world, "/v1/images/generations", wish.clone()).await;
        assert_eq!(status, 200, "{body}");
        let both = json!([{ "b64_json": "AA==", "url": "data:image/png;base64,AA==" }]);
        assert_eq!((&body["data"], body.get("usage")), (&both, None), "{body}");
        assert_eq!(body["created"], 1_800_000_000);
        let (url, request) = asked(&world).remove(0);
        assert_eq!(url, "http://gemini.example/models/imagen-4.0-generate-001:predict");
        assert_eq!(request["instances"], json!([{ "prompt": "a" }]));
        assert_eq!(request["parameters"]["sampleCount"], 1);
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.estimated), (0, false));
        answer(&world, &json!({ "predictions": [{ "raiFilteredReason": "No." }] }));
        let (status, body) = ask(&world, "/v1/images/generations", wish).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("content_policy_violation")),
            "{body}"
        );
    });
}

#[test]
fn gemini_changes_pictures_for_openai_clients() {
    block_on(async {
        let world = World::new();
        answer(
            &world,
            &json!({
                "candidates": [{
                    "content": { "parts": [{ "inlineData": { "mimeType": "image/webp", "data": "AQ==" } }] },
                    "finishReason": "STOP",
                }],
            }),
        );
        let form = "--b\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n\0\r\n--b\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nbluer\r\n--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngemini/g-image\r\n--b\r\ncontent-disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b--\r\n";
        let request = Request::post("/v1/images/edits")
            .header("authorization", format!("Bearer {}", world.key))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(Body::from(form))
            .unwrap();
        let response = world.send(request).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let (status, events) = read(response).await;
        let events = String::from_utf8(events.to_vec()).unwrap();
        assert!(status == 200 && events.starts_with("event: image_edit.completed\n"), "{events}");
        let parts = json!([{ "inlineData": { "mimeType": "image/png", "data": "AA==" } }, { "text": "bluer" }]);
        let (url, request) = asked(&world).remove(0);
        assert_eq!(url, "http://gemini.example/models/g-image:generateContent");
        assert_eq!(request["contents"][0]["parts"], parts);
    });
}

#[test]
fn a_text_goes_on_at_another_dialects_provider() {
    block_on(async {
        let world = World::new();
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
            "content": [{ "type": "text", "text": " upon a time" }], "stop_reason": "max_tokens",
            "stop_sequence": null, "usage": { "input_tokens": 2, "output_tokens": 3 },
        });
        answer(&world, &message);
        let body = json!({ "model": "anthropic/claude", "prompt": "Once", "max_tokens": 3, "logprobs": 1 });
        let response = world.send(post(&world, "/v1/completions", &body)).await;
        assert_eq!(response.headers()["x-tidegate-dropped"], "logprobs");
        let (status, body) = read(response).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        let choice = json!({ "text": " upon a time", "index": 0, "logprobs": null, "finish_reason": "length" });
        assert_eq!(
            (status, &body["object"], &body["choices"]),
            (200, &json!("text_completion"), &json!([choice])),
            "{body}"
        );
        assert_eq!(body["usage"]["total_tokens"], 5);
        let (url, request) = asked(&world).remove(0);
        assert_eq!(url, "http://anthropic.example/messages");
        assert_eq!(request["messages"][0]["role"], "user", "{request}");
        assert_eq!(request["max_tokens"], 3, "{request}");
    });
}

#[test]
fn a_text_goes_on_in_pieces() {
    block_on(async {
        let world = World::new();
        let lines = "{\"model\":\"l\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n{\"model\":\"l\",\"message\":{\"role\":\"assistant\",\"content\":\"b\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":2,\"eval_count\":2}\n";
        world.upstream.answer(200, "application/x-ndjson", vec![Ok(Bytes::from(lines))]);
        let body = json!({ "model": "ollama/l", "prompt": "Once", "stream": true });
        let (status, events) = read(world.send(post(&world, "/v1/completions", &body)).await).await;
        let events = String::from_utf8(events.to_vec()).unwrap();
        let data: Vec<_> = events.split("\n\n").filter(|event| !event.is_empty()).collect();
        assert_eq!((status, data.last()), (200, Some(&"data: [DONE]")), "{events}");
        let chunk = |data: &&str| serde_json::from_str::<Value>(data.strip_prefix("data: ")?).ok();
        let chunks: Vec<_> = data.iter().filter_map(chunk).collect();
        let texts: String =
            chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
        assert_eq!(texts, "ab", "{events}");
        let ends = chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop");
        assert_eq!(ends.count(), 1, "{events}");
        assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()), "{events}");
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.usage.completion, record.estimated), (2, 2, false));
    });
}

#[test]
fn a_stream_that_passes_unread_tells_its_usage() {
    block_on(async {
        let world = World::new();
        let events = "data: {\"choices\":[{\"text\":\"abcdefgh\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":9}}\n\ndata: [DONE]\n\n";
        let pieces = vec![Ok(Bytes::from(&events[..60])), Ok(Bytes::from(&events[60..]))];
        world.upstream.answer(200, "text/event-stream", pieces);
        let body = json!({ "model": "up/davinci", "prompt": "Once", "stream": true });
        let (status, passed) = read(world.send(post(&world, "/v1/completions", &body)).await).await;
        assert_eq!((status, passed), (200, Bytes::from(events)));
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.usage.completion, record.estimated), (4, 9, false));
    });
}

#[test]
fn a_strict_client_loses_nothing() {
    block_on(async {
        let world = World::new();
        let body = json!({ "model": "gemini/g", "input": "a", "user": "u" });
        let mut request = post(&world, "/v1/embeddings", &body);
        request.headers_mut().insert("x-tidegate-strict", "true".parse().unwrap());
        let (status, body) = read(world.send(request).await).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["error"]["param"]), (400, &json!("user")), "{body}");
        assert!(world.upstream.asked().is_empty());
        assert_eq!(world.record().await.attempts, 0);
    });
}
