//! Which tests run without anything fetched?

use clap::Args;

use crate::{
    build::Profile,
    contract::{self, Adapter},
    fetch,
    report::{Report, Result, Stop},
    shell,
    stores::{self, Database},
};

#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the suites that start processes
    #[arg(long)]
    quick: bool,
    /// Only the tests of this crate; may be given again
    #[arg(short, long = "package", value_name = "CRATE")]
    package: Vec<String>,
    /// Show which lines no test runs
    #[arg(long, conflicts_with = "quick")]
    coverage: bool,
    /// Only tests whose names contain this
    #[arg(last = true)]
    filter: Vec<String>,
}

/// Unit, law, golden and tidy tests; then, unless a crate is named or it must be quick, the suites.
pub(crate) fn test(options: &Options, report: &mut Report) {
    if options.coverage {
        return report.step("coverage", || coverage(&options.package));
    }
    report.step("tests", || crates(Profile::Dev, &options.package, &options.filter));
    if options.quick || !options.package.is_empty() || !options.filter.is_empty() {
        return;
    }
    for adapter in [Adapter::Server, Adapter::Lambda] {
        report.step(&format!("contract {adapter}"), || contract::on(adapter, Profile::Dev, &[]));
    }
    for database in [Database::File, Database::Memory] {
        report.step(&format!("stores {database}"), || stores::on(database, Profile::Dev, &[]));
    }
}

/// The tests of these crates, or of all but the one whose code runs in workerd only.
pub(crate) fn crates(profile: Profile, packages: &[String], filter: &[String]) -> Result {
    let mut cargo = shell::cargo(&["test", "--no-fail-fast"])?;
    cargo.args(profile.option()).args(selection(packages)).arg("--").args(filter);
    shell::run_tests(&mut cargo)
}

fn selection(packages: &[String]) -> Vec<&str> {
    if packages.is_empty() {
        let excluded = ["tidegate-stores-worker"];
        let exclude = excluded.iter().flat_map(|package| ["--exclude", package]);
        return ["--workspace"].into_iter().chain(exclude).collect();
    }
    packages.iter().flat_map(|package| ["--package", package.as_str()]).collect()
}

fn coverage(packages: &[String]) -> Result {
    let mut component = shell::command("rustup", &["component", "add", "llvm-tools"])?;
    shell::run(&mut component)
        .map_err(|_| Stop::skipped("rustup cannot add llvm-tools, which reads the counters"))?;
    let programs = fetch::crate_programs("cargo-llvm-cov", "0.9.1", &[])?;
    let mut cover =
        shell::command(programs.join("cargo-llvm-cov"), &["llvm-cov", "--summary-only"])?;
    shell::run(cover.args(selection(packages)))
}
