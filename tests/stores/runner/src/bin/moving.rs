//! Does everything arrive when it moves from a file to PostgreSQL, to MariaDB and back into a file? `moving [ROWS]` fills a file,
//! moves it by the real commands, compares all exports row by row, and says how long each step took and how much memory.
//! `TIDEGATE_SERVER_BIN` names the program, an enterprise build; `measure` lies beside this one.
#![expect(clippy::print_stdout, reason = "this program talks to a person at a terminal")]

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tidegate_stores_runner::servers::{Disk, Engine};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const ROWS: &str = "1000000";
const PASSPHRASE: &str = "correct horse battery";
const LOOK: Duration = Duration::from_millis(10);

fn main() -> Result {
    let rows = env::args().nth(1).unwrap_or_else(|| ROWS.to_owned());
    let folder = env::temp_dir().join(format!("tidegate-move-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(course(&rows, &folder));
    fs::remove_dir_all(&folder)?;
    done
}

async fn course(rows: &str, folder: &Path) -> Result {
    let first = folder.join("first");
    let measure = env::current_exe()?.with_file_name("measure");
    let filled = Command::new(measure).arg(rows).arg(&first).stdout(Stdio::null()).status()?;
    if !filled.success() {
        return Err("the file could not be filled".into());
    }
    for name in ["one", "two", "three"] {
        tidegate("key", &["create", "--name", name], &first, None)?;
    }
    let (postgres, mariadb) =
        (Engine::Postgres.start(Disk::Kept).await?, Engine::Mariadb.start(Disk::Kept).await?);
    // Each has a data folder of its own, with a root secret of its own.
    let places: [(&str, PathBuf, Option<&str>); 4] = [
        ("file", first, None),
        ("postgres", folder.join("postgres"), Some(&postgres.url)),
        ("mariadb", folder.join("mariadb"), Some(&mariadb.url)),
        ("file again", folder.join("last"), None),
    ];
    let mut before: Option<PathBuf> = None;
    for (number, (name, data, url)) in places.iter().enumerate() {
        if let Some(file) = &before {
            told(&format!("import into {name}"), "import", &[text(file)?], data, *url)?;
        }
        let file = folder.join(format!("export-{number}"));
        let options = ["--out", text(&file)?, "--records"];
        told(&format!("export from {name}"), "export", &options, data, *url)?;
        if let Some(before) = &before {
            let lines = compare(before, &file)?;
            println!("{lines} lines are equal, before {name} and behind it");
            fs::remove_file(before)?;
        } else {
            println!("the file has {} MB", file.metadata()?.len() / 1_000_000);
        }
        before = Some(file);
    }
    Ok(())
}

/// Runs a command and says what it took.
fn told(name: &str, verb: &str, options: &[&str], data: &Path, url: Option<&str>) -> Result {
    let (time, peak_kib) = tidegate(verb, options, data, url)?;
    println!("{name}: {:.1} s, at most {} MiB", time.as_secs_f64(), peak_kib / 1024);
    Ok(())
}

/// Runs a command; returns how long it took and how much memory it had at most, in KiB.
fn tidegate(
    verb: &str,
    options: &[&str],
    data: &Path,
    url: Option<&str>,
) -> Result<(Duration, u64)> {
    let program =
        env::var_os("TIDEGATE_SERVER_BIN").ok_or("TIDEGATE_SERVER_BIN names no program")?;
    let mut command = Command::new(program);
    command.arg(verb).args(options).arg("--data").arg(data);
    command.env("TIDEGATE_PASSPHRASE", PASSPHRASE).stdout(Stdio::null());
    if let Some(url) = url {
        command.env("DATABASE_URL", url);
    }
    let began = Instant::now();
    let mut process = command.spawn()?;
    let mut peak_kib = 0;
    loop {
        peak_kib = peak_kib.max(high_water_kib(process.id()));
        match process.try_wait()? {
            None => sleep(LOOK),
            Some(status) if status.success() => return Ok((began.elapsed(), peak_kib)),
            Some(status) => return Err(format!("tidegate {verb} ended with {status}").into()),
        }
    }
}

/// The most memory a process has had; 0 when it is gone.
fn high_water_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Whether two exports say the same: every row to the last byte, and every document but for how its secrets are sealed.
/// Returns how many lines were compared.
fn compare(one: &Path, other: &Path) -> Result<u64> {
    let open = |path: &Path| File::open(path).map(|file| BufReader::new(file).lines());
    let (mut ones, mut others) = (wanted(open(one)?), wanted(open(other)?));
    let mut lines = 0;
    loop {
        match (ones.next().transpose()?, others.next().transpose()?) {
            (None, None) => return Ok(lines),
            (Some(one), Some(other)) if one == other => lines += 1,
            (one, other) => return Err(format!("line {lines}: {one:?} is not {other:?}").into()),
        }
    }
}

/// The lines that must be the same. What is sealed is cut out: no two seals are alike.
fn wanted(
    lines: impl Iterator<Item = std::io::Result<String>>,
) -> impl Iterator<Item = std::io::Result<String>> {
    lines.filter_map(|line| match line {
        Ok(line) if line.starts_with("{\"document\"") => Some(Ok(unsealed(&line))),
        Ok(line) if line.starts_with('[') || line.starts_with("{\"table\"") => Some(Ok(line)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

fn unsealed(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = ["\"opened:", "\"kept:"].iter().filter_map(|mark| rest.find(mark)).min() {
        text.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        rest = behind.find('"').map_or("", |end| &behind[end + 1..]);
    }
    text + rest
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "the path is no text".into())
}
