//! How does one start the server from a clone? Build it, then become it.

use std::{os::unix::process::CommandExt, process::Command};

use clap::Args;

use crate::{
    build::{self, Profile},
    report::{Result, Stop},
    shell,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Start with the demo provider, so that no key of a provider is needed
    #[arg(long)]
    demo: bool,
    /// How the server is built
    #[arg(long, value_enum, default_value = "dev")]
    profile: Profile,
    /// Further arguments of `tidegate serve`
    #[arg(last = true)]
    args: Vec<String>,
}

/// Never returns when the server starts: this process becomes it, so that Ctrl-C reaches it directly.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut server = Command::new(build::server(options.profile)?);
    server.arg("serve");
    if options.demo {
        server.arg("--demo");
    }
    server.args(&options.args);
    shell::announce(&server);
    Err(Stop::failed(format!("the server does not start: {}", server.exec())))
}
