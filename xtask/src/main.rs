//! Which commands does the one tool have? Each is a small file of its own.
#![expect(clippy::print_stdout, reason = "this tool talks to a person at a terminal")]

mod bench;
mod browser;
mod build;
mod checks;
mod ci;
mod contract;
mod corpus;
mod dashboard;
mod deny;
mod doctor;
mod edition;
mod fetch;
mod packaging;
mod place;
mod report;
mod run;
mod schema;
mod sdk;
mod shell;
mod stores;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use report::{Report, Result};

/// Everything one does with a clone of Tidegate.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the server and start it
    Run(run::Options),
    /// Unit, law, golden and tidy tests, then the suites that need nothing fetched
    Test(test::Options),
    /// One list of cases against server, Lambda and Worker as real processes
    Contract(contract::Options),
    /// Recorded provider traffic through the gateway, read by an oracle of its own
    Corpus(corpus::Options),
    /// The SDKs that applications use, through the server, to a provider of each dialect
    Sdk(sdk::Options),
    /// Thousands of questions to the API, made of its description
    Schema(schema::Options),
    /// Check the dashboard and build it into the files that the programs carry
    Dashboard,
    /// Every page of the dashboard as people use it, in Chromium against the server
    Browser(browser::Options),
    /// One list of cases against every database
    Stores(stores::Options),
    /// Kill and terminate gateways under load, and count what was lost
    Endurance {
        /// How often
        #[arg(long, default_value_t = 20)]
        loops: u32,
    },
    /// Guess passwords beside proxied requests, and measure what that costs both
    Storm {
        /// How long each calm and each storm lasts
        #[arg(long, default_value_t = 6)]
        seconds: u32,
        /// How the programs are built
        #[arg(long, value_enum, default_value = "release")]
        profile: build::Profile,
    },
    /// Build the Worker, and say what it weighs
    Wasm,
    /// Ask for more at once than a budget has room for, on every adapter
    Race(contract::Race),
    /// Measure the release server beside a floor proxy
    Bench(bench::Options),
    /// Build, check and try what is shipped: static programs, images, templates, manifests, deployment
    Package(packaging::Options),
    /// Build the static programs only, both editions for both processors
    Static,
    /// What is missing on this machine, and how to get it
    Doctor,
    /// Everything that must hold before a change lands
    Ci(ci::Options),
}

fn main() -> ExitCode {
    let task = Line::parse().task;
    let mut report = Report::default();
    let ended = perform(&task, &mut report);
    if let Err(stop) = ended {
        report.step("cargo xtask", || Err(stop));
    }
    if report.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn perform(task: &Task, report: &mut Report) -> Result<()> {
    match task {
        Task::Run(options) => run::run(options)?,
        Task::Test(options) => test::test(options, report),
        Task::Contract(options) => contract::contract(options, report),
        Task::Corpus(options) => report.step("corpus", || corpus::corpus(options)),
        Task::Sdk(options) => report.step("sdk", || sdk::sdk(options)),
        Task::Schema(options) => report.step("schema", || schema::schema(options)),
        Task::Dashboard => report.step("dashboard", dashboard::dashboard),
        Task::Browser(options) => report.step("browser", || browser::browser(options)),
        Task::Stores(options) => stores::stores(options, report),
        Task::Endurance { loops } => report.step("endurance", || contract::endurance(*loops)),
        Task::Race(options) => report.step("race", || contract::race(options)),
        Task::Storm { seconds, profile } => {
            report.step("storm", || contract::storm(*seconds, *profile));
        }
        Task::Wasm => report.step("worker", wasm::wasm),
        Task::Bench(options) => report.step("bench", || bench::bench(options)),
        Task::Package(options) => packaging::package(options, report),
        Task::Static => packaging::static_programs(report),
        Task::Doctor => doctor::doctor()?,
        Task::Ci(options) => ci::ci(options, report),
    }
    Ok(())
}
