//! Is the gateway there, and can it work?

use std::sync::atomic::Ordering;

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    parts::{Part, ailing, goes_on},
    write,
};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part>,
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
    write(StatusCode::OK, &Status { status: "ok", parts: Vec::new() })
}

/// The storage answers, its schema fits, the counters answer, and no shutdown is under way. A process that goes on for a
/// while without one of them is ready all the same, and says what is missing: if all left their work to others, nobody
/// would do it.
pub(crate) async fn ready(gateway: &Gateway, _: Visit) -> Result<Response<Body>> {
    let refuse = |message: String| Err(Error::new(Kind::Unavailable, message).retry_after("1"));
    if gateway.state.draining.load(Ordering::Relaxed) {
        return refuse("The gateway is shutting down.".to_owned());
    }
    match gateway.ports.store.schema().await {
        Ok(Schema::Current) => {
            let counters = &gateway.ports.counters;
            let counted = counters.ready().await.is_ok() || counters.replaced_since().is_some();
            standing(gateway, counted)
        }
        Ok(Schema::Older { found, wanted }) => refuse(format!(
            "The database has schema {found}, this version needs {wanted}: run `tidegate migrate` \
             (on D1: `wrangler d1 migrations apply`)."
        )),
        Ok(Schema::Newer { found, wanted }) => refuse(format!(
            "The database has schema {found}, this version knows {wanted}: deploy the newer version of Tidegate."
        )),
        Err(error) if goes_on(gateway) => {
            tracing::debug!(%error, "ready without the database");
            standing(gateway, false)
        }
        Err(error) => {
            let told: Vec<&str> = ailing(gateway).iter().map(|part| part.advice).collect();
            refuse([&*error.message, &told.join(" ")].join(" ").trim_end().to_owned())
        }
    }
}

fn standing(gateway: &Gateway, counted: bool) -> Result<Response<Body>> {
    let parts = ailing(gateway);
    let status = if counted && parts.is_empty() { "ready" } else { "degraded" };
    write(StatusCode::OK, &Status { status, parts })
}
