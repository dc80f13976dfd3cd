//! What happens when the runtime calls? A request goes to the gateway, the cron trigger starts its upkeep.

use std::sync::{Arc, OnceLock};

use http::{Response, StatusCode};
use serde_json::json;
use tidegate_core::{
    Body, Gateway, State,
    config::{Config, Mistake},
    http::{empty, json},
    identity::Inline,
    journal::Direct,
    ports::{Call, Clock, Counters, Ports, Store, Upstream},
    store::sql::{Database, Hrana, SqlStore},
};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, web_sys};

use crate::{
    D1, Edge, Entropy, Fetch, JsClock, Objects, WaitUntil, live::Live, log, message, pages,
    platform,
};

#[worker::event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<worker::Response> {
    let response = match gateway(&env, Edge::beside(&request.url())) {
        Ok(gateway) => answer(&gateway, &request, &env, context).await,
        Err(mistakes) => misconfigured(&mistakes),
    };
    message::outgoing(response, platform::gone(request.signal())).await
}

#[worker::event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    // A mistake in the configuration was logged when it was found.
    let Ok(gateway) = gateway(&env, Edge::none()) else { return };
    gateway.probe().await;
    if let Err(error) = gateway.maintain().await {
        tracing::error!(%error, "upkeep failed");
    }
}

async fn answer(
    gateway: &Gateway,
    request: &web_sys::Request,
    env: &Env,
    context: Context,
) -> Response<Body> {
    let Ok(ours) = message::incoming(request) else { return empty(StatusCode::BAD_REQUEST) };
    if let Some(page) = pages::page(&ours, env).await {
        return page;
    }
    let call = Call {
        background: Arc::new(WaitUntil(context)),
        gone: platform::gone(request.signal()),
        peer: message::peer(ours.headers()),
        transport: message::transport(ours.uri()),
    };
    gateway.handle(ours, call).await
}

/// Seams of this request over the state of the isolate: the runtime lets no request wait for another one's I/O.
pub(crate) fn gateway(env: &Env, cache: Edge) -> Result<Gateway, Vec<Mistake>> {
    let state = state(env)?;
    let upstream: Arc<dyn Upstream> = Arc::new(Fetch);
    let clock: Arc<dyn Clock> = Arc::new(JsClock);
    let remembering = remembering(env)?;
    let counters: Arc<dyn Counters> = match Objects::of(env, remembering.clone()) {
        Some(objects) => Arc::new(objects),
        None => Arc::new(remembering.clone()),
    };
    let store: Arc<dyn Store> = Arc::new(remembering);
    let journal = Arc::new(Direct::new(store.clone(), clock.clone(), state.lost_records()));
    // The platform resolves names by itself and shows nobody what it found: the gate in the core is all there is.
    let media = upstream.clone();
    let ports = Ports {
        upstream,
        media,
        store,
        counters,
        journal,
        feed: Arc::new(Live::of(env)),
        cache: Arc::new(cache),
        clock,
        random: Arc::new(Entropy),
        hasher: Arc::new(Inline),
    };
    Ok(Gateway::new(ports, state))
}

/// The store in which everything is remembered.
pub(crate) fn remembering(env: &Env) -> Result<SqlStore, Vec<Mistake>> {
    Ok(SqlStore::new(database(env, state(env)?.config())?))
}

/// What the isolate keeps from its first request on. Other variables mean another isolate.
fn state(env: &Env) -> Result<Arc<State>, Vec<Mistake>> {
    static STATE: OnceLock<Result<Arc<State>, Vec<Mistake>>> = OnceLock::new();
    STATE.get_or_init(|| declared(env)).clone()
}

fn declared(env: &Env) -> Result<Arc<State>, Vec<Mistake>> {
    let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let declared = Config::read(None, &variable).and_then(|config| {
        log::init(&config.log_filter);
        State::new(config).map_err(|error| mistake(error.message))
    });
    declared.map(Arc::new).inspect_err(|mistakes| {
        for Mistake { line, message } in mistakes {
            let place = line.map_or("environment".to_owned(), |line| format!("line {line}"));
            worker::console_error!("configuration, {place}: {message}");
        }
    })
}

/// The database that the configuration names, or else the D1 binding.
fn database(env: &Env, config: &Config) -> Result<Arc<dyn Database>, Vec<Mistake>> {
    if config.counters_url.is_some() {
        return Err(mistake("A Worker cannot count in Redis: take [counters] and REDIS_URL away."));
    }
    let Some(url) = &config.store_url else {
        let bound = env.d1("DB").map_err(|_| {
            mistake("There is no database: bind D1 as `DB` in wrangler.toml, or set DATABASE_URL.")
        })?;
        return Ok(Arc::new(D1::new(bound)));
    };
    let hrana = Hrana::new(url, config.store_token.clone(), Arc::new(Fetch), Arc::new(JsClock));
    Ok(Arc::new(hrana.map_err(|error| mistake(error.message))?))
}

fn mistake(message: impl Into<String>) -> Vec<Mistake> {
    vec![Mistake { line: None, message: message.into() }]
}

/// What every request is told until the configuration is right. No mistake's message holds a secret.
fn misconfigured(mistakes: &[Mistake]) -> Response<Body> {
    let list: Vec<_> = mistakes
        .iter()
        .map(|Mistake { line, message }| json!({ "line": line, "message": message }))
        .collect();
    let error = json!({
        "type": "configuration_error",
        "message": "Tidegate's configuration has mistakes.",
        "mistakes": list,
    });
    json(StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": error }).to_string())
}
