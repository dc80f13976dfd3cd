//! What does the compiler itself have to say, before anything runs?

use crate::{
    fetch,
    report::Result,
    shell::{cargo, run},
    wasm,
};

/// The code is formatted.
pub(crate) fn format() -> Result {
    fetch::need("rustfmt", "rustup component add rustfmt")?;
    run(&mut cargo(&["fmt", "--all", "--check"])?)
}

/// No lint fires, in any target of any crate. In the release profile, whose dependencies the tests need anyway.
pub(crate) fn lint() -> Result {
    fetch::need("cargo-clippy", "rustup component add clippy")?;
    run(&mut cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?)
}

/// The core compiles where there is no operating system.
pub(crate) fn core_on_wasm() -> Result {
    let mut check = cargo(&["check", "-p", "tidegate-core", "--target", "wasm32-unknown-unknown"])?;
    wasm::select_toolchain(&mut check)?;
    run(&mut check)
}
