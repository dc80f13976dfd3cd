//! What do the `tidegate prices` commands do?

use http::Method;
use serde_json::{Value, json};
use tidegate_core::{
    Body, Result,
    config::Config,
    ports::{Clock, Millis},
};
use tidegate_native::SystemClock;

use crate::{
    admin::Admin,
    cli::{Moment, Prices, Recompute},
    console::say,
};

/// Runs one.
pub(crate) async fn run(prices: Prices, config: Config) -> Result<()> {
    let admin = Admin::find(config).await?;
    let done = match prices {
        Prices::Show => show(&admin).await,
        Prices::Refresh => refresh(&admin).await,
        Prices::Recompute(recompute) => again(&recompute, &admin).await,
    };
    admin.close().await;
    done
}

async fn show(admin: &Admin) -> Result<()> {
    say(&line(&admin.ask(Method::GET, "/api/prices?limit=1", Body::empty()).await?));
    Ok(())
}

async fn refresh(admin: &Admin) -> Result<()> {
    say(&line(&admin.ask(Method::POST, "/api/prices/refresh", Body::empty()).await?));
    Ok(())
}

fn line(shown: &Value) -> String {
    let id = shown["id"].as_str().unwrap_or_default();
    let age = match shown["fetched_at_ms"].as_i64() {
        Some(at_ms) => format!("{} h old", (SystemClock.now() - at_ms) / 3_600_000),
        None => "embedded".to_owned(),
    };
    format!("{id}  {} models, {} set, {age}", shown["models"], shown["overrides"])
}

/// Batch after batch. One that was interrupted is done again by the same command.
async fn again(wanted: &Recompute, admin: &Admin) -> Result<()> {
    let now = SystemClock.now();
    let from_ms = at(wanted.from, now);
    let to_ms = wanted.to.map_or(now, |to| at(to, now));
    let (mut records, mut changed, mut before) = (0, 0, Value::Null);
    loop {
        let body = json!({
            "from_ms": from_ms, "to_ms": to_ms, "snapshot": wanted.snapshot, "before": before,
        });
        let body = Body::from(body.to_string());
        let mut batch = admin.ask(Method::POST, "/api/prices/recompute", body).await?;
        records += batch["records"].as_u64().unwrap_or_default();
        changed += batch["changed"].as_u64().unwrap_or_default();
        before = batch["next"].take();
        if before.is_null() {
            let id = batch["price_id"].as_str().unwrap_or_default();
            say(&format!("{changed} of {records} records changed, by the prices {id}."));
            return Ok(());
        }
    }
}

fn at(moment: Moment, now: Millis) -> Millis {
    match moment {
        Moment::At(at_ms) => at_ms,
        Moment::Ago(time) => now - Millis::try_from(time.as_millis()).unwrap_or(now),
    }
}
