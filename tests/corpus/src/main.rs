//! Does recorded traffic come through the gateway as it should?
#![expect(clippy::print_stdout, reason = "this program talks to a person at a terminal")]

mod asked;
mod canned;
mod cost;
mod errors;
mod estimate;
mod frames;
mod oracle;
mod recording;
mod replies;
mod requests;
mod same;
mod store;
mod tally;
mod usage;
mod world;

use std::{num::NonZero, path::PathBuf, process::ExitCode, sync::Mutex, thread};

use clap::Parser;

use recording::{Corpus, Exchange};
use tally::{Check, Exceptions, Verdict};

/// Sends recorded traffic through the gateway, and reads what comes out with an oracle of its own.
#[derive(Parser)]
struct Line {
    /// A folder of case files
    folder: PathBuf,
    /// Details of so many cases for each kind of failure
    #[arg(long, default_value_t = 0)]
    show: usize,
    /// Only these checks
    #[arg(long, value_enum)]
    check: Vec<Check>,
    /// Only cases whose ids contain this
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    match run(&Line::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: &Line) -> Result<bool, String> {
    let exceptions = Exceptions::read(include_str!("../exceptions.tsv"))?;
    let Corpus { mut exchanges, other } = recording::read(&line.folder)?;
    if exchanges.is_empty() {
        return Err(format!("{} holds no recordings", line.folder.display()));
    }
    println!("{} chat exchanges, {other} other", exchanges.len());
    exchanges.retain(|exchange| exchange.id.contains(&line.only));
    let checks = if line.check.is_empty() { &Check::ALL[..] } else { &line.check };
    let mut verdicts = judge_all(&exchanges, checks);
    if checks.contains(&Check::Usage) {
        let (judged, other) = usage::judge_all(&line.folder)?;
        println!("{} usages, {other} of dialects that are not spoken", judged.len());
        verdicts.extend(judged);
    }
    if checks.contains(&Check::Cost) {
        let cost::Found { verdicts: judged, unpriced, unspoken } = cost::judge_all(&line.folder)?;
        println!(
            "{} costs, {unspoken} of dialects that are not spoken, {unpriced} that the library does not know",
            judged.len()
        );
        verdicts.extend(judged);
        print!("{}", estimate::report(&exchanges));
    }
    let (text, good) = tally::summarize(&verdicts, exceptions, line.show);
    print!("{text}");
    if let Some(line) = tally::noticed(&verdicts) {
        println!("{line}");
    }
    Ok(good)
}

/// Runs the checks over all exchanges, on every core.
fn judge_all(exchanges: &[Exchange], checks: &[Check]) -> Vec<Verdict> {
    let verdicts = Mutex::new(Vec::new());
    let next = Mutex::new(exchanges.chunks(8));
    let work = || {
        loop {
            let Some(chunk) = next.lock().expect("no thread panics in here").next() else { return };
            let judged: Vec<Verdict> =
                chunk.iter().flat_map(|exchange| judge(exchange, checks)).collect();
            verdicts.lock().expect("no thread panics in here").extend(judged);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut verdicts = verdicts.into_inner().expect("no thread panics in here");
    verdicts.sort_by(|a, b| (&a.id, a.check, &a.pair).cmp(&(&b.id, b.check, &b.pair)));
    verdicts
}

fn judge(exchange: &Exchange, checks: &[Check]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for check in checks {
        match check {
            Check::Same => verdicts.extend(same::judge(exchange)),
            Check::Replies => verdicts.extend(replies::judge(exchange)),
            Check::Requests => verdicts.extend(requests::judge(exchange)),
            Check::Errors => verdicts.extend(errors::judge(exchange)),
            Check::Mutations => {
                verdicts.extend(requests::mutation::judge(exchange));
                verdicts.extend(replies::mutation::judge(exchange));
            }
            // Not of exchanges.
            Check::Usage | Check::Cost => {}
        }
    }
    verdicts
}
