//! What must hold before a change lands?

use clap::Args;

use crate::{
    browser,
    build::{self, Profile},
    checks,
    contract::{self, Adapter},
    corpus, dashboard, deny, packaging,
    report::Report,
    schema, sdk,
    stores::{self, Database},
    test, wasm,
};

/// How often a gateway is killed.
const ENDURANCE_LOOPS: u32 = 20;

#[derive(Args)]
pub(crate) struct Options {
    /// Add the suites that take long or need much
    #[arg(long)]
    full: bool,
}

/// Every step runs, also after one that failed: the summary shows all that is wrong.
///
/// Everything that is run is built in the release profile: what is tested is what is shipped, and nothing is built twice.
pub(crate) fn ci(options: &Options, report: &mut Report) {
    report.step("format", checks::format);
    // Before anything is compiled: whatever embeds the pages is built with them, and once.
    report.step("dashboard", dashboard::dashboard);
    report.step("lint", checks::lint);
    report.step("core on wasm32", checks::core_on_wasm);
    report.step("tests", || test::crates(Profile::Release, &[], &[]));
    report.step("release builds", build::release);
    report.step("worker", wasm::wasm);
    for adapter in Adapter::ALL {
        let name = format!("contract {adapter}");
        report.step(&name, || contract::on(adapter, Profile::Release, &[]));
    }
    for database in Database::ALL {
        let name = format!("stores {database}");
        report.step(&name, || stores::on(database, Profile::Release, &[]));
    }
    report.step("corpus", || corpus::corpus(&corpus::Options::default()));
    report.step("dependencies", deny::policy);
    report.step("advisories", deny::advisories);
    if options.full {
        full(report);
    }
}

/// What takes long: the kill loops, browsers, SDKs, and all that is shipped.
fn full(report: &mut Report) {
    report.step("endurance", || contract::endurance(ENDURANCE_LOOPS));
    for adapter in Adapter::ALL {
        let browser = browser::Options::of(adapter, Profile::Release);
        report.step(&format!("browser {adapter}"), || browser::browser(&browser));
    }
    report.step("sdk", || sdk::sdk(&sdk::Options::default()));
    report.step("schema", || schema::schema(&schema::Options::full()));
    packaging::package(&packaging::Options::default(), report);
}
