//! Does a Worker's storage keep its promises? A Worker that runs the lists of cases beside its database and its objects.
//!
//! `GET /LIST` tells the cases of a list, `d1` or `objects`: their names, and why one is left out. `POST /LIST/N` runs the one
//! at place N and answers `{"failure": null}`, or says what did not hold. `tests/worker/stores.mjs` asks.

#![expect(missing_docs, reason = "the macro makes what JavaScript calls")]

use std::sync::Arc;

use serde_json::json;
use tidegate_core::{
    Error,
    store::{Counters, sql::SqlStore},
};
use worker::{Context, DurableObject, Env, Request, Response, State, durable_object};

use tidegate_stores::{Case, LEFT_OUT_BESIDE, Verdict, cases, counting, trees};
use tidegate_worker::{D1, JsClock, Objects, counting::Object};

#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let path = request.path();
    let (list, place) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let cases = match list {
        "d1" => cases(),
        "objects" => counting().into_iter().chain(trees()).collect(),
        _ => return Response::error("There is no such list.", 404),
    };
    let Ok(place) = place.parse::<usize>() else {
        let told: Vec<_> = cases
            .iter()
            .map(|case| json!({ "name": case.name, "left_out": left_out(list, case) }))
            .collect();
        return Response::from_json(&told);
    };
    let Some(case) = cases.get(place) else {
        return Response::error("There is no such case.", 404);
    };
    let failure = run(list, place, case, &env).await.err();
    Response::from_json(&json!({ "failure": failure.map(|failure| failure.to_string()) }))
}

fn left_out(list: &str, case: &Case) -> Option<&'static str> {
    let known = LEFT_OUT_BESIDE.iter().find(|(name, _)| *name == case.name && list == "objects");
    known.map(|(_, why)| *why)
}

async fn run(list: &str, place: usize, case: &Case, env: &Env) -> Verdict {
    let database = Arc::new(D1::new(env.d1("DB").map_err(Error::store)?));
    if list == "d1" {
        return case.run(database, Arc::new(JsClock)).await;
    }
    // Each case has an object of its own.
    let open = |store: &SqlStore| {
        let missing = || Error::internal("COUNTERS is not bound");
        let objects = Objects::of(env, store.clone()).ok_or_else(missing)?;
        objects.of_tree(&format!("case {place}")).ok_or_else(missing)
    };
    case.run_beside(database, Arc::new(JsClock), &open).await
}

/// What wrangler.toml calls the class of these objects.
#[durable_object(alarm)]
pub struct Tree {
    object: Object,
}

impl DurableObject for Tree {
    fn new(state: State, env: Env) -> Self {
        let past = move || Ok(SqlStore::new(Arc::new(D1::new(env.d1("DB")?))));
        Self { object: Object::new(state, Box::new(past)) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        self.object.answer(request).await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.object.wake().await
    }
}
