//! What passes between a client and a provider of its own dialect unread: embeddings, sound, pictures.

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use http_body_util::BodyExt;
use tidegate_core::{Body, store::Ended};

fn post(world: &World, path: &str, kind: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .header("content-type", kind)
        .body(Body::from(body.into()))
        .expect("the request is a request")
}

#[test]
fn embeddings_pass_and_are_counted() {
    block_on(async {
        let world = World::new();
        let answer = r#"{"object":"list","data":[{"embedding":"AACAPw=="}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(answer))]);
        let body =
            r#"{"model":"up/text-embedding-3-small","input":[[1,2]],"encoding_format":"base64"}"#;
        let request = post(&world, "/v1/embeddings", "application/json", body);
        assert_eq!(read(world.send(request).await).await, (200, Bytes::from(answer)));
        let asked = &world.upstream.asked()[0];
        assert_eq!(asked.url, "http://up.example/v1/embeddings");
        assert_eq!(asked.body, body.replace("up/", ""));
        let record = world.record().await;
        assert_eq!((record.usage.prompt, record.usage.completion, record.estimated), (5, 0, false));
        assert_eq!((record.endpoint.as_str(), record.ended), ("/v1/embeddings", Ended::Done));
    });
}

#[test]
fn a_form_keeps_its_file_and_its_boundary() {
    block_on(async {
        let world = World::new();
        world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(r#"{"text":"hi"}"#))]);
        let form = |model: &str| {
            [
                b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\0\xff\r\n".as_slice(),
                b"--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n",
                model.as_bytes(),
                b"\r\n--b--\r\n",
            ]
            .concat()
        };
        let kind = "multipart/form-data; boundary=b";
        let request = post(&world, "/v1/audio/transcriptions", kind, form("up/whisper-1"));
        assert_eq!(read(world.send(request).await).await.0, 200);
        let asked = &world.upstream.asked()[0];
        assert_eq!(asked.body, form("whisper-1"));
        let sent = asked.headers.iter().find(|(name, _)| name == "content-type");
        assert_eq!(sent.map(|(_, value)| value.as_str()), Some(kind));
    });
}

#[test]
fn sound_passes_as_it_comes_and_is_reset_when_it_breaks() {
    block_on(async {
        let world = World::new();
        let broken = vec![Ok(Bytes::from_static(b"\xff\xfb")), Err(std::io::Error::other("cut"))];
        world.upstream.answer(200, "audio/mpeg", broken);
        let request = post(
            &world,
            "/v1/audio/speech",
            "application/json",
            r#"{"model":"up/tts","input":"x"}"#,
        );
        let response = world.send(request).await;
        assert_eq!(response.headers()["content-type"], "audio/mpeg");
        let mut body = response.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, b"\xff\xfb".as_slice());
        assert!(body.frame().await.unwrap().is_err(), "a cut sound must not look complete");
        drop(body);
        assert_eq!(world.record().await.ended, Ended::UpstreamBroke);
    });
}

#[test]
fn only_providers_of_the_dialect_are_asked() {
    block_on(async {
        let world = World::new();
        let body = r#"{"model":"echo","input":"x"}"#;
        let request = post(&world, "/v1/embeddings", "application/json", body);
        let (status, body) = read(world.send(request).await).await;
        assert_eq!(status, 404, "{body:?}");
        assert!(world.upstream.asked().is_empty());
    });
}
