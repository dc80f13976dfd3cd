//! Does a login storm disturb anybody? `tidegate-storm [--seconds N] [--rounds N]`
//!
//! The environment names the server's binary as for `tidegate-contract`. Without hydra only the other storm is played.

use std::{env, process::ExitCode, time::Duration};

use clap::Parser;
use tidegate_contract::storm::{Storm, run};

#[derive(Parser)]
#[command(about = "Guesses passwords beside proxied requests, and measures both")]
struct Arguments {
    /// How long each calm and each storm lasts.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// How often they take turns.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a command")]
async fn main() -> ExitCode {
    let Arguments { seconds, rounds } = Arguments::parse();
    let mut code = ExitCode::SUCCESS;
    for storm in [Storm::Hydra, Storm::Everywhere] {
        if storm == Storm::Hydra && !has_hydra() {
            println!("hydra is not there: left out");
            continue;
        }
        let figures = run(storm, rounds, Duration::from_secs(seconds)).await;
        match figures.and_then(|figures| figures.check().map(|()| figures)) {
            Ok(figures) => println!("{figures}"),
            Err(error) => {
                eprintln!("FAILED {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn has_hydra() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join("hydra").exists())
}
