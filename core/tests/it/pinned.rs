//! Who answers when the path names a provider?

use crate::common::{World, read};
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body,
    config::Config,
    provider::{Host, Provider},
};

const GOOD: &str = r#"{"id":"x","choices":[]}"#;

/// `up`, and before it `other`, which lists all that `up` is asked for; a group that has the pinned model's name.
fn world() -> World {
    World::declaring(|config| {
        let host = Host::Url("http://other.example/v1".to_owned());
        let models = ["mock", "up/mock", "free"].map(str::to_owned).into();
        let up = &config.providers[0];
        let other = Provider { id: "other".to_owned(), host, models, ..up.clone() };
        config.providers.insert(0, other);
        let group =
            "[[group]]\nid = \"g\"\naliases = [\"up/mock\", \"mock\"]\ntargets = [\"echo\"]\n";
        let file = Config::read(Some(group), &|_| None).map_err(|wrong| format!("{wrong:?}"));
        config.groups = file.expect("a group").groups;
    })
}

async fn ask(world: &World, path: &str, body: &str) -> (u16, String) {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", world.key))
        .body(Body::from(body.to_owned()));
    let (status, body) = read(world.send(request.expect("a request")).await).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn the_provider_of_the_path_answers_and_nobody_else() {
    block_on(async {
        for model in ["mock", "free", "not/listed"] {
            let world = world();
            world.upstream.answer_with(200, &[], GOOD);
            let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
            assert_eq!(ask(&world, "/llm/up/v1/chat/completions", &body).await.0, 200, "{model}");
            let seen = world.upstream.asked();
            assert_eq!(seen[0].url, "http://up.example/v1/chat/completions");
            assert_eq!(seen[0].body, body, "the body passes as it is");
            let record = world.record().await;
            assert_eq!((record.provider.as_str(), record.model.as_str()), ("up", model));
            assert_eq!(record.requested_model, model);
        }
    });
}

#[test]
fn it_does_not_fall_back_to_others() {
    block_on(async {
        let world = world();
        for _ in 0..3 {
            world.upstream.answer_with(429, &[], "{}");
        }
        let body = r#"{"model":"mock","messages":[]}"#;
        assert_eq!(ask(&world, "/llm/up/v1/chat/completions", body).await.0, 429);
        let urls: Vec<String> = world.upstream.asked().into_iter().map(|asked| asked.url).collect();
        assert_eq!(urls, ["http://up.example/v1/chat/completions"; 2], "its two keys");
    });
}

#[test]
fn every_dialect_of_ours_is_spoken_there() {
    block_on(async {
        let world = world();
        let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
        world.upstream.answer_with(200, &[], r#"{"candidates":[]}"#);
        let path = "/llm/gemini/v1beta/models/m:generateContent";
        assert_eq!(ask(&world, path, gemini).await.0, 200);
        assert_eq!(world.upstream.asked()[0].url, "http://gemini.example/models/m:generateContent");
        let messages =
            r#"{"model":"mock","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
        world.upstream.answer_with(200, &[], GOOD);
        ask(&world, "/llm/up/v1/messages", messages).await;
        assert_eq!(world.upstream.asked()[1].url, "http://up.example/v1/chat/completions");
    });
}

#[test]
fn what_is_not_there_is_told() {
    block_on(async {
        let world = world();
        let body = r#"{"model":"mock","messages":[]}"#;
        let (status, told) = ask(&world, "/llm/none/v1/chat/completions", body).await;
        assert!(status == 404 && told.contains("none/mock"), "{told}");
        for path in ["/llm/up/v1/files", "/llm/up/health", "/llm/up/api/session", "/llm/up/proxy/a"]
        {
            let (status, told) = ask(&world, path, body).await;
            assert!(status == 404 && told.contains("/proxy/"), "{path}: {told}");
        }
        assert!(world.upstream.asked().is_empty());
    });
}

#[test]
fn the_list_of_models_is_the_providers() {
    block_on(async {
        let world = world();
        let request = Request::get("/llm/up/v1/models")
            .header("authorization", format!("Bearer {}", world.key))
            .body(Body::empty());
        let (status, body) = read(world.send(request.expect("a request")).await).await;
        let list: serde_json::Value = serde_json::from_slice(&body).expect("a list");
        let ids: Vec<&str> = list["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|model| model["id"].as_str())
            .collect();
        assert_eq!((status, ids), (200, vec!["mock"]));
    });
}
