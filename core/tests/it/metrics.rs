//! What does a process tell of itself? Its own numbers, and its machine's.

use crate::common::{World, read};
use futures_executor::block_on;
use http::Request;
use tidegate_core::{Body, identity::Secret};

const TOKEN: &str = "an-admin-token-of-32-characters-x";

fn look(path: &str) -> Request<Body> {
    let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
    request.body(Body::empty()).expect("a path and a token make a request")
}

#[test]
fn metrics_count_what_has_ended() {
    block_on(async {
        let world = World::declaring(|config| {
            config.admin_token = Some(Secret::new(TOKEN.to_owned()));
        });
        world.ask(r#"{"model":"echo","messages":[{"role":"user","content":"hi"}]}"#).await;
        world.record().await;
        let (status, text) = read(world.send(look("/metrics")).await).await;
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert_eq!(status, 200, "{text}");
        for line in [
            "tidegate_requests_total{endpoint=\"/v1/chat/completions\",provider=\"echo\",status=\"2xx\"} 1",
            "tidegate_in_flight 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let (status, system) = read(world.send(look("/api/system")).await).await;
        let system: serde_json::Value = serde_json::from_slice(&system).unwrap();
        assert_eq!((status, &system["cpus"]), (200, &serde_json::json!(2)), "{system}");
        let (status, _) =
            read(world.send(Request::get("/metrics").body(Body::empty()).unwrap()).await).await;
        assert_eq!(status, 401);
    });
}
