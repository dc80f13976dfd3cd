//! Does a client get in when the root secret has changed, and go on getting in when the old one is taken away?

use std::sync::Arc;

use crate::common::{World, read};
use futures_executor::block_on;
use http::Request;
use tidegate_core::{
    Body,
    config::RootSecret,
    identity::{Issued, Secret, Vault},
    ports::Store,
    store::{Audit, Change, Document, Kind},
    testing::{SeededRandom, Shelf},
};

fn old_secret() -> RootSecret {
    RootSecret(zeroize::Zeroizing::new([6; 32]))
}

/// A gateway under the current root secret, which knows these older ones.
fn knowing(store: &Arc<Shelf>, old: Vec<RootSecret>) -> World {
    World::over(store.clone(), |config| config.people.old_secrets = old)
}

/// A store with a client whose key the old root secret has hashed.
async fn hashed_long_ago() -> (Arc<Shelf>, String, Secret) {
    let (vault, random) = (Vault::new(&old_secret()), SeededRandom::new(5));
    let issued = Issued::new("anna", 0, None, &vault, &random).expect("it is a name");
    let store = Arc::new(Shelf::default());
    let document = issued.client.to_document(0).expect("a client is JSON");
    store.commit(vec![Change::Put(document)], Audit::default()).await.expect("it is new");
    (store, issued.client.id, issued.key)
}

async fn ask(world: &World, key: &Secret) -> u16 {
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {}", key.expose()))
        .body(Body::from(r#"{"model":"echo","messages":[{"role":"user","content":"hi"}]}"#))
        .expect("the request is a request");
    read(world.send(request).await).await.0
}

async fn kept(store: &Shelf, id: &str) -> Document {
    store.get(Kind::Client, id).await.expect("it answers").expect("it is there")
}

#[test]
fn an_old_hash_is_renewed_beside_a_request() {
    block_on(async {
        let (store, id, key) = hashed_long_ago().await;
        let without = || knowing(&store, Vec::new());
        assert_eq!(ask(&without(), &key).await, 401, "the old secret is still needed");

        let with = knowing(&store, vec![old_secret()]);
        assert_eq!(ask(&with, &key).await, 200);
        assert_eq!(kept(&store, &id).await.version, 1, "no request waits for it");
        with.later.run_all().await;
        let renewed = kept(&store, &id).await;
        assert_eq!(renewed.version, 2);
        assert!(!renewed.body.contains(key.expose()), "{}", renewed.body);

        assert_eq!(ask(&with, &key).await, 200);
        with.later.run_all().await;
        assert_eq!(kept(&store, &id).await.version, 2, "once is enough");
        assert_eq!(ask(&without(), &key).await, 200, "the old secret is needed no more");
    });
}
