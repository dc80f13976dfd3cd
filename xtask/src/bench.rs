//! How much does the release server cost beside a proxy that does nothing?

use std::{
    env,
    ffi::OsStr,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::Value;

use crate::{
    build::{self, Profile},
    fetch, place,
    report::{Done, Result, Stop},
    shell,
};

/// The gateway and the floor take turns on one core; mock and load stay on the other.
const GATEWAY_CORE: &str = "0";
const LOAD_CORE: &str = "1";
const SERVER: &str = "127.0.0.1:9310";
const FLOOR: &str = "127.0.0.1:9200";
const MOCK: &str = "127.0.0.1:9100";
const START_WAIT: Duration = Duration::from_secs(20);
/// What may be spent beside the floor: the figure, and how many times the floor's.
const BOUNDS: [(&str, f64); 3] =
    [("cpu_us_per_req", 2.5), ("cpu_us_per_chunk_paced", 1.5), ("cpu_us_per_chunk_max", 2.5)];
const IDLE_MB_MAX: f64 = 20.0;

#[derive(Args)]
pub(crate) struct Options {
    /// Alternating rounds of the server and the floor
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of each phase of a round
    #[arg(long, default_value_t = 20)]
    secs: u32,
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        // The server is asked to end, so that its last records are written.
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if asked.is_err() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// Prints one JSON line a round and the medians as multiples of the floor's.
pub(crate) fn bench(options: &Options) -> Result {
    let Some(source) = env::var_os("TIDEGATE_BENCH") else {
        return Err(Stop::skipped(
            "TIDEGATE_BENCH names no folder with the mock provider, the load generator and the floor proxy",
        ));
    };
    for program in ["taskset", "python3", "curl"] {
        fetch::need(program, "it pins, measures or asks")?;
    }
    let tools = built(Path::new(&source))?;
    let subject = Subject::prepare()?;
    let mut mock = pinned(LOAD_CORE, &tools.join("target/release/mock"));
    let _mock = start(mock.args(["--listen", MOCK]), MOCK)?;
    let mut lines = Vec::new();
    for _ in 0..options.rounds {
        let running = subject.start()?;
        let url = format!("http://{SERVER}");
        let key = ["--name", "tidegate", "--url", &url, "--key", &subject.key];
        lines.push(measure(&tools, &running, &key, options)?);
        drop(running);
        let running = start(&mut pinned(GATEWAY_CORE, &tools.join("target/release/floor")), FLOOR)?;
        let url = format!("http://{FLOOR}");
        lines.push(measure(&tools, &running, &["--name", "floor", "--url", &url], options)?);
    }
    for line in &lines {
        println!("{line}");
    }
    verdict(&lines)
}

/// The tools of the measurement, built once in the cache: their own folder may be read-only.
fn built(source: &Path) -> Result<PathBuf> {
    let folder = place::cache()?.join("bench");
    fs::create_dir_all(&folder).map_err(|e| Stop::failed(format!("{}: {e}", folder.display())))?;
    let mut copy = shell::command("cp", &["-r", "--no-preserve=mode", "--update"])?;
    shell::run(copy.arg(source.join(".")).arg(&folder))?;
    let mut cargo = shell::cargo(&["build", "--release", "--quiet"])?;
    shell::run(cargo.env("CARGO_TARGET_DIR", folder.join("target")).current_dir(&folder))?;
    Ok(folder)
}

/// The release server over a fresh data folder, with one client.
struct Subject {
    program: PathBuf,
    data: PathBuf,
    config: PathBuf,
    key: String,
}

impl Subject {
    fn prepare() -> Result<Self> {
        let program = build::server(Profile::Release)?;
        let data = place::target()?.join("bench-data");
        let config = data.join("tidegate.toml");
        let declared = format!(
            "[[provider]]\nid = \"mock\"\ndialect = \"openai_chat\"\nbase_url = \"http://{MOCK}/v1\"\n\
             keys = [\"sk-mock\"]\nmodels = [\"mock\"]\n"
        );
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data)
            .and_then(|()| fs::write(&config, declared))
            .map_err(|e| Stop::failed(format!("{}: {e}", config.display())))?;
        let mut subject = Self { program, data, config, key: String::new() };
        subject.key = subject.client_key()?;
        Ok(subject)
    }

    /// The only word of the answer that looks like a key.
    fn client_key(&self) -> Result<String> {
        let mut create = Command::new(&self.program);
        create.args(["key", "create", "--name", "bench"]).args(self.places());
        let answer = shell::output(&mut create)?;
        let key = answer.split_whitespace().find(|word| word.starts_with("tg_"));
        key.map(str::to_owned).ok_or_else(|| Stop::failed("`tidegate key create` printed no key"))
    }

    fn start(&self) -> Result<Running> {
        let mut server = pinned(GATEWAY_CORE, &self.program);
        start(server.args(["serve", "--listen", SERVER]).args(self.places()), SERVER)
    }

    fn places(&self) -> [&OsStr; 4] {
        ["--data".as_ref(), self.data.as_os_str(), "--config".as_ref(), self.config.as_os_str()]
    }
}

fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

fn start(command: &mut Command, address: &str) -> Result<Running> {
    shell::announce(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.map_err(|e| Stop::failed(e.to_string()))?);
    let deadline = Instant::now() + START_WAIT;
    while Instant::now() < deadline {
        if let Ok(Some(status)) = running.0.try_wait() {
            return Err(Stop::failed(format!("it ended with {status} before it listened")));
        }
        if TcpStream::connect(address).is_ok() {
            return Ok(running);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(Stop::failed(format!("nothing listens on {address}")))
}

fn measure(tools: &Path, running: &Running, subject: &[&str], options: &Options) -> Result<Value> {
    let mut run = Command::new("bash");
    run.arg(tools.join("run.sh")).args(subject).args(["--pid", &running.0.id().to_string()]);
    run.args(["--secs", &options.secs.to_string()]);
    println!("$ run.sh {} --secs {}", subject[..2].join(" "), options.secs);
    let line = shell::output(&mut run)?;
    serde_json::from_str(&line)
        .map_err(|e| Stop::failed(format!("run.sh printed no JSON line: {e}")))
}

/// Every bound must hold, with no error and no stream cut short.
fn verdict(lines: &[Value]) -> Result {
    let median = |name: &str, figure: &str| -> Option<f64> {
        let of = lines.iter().filter(|line| line["name"] == name);
        let mut figures: Vec<f64> = of.filter_map(|line| line[figure].as_f64()).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    };
    let mut said = Vec::new();
    let mut holds = true;
    for (figure, times) in BOUNDS {
        let (Some(ours), Some(floor)) = (median("tidegate", figure), median("floor", figure))
        else {
            return Err(Stop::failed(format!("{figure} was not measured")));
        };
        holds &= ours <= floor * times;
        said.push(format!("{figure} {ours} / {floor} = {:.2} (≤ {times})", ours / floor));
    }
    let idle = median("tidegate", "rss_idle_mb").unwrap_or(f64::INFINITY);
    holds &= idle <= IDLE_MB_MAX;
    said.push(format!("idle {idle} MB (≤ {IDLE_MB_MAX})"));
    let wrong = |figure: &str| lines.iter().filter_map(|line| line[figure].as_u64()).sum::<u64>();
    let errors = wrong("errors") + wrong("bad_streams") + wrong("no_done_streams");
    holds &= errors == 0;
    said.push(format!("{errors} errors"));
    for line in &said {
        println!("{line}");
    }
    let note = said.join("; ");
    if holds { Ok(Done::noted(note)) } else { Err(Stop::failed(note)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(name: &str, cost: f64, errors: u64) -> Value {
        json!({
            "name": name, "cpu_us_per_req": cost, "cpu_us_per_chunk_paced": cost, "cpu_us_per_chunk_max": cost,
            "rss_idle_mb": 12.0, "errors": errors, "bad_streams": 0, "no_done_streams": 0,
        })
    }

    #[test]
    fn the_medians_decide() {
        let rounds = |costs: [f64; 3]| {
            costs
                .into_iter()
                .flat_map(|cost| [line("tidegate", cost, 0), line("floor", 10.0, 0)])
                .collect::<Vec<_>>()
        };
        assert!(verdict(&rounds([14.0, 99.0, 12.0])).is_ok());
        assert!(verdict(&rounds([14.0, 16.0, 17.0])).is_err());
    }

    #[test]
    fn an_error_is_not_outweighed() {
        assert!(verdict(&[line("tidegate", 10.0, 1), line("floor", 10.0, 0)]).is_err());
    }
}
