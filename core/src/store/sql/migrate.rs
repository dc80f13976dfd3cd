//! Which schema does a database have, and how does it get the one this code wants? Statement by statement, each with
//! its row in the ledger, so that a run that was interrupted goes on where it stopped.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    super::Schema,
    database::{Database, Statement},
    leases,
    rows::{number, rows},
};
use crate::{
    error::{Error, Kind, Result},
    limits::{MIGRATION_LEASE, MIGRATION_POLL, MIGRATION_POLLS_MAX},
    ports::{Clock, Millis},
};

struct Migration {
    number: i64,
    text: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, text: include_str!("../../../../migrations/0001_initial.sql") },
    Migration { number: 2, text: include_str!("../../../../migrations/0002_prices.sql") },
    Migration { number: 3, text: include_str!("../../../../migrations/0003_reservations.sql") },
    Migration { number: 4, text: include_str!("../../../../migrations/0004_audit_and_days.sql") },
    Migration { number: 5, text: include_str!("../../../../migrations/0005_side.sql") },
    Migration { number: 6, text: include_str!("../../../../migrations/0006_tried.sql") },
    Migration { number: 7, text: include_str!("../../../../migrations/0007_failed.sql") },
];

const LEASE: &str = "migrate";
/// The tables of the ledger and of the leases.
const STEPS_BEFORE_LEASES: i64 = 2;
/// Step 0 stands for the whole file: the file itself inserts it, whoever applies it.
const NEWEST: &str = "SELECT MAX(number) AS newest FROM migrations WHERE step = 0";
const LEDGER: &str = "SELECT number AS number, step AS step FROM migrations";
const APPLIED: &str = "INSERT INTO migrations (number, step) VALUES (?, ?)";

/// Whether the schema is the one this code was written for.
pub(super) async fn schema(database: &dyn Database) -> Result<Schema> {
    let found = match database.read(vec![Statement::new(NEWEST, Vec::new())]).await {
        Ok(mut outcomes) => number(outcomes.pop())?.unwrap_or(0),
        Err(error) if database.flavor().says_missing(&error) => 0,
        Err(error) => return Err(error),
    };
    let wanted = MIGRATIONS.last().map_or(0, |migration| migration.number);
    Ok(match found.cmp(&wanted) {
        Ordering::Equal => Schema::Current,
        Ordering::Less => Schema::Older { found, wanted },
        Ordering::Greater => Schema::Newer { found, wanted },
    })
}

/// Applies the migrations that are missing; returns how many statements it ran. `holder` names this run among others:
/// two of them take turns under a lease.
///
/// A database that a newer Tidegate has migrated is left alone, with an error.
pub async fn migrate(database: &dyn Database, clock: &dyn Clock, holder: &str) -> Result<usize> {
    match schema(database).await? {
        Schema::Current => return Ok(0),
        Schema::Older { .. } => {}
        Schema::Newer { found, wanted } => return Err(newer(found, wanted)),
    }
    let mut applied = 0;
    for _ in 0..MIGRATION_POLLS_MAX {
        let steps = missing(&ledger(database).await?);
        let wanted = steps.len();
        let done = apply_all(database, clock, holder, steps).await?;
        applied += done;
        if done == wanted {
            leases::give_back(database, LEASE, holder).await?;
            return Ok(applied);
        }
        clock.sleep(MIGRATION_POLL).await;
    }
    Err(Error::new(Kind::Conflict, "Another process is migrating this database."))
}

/// One statement of a migration.
struct Step {
    migration: i64,
    number: i64,
    text: &'static str,
}

/// The statements that are neither in the ledger nor in a file that is applied as a whole.
fn missing(ledger: &HashSet<(i64, i64)>) -> Vec<Step> {
    let open = MIGRATIONS.iter().filter(|migration| !ledger.contains(&(migration.number, 0)));
    open.flat_map(|migration| {
        let numbered = (1_i64..).zip(statements(migration.text));
        numbered.map(|(number, text)| Step { migration: migration.number, number, text })
    })
    .filter(|step| !ledger.contains(&(step.migration, step.number)))
    .collect()
}

async fn ledger(database: &dyn Database) -> Result<HashSet<(i64, i64)>> {
    let mut outcomes = match database.read(vec![Statement::new(LEDGER, Vec::new())]).await {
        Ok(outcomes) => outcomes,
        Err(error) if database.flavor().says_missing(&error) => return Ok(HashSet::new()),
        Err(error) => return Err(error),
    };
    let found = rows(outcomes.pop().unwrap_or_default(), &["number", "step"])?;
    found.into_iter().map(|mut fields| Ok((fields.int()?, fields.int()?))).collect()
}

/// Applies one step after the other, and stops early where another run is at work. Returns how many it applied.
async fn apply_all(
    database: &dyn Database,
    clock: &dyn Clock,
    holder: &str,
    steps: Vec<Step>,
) -> Result<usize> {
    let mut applied = 0;
    for step in steps {
        let lease = lease(&step, clock.now(), holder);
        let done = match apply(database, &step, &lease).await {
            // Without a lease somebody else may be at the same statement, whatever this run has done before.
            Err(error)
                if (applied == 0 || lease.is_empty()) && database.flavor().says_exists(&error) =>
            {
                record(database, &step, lease).await
            }
            other => other,
        };
        match done {
            Ok(()) => applied += 1,
            Err(error) if error.kind == Kind::Conflict => {
                if is_refused(database, &step, clock.now(), holder).await? {
                    return Err(refused(&step).because(error.detail));
                }
                // The lease is somebody's, or somebody has just recorded the step.
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(applied)
}

/// Whether it was the statement itself that the database refused: the lease can be had, and nobody has recorded the step.
async fn is_refused(
    database: &dyn Database,
    step: &Step,
    now_ms: Millis,
    holder: &str,
) -> Result<bool> {
    let lease = lease(step, now_ms, holder);
    if lease.is_empty() {
        return Ok(false);
    }
    match database.write(lease).await {
        Ok(_) => Ok(!ledger(database).await?.contains(&(step.migration, step.number))),
        Err(error) if error.kind == Kind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// Runs the statement together with its ledger row.
async fn apply(database: &dyn Database, step: &Step, lease: &[Statement]) -> Result<()> {
    let statement = Statement::new(database.flavor().schema(step.text), Vec::new());
    database.write([lease, &[statement, ledger_row(step)]].concat()).await.map(drop)
}

/// Takes the first statement of a run, and only that one, for applied when what it creates exists: an engine that
/// commits a CREATE by itself was interrupted between the two.
async fn record(database: &dyn Database, step: &Step, mut batch: Vec<Statement>) -> Result<()> {
    batch.push(ledger_row(step));
    database.write(batch).await.map(drop)
}

fn ledger_row(step: &Step) -> Statement {
    Statement::new(APPLIED, vec![step.migration.into(), step.number.into()])
}

/// Takes or renews the lease. The statements before there is a table of leases go without one; when two runs meet
/// there, the engine refuses what exists.
fn lease(step: &Step, now_ms: Millis, holder: &str) -> Vec<Statement> {
    if step.migration == 1 && step.number <= STEPS_BEFORE_LEASES {
        return Vec::new();
    }
    let lease_ms = i64::try_from(MIGRATION_LEASE.as_millis()).unwrap_or(i64::MAX);
    leases::taking(LEASE, holder, now_ms, now_ms.saturating_add(lease_ms))
}

/// The statements of a file: each ends with a semicolon at the end of a line.
fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(";\n").map(without_comments).filter(|statement| !statement.is_empty())
}

/// Cuts the comments in front of a statement.
fn without_comments(text: &str) -> &str {
    let mut rest = text.trim();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    rest
}

fn refused(step: &Step) -> Error {
    let Step { migration, number, .. } = step;
    let message = format!("The database refuses statement {number} of migration {migration}.");
    Error::new(Kind::Conflict, message)
}

fn newer(found: i64, wanted: i64) -> Error {
    Error::new(
        Kind::Unavailable,
        format!(
            "The database has schema {found}, this version of Tidegate knows {wanted}: a newer version has migrated it."
        ),
    )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{
        super::{database::Outcome, flavor::Flavor},
        *,
    };
    use crate::testing::ManualClock;

    #[test]
    fn a_file_is_split_at_the_ends_of_lines() {
        let text = "-- about a\n-- and more\nCREATE TABLE a (\n  b TEXT\n);\n\n-- about c\nINSERT INTO c VALUES (';');\n";
        let found: Vec<&str> = statements(text).collect();
        assert_eq!(found, ["CREATE TABLE a (\n  b TEXT\n)", "INSERT INTO c VALUES (';')"]);
    }

    /// Refuses one statement, or every lease, as engines do: the whole batch with a conflict.
    struct Picky(&'static str);

    #[async_trait::async_trait]
    impl Database for Picky {
        fn flavor(&self) -> Flavor {
            Flavor::Sqlite
        }

        async fn read(&self, _: Vec<Statement>) -> Result<Vec<Outcome>> {
            Ok(Vec::new())
        }

        async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
            if batch.iter().any(|statement| statement.sql.contains(self.0)) {
                return Err(Error::new(Kind::Conflict, "").because("UNIQUE constraint failed"));
            }
            Ok(Vec::new())
        }
    }

    fn outcome(refused: &'static str) -> Result<usize> {
        let step = |number, text| Step { migration: 2, number, text };
        let steps = vec![step(1, "INSERT INTO good"), step(2, "INSERT INTO bad")];
        let (database, clock) = (Picky(refused), ManualClock::at(1));
        let applying = apply_all(&database, &clock, "me", steps);
        applying.now_or_never().expect("nothing waits")
    }

    #[test]
    fn a_statement_that_breaks_a_rule_is_told_at_once() {
        let error = outcome("INSERT INTO bad").unwrap_err();
        assert_eq!(error.message, "The database refuses statement 2 of migration 2.");
        assert_eq!(error.detail, "UNIQUE constraint failed");
    }

    #[test]
    fn a_lease_of_somebody_else_is_waited_for() {
        assert_eq!(outcome("leases").unwrap(), 0);
    }

    #[test]
    fn every_file_ends_by_saying_that_it_is_applied() {
        for (place, migration) in (1_i64..).zip(MIGRATIONS) {
            assert_eq!(migration.number, place);
            let last = statements(migration.text).last().unwrap();
            let wanted = format!("INSERT INTO migrations (number, step) VALUES ({place}, 0)");
            assert_eq!(last.trim_end_matches(';'), wanted);
        }
    }
}
