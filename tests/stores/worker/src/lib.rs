//! Does D1 keep the store's promises? A Worker that runs the list of cases beside its database.
//!
//! `GET /` lists the names of the cases; `POST /N` runs the one at place N and answers `{"failure": null}`, or says what
//! did not hold. `tests/worker/stores.mjs` asks.

use std::sync::Arc;

use serde_json::json;
use worker::{Context, Env, Request, Response};

use tidegate_stores::cases;
use tidegate_worker::{D1, JsClock};

#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let cases = cases();
    let path = request.path();
    let Ok(place) = path.trim_start_matches('/').parse::<usize>() else {
        let names: Vec<_> = cases.iter().map(|case| case.name).collect();
        return Response::from_json(&names);
    };
    let Some(case) = cases.get(place) else {
        return Response::error("There is no such case.", 404);
    };
    let database = Arc::new(D1::new(env.d1("DB")?));
    let failure = case.run(database, Arc::new(JsClock)).await.err();
    Response::from_json(&json!({ "failure": failure.map(|failure| failure.to_string()) }))
}
