//! How do I try a function by hand? `tidegate-emulator [--listen ADDRESS] [--no-freeze] COMMAND` serves it at a URL until
//! Ctrl-C or SIGTERM, then runs the Shutdown phase and prints the timeline.

#![expect(clippy::print_stdout, reason = "a command that prints what it did")]

use std::{io, process::ExitCode};

use tidegate_emulator::{Emulator, Freeze, Options};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let Some(options) = parse(std::env::args().skip(1)) else {
        println!("usage: tidegate-emulator [--listen ADDRESS] [--no-freeze] COMMAND");
        return Ok(ExitCode::from(2));
    };
    let emulator = Emulator::start(options).await?;
    println!("function URL: {}", emulator.url());
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    let end = emulator.shutdown().await;
    for line in emulator.log() {
        println!("{line}");
    }
    for moment in emulator.timeline() {
        println!("{} {:?}", moment.at_us, moment.what);
    }
    println!("shutdown: {end:?}");
    Ok(ExitCode::SUCCESS)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options::new("");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--listen" => options.listen = arguments.next()?.parse().ok()?,
            "--no-freeze" => options.freeze = Freeze::Never,
            command => {
                options.command = command.into();
                options.arguments = arguments.collect();
                return Some(options);
            }
        }
    }
    None
}
