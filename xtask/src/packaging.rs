//! Is what we ship in order? Static programs, the image, the Lambda template, the unit and the deploy script.

mod deploy;
mod image;
mod python;
mod smoke;
mod static_build;
mod template;

use clap::Args;

use crate::{dashboard, report::Report};

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Leave out the static programs: they are built for two processors, which takes minutes
    #[arg(long)]
    no_build: bool,
}

/// Builds what is shipped into `dist/`, and checks and runs it as far as this machine allows.
pub(crate) fn package(options: &Options, report: &mut Report) {
    if !options.no_build {
        static_programs(report);
    }
    report.step("Dockerfile", image::lint);
    report.step("image", image::build_and_ask);
    report.step("Lambda template", template::lint);
    report.step("deploy script", deploy::lint);
    report.step("systemd unit", deploy::verify_unit);
    report.step("deploy and roll back", deploy::rehearse);
}

/// Builds the static programs into `dist/`, and starts each.
pub(crate) fn static_programs(report: &mut Report) {
    report.step("dashboard", dashboard::dashboard);
    report.step("static programs", static_build::build);
    for arch in static_build::Arch::ALL {
        report.step(&format!("run on {arch}"), || static_build::run(arch));
    }
}
