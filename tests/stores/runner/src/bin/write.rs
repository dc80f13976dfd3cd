//! How many records a second does each database take? `write [file sqld postgres mariadb]` writes for some seconds, one batch
//! after the other and then several at once, as servers that share it do.
#![expect(clippy::print_stdout, reason = "this program talks to a person at a terminal")]

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_core::{
    limits::FLUSH_ROWS_MAX,
    store::{Ended, Record, Store, Usage, sql::SqlStore},
};
use tidegate_native::{HttpClient, Place, SystemClock, Writing, open_store};
use tidegate_stores_runner::{
    servers::{Disk, Engine},
    sqld::Sqld,
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SPAN: Duration = Duration::from_secs(5);
const WRITERS: [usize; 2] = [1, 4];
const START_MS: i64 = 1_785_024_000_000;

fn main() -> Result {
    let names: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for name in names {
        runtime.block_on(measure(&name))?;
    }
    Ok(())
}

async fn measure(name: &str) -> Result {
    let folder = env::temp_dir().join(format!("tidegate-write-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let server = match name {
        "postgres" => Some(Engine::Postgres.start(Disk::Kept).await?),
        "mariadb" => Some(Engine::Mariadb.start(Disk::Kept).await?),
        _ => None,
    };
    let sqld = if name == "sqld" { Some(Sqld::start(&folder).await?) } else { None };
    let shared = server.as_ref().map(|server| &server.url);
    let url = shared.or(sqld.as_ref().map(|sqld| &sqld.url));
    let done = fill(name, url.map(String::as_str), &folder).await;
    fs::remove_dir_all(&folder)?;
    done
}

async fn fill(name: &str, url: Option<&str>, folder: &Path) -> Result {
    let place = Place::parse(url, folder)?;
    let upstream = Arc::new(HttpClient::new()?);
    let opened = open_store((place, Writing::Together), None, upstream, Arc::new(SystemClock))?;
    opened.migrate(&SystemClock).await?;
    for writers in WRITERS {
        let began = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (store, name) = (Arc::clone(&opened.store), format!("{writers}-{writer}"));
                tokio::spawn(async move { write(&store, &name, began).await })
            })
            .collect();
        let mut rows = 0;
        for task in tasks {
            rows += task.await??;
        }
        let rate = f64::from(u32::try_from(rows)?) / began.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} records/s, {writers} at once, {FLUSH_ROWS_MAX} a batch");
    }
    Ok(())
}

/// Records of ten clients and ten models, each batch with its sums.
async fn write(store: &SqlStore, name: &str, began: Instant) -> tidegate_core::Result<usize> {
    let mut rows = 0;
    while began.elapsed() < SPAN {
        let numbers = rows..rows + FLUSH_ROWS_MAX;
        let records: Vec<Record> = numbers.map(|number| record(name, number)).collect();
        store.flush(&format!("{name}-{rows}"), &records).await?;
        rows += records.len();
    }
    Ok(rows)
}

fn record(name: &str, number: usize) -> Record {
    Record {
        id: format!("{name}-{number}"),
        at_ms: START_MS,
        client: format!("client{}", number % 10),
        team: "sales".to_owned(),
        endpoint: "/v1/chat/completions".to_owned(),
        dialect: "openai_chat".to_owned(),
        requested_model: "fast".to_owned(),
        provider: "up".to_owned(),
        model: format!("model{}", number / 10 % 10),
        status: 200,
        usage: Usage { prompt: 1_000, completion: 100, ..Usage::default() },
        cost_nano: 1_500,
        total_ms: 120,
        attempts: 1,
        ended: Ended::Done,
        ..Record::default()
    }
}
