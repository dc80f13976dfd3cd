//! What is missing on this machine, and how does one get it?

use std::path::PathBuf;

use crate::{place, report::Result, shell};

/// Something that a command needs.
struct Need {
    program: &'static str,
    version: &'static [&'static str],
    used_by: &'static str,
    advice: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "cargo",
        version: &["--version"],
        used_by: "everything",
        advice: "install Rust with rustup",
    },
    Need {
        program: "rustfmt",
        version: &["--version"],
        used_by: "ci",
        advice: "rustup component add rustfmt",
    },
    Need {
        program: "cargo-clippy",
        version: &["--version"],
        used_by: "ci",
        advice: "rustup component add clippy",
    },
    Need {
        program: "cc",
        version: &["--version"],
        used_by: "everything (the embedded database is C)",
        advice: "apt-get install gcc libc6-dev",
    },
    Need {
        program: "node",
        version: &["--version"],
        used_by: "dashboard, browser, contract worker, stores d1, sdk",
        advice: "install Node.js 20 or later",
    },
    Need {
        program: "npm",
        version: &["--version"],
        used_by: "dashboard, browser, wasm, contract worker, stores hrana d1, sdk",
        advice: "comes with Node.js",
    },
    Need {
        program: "chromium",
        version: &["--version"],
        used_by: "browser",
        advice: "apt-get install chromium",
    },
    Need {
        program: "python3",
        version: &["--version"],
        used_by: "bench, package, sdk",
        advice: "apt-get install python3",
    },
];

/// Prints what is there and what is not.
pub(crate) fn doctor() -> Result<()> {
    println!("{:<14} {:<34} {:<62} how to get it", "program", "found", "used by");
    for need in NEEDS {
        let found = place::program(need.program).map(|program| version(&program, need.version));
        let advice = if found.is_some() { "" } else { need.advice };
        let found = found.unwrap_or_else(|| "missing".to_owned());
        println!("{:<14} {found:<34} {:<62} {advice}", need.program, need.used_by);
    }
    let target = wasm_target();
    let advice = if target == "missing" { "cargo xtask wasm gets it" } else { "" };
    println!(
        "{:<14} {target:<34} {:<62} {advice}",
        "wasm32 std", "wasm, contract worker, stores d1"
    );
    println!("\nfetched by the commands themselves, kept in {}", place::cache()?.display());
    Ok(())
}

fn version(program: &PathBuf, args: &[&str]) -> String {
    let answer = shell::command(program, args).and_then(|mut command| shell::output(&mut command));
    let answer = answer.unwrap_or_else(|_| "found, but it does not run".to_owned());
    answer.lines().next().unwrap_or_default().chars().take(34).collect()
}

fn wasm_target() -> String {
    let print = ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"];
    let folder =
        shell::command("rustc", &print).and_then(|mut command| shell::output(&mut command));
    let found = folder.is_ok_and(|folder| PathBuf::from(folder.trim()).is_dir());
    if found { "found".to_owned() } else { "missing".to_owned() }
}
