//! Does the dashboard work as people use it, in a real browser against a real server?

use std::path::PathBuf;

use clap::Args;

use crate::{
    build::{self, Profile},
    contract::Adapter,
    dashboard, fetch, place,
    report::{Result, Stop},
    shell, wasm,
};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// A server that is built already, with the dashboard in it
    #[arg(long)]
    server: Option<PathBuf>,
    /// How the server is built
    #[arg(long, value_enum, default_value = "dev", conflicts_with = "server")]
    profile: Profile,
    /// What shows the pages: the server is asked everything, the others what may differ on them
    #[arg(long, value_enum, default_value = "server")]
    adapter: Adapter,
    /// A folder for pictures of every page
    #[arg(long)]
    images: Option<PathBuf>,
    /// Takes the pictures of the documentation instead
    #[arg(long)]
    pictures: bool,
    /// Asks how quick the overview is over five million requests instead
    #[arg(long, conflicts_with = "pictures")]
    scale: bool,
    /// Watches for a minute where a shorter look does by day
    #[arg(long)]
    long: bool,
    /// Only cases whose name contains this; what they build on runs anyway
    #[arg(last = true)]
    filter: Vec<String>,
}

impl Options {
    /// All cases that an adapter is asked, where it is built like this.
    pub(crate) fn of(adapter: Adapter, profile: Profile) -> Self {
        Self { profile, adapter, ..Self::default() }
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
    let suite = |program: &str| -> Result<_> {
        let mut suite = shell::command("node", &[&format!("tests/browser/{program}"), "--server"])?;
        suite
            .arg(std::path::absolute(&server).unwrap_or_else(|_| server.clone()))
            .arg("--chromium")
            .arg(&chromium);
        Ok(suite)
    };
    if options.pictures {
        if place::program("pngquant").is_none() {
            fetch::debian(&["pngquant"])?;
        }
        return shell::run(
            suite("pictures.mjs")?.arg("--to").arg(place::root()?.join("docs/images")),
        );
    }
    if options.scale {
        return shell::run(&mut suite("scale.mjs")?);
    }
    let mut suite = suite("run.mjs")?;
    match options.adapter {
        Adapter::Server => {}
        Adapter::Lambda => {
            suite.arg("--lambda").arg(build::lambda(options.profile)?);
            suite.arg("--emulator").arg(build::suite("tidegate-emulator", options.profile)?);
        }
        Adapter::Worker => {
            suite.arg("--worker").arg(wasm::worker()?);
        }
    }
    if let Some(images) = &options.images {
        suite.arg("--images").arg(std::path::absolute(images).unwrap_or_else(|_| images.clone()));
    }
    if options.long {
        suite.arg("--long");
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
