//! Tidegate on a server: the program, its commands, and the listening socket.
//!
//! Read on in [`serve`] for what runs, in [`connection`] for what a client meets first.

mod accept;
mod admin;
mod body;
mod bounds;
mod cli;
mod connection;
mod console;
mod copies;
mod crowd;
mod data;
mod declaration;
mod demo;
mod ending;
mod entrance;
mod env;
mod exchange;
mod flight;
mod guard;
mod hops;
mod house;
mod hub;
mod instances;
mod key;
mod machine;
mod migrate;
mod moving;
mod owner;
mod people;
mod prices;
mod pulse;
mod ready;
mod runtime;
mod scan;
mod secret;
mod serve;
mod shutdown;
mod socket;
mod streams;
mod watcher;

use std::{env::args_os, path::Path, process::ExitCode};

use tidegate_core::{Error, Result, config::Config};
use tidegate_native::init_log;

use cli::{Cli, Command};
use console::{complain, say};

/// A request takes some dozens of small pieces of memory; the system's own allocator spends a tenth of its time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The declaration is wrong, or the command line.
const MISTAKEN: u8 = 2;

fn main() -> ExitCode {
    let cli = cli::read(args_os());
    let config = match declaration::read(&cli) {
        Ok(config) => config,
        Err(mistakes) => {
            complain(&mistakes.join("\n"));
            return ExitCode::from(MISTAKEN);
        }
    };
    if let Err(error) = init_log(&config) {
        complain(&error.message);
        return ExitCode::from(MISTAKEN);
    }
    let ended =
        owner::give_root_up(Path::new(&config.data)).and_then(|()| runtime::run(obey(cli, config)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error { message, detail, .. }) => {
            let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
            complain(&format!("{message}{detail}"));
            ExitCode::FAILURE
        }
    }
}

async fn obey(cli: Cli, config: Config) -> Result<()> {
    match cli.command {
        Command::Serve(_) => serve::serve(config).await,
        Command::Check => {
            say("The configuration is right.");
            Ok(())
        }
        Command::Ready => ready::ready(config).await,
        Command::Migrate(_) => migrate::migrate(config).await,
        Command::Key(key) => key::run(key, config).await,
        Command::Prices(prices) => prices::run(prices, config).await,
        Command::Admin(command) => people::administrate(command, config).await,
        Command::Secret(command) => secret::run(command, config).await,
        Command::User(command) => people::run(command, config).await,
        Command::Export(export) => moving::export(export, config).await,
        Command::Import(import) => moving::import(import, config).await,
        Command::Backup(backup) => moving::backup(backup, config).await,
    }
}
