//! What does a provider get that wants more than the client's own request?

use crate::common::{World, read};
use bytes::Bytes;
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body,
    dialect::Dialect,
    provider::{Auth, Host},
    testing::Asked,
};

const ANSWER: &str = r#"{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
const HELLO: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

/// Sends a request to a gateway. What the provider was asked, what the client was told was added, and what the record
/// says about that.
fn pass(world: &World, path: &str, body: &str) -> (Asked, String, String) {
    block_on(async {
        world.upstream.answer(200, "application/json", vec![Ok(Bytes::from(ANSWER))]);
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", world.key))
            .body(Body::from(body.to_owned()))
            .expect("the request is a request");
        let response = world.send(request).await;
        let told = response.headers().get("x-tidegate-added");
        let told = told.and_then(|told| told.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!(read(response).await.0, 200);
        let record = world.record().await;
        (world.upstream.asked().remove(0), told, record.added)
    })
}

#[test]
fn deepseek_is_asked_for_english_when_the_client_gives_no_instructions() {
    let note = r#"{"role":"system","content":"Always respond in English."}"#;
    let user = r#"{"role":"user","content":"hi"}"#;
    let told = |text: &str| (text.to_owned(), text.to_owned());
    for model in ["up/deepseek-chat", "up/deepseek-ai/DeepSeek-V4-Pro"] {
        let (asked, header, record) = pass(
            &World::new(),
            "/v1/chat/completions",
            &format!(r#"{{"model":"{model}",{HELLO}}}"#),
        );
        let name = model.strip_prefix("up/").unwrap();
        let expected = format!(r#"{{"model":"{name}","messages":[{note},{user}]}}"#);
        assert_eq!(asked.body, expected);
        assert_eq!((header, record), told("system"));
    }
    let crossing = format!(r#"{{"model":"up/deepseek-chat","max_tokens":9,{HELLO}}}"#);
    let (asked, header, record) = pass(&World::new(), "/v1/messages", &crossing);
    let body = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(body.contains(&format!(r#""messages":[{note},{user}]"#)), "{body}");
    assert_eq!((header, record), told("system"));
}

#[test]
fn nobody_else_is_asked_for_english() {
    let plain = |body: &str| {
        let (asked, header, record) = pass(&World::new(), "/v1/chat/completions", body);
        assert_eq!(
            (asked.body, header, record),
            (body.replace("up/", "").into(), String::new(), String::new())
        );
    };
    plain(&format!(r#"{{"model":"up/gpt-4o",{HELLO}}}"#));
    plain(
        r#"{"model":"up/deepseek-chat","messages":[{"role":"developer","content":"x"},{"role":"user","content":"hi"}]}"#,
    );
    let crossing = format!(r#"{{"model":"up/deepseek-chat","max_tokens":9,"system":"x",{HELLO}}}"#);
    let (asked, header, _) = pass(&World::new(), "/v1/messages", &crossing);
    assert!(!String::from_utf8(asked.body.to_vec()).unwrap().contains("English"));
    assert_eq!(header, "");
    let off = World::declaring(|config| config.deepseek_english = false);
    let body = format!(r#"{{"model":"up/deepseek-chat",{HELLO}}}"#);
    let (asked, header, _) = pass(&off, "/v1/chat/completions", &body);
    assert_eq!((asked.body, header), (body.replace("up/", "").into(), String::new()));
}

#[test]
fn azure_has_the_model_in_the_path_and_the_key_in_its_own_header() {
    let deployments = World::declaring(|config| {
        let provider = &mut config.providers[0];
        let base = "https://r.openai.azure.com/openai/deployments/{model}";
        provider.host = Host::Url(base.to_owned());
        provider.auth = Auth::ApiKey;
        provider.api_version = Some("2024-10-21".to_owned());
    });
    let body = format!(r#"{{"model":"up/gpt-4o",{HELLO}}}"#);
    let (asked, ..) = pass(&deployments, "/v1/chat/completions", &body);
    assert_eq!(
        asked.url,
        "https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    );
    assert!(asked.headers.contains(&("api-key".into(), "sk-first".into())));
    assert!(asked.headers.iter().all(|(name, _)| name != "authorization"));
}

#[test]
fn a_name_from_a_client_leads_to_no_other_path() {
    for (dialect, base) in [
        (Dialect::OpenAiChat, "https://r.openai.azure.com/openai/deployments/{model}"),
        (Dialect::Gemini, "https://up.example/v1beta"),
    ] {
        let world = World::declaring(|config| {
            config.providers[0].dialect = dialect;
            config.providers[0].host = Host::Url(base.to_owned());
        });
        let body = format!(r#"{{"model":"up/../../files?x=",{HELLO}}}"#);
        assert_eq!(block_on(world.ask(&body)).0, 404, "{base}");
        assert!(world.upstream.asked().is_empty());
    }
}
