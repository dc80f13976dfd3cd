//! Do the SDKs that applications use work through the gateway, with a provider of each dialect?

use std::path::PathBuf;

use clap::Args;

use crate::{
    build::{self, Profile},
    fetch, place,
    report::Result,
    shell,
};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// A server that is built already
    #[arg(long)]
    server: Option<PathBuf>,
    /// How the server is built
    #[arg(long, value_enum, default_value = "dev", conflicts_with = "server")]
    profile: Profile,
    /// Only cases whose line contains this, as in `py anthropic | gemini | tools`
    #[arg(last = true)]
    filter: Vec<String>,
}

/// Fetches the SDKs, starts the server beside a scripted provider, and runs every case of every client.
pub(crate) fn sdk(options: &Options) -> Result {
    let folder = place::root()?.join("tests/sdk");
    fetch::need("node", "install Node.js 20 or later")?;
    let python = fetch::python_listed(&folder.join("requirements.txt"))?.join("python");
    fetch::npm_beside(&folder)?;
    let server = match &options.server {
        Some(server) => server.clone(),
        None => build::server(options.profile)?,
    };
    let mut suite = shell::command(python, &["-B", "tests/sdk/run.py", "--server"])?;
    suite.arg(std::path::absolute(&server).unwrap_or(server));
    if !options.filter.is_empty() {
        suite.args(["--only", &options.filter.join(" ")]);
    }
    shell::run_tests(&mut suite)
}
