//! Do the commands do what they say, as processes over one data folder?
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

#[path = "commands/moving.rs"]
mod moving;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::{TempDir, tempdir};

const LONG: Duration = Duration::from_secs(30);

/// A folder of its own, and nothing of the environment of whoever runs the tests.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(line.split(' ')).current_dir(self.0.path()).env_clear();
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// The standard output of a command that succeeds.
    fn tell(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn serve(&self, options: &str) -> Server {
        let line = format!("serve --listen 127.0.0.1:0 {options}");
        let mut child =
            self.command(line.trim()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says where it listens").unwrap();
        let address = first.split_once("http://").expect("a URL").1.to_owned();
        Server { child, address, lines: Box::new(lines.map(Result::unwrap)) }
    }
}

struct Server {
    child: Child,
    address: String,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Server {
    /// Sends one request and returns the whole answer.
    fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    fn models(&self, key: &str) -> String {
        self.ask(&format!(
            "GET /v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
        ))
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn ended(&mut self) -> Option<i32> {
        let from = Instant::now();
        while from.elapsed() < LONG {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn has(path: &Path) -> bool {
    path.exists()
}

#[test]
fn all_mistakes_are_told_with_their_lines() {
    let place = Place::new();
    place.write("tidegate.toml", "listn = 1\n[[provider]]\nid = 3\n");
    place.write(".env", "A=1\nnonsense\n");
    for command in ["check", "serve", "key list"] {
        let output = place.run(command);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let told = text(&output.stderr);
        for expected in ["tidegate.toml:1: ", "tidegate.toml:3: ", ".env:2: "] {
            assert!(told.contains(expected), "{command}: {told}");
        }
    }
    assert!(!has(&place.path("data")), "a mistaken start leaves nothing behind");
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file_beside() {
    let place = Place::new();
    place.write(".env", "TIDEGATE_DATA=from-dotenv\n");
    place.tell("key list");
    assert!(has(&place.path("from-dotenv")));
    let output = place.command("key list").env("TIDEGATE_DATA", "from-env").output().unwrap();
    assert!(output.status.success() && has(&place.path("from-env")));
    let mut both = place.command("key list --data from-line");
    assert!(both.env("TIDEGATE_DATA", "not-here").output().unwrap().status.success());
    assert!(has(&place.path("from-line")) && !has(&place.path("not-here")));
}

#[test]
fn keys_are_made_used_and_revoked_with_and_without_a_server() {
    let place = Place::new();
    let before = place.tell("key create --name before");
    let mut server = place.serve("");
    assert!(server.models(before.trim()).starts_with("HTTP/1.1 200"));

    let during = place.tell("key create --name during --expires 30d");
    assert!(server.models(during.trim()).starts_with("HTTP/1.1 200"));
    let listed = place.tell("key list");
    assert!(listed.contains("before") && listed.contains("during  expires in "), "{listed}");
    let next = place.tell("key rotate during --grace 1h");
    for key in [&during, &next] {
        assert!(
            server.models(key.trim()).starts_with("HTTP/1.1 200"),
            "the old key has an hour left"
        );
    }
    let last = place.tell("key rotate during");
    assert!(server.models(last.trim()).starts_with("HTTP/1.1 200"));
    assert!(server.models(next.trim()).starts_with("HTTP/1.1 401"));
    let id = during.split('_').nth(1).unwrap();
    place.tell(&format!("key revoke {id}"));
    assert!(server.models(last.trim()).starts_with("HTTP/1.1 401"));
    assert!(server.models(during.trim()).starts_with("HTTP/1.1 401"));

    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    assert!(!has(&place.path("data/token")));
    assert!(!place.tell("key list").contains("during"));
}

#[test]
fn a_folder_has_one_server() {
    let place = Place::new();
    let server = place.serve("");
    let output = place.run("serve --listen 127.0.0.1:0");
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("data/lock") && told.contains(&server.child.id().to_string()), "{told}");
}

#[test]
fn a_container_can_ask_whether_its_server_is_ready() {
    let place = Place::new();
    let refused = |expected: &str| {
        let output = place.run("ready");
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains(expected), "{told}");
    };
    refused("No server is running");
    let mut server = place.serve("");
    assert_eq!(place.tell("ready"), "The server is ready.\n");
    // Gone without a farewell: what leads to it is still there.
    server.signal(Signal::KILL);
    server.ended();
    refused("does not answer");
}

#[test]
fn a_remote_store_does_not_open_the_folder_to_a_second_server() {
    let place = Place::new();
    let _server = place.serve("--data data");
    let mut second = place.command("serve --listen 127.0.0.1:0");
    let output = second.env("DATABASE_URL", ":memory:").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("data/lock"));
}

#[test]
fn a_lost_secret_is_not_replaced() {
    let place = Place::new();
    place.tell("key create --name a");
    fs::remove_file(place.path("data/secret")).unwrap();
    let output = place.run("key list");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("TIDEGATE_SECRET"), "{}", text(&output.stderr));
    assert!(!has(&place.path("data/secret")));
}

#[test]
fn the_demo_has_one_key_and_it_works() {
    let place = Place::new();
    let key = |server: &mut Server| {
        let line = server.lines.find(|line| line.contains("curl")).unwrap();
        let key = line.split_once("Bearer ").unwrap().1;
        key.split('\'').next().unwrap().to_owned()
    };
    let mut first = place.serve("--demo");
    let old = key(&mut first);
    assert!(first.models(&old).contains("\"echo\""));
    drop(first);
    let mut second = place.serve("--demo");
    let new = key(&mut second);
    assert!(second.models(&new).starts_with("HTTP/1.1 200"));
    assert!(second.models(&old).starts_with("HTTP/1.1 401"));
    assert_eq!(place.tell("key list").matches("demo").count(), 1);
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::new();
    let mut server = place.serve("");
    // A request whose body does not come keeps the server waiting.
    let mut socket = TcpStream::connect(&server.address).unwrap();
    let key = place.tell("key create --name a");
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 9\r\n\r\n",
        key.trim()
    );
    socket.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.child.try_wait().unwrap().is_none(), "it did not wait for the request");
    let from = Instant::now();
    server.signal(Signal::INT);
    assert_eq!(server.ended(), Some(1));
    assert!(from.elapsed() < Duration::from_secs(2));
}

#[test]
fn keys_for_other_deployments_touch_no_database() {
    let place = Place::new();
    let refused = place.run("key create --name a --sql");
    assert!(text(&refused.stderr).contains("TIDEGATE_SECRET"));

    let secret = "0123456789abcdef".repeat(4);
    let print = |line: &str| {
        let output = place.command(line).env("TIDEGATE_SECRET", &secret).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(print("key create --name a --sql").contains("INSERT INTO documents"));
    assert!(!has(&place.path("data")));

    let declared = print("key create --name a --toml --strict");
    assert!(declared.contains("strict = true"), "{declared}");
    let key = declared.split_whitespace().find(|word| word.starts_with("tg_")).unwrap();
    place.write("tidegate.toml", &declared);
    place.write(".env", &format!("TIDEGATE_SECRET={secret}\n"));
    let server = place.serve("");
    assert!(server.models(key).starts_with("HTTP/1.1 200"));
    assert!(place.tell("key list").contains("a  strict  declared"));
    place.tell("key create --name b --strict");
    place.tell("key create --name c");
    let listed = place.tell("key list");
    let line = |name: &str| listed.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(line("  b").ends_with("  b  strict"), "{listed}");
    assert!(line("  c").ends_with("  c"), "{listed}");
}
