//! What is promised of a database that is a server of its own? It may go and come again, and TLS is as the URL wants it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tidegate_core::store::sql::{Database, Outcome, Statement};
use tidegate_native::{HttpClient, Place, SystemClock, Writing, open_store};
use tokio::{runtime::Runtime, time::sleep};

use tidegate_stores_runner::servers::{Disk, Engine, Running};

/// How soon it must be found again.
const RECOVERY: Duration = Duration::from_secs(10);
/// How soon somebody who asks meanwhile must be told.
const ANSWER: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn trials(engine: Engine, runtime: &Arc<Runtime>) -> Vec<Trial> {
    let name = format!("{engine:?}").to_lowercase();
    let (first, second) = (Arc::clone(runtime), Arc::clone(runtime));
    vec![
        Trial::test(format!("{name}: server: one that is killed is found again"), move || {
            first.block_on(killed(engine))
        }),
        Trial::test(format!("{name}: server: TLS is as the URL wants it"), move || {
            second.block_on(secured(engine))
        }),
    ]
}

async fn killed(engine: Engine) -> Result<(), Failed> {
    let mut server = engine.start(Disk::Kept).await?;
    let database = open(&server.url)?;
    let asks = (0..4).map(|_| ask(&*database));
    for answer in futures_util::future::join_all(asks).await {
        answer?;
    }
    server.kill();
    for _ in 0..5 {
        let began = Instant::now();
        if ask(&*database).await.is_ok() || began.elapsed() > ANSWER {
            return Err(format!("told after {:?} that it is gone", began.elapsed()).into());
        }
        sleep(LOOK).await;
    }
    server.begin().await?;
    let began = Instant::now();
    while let Err(error) = ask(&*database).await {
        if began.elapsed() > RECOVERY {
            return Err(format!("not found again: {error}").into());
        }
        sleep(LOOK).await;
    }
    Ok(())
}

async fn secured(engine: Engine) -> Result<(), Failed> {
    let server = engine.start(Disk::Kept).await?;
    let known = format!("&sslrootcert={}", server.certificate().display());
    let by_name = server.url.replace("127.0.0.1", "localhost");
    for (url, query, wanted) in [
        (&server.url, "sslmode=disable".to_owned(), true),
        (&server.url, "sslmode=prefer".to_owned(), true),
        (&server.url, "sslmode=require".to_owned(), true),
        (&by_name, format!("sslmode=verify-ca{known}"), true),
        // The driver for MySQL looks at the name all the same.
        (&server.url, format!("sslmode=verify-ca{known}"), matches!(engine, Engine::Postgres)),
        (&by_name, format!("sslmode=verify-full{known}"), true),
        (&server.url, format!("sslmode=verify-full{known}"), false),
        (&by_name, "sslmode=verify-ca".to_owned(), false),
        (&by_name, "sslmode=verify-full".to_owned(), false),
    ] {
        let answer = ask(&*open(&format!("{url}?{query}"))?).await;
        if answer.is_ok() != wanted {
            return Err(format!("{query}: {answer:?}").into());
        }
    }
    encrypted(engine, &server).await
}

/// What the server says of a connection that must be encrypted.
async fn encrypted(engine: Engine, server: &Running) -> Result<(), Failed> {
    let sql = match engine {
        Engine::Postgres => {
            "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()"
        }
        Engine::Mariadb => {
            "SELECT COUNT(*) AS n FROM information_schema.session_status \
             WHERE variable_name = 'Ssl_cipher' AND variable_value <> ''"
        }
    };
    for (mode, wanted) in [("require", 1_i64), ("disable", 0)] {
        let database = open(&format!("{}?sslmode={mode}", server.url))?;
        let told = database.read(vec![Statement::new(sql, Vec::new())]).await;
        let rows = told.map_err(|error| error.detail)?.pop().map(|outcome| outcome.rows);
        if rows != Some(vec![vec![wanted.into()]]) {
            return Err(format!("{mode}: {rows:?}").into());
        }
    }
    Ok(())
}

fn open(url: &str) -> Result<Arc<dyn Database>, Failed> {
    let place = Place::parse(Some(url), Path::new("unused"))?;
    let client = Arc::new(HttpClient::new()?);
    let opened = open_store((place, Writing::Alone), None, client, Arc::new(SystemClock))?;
    Ok(opened.database)
}

async fn ask(database: &dyn Database) -> Result<Vec<Outcome>, String> {
    let question = Statement::new("SELECT 1 AS one", Vec::new());
    database.read(vec![question]).await.map_err(|error| error.detail)
}
