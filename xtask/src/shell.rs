//! How does this tool run another program? It prints the line, runs it, and says how long it took.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::{
    place,
    report::{Done, Result, Stop, Tally, seconds},
};

/// A command at the root of the clone, without standard input.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Result<Command> {
    let mut command = Command::new(program);
    command.args(args).current_dir(place::root()?).stdin(Stdio::null());
    Ok(command)
}

/// Cargo at the root of the clone.
pub(crate) fn cargo(args: &[&str]) -> Result<Command> {
    command("cargo", args)
}

/// Runs it; whatever it prints is shown.
pub(crate) fn run(command: &mut Command) -> Result {
    announce(command);
    let start = Instant::now();
    let status = command.status().map_err(|e| cannot_start(command, &e))?;
    println!(
        "   {} in {}",
        if status.success() { "ok" } else { "failed" },
        seconds(start.elapsed())
    );
    if status.success() { Ok(Done::default()) } else { Err(Stop::failed(status.to_string())) }
}

/// Runs a program that ends with libtest's closing lines; shows what it prints and adds the lines up.
pub(crate) fn run_tests(command: &mut Command) -> Result {
    announce(command);
    let start = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|e| cannot_start(command, &e))?;
    let tally = show_and_count(&mut child);
    let status = child.wait().map_err(|e| cannot_start(command, &e))?;
    println!("   {tally} in {}", seconds(start.elapsed()));
    if !status.success() {
        return Err(Stop::Failed(format!("{tally} ({status})"), tally));
    }
    if tally == Tally::default() {
        return Err(Stop::failed("it ran no test"));
    }
    Ok(tally.into())
}

/// Runs it quietly and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|e| cannot_start(command, &e))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.lines().last().unwrap_or_default().to_owned();
        return Err(Stop::failed(format!("{}: {reason}", shown(command))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Says which program is about to run.
pub(crate) fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

fn show_and_count(child: &mut Child) -> Tally {
    let mut tally = Tally::default();
    let Some(stdout) = child.stdout.take() else { return tally };
    for line in BufReader::new(stdout).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally = tally.plus(Tally::read(&line).unwrap_or_default());
    }
    tally
}

fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = variables.chain(words.map(|word| word.to_string_lossy().into_owned()));
    line.collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Stop {
    Stop::failed(format!("{}: {error}", Path::new(command.get_program()).display()))
}
