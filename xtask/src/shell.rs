//! How does this tool run another program? It prints the line, runs it, and says how long it took.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    place,
    report::{Done, Result, Stop, Tally, seconds},
};

/// How much of what failed the summary repeats.
const FAILURE_LINES_MAX: usize = 60;
/// How much of the end of what failed without tests the summary repeats.
const LAST_LINES_MAX: usize = 15;
/// How long to wait for the last words of a program that has ended. One that it has started may keep its output open.
const LAST_LINES_WAIT: Duration = Duration::from_secs(1);

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
    let (status, last) = shown_to_the_end(command).map_err(|e| cannot_start(command, &e))?;
    println!(
        "   {} in {}",
        if status.success() { "ok" } else { "failed" },
        seconds(start.elapsed())
    );
    if status.success() {
        return Ok(Done::default());
    }
    let lines = std::iter::once(status.to_string()).chain(last);
    Err(Stop::failed(lines.collect::<Vec<_>>().join("\n      ")))
}

/// Runs it, and returns the end of what it printed unless a person looks on: where only the end of a log is kept, the
/// summary has to say why something failed.
fn shown_to_the_end(command: &mut Command) -> io::Result<(ExitStatus, VecDeque<String>)> {
    if io::stdout().is_terminal() {
        return Ok((command.status()?, VecDeque::new()));
    }
    let (printed, own_end) = io::pipe()?;
    let mut child = command.stdout(own_end.try_clone()?).stderr(own_end).spawn()?;
    // Our ends of the pipe would keep it open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let last = Arc::<Mutex<VecDeque<String>>>::default();
    let showing = thread::spawn({
        let last = Arc::clone(&last);
        move || show(printed, &last)
    });
    let status = child.wait()?;
    let deadline = Instant::now() + LAST_LINES_WAIT;
    while !showing.is_finished() && Instant::now() < deadline {
        thread::sleep(LAST_LINES_WAIT / 100);
    }
    let last = std::mem::take(&mut *last.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((status, last))
}

/// Shows what is printed, and keeps the end of it.
fn show(printed: impl Read, last: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(printed).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line.into_owned());
    }
}

/// Runs a program that ends with libtest's closing lines; shows what it prints and adds the lines up.
pub(crate) fn run_tests(command: &mut Command) -> Result {
    announce(command);
    let start = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|e| cannot_start(command, &e))?;
    let (tally, failures) = show_and_count(&mut child);
    let status = child.wait().map_err(|e| cannot_start(command, &e))?;
    println!("   {tally} in {}", seconds(start.elapsed()));
    if !status.success() {
        return Err(Stop::Failed(format!("{tally} ({status}){failures}"), tally));
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

/// Shows what it prints, adds the closing lines up, and keeps what it says of failures: the summary repeats that, where
/// only the end of a log is kept.
fn show_and_count(child: &mut Child) -> (Tally, String) {
    let (mut tally, mut failures) = (Tally::default(), Failures::default());
    let Some(stdout) = child.stdout.take() else { return (tally, failures.told) };
    for line in BufReader::new(stdout).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        failures.take(&line);
        tally = tally.plus(Tally::read(&line).unwrap_or_default());
    }
    (tally, failures.told)
}

/// The sections of libtest's output that tell what failed and why.
#[derive(Default)]
struct Failures {
    told: String,
    lines: usize,
    within: bool,
}

impl Failures {
    fn take(&mut self, line: &str) {
        self.within = match line {
            "failures:" => true,
            _ if line.starts_with("test result: ") => false,
            _ => self.within,
        };
        if self.within && self.lines < FAILURE_LINES_MAX && !line.trim().is_empty() {
            self.lines += 1;
            self.told.push_str("\n      ");
            self.told.push_str(line);
        }
    }
}

fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = variables.chain(words.map(|word| word.to_string_lossy().into_owned()));
    line.collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, error: &io::Error) -> Stop {
    Stop::failed(format!("{}: {error}", Path::new(command.get_program()).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_failed_is_told() {
        // The one in the background keeps the output open.
        let script = "sleep 5 & seq 100; echo because >&2; exit 3";
        let stop = run(Command::new("sh").args(["-c", script])).err();
        let Some(Stop::Failed(why, _)) = stop else { panic!("{stop:?}") };
        let lines: Vec<&str> = why.lines().map(str::trim).collect();
        assert_eq!(
            (lines[0], lines[1], lines[LAST_LINES_MAX]),
            ("exit status: 3", "87", "because")
        );
    }

    #[test]
    fn what_failed_is_kept_and_nothing_else() {
        let mut failures = Failures::default();
        let log = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b ----\nexpected 1\n\n\
                   failures:\n    b\n\ntest result: FAILED. 1 passed; 1 failed;\nmore";
        log.lines().for_each(|line| failures.take(line));
        let kept: Vec<&str> = failures.told.lines().map(str::trim).collect();
        assert_eq!(kept, ["", "failures:", "---- b ----", "expected 1", "failures:", "b"]);
    }
}
