//! Is the gateway there, and can it work?

use std::sync::atomic::Ordering;

use http::{Response, StatusCode};
use serde::Serialize;

use super::write;
use crate::{
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::Body,
    router::Visit,
    store::Schema,
};

#[derive(Serialize)]
struct Welcome {
    name: &'static str,
    version: &'static str,
    links: Links,
}

#[derive(Serialize)]
struct Links {
    chat: &'static str,
    models: &'static str,
    health: &'static str,
    ready: &'static str,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

/// Says who answers here.
pub(crate) fn welcome() -> Result<Response<Body>> {
    let links = Links {
        chat: "/v1/chat/completions",
        models: "/v1/models",
        health: "/health",
        ready: "/ready",
    };
    let version = env!("CARGO_PKG_VERSION");
    write(StatusCode::OK, &Welcome { name: "Tidegate", version, links })
}

/// The process is alive.
pub(crate) fn health() -> Result<Response<Body>> {
    write(StatusCode::OK, &Status { status: "ok" })
}

/// The storage answers, its schema fits, the counters answer, and no shutdown is under way.
pub(crate) async fn ready(gateway: &Gateway, _: Visit) -> Result<Response<Body>> {
    let refuse = |message: String| Err(Error::new(Kind::Unavailable, message).retry_after("1"));
    if gateway.state.draining.load(Ordering::Relaxed) {
        return refuse("The gateway is shutting down.".to_owned());
    }
    match gateway.ports.store.schema().await? {
        Schema::Current => {
            gateway.ports.counters.ready().await?;
            write(StatusCode::OK, &Status { status: "ready" })
        }
        Schema::Older { found, wanted } => refuse(format!(
            "The database has schema {found}, this version needs {wanted}: run `tidegate migrate` \
             (on D1: `wrangler d1 migrations apply`)."
        )),
        Schema::Newer { found, wanted } => refuse(format!(
            "The database has schema {found}, this version knows {wanted}: deploy the newer version of Tidegate."
        )),
    }
}
