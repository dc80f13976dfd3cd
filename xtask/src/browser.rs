//! Does the dashboard work as people use it, in a real browser against a real server?

use std::path::PathBuf;

use clap::Args;

use crate::{
    build::{self, Profile},
    dashboard, fetch, place,
    report::{Result, Stop},
    shell,
};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// A server that is built already, with the dashboard in it
    #[arg(long)]
    server: Option<PathBuf>,
    /// How the server is built
    #[arg(long, value_enum, default_value = "dev", conflicts_with = "server")]
    profile: Profile,
    /// A folder for pictures of every page
    #[arg(long)]
    images: Option<PathBuf>,
    /// Only cases whose name contains this; what they build on runs anyway
    #[arg(last = true)]
    filter: Vec<String>,
}

impl Options {
    /// All cases, against a server that is built like this.
    pub(crate) fn of(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }
}

/// Builds the dashboard into the server, and lets Chromium do every page's task.
pub(crate) fn browser(options: &Options) -> Result {
    fetch::need("node", "install Node.js 20 or later")?;
    let chromium = chromium()?;
    fetch::npm_beside(&place::root()?.join("tests/browser"))?;
    let server = if let Some(server) = &options.server {
        server.clone()
    } else {
        dashboard::dashboard()?;
        build::server(options.profile)?
    };
    let mut suite = shell::command("node", &["tests/browser/run.mjs", "--server"])?;
    suite.arg(std::path::absolute(&server).unwrap_or(server)).arg("--chromium").arg(chromium);
    if let Some(images) = &options.images {
        suite.arg("--images").arg(std::path::absolute(images).unwrap_or_else(|_| images.clone()));
    }
    if !options.filter.is_empty() {
        suite.args(["--only", &options.filter.join(" ")]);
    }
    shell::run_tests(&mut suite)
}

fn chromium() -> Result<PathBuf> {
    if place::program("chromium").is_none() {
        fetch::debian(&["chromium"])?;
    }
    place::program("chromium").ok_or_else(|| Stop::skipped("Chromium is missing"))
}
