//! How long do statistics and pages take over many records? `measure [ROWS] [FOLDER]` fills a libSQL file and asks; a
//! folder that is named keeps the file.
#![expect(clippy::print_stdout, reason = "this program talks to a person at a terminal")]

use std::{env, error::Error, fs, path::PathBuf, sync::Arc, time::Instant};

use tidegate_core::store::{
    GroupBy, RecordFilter, StatsQuery, Store,
    sql::{Database, Statement},
};
use tidegate_native::{HttpClient, Place, SystemClock, Writing, open_store};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const ROWS: i64 = 5_000_000;
const CHUNK: i64 = 250_000;
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
const START_MS: i64 = 1_785_024_000_000;
const REPEATS: usize = 21;
/// What is filled in; the rest has a default.
const COLUMNS: &str = "id, at_ms, client, team, endpoint, dialect, requested_model, provider, model, key_id, status, error, \
    stream, prompt, cached, cache_write_5m, cache_write_1h, completion, reasoning, audio_in, audio_out, image_in, \
    image_out, calls, estimated, cost_nano, price_id, first_byte_ms, total_ms, attempts, bytes_in, bytes_out, dropped, \
    added, stale, ended";

fn main() -> Result {
    let rows = env::args().nth(1).map_or(Ok(ROWS), |rows| rows.parse())?;
    let kept = env::args().nth(2).map(PathBuf::from);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(rows, kept))
}

async fn measure(rows: i64, kept: Option<PathBuf>) -> Result {
    let passing = env::temp_dir().join(format!("tidegate-measure-{}", std::process::id()));
    let folder = kept.as_ref().unwrap_or(&passing);
    fs::create_dir_all(folder)?;
    let done = fill_and_ask(rows, folder).await;
    if kept.is_none() {
        fs::remove_dir_all(folder)?;
    }
    done
}

async fn fill_and_ask(rows: i64, folder: &std::path::Path) -> Result {
    let clock = Arc::new(SystemClock);
    let upstream = Arc::new(HttpClient::new()?);
    let opened = open_store((Place::parse(None, folder)?, Writing::Alone), None, upstream, clock)?;
    opened.migrate(&SystemClock).await?;
    let begun = Instant::now();
    fill(&*opened.database, rows).await?;
    println!("{rows} records in {:.1} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    opened.store.rebuild_rollups(START_MS, START_MS + (DAYS + 1) * DAY_MS).await?;
    println!("rollups in {:.1} s", begun.elapsed().as_secs_f64());

    let store = &*opened.store;
    let (from_ms, to_ms) = (START_MS, START_MS + DAYS * DAY_MS);
    for (name, bucket_ms, group_by) in [
        ("stats of 30 days, all", 0, GroupBy::Nothing),
        ("stats of 30 days by day", DAY_MS, GroupBy::Nothing),
        ("stats of 30 days by client", 0, GroupBy::Client),
        ("stats of 30 days by team", 0, GroupBy::Team),
        ("stats of 30 days by provider and day", DAY_MS, GroupBy::Provider),
        ("stats of 30 days by model", 0, GroupBy::Model),
    ] {
        let query = StatsQuery { from_ms, to_ms, bucket_ms, group_by };
        timed(name, async || store.stats(&query).await.map(|sums| sums.len())).await?;
    }
    let day = StatsQuery {
        from_ms: to_ms - DAY_MS,
        to_ms,
        bucket_ms: 3_600_000,
        group_by: GroupBy::Nothing,
    };
    timed("stats of a day by hour", async || store.stats(&day).await.map(|sums| sums.len()))
        .await?;
    let page = RecordFilter { limit: 100, ..RecordFilter::default() };
    let text = |text: &str| Some(text.to_owned());
    for (name, filter) in [
        ("page, newest", page.clone()),
        (
            "page, in the middle",
            RecordFilter { before: Some((to_ms - 15 * DAY_MS, "~".to_owned())), ..page.clone() },
        ),
        ("page of a client", RecordFilter { client: text("client7"), ..page.clone() }),
        ("page of a team", RecordFilter { team: text("team3"), ..page.clone() }),
        ("page of a model", RecordFilter { model: text("model-3"), ..page.clone() }),
        ("page of failures", RecordFilter { failed: Some(true), ..page.clone() }),
        ("page of 500", RecordFilter { limit: 500, ..page }),
    ] {
        timed(name, async || store.records(&filter).await.map(|rows| rows.len())).await?;
    }
    let scan = "SELECT model AS model, COUNT(*) AS requests, SUM(cost_nano) AS cost FROM records GROUP BY model";
    let begun = Instant::now();
    opened.database.read(vec![Statement::new(scan, Vec::new())]).await?;
    println!("{:8.1} ms  the same by a full scan of the records, by model", ms(begun));
    Ok(())
}

/// Rows of 50 clients in 5 teams, 3 providers with 10 models, 1 % failures, spread evenly over the days.
async fn fill(database: &dyn Database, rows: i64) -> Result {
    let step = DAYS * DAY_MS / rows;
    let mut from = 0;
    while from < rows {
        let to = (from + CHUNK).min(rows);
        let text = format!(
            "WITH RECURSIVE c(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM c WHERE n < {to} - 1) \
             INSERT INTO records ({COLUMNS}) SELECT printf('%026d', n), {START_MS} + n * {step}, \
             'client' || (n * 7919 % 50), 'team' || (n * 7919 % 5), '/v1/chat/completions', 'openai_chat', 'fast', \
             'provider' || (n * 31 % 10 % 3), 'model-' || (n * 31 % 10), 'key-1', \
             CASE WHEN n * 101 % 100 = 7 THEN 502 ELSE 200 END, '', n % 2, 100, 10, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, \
             1500, 'p1', 200, 1 + n * 2654435761 % 8000, 1, 1000, 2000, '', '', 0, \
             CASE WHEN n * 101 % 100 = 7 THEN 'refused' ELSE 'done' END FROM c"
        );
        database.write(vec![Statement::new(text, Vec::new())]).await?;
        from = to;
    }
    Ok(())
}

async fn timed<E: Error + 'static>(
    name: &str,
    ask: impl AsyncFn() -> std::result::Result<usize, E>,
) -> Result {
    let mut times = Vec::with_capacity(REPEATS);
    let mut rows = 0;
    for _ in 0..REPEATS {
        let begun = Instant::now();
        rows = ask().await?;
        times.push(ms(begun));
    }
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[REPEATS / 2], times[REPEATS - 1]);
    println!("{median:8.1} ms  (worst {worst:.1})  {name}: {rows} rows");
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}
