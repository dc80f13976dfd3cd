//! Does the API do what its description says, whatever it is asked?

use std::path::PathBuf;

use clap::Args;

use crate::{
    build::{self, Profile},
    fetch, place,
    report::Result,
    shell,
};

/// Cases of an admin, and of a viewer, in a full run.
const CASES_FULL: u32 = 20_000;

#[derive(Args)]
pub(crate) struct Options {
    /// A server that is built already
    #[arg(long)]
    server: Option<PathBuf>,
    /// How the server is built
    #[arg(long, value_enum, default_value = "dev", conflicts_with = "server")]
    profile: Profile,
    /// At least so many cases as an admin and as a viewer; a tenth with a client's key and with none
    #[arg(long, default_value_t = 1_000)]
    cases: u32,
    /// Only this role
    #[arg(long)]
    role: Option<String>,
}

impl Options {
    /// As many cases as the API must have passed before a release.
    pub(crate) fn full() -> Self {
        Self { server: None, profile: Profile::Release, cases: CASES_FULL, role: None }
    }
}

/// Fetches schemathesis and lets it ask a real server as everybody.
pub(crate) fn schema(options: &Options) -> Result {
    let folder = place::root()?.join("tests/schema");
    let programs = fetch::python_listed(&folder.join("requirements.txt"))?;
    let server = match &options.server {
        Some(server) => server.clone(),
        None => build::server(options.profile)?,
    };
    let mut suite = shell::command(programs.join("python"), &["-B", "tests/schema/run.py"])?;
    suite.arg("--server").arg(std::path::absolute(&server).unwrap_or(server));
    suite.arg("--st").arg(programs.join("st")).args(["--cases", &options.cases.to_string()]);
    if let Some(role) = &options.role {
        suite.args(["--role", role]);
    }
    shell::run_tests(&mut suite)
}
