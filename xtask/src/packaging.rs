//! Is what we ship in order? Static programs, images, Compose files, manifests, templates, the unit and the deploy script.

mod compose;
mod deploy;
mod image;
mod kubernetes;
mod python;
mod read_only;
mod smoke;
mod static_build;
mod template;

use clap::Args;

use crate::{dashboard, edition::Edition, report::Report, wasm};

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
    report.step("image builder", image::prepare);
    for edition in Edition::ALL {
        report.step(&format!("image {edition}"), || image::build_and_ask(edition));
    }
    report.step("image read-only", read_only::ask);
    report.step("Compose files", compose::check);
    report.step("Kubernetes manifests", kubernetes::check);
    report.step("Lambda template", template::lint);
    report.step("wrangler", wasm::dry_run);
    report.step("deploy script", deploy::lint);
    report.step("systemd unit", deploy::verify_unit);
    report.step("deploy and roll back", deploy::rehearse);
}

/// Builds the static programs into `dist/`, and starts each.
pub(crate) fn static_programs(report: &mut Report) {
    report.step("dashboard", dashboard::dashboard);
    for edition in Edition::ALL {
        report.step(&format!("static programs, {edition}"), || static_build::build(edition));
        for arch in static_build::Arch::ALL {
            report.step(&format!("{edition} on {arch}"), || static_build::run(edition, arch));
        }
    }
    report.step("Lambda template, enterprise", template::for_enterprise);
}
