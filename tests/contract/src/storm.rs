//! What does a storm of guesses cost everybody else? Hashes a second, the pace of proxied requests, and the owner's patience.

use std::{
    fmt, fs,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tidegate_provider::{Provider, Script, tag};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    process::Command,
    task::JoinSet,
};

use crate::{
    Result,
    adapters::Server,
    failed,
    person::PASSWORD,
    setup::{MODEL, Setup},
    wire::{Ask, exchange},
    world::{CHAT, create_client},
};

/// Attackers at a time.
const ATTACKERS: u32 = 16;
/// Clients of the data path, each with one request at a time.
const CLIENTS: usize = 8;
/// How long the owner keeps trying.
const OWNER_WAIT: Duration = Duration::from_secs(10);

/// Where the storm comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storm {
    /// hydra, from one address.
    Hydra,
    /// A new address for every guess.
    Everywhere,
}

/// What was measured.
pub struct Figures {
    storm: Storm,
    calm_p99_ms: Vec<f64>,
    storm_p99_ms: Vec<f64>,
    hashes_per_s: f64,
    guesses: u32,
    owner_ms: u128,
}

impl Figures {
    /// Whether everybody else was left in peace. Where the guesses come from the process that measures, its times tell
    /// more of itself.
    pub fn check(&self) -> Result {
        let ratio = median(&self.storm_p99_ms) / median(&self.calm_p99_ms);
        let slow = self.storm == Storm::Hydra && ratio > 1.5;
        if self.hashes_per_s > 5.0 || slow { failed(self.to_string()) } else { Ok(()) }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calm, storm) = (median(&self.calm_p99_ms), median(&self.storm_p99_ms));
        write!(
            f,
            "{:?}: p99 {calm:.2} ms calm, {storm:.2} ms in the storm ({:.2} x; {:.1?} and {:.1?}); {:.2} hashes/s at most, \
             {} guesses counted; the owner was in after {} ms",
            self.storm,
            storm / calm,
            self.calm_p99_ms,
            self.storm_p99_ms,
            self.hashes_per_s,
            self.guesses,
            self.owner_ms,
        )
    }
}

/// Lets calm and storm take turns.
pub async fn run(storm: Storm, rounds: u32, each: Duration) -> Result<Figures> {
    let provider = Provider::start().await?;
    provider.play("storm", Script::json(200, "{\"id\":\"x\",\"choices\":[]}"));
    let setup = Setup::new(&provider.base_url())?
        .variable("TIDEGATE_ADMIN_PASSWORD", PASSWORD)
        .variable("TIDEGATE_LOG", "warn,tidegate_native::passwords=debug");
    let server = Server::start(&setup).await?;
    let client = create_client(server.address, json!({ "name": "storm" })).await?;
    let body = json!({
        "model": MODEL, "messages": [{ "role": "user", "content": tag("storm") }],
    });
    let chat = Ask::post(CHAT, body.to_string()).bearer(&client.key);
    // The owner has been here before, from another address than the attackers.
    let owner = Ipv4Addr::new(127, 0, 0, 2);
    come_in(server.address, owner).await?;
    p99(server.address, &chat, Duration::from_millis(500)).await?;
    let mut figures = Figures {
        storm,
        calm_p99_ms: Vec::new(),
        storm_p99_ms: Vec::new(),
        hashes_per_s: 0.0,
        guesses: 0,
        owner_ms: 0,
    };
    for _ in 0..rounds {
        figures.calm_p99_ms.push(p99(server.address, &chat, each).await?);
        let before = hashes(&server);
        let attack = Attack::start(storm, server.address, &setup)?;
        let began = Instant::now();
        figures.storm_p99_ms.push(p99(server.address, &chat, each).await?);
        let rate = f64::from(hashes(&server) - before) / began.elapsed().as_secs_f64();
        figures.hashes_per_s = figures.hashes_per_s.max(rate);
        let began = Instant::now();
        come_in(server.address, owner).await?;
        figures.owner_ms = figures.owner_ms.max(began.elapsed().as_millis());
        figures.guesses += attack.end().await;
    }
    Ok(figures)
}

fn hashes(server: &Server) -> u32 {
    u32::try_from(server.log().matches("a password is hashed").count()).unwrap_or(u32::MAX)
}

/// Signs the owner in, who tries again while there are too many attempts.
async fn come_in(server: SocketAddr, from: Ipv4Addr) -> Result {
    let deadline = Instant::now() + OWNER_WAIT;
    loop {
        let head = guess(server, from, PASSWORD).await?;
        if head.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        if Instant::now() > deadline {
            return failed(format!("the owner is kept out: {head}"));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// One attempt from an address of this machine; returns the beginning of the answer.
async fn guess(server: SocketAddr, from: Ipv4Addr, password: &str) -> Result<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(server).await?;
    let body = json!({ "name": "admin", "password": password }).to_string();
    let length = body.len();
    let request = format!(
        "POST /api/session HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// The 99th percentile of proxied requests over a span, in milliseconds.
async fn p99(server: SocketAddr, chat: &Ask, span: Duration) -> Result<f64> {
    let deadline = Instant::now() + span;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let chat = chat.clone();
        clients.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < deadline {
                let began = Instant::now();
                let answer = exchange(server, &chat).await?;
                if answer.status != 200 {
                    return failed(format!("a client got {}: {}", answer.status, answer.text()));
                }
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client.unwrap_or_else(|error| failed(error.to_string()))?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() * 99 / 100).min(times.len() - 1)])
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// A storm that is going on.
enum Attack {
    Hydra(tokio::process::Child),
    Everywhere { stop: Arc<AtomicBool>, guesses: Arc<AtomicU32>, tasks: JoinSet<()> },
}

impl Attack {
    fn start(storm: Storm, server: SocketAddr, setup: &Setup) -> Result<Self> {
        match storm {
            Storm::Hydra => hydra(server, setup),
            Storm::Everywhere => Ok(everywhere(server)),
        }
    }

    /// Ends it; returns how many guesses are known of.
    async fn end(self) -> u32 {
        match self {
            Self::Hydra(mut child) => {
                // Its workers would outlive it, asleep. All may have ended by themselves.
                let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
                if let Some(group) = group {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.kill().await;
                0
            }
            Self::Everywhere { stop, guesses, tasks } => {
                stop.store(true, Ordering::Relaxed);
                tasks.join_all().await;
                guesses.load(Ordering::Relaxed)
            }
        }
    }
}

fn hydra(server: SocketAddr, setup: &Setup) -> Result<Attack> {
    let words: Vec<String> =
        (0..200_000).map(|number| format!("guess number {number}\n")).collect();
    let list = setup.path("guesses");
    fs::write(&list, words.concat())?;
    let form = "/api/session:{\"name\"\\:\"^USER^\",\"password\"\\:\"^PASS^\"}:\
                H=Content-Type\\: application/json:S=expires_at_ms";
    let child = Command::new("hydra")
        .args(["-I", "-t", &ATTACKERS.to_string(), "-l", "admin", "-P"])
        .arg(&list)
        .args(["-s", &server.port().to_string(), &server.ip().to_string(), "http-post-form", form])
        .current_dir(&setup.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    child.map(Attack::Hydra).or_else(|error| failed(format!("hydra (Debian: hydra): {error}")))
}

fn everywhere(server: SocketAddr) -> Attack {
    let (stop, guesses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..ATTACKERS {
        let (stop, guesses) = (Arc::clone(&stop), Arc::clone(&guesses));
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let number = guesses.fetch_add(1, Ordering::Relaxed);
                let [_, high, middle, low] = number.to_be_bytes();
                let from = Ipv4Addr::new(127, 64 | (high & 63), middle, low);
                let _ = guess(server, from, "not the password").await;
                // As fast as hydra: some hundreds a second.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }
    Attack::Everywhere { stop, guesses, tasks }
}
