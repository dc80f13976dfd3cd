//! Does what is no conversation cross dialects too?

use serde_json::{Value, json};
use tidegate_provider::Script;

use super::{Case, sample::refused};
use crate::{
    Result,
    wire::{Answer, Ask, Body},
    world::World,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "operation_vectors_of_gemini", run: |world| Box::pin(of_gemini(world)) },
    Case { name: "operation_vectors_of_ollama", run: |world| Box::pin(of_ollama(world)) },
    Case { name: "operation_vectors_for_gemini_clients", run: |world| Box::pin(for_gemini(world)) },
    Case { name: "operation_vectors_refused", run: |world| Box::pin(vectors_refused(world)) },
    Case { name: "operation_tokens_counted", run: |world| Box::pin(counted(world)) },
    Case { name: "operation_tokens_estimated", run: |world| Box::pin(estimated(world)) },
    Case { name: "operation_picture_by_talking", run: |world| Box::pin(talking(world)) },
    Case { name: "operation_picture_by_predicting", run: |world| Box::pin(predicting(world)) },
    Case { name: "operation_picture_changed", run: |world| Box::pin(changed(world)) },
    Case { name: "operation_text_goes_on", run: |world| Box::pin(text_goes_on(world)) },
    Case { name: "operation_unread_stream_is_counted", run: |world| Box::pin(unread(world)) },
];

async fn post(world: &World, path: &str, body: &Value) -> Result<Answer> {
    world.ask(&Ask::post(path, body.to_string()).bearer(&world.client.key)).await
}

/// Where the provider was asked last, and for what.
fn asked(world: &World) -> (String, Value) {
    let seen = world.seen().pop();
    let read = |body: &[u8]| serde_json::from_slice(body).unwrap_or_default();
    seen.map(|seen| (seen.path, read(&seen.body))).unwrap_or_default()
}

async fn of_gemini(world: &World) -> Result {
    let vectors = json!({ "embeddings": [{ "values": [0.5] }, { "values": [-1] }] });
    world.play(Script::json(200, vectors.to_string()));
    for (format, expected) in [
        ("float", [json!([0.5]), json!([-1.0])]),
        ("base64", [json!("AAAAPw=="), json!("AACAvw==")]),
    ] {
        let body = json!({
            "model": "gemini/g", "input": [world.tag(), "b"], "encoding_format": format,
        });
        let answer = post(world, "/v1/embeddings", &body).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-tidegate-estimated"), Some("true"));
        let list = answer.json()?;
        let data = &list["data"];
        assert_eq!([&data[0]["embedding"], &data[1]["embedding"]], expected.each_ref(), "{list}");
        let (path, request) = asked(world);
        assert!(path.ends_with("/models/g:batchEmbedContents"), "{path}");
        assert_eq!(request["requests"][1]["content"]["parts"][0]["text"], "b", "{request}");
        let record = world.record(&answer).await?;
        let told = &list["usage"]["prompt_tokens"];
        assert_eq!((&record["usage"]["prompt"], &record["estimated"]), (told, &json!(true)));
    }
    Ok(())
}

async fn of_ollama(world: &World) -> Result {
    let vectors = json!({ "model": "o", "embeddings": [[0.25]], "prompt_eval_count": 3 });
    world.play(Script::json(200, vectors.to_string()));
    let body = json!({ "model": "ollama/o", "input": world.tag(), "dimensions": 1 });
    let answer = post(world, "/v1/embeddings", &body).await?;
    let list = answer.json()?;
    assert_eq!(list["data"][0]["embedding"], json!([0.25]), "{list}");
    let (path, request) = asked(world);
    assert!(path.ends_with("/api/embed"), "{path}");
    assert_eq!((&request["input"], &request["dimensions"]), (&json!([world.tag()]), &json!(1)));
    let record = world.record(&answer).await?;
    assert_eq!((&record["usage"]["prompt"], &record["estimated"]), (&json!(3), &json!(false)));
    Ok(())
}

async fn for_gemini(world: &World) -> Result {
    let told = json!({ "prompt_tokens": 2, "total_tokens": 2 });
    let vectors = json!({ "data": [{ "index": 0, "embedding": [0.5] }], "usage": told });
    let content = json!({ "parts": [{ "text": world.tag() }] });
    for start in ["/v1/models", "/v1beta/models"] {
        world.play(Script::json(200, vectors.to_string()));
        let path = format!("{start}/up/e:embedContent");
        let one = post(world, &path, &json!({ "content": content })).await?.json()?;
        assert_eq!(one["embedding"]["values"], json!([0.5]), "{one}");
        let path = format!("{start}/up/e:batchEmbedContents");
        let batch = json!({ "requests": [{ "content": content }] });
        let batch = post(world, &path, &batch).await?.json()?;
        assert_eq!(batch["embeddings"], json!([{ "values": [0.5] }]), "{batch}");
        let (path, request) = asked(world);
        assert!(path.ends_with("/embeddings"), "{path}");
        assert_eq!(request, json!({ "model": "e", "input": [world.tag()] }));
        // To a provider of its own dialect it goes as it is, with the model's own name.
        let own = "{\"embedding\": {\"values\":[1]} }\n";
        world.play(Script::json(200, own));
        let body = json!({ "model": "models/gemini/e", "content": content, "taskType": "X" });
        let answer = post(world, &format!("{start}/gemini/e:embedContent"), &body).await?;
        assert_eq!(answer.text(), own);
        let sent = json!({ "model": "models/e", "content": content, "taskType": "X" });
        assert_eq!(asked(world).1, sent);
    }
    Ok(())
}

async fn vectors_refused(world: &World) -> Result {
    let tokens = json!({ "model": "gemini/g", "input": [[1, 2]] });
    let error = refused(&post(world, "/v1/embeddings", &tokens).await?, 400)?;
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("input"), &json!("unsupported_parameter"))
    );
    let other = json!({ "model": "anthropic/claude", "input": "a" });
    refused(&post(world, "/v1/embeddings", &other).await?, 404)?;
    let picture = json!({ "content": { "parts": [{ "inlineData": {} }] } });
    let answer = post(world, "/v1beta/models/up/e:embedContent", &picture).await?;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()?["error"]["status"], "INVALID_ARGUMENT", "{}", answer.text());
    Ok(())
}

async fn counted(world: &World) -> Result {
    let own = "{\"input_tokens\" : 14}";
    world.play(Script::json(200, own));
    let body = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": world.tag() }] });
    let answer = post(world, "/v1/messages/count_tokens", &body("anthropic/claude")).await?;
    assert_eq!((answer.text().as_str(), answer.header("x-tidegate-estimated")), (own, None));
    let (path, request) = asked(world);
    assert!(path.ends_with("/messages/count_tokens"), "{path}");
    assert_eq!(request, body("claude"));
    let own = "{\"totalTokens\" : 14}";
    world.play(Script::json(200, own));
    let contents = json!({ "contents": [{ "parts": [{ "text": world.tag() }] }] });
    let answer = post(world, "/v1beta/models/gemini/g:countTokens", &contents).await?;
    assert_eq!(answer.text(), own);
    assert!(asked(world).0.ends_with("/models/g:countTokens"));
    Ok(())
}

async fn estimated(world: &World) -> Result {
    let tokens = world.tag().len().div_ceil(4);
    let messages = json!([{ "role": "user", "content": world.tag() }]);
    let body = json!({ "model": "mock", "messages": messages });
    let answer = post(world, "/v1/messages/count_tokens", &body).await?;
    assert_eq!(answer.json()?, json!({ "input_tokens": tokens }));
    assert_eq!(answer.header("x-tidegate-estimated"), Some("true"));
    let record = world.record(&answer).await?;
    assert_eq!((&record["attempts"], &record["estimated"]), (&json!(0), &json!(true)), "{record}");
    let contents = json!({ "contents": [{ "parts": [{ "text": world.tag() }] }] });
    for start in ["/v1/models", "/v1beta/models"] {
        let answer = post(world, &format!("{start}/mock:countTokens"), &contents).await?;
        assert_eq!(answer.json()?, json!({ "totalTokens": tokens }));
    }
    assert!(world.seen().is_empty(), "an estimate asks nobody");
    Ok(())
}

fn painted() -> Value {
    json!({
        "candidates": [{
            "content": { "parts": [{ "inlineData": { "mimeType": "image/png", "data": "AA==" } }] },
            "finishReason": "STOP",
        }],
        "usageMetadata": { "promptTokenCount": 5, "candidatesTokenCount": 10, "totalTokenCount": 15 },
    })
}

async fn talking(world: &World) -> Result {
    world.play(Script::json(200, painted().to_string()));
    let wish = |fields: Value| {
        let mut wish = json!({ "model": "gemini/g-image", "prompt": world.tag() });
        if let (Value::Object(wish), Value::Object(fields)) = (&mut wish, fields) {
            wish.extend(fields);
        }
        wish
    };
    let fields =
        json!({ "n": 2, "size": "1024x1536", "response_format": "b64_json", "style": "vivid" });
    let answer = post(world, "/v1/images/generations", &wish(fields)).await?;
    let body = answer.json()?;
    assert_eq!(body["data"], json!([{ "b64_json": "AA==" }, { "b64_json": "AA==" }]), "{body}");
    assert_eq!(answer.header("x-tidegate-dropped"), Some("style"));
    let (path, request) = asked(world);
    assert!(path.ends_with("/models/g-image:generateContent"), "{path}");
    assert_eq!(request["generationConfig"]["imageConfig"]["aspectRatio"], "2:3", "{request}");
    let record = world.record(&answer).await?;
    assert_eq!((&record["usage"]["completion"], &record["attempts"]), (&json!(20), &json!(2)));
    let answer = post(world, "/v1/images/generations", &wish(json!({ "stream": true }))).await?;
    let event: Value = serde_json::from_str(&answer.events().concat()).unwrap_or_default();
    assert_eq!(
        (&event["type"], &event["b64_json"]),
        (&json!("image_generation.completed"), &json!("AA=="))
    );
    Ok(())
}

async fn predicting(world: &World) -> Result {
    let picture = json!({ "mimeType": "image/png", "bytesBase64Encoded": "AA==" });
    world.play(Script::json(200, json!({ "predictions": [picture] }).to_string()));
    let wish = json!({ "model": "gemini/imagen-4", "prompt": world.tag(), "size": "1024x1024" });
    let body = post(world, "/v1/images/generations", &wish).await?.json()?;
    assert_eq!(body["data"][0]["url"], "data:image/png;base64,AA==", "{body}");
    assert!(body["created"].is_i64(), "{body}");
    let (path, request) = asked(world);
    assert!(path.ends_with("/models/imagen-4:predict"), "{path}");
    let parameters = &request["parameters"];
    assert_eq!(
        (&parameters["sampleCount"], &parameters["aspectRatio"]),
        (&json!(1), &json!("1:1"))
    );
    world.play(Script::json(
        200,
        json!({ "predictions": [{ "raiFilteredReason": "No." }] }).to_string(),
    ));
    let error = refused(&post(world, "/v1/images/generations", &wish).await?, 400)?;
    assert_eq!(error["code"], "content_policy_violation", "{error}");
    Ok(())
}

async fn changed(world: &World) -> Result {
    world.play(Script::json(200, painted().to_string()));
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
         \0\r\n--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"model\"\r\n\r\ngemini/g-image\r\n--b--\r\n",
        world.tag()
    );
    let ask = Ask::new("POST", "/v1/images/edits").bearer(&world.client.key);
    let ask = ask.header("content-type", "multipart/form-data; boundary=b");
    let body = world.ask(&ask.body(Body::Whole(form.into()))).await?.json()?;
    assert_eq!(body["data"][0]["b64_json"], "AA==", "{body}");
    let parts = &asked(world).1["contents"][0]["parts"];
    assert_eq!(
        parts[0]["inlineData"],
        json!({ "mimeType": "image/png", "data": "AA==" }),
        "{parts}"
    );
    Ok(())
}

async fn text_goes_on(world: &World) -> Result {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{ "type": "text", "text": " upon" }], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": { "input_tokens": 2, "output_tokens": 1 },
    });
    world.play(Script::json(200, message.to_string()));
    let body = json!({ "model": "anthropic/claude", "prompt": world.tag() });
    let answer = post(world, "/v1/completions", &body).await?;
    let whole = answer.json()?;
    assert_eq!(
        (&whole["object"], &whole["choices"][0]["text"]),
        (&json!("text_completion"), &json!(" upon"))
    );
    assert_eq!(world.record(&answer).await?["usage"]["completion"], 1);
    let mut streamed = body;
    streamed["stream"] = json!(true);
    let answer = post(world, "/v1/completions", &streamed).await?;
    let events = answer.events();
    assert_eq!(events.last().map(|last| &**last), Some("[DONE]"), "{}", answer.text());
    let first = events.first().and_then(|first| serde_json::from_str::<Value>(first).ok());
    let first = first.unwrap_or_default();
    assert_eq!(first["choices"][0]["text"], " upon", "{first}");
    Ok(())
}

async fn unread(world: &World) -> Result {
    let events = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n\
                  data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":9}}\n\ndata: [DONE]\n\n";
    let head = [("content-type", "text/event-stream")];
    let (one, two) = events.as_bytes().split_at(events.len() / 2);
    let script = Script::head(200, &head, tidegate_provider::Framing::Chunked);
    world.play(script.piece(one).piece(two));
    let body = json!({ "model": "up/davinci", "prompt": world.tag(), "stream": true });
    let answer = post(world, "/v1/completions", &body).await?;
    assert_eq!(answer.text(), events);
    let record = world.record(&answer).await?;
    assert_eq!(record["usage"]["completion"], 9, "{record}");
    Ok(())
}
