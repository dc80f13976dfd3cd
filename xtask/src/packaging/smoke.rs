//! Does a program that was built answer? It is started with the demonstration provider and asked over HTTP.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    build::{self, Profile},
    place,
    report::{Done, Result, Stop},
    shell,
};

/// A foreign processor is emulated, so a start may take seconds.
const START_WAIT: Duration = Duration::from_secs(60);
const ANSWER_WAIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
/// For programs that live for a minute; nothing is kept with it.
const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543d3d9446802a44259755d38e6d163e820";

/// Starts the server and waits until it is ready.
pub(crate) fn server(line: &[&OsStr]) -> Result {
    let (address, data) = (free_address()?, fresh_folder("server")?);
    let mut command = starting(line)?;
    command.arg("serve").env("TIDEGATE_LISTEN", address.to_string()).env("TIDEGATE_DATA", &data);
    ready(command, address)
}

/// Starts the function in the emulator and waits until it is ready.
pub(crate) fn function(line: &[&OsStr]) -> Result {
    let emulator = build::suite("tidegate-emulator", Profile::Release)?;
    let (address, data) = (free_address()?, fresh_folder("function")?);
    let listen = address.to_string();
    let mut words = vec![emulator.as_os_str(), "--listen".as_ref(), listen.as_ref()];
    words.extend(line);
    let mut command = starting(&words)?;
    command.env("DATABASE_URL", ":memory:").env("TIDEGATE_DATA", &data);
    ready(command, address)
}

/// Runs `command` until `/ready` answers at `address`.
pub(crate) fn ready(command: Command, address: SocketAddr) -> Result {
    let (_running, time) = started(command, address)?;
    Ok(Done::noted(format!("ready after {} ms", time.as_millis())))
}

/// Runs `command`; returns it when `/ready` has answered, and how long that took.
pub(crate) fn started(mut command: Command, address: SocketAddr) -> Result<(Running, Duration)> {
    shell::announce(&command);
    let child = command.spawn();
    let child =
        child.map_err(|e| Stop::failed(format!("{}: {e}", command.get_program().display())))?;
    let mut running = Running(child);
    let began = Instant::now();
    loop {
        if get(address, "/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200 ")) {
            return Ok((running, began.elapsed()));
        }
        if let Ok(Some(status)) = running.0.try_wait() {
            return Err(Stop::failed(format!("it ended with {status}")));
        }
        if began.elapsed() > START_WAIT {
            return Err(Stop::failed(format!("not ready after {} s", START_WAIT.as_secs())));
        }
        thread::sleep(POLL);
    }
}

/// The answer to a GET, head and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WAIT).ok()?;
    stream.set_read_timeout(Some(ANSWER_WAIT)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// An address that nobody listens at.
pub(crate) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|e| Stop::failed(format!("no free port: {e}")))
}

/// An empty folder below the build folder.
pub(crate) fn fresh_folder(name: &str) -> Result<PathBuf> {
    let folder = place::target()?.join("packaging").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|e| Stop::failed(format!("{}: {e}", folder.display())))?;
    Ok(folder)
}

fn starting(line: &[&OsStr]) -> Result<Command> {
    let [program, args @ ..] = line else { return Err(Stop::failed("nothing to start")) };
    let mut command = shell::command(program, &[])?;
    command.args(args).env("TIDEGATE_DEMO", "true").env("TIDEGATE_SECRET", SECRET);
    command.stdout(Stdio::null());
    Ok(command)
}

/// A process that ends with this value.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked, not killed: what stands between us and the program passes that on, and leaves nothing behind.
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        if asked.is_err() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
