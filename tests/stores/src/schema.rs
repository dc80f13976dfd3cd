//! What is promised of the schema: it says how old it is, and a migration that was interrupted goes on.

use std::time::Duration;

use futures_util::future::join;
use tidegate_core::{
    error::Kind as Refusal,
    store::{
        Kind, Schema, Store,
        sql::{Database, Statement, Value, migrate},
    },
};

use crate::{
    Run, World,
    check::{Verdict, equal, refused},
    faults::{Faulty, Loss},
    sample::{put, team},
    wipe,
};

pub(crate) const CASES: &[(&str, Run)] = &[
    ("schema: an empty database is older", |w| Box::pin(empty_is_older(w))),
    ("schema: a migrated one is current, and stays as it is", |w| Box::pin(current(w))),
    ("schema: a newer one is told and left alone", |w| Box::pin(newer(w))),
    ("schema: half a migration is older", |w| Box::pin(half_is_older(w))),
    ("schema: interrupted at any statement, it goes on", |w| {
        Box::pin(interrupted(w, Loss::Question))
    }),
    ("schema: interrupted before any answer, it goes on", |w| {
        Box::pin(interrupted(w, Loss::Answer))
    }),
    ("schema: what exists without its ledger row counts as applied", |w| {
        Box::pin(without_ledger_rows(w))
    }),
    ("schema: a table of another program is not taken over", |w| Box::pin(somebody_elses_table(w))),
    ("schema: a file that another tool applied is applied", |w| Box::pin(other_tool(w))),
    ("schema: a migration waits for the one that runs", |w| Box::pin(waits(w))),
    ("schema: two migrations at once do it once", |w| Box::pin(two_at_once(w))),
];

/// Every migration, in order.
const FILES: &[&str] = &[
    include_str!("../../../migrations/0001_initial.sql"),
    include_str!("../../../migrations/0002_prices.sql"),
    include_str!("../../../migrations/0003_reservations.sql"),
    include_str!("../../../migrations/0004_audit_and_days.sql"),
    include_str!("../../../migrations/0005_side.sql"),
    include_str!("../../../migrations/0006_tried.sql"),
    include_str!("../../../migrations/0007_failed.sql"),
];
const NEWEST: i64 = 7;

/// The statements of a file, without what stands in front of them.
fn statements(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.split(";\n").filter_map(|part| {
        let words = ["CREATE ", "INSERT ", "ALTER "];
        let start = words.iter().filter_map(|word| part.find(word)).min()?;
        part.get(start..)
    })
}

/// Gives an empty database the schema of the version before, step by step as that version does.
pub async fn give_previous(database: &dyn Database) -> Verdict {
    let flavor = database.flavor();
    let before = FILES.iter().take(FILES.len() - 1);
    for (migration, file) in (1_i64..).zip(before) {
        for (step, text) in (1_i64..).zip(statements(file)) {
            let row = "INSERT INTO migrations (number, step) VALUES (?, ?)";
            let row = Statement::new(row, vec![migration.into(), step.into()]);
            database.write(vec![Statement::new(flavor.schema(text), Vec::new()), row]).await?;
        }
    }
    Ok(())
}

/// Whether the ledger has every step of every file, once, and nothing else.
pub async fn is_whole(database: &dyn Database) -> Verdict<bool> {
    let wanted: Vec<Vec<Value>> = (1_i64..)
        .zip(FILES)
        .flat_map(|(migration, file)| {
            // Step 0 is the file's own last statement.
            let steps = (0_i64..=0).chain((1_i64..).zip(statements(file)).map(|(step, _)| step));
            steps.map(move |step| vec![migration.into(), step.into()])
        })
        .collect();
    let ledger = "SELECT number AS number, step AS step FROM migrations ORDER BY number, step";
    let asked = database.read(vec![Statement::new(ledger, Vec::new())]).await;
    // Killed early, it has not even a ledger.
    let found = asked.ok().and_then(|mut outcomes| outcomes.pop());
    Ok(found.is_some_and(|outcome| outcome.rows == wanted))
}

async fn usable(w: &World) -> Verdict {
    equal(w.store.schema().await?, Schema::Current)?;
    equal(put(&w.store, team("a", "A")).await?, 1)?;
    equal(w.store.get(Kind::Team, "a").await?.is_some(), true)
}

async fn empty_is_older(w: &World) -> Verdict {
    wipe(&*w.database).await?;
    equal(w.store.schema().await?, Schema::Older { found: 0, wanted: NEWEST })
}

async fn current(w: &World) -> Verdict {
    equal(w.store.schema().await?, Schema::Current)?;
    equal(migrate(&*w.database, &*w.clock, "again").await?, 0)?;
    equal(w.number("SELECT COUNT(*) AS n FROM leases").await?, 0)?;
    usable(w).await
}

async fn newer(w: &World) -> Verdict {
    w.write(&["INSERT INTO migrations (number, step) VALUES (99, 0)"]).await?;
    equal(w.store.schema().await?, Schema::Newer { found: 99, wanted: NEWEST })?;
    refused(migrate(&*w.database, &*w.clock, "again").await, Refusal::Unavailable)
}

async fn half_is_older(w: &World) -> Verdict {
    wipe(&*w.database).await?;
    let faulty = Faulty::new(&w.database, Loss::Question, 8);
    refused(migrate(&*faulty, &*w.clock, "first").await, Refusal::Unavailable)?;
    equal(w.store.schema().await?, Schema::Older { found: 0, wanted: NEWEST })
}

async fn interrupted(w: &World, loss: Loss) -> Verdict {
    for breaks_at in 1.. {
        wipe(&*w.database).await?;
        let faulty = Faulty::new(&w.database, loss, breaks_at);
        // The next run is the same process again, or else it waits until the lease ends.
        let first = migrate(&*faulty, &*w.clock, "run").await;
        if !faulty.broke() {
            equal(first.is_ok(), true)?;
            return Ok(());
        }
        refused(first, Refusal::Unavailable)?;
        migrate(&*w.database, &*w.clock, "run").await?;
        usable(w).await?;
    }
    Ok(())
}

async fn without_ledger_rows(w: &World) -> Verdict {
    let statements: Vec<&str> = statements(FILES[0]).collect();
    let creates = (1_i64..).zip(&statements).filter(|(_, text)| text.starts_with("CREATE"));
    for (number, last) in creates {
        wipe(&*w.database).await?;
        let mut batch = Vec::new();
        for (step, text) in (1..number).zip(&statements) {
            batch.push(Statement::new(*text, Vec::new()));
            let row = "INSERT INTO migrations (number, step) VALUES (1, ?)";
            batch.push(Statement::new(row, vec![step.into()]));
        }
        batch.push(Statement::new(*last, Vec::new()));
        w.database.write(batch).await?;
        migrate(&*w.database, &*w.clock, "run").await?;
        usable(w).await?;
    }
    Ok(())
}

async fn somebody_elses_table(w: &World) -> Verdict {
    wipe(&*w.database).await?;
    w.write(&["CREATE TABLE counters (of_another_program BIGINT)"]).await?;
    refused(migrate(&*w.database, &*w.clock, "run").await, Refusal::Unavailable)?;
    equal(w.store.schema().await?, Schema::Older { found: 0, wanted: NEWEST })
}

async fn other_tool(w: &World) -> Verdict {
    wipe(&*w.database).await?;
    let all = FILES.iter().flat_map(|file| statements(file));
    let flavor = w.database.flavor();
    let batch = all.map(|statement| Statement::new(flavor.schema(statement), Vec::new())).collect();
    w.database.write(batch).await?;
    equal(migrate(&*w.database, &*w.clock, "run").await?, 0)?;
    usable(w).await
}

async fn waits(w: &World) -> Verdict {
    let newest = "DELETE FROM migrations WHERE number = ?";
    w.database.write(vec![Statement::new(newest, vec![NEWEST.into()])]).await?;
    let until_ms = w.clock.now() + 300;
    w.store.lease("migrate", "another", w.clock.now(), until_ms).await?;
    migrate(&*w.database, &*w.clock, "run").await?;
    equal(w.clock.now() >= until_ms, true)?;
    equal(w.store.schema().await?, Schema::Current)
}

async fn two_at_once(w: &World) -> Verdict {
    wipe(&*w.database).await?;
    let second = async {
        w.clock.sleep(Duration::from_millis(2)).await;
        migrate(&*w.database, &*w.clock, "two").await
    };
    let first = migrate(&*w.database, &*w.clock, "one");
    let (first, second) = join(first, second).await;
    let applied = first? + second?;
    equal(applied, FILES.iter().flat_map(|file| statements(file)).count())?;
    equal(w.number("SELECT COUNT(*) AS n FROM marks").await?, 2)?;
    usable(w).await
}
