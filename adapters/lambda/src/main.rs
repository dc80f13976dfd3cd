//! What does Lambda start? The gateway over a remote store, waiting for events.

use std::{env, path::Path, process::ExitCode, sync::Arc};

use lambda_runtime::Error;
use tidegate_core::{
    Gateway, State,
    config::Config,
    journal::Direct,
    limits::SNAPSHOT_FIRST_WAIT,
    live::Unwatched,
    ports::{Clock, Ports, Store, Upstream},
    recall::MemoryCache,
    store::sql::SqlStore,
};
use tidegate_lambda::{after::AfterResponse, function, runtime};
use tidegate_native::{
    Guarded, HttpClient, OsRandom, Passwords, Place, Shared, SystemClock, Writing, init_log,
    open_shared, open_store,
};

/// One invocation at a time needs one thread, and starts sooner with it.
#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "what stops the start may come before there is a log")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Error> {
    let config = declared()?;
    init_log(&config)?;
    let gateway = assemble(config).await?;
    // The cold start has time that the first request has not; without an answer that request asks again.
    match tokio::time::timeout(SNAPSHOT_FIRST_WAIT, gateway.refresh()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the store did not answer at the start"),
        Err(_) => tracing::warn!("the store was silent at the start"),
    }
    let after = AfterResponse::default();
    let background = after.clone();
    runtime::run(after, move |event| function::answer(gateway.clone(), background.clone(), event))
        .await
}

/// All mistakes at once, one a line.
fn declared() -> Result<Config, Error> {
    Config::read(None, &|name| env::var(name).ok()).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.into_iter().map(|mistake| mistake.to_string()).collect();
        lines.join("\n").into()
    })
}

async fn assemble(config: Config) -> Result<Gateway, Error> {
    let upstream: Arc<dyn Upstream> = Arc::new(HttpClient::new()?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = open(&config, &upstream, &clock).await?;
    let store: Arc<dyn Store> = opened.clone();
    let Shared { counters, cache } = match &config.counters_url {
        Some(url) => open_shared(url, &opened)?,
        // What is kept lives as long as this environment, and for it alone.
        None => Shared { counters: opened, cache: Arc::new(MemoryCache::new(Arc::clone(&clock))) },
    };
    let media = Arc::new(Guarded::new(config.media.clone().unwrap_or_default())?);
    let state = Arc::new(State::new(config)?);
    let ports = Ports {
        upstream,
        media,
        journal: Arc::new(Direct::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            state.lost_records(),
        )),
        feed: Arc::new(Unwatched),
        store,
        counters,
        cache,
        clock,
        random: Arc::new(OsRandom),
        hasher: Arc::new(Passwords::default()),
    };
    Ok(Gateway::new(ports, state))
}

/// A remote database is migrated by `tidegate migrate`, once and before a deployment: many functions start at once. A
/// local one is this process's own.
async fn open(
    config: &Config,
    upstream: &Arc<dyn Upstream>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<SqlStore>, Error> {
    let Some(url) = config.store_url.as_deref() else {
        return Err("DATABASE_URL is not set: a function has no disk that stays".into());
    };
    let place = Place::parse(Some(url), Path::new(&config.data))?;
    let local = !place.is_shared();
    let opened = open_store(
        (place, Writing::Alone),
        config.store_token.clone(),
        Arc::clone(upstream),
        Arc::clone(clock),
    )?;
    if local {
        tracing::warn!(
            "the store is local: it is gone when the platform recycles this environment"
        );
        opened.migrate(&**clock).await?;
    }
    Ok(opened.store)
}
