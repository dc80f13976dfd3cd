//! Does a body pass a proxy piece by piece, both ways, however large it is?

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use tidegate_provider::Script;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use super::{
    Case,
    proxy::{ask, proxy},
};
use crate::{Result, adapters::Adapter, failed, setup::PROXY_KEYS, wire::Body, world::World};

pub(super) const CASES: &[Case] = &[
    Case { name: "proxy_short_body_is_sent_again", run: |world| Box::pin(short(world)) },
    Case { name: "proxy_long_body_is_sent_once", run: |world| Box::pin(once(world)) },
    Case { name: "proxy_upload_flows", run: |world| Box::pin(flows(world)) },
    Case { name: "proxy_upload_of_100_mb", run: |world| Box::pin(upload(world)) },
    Case { name: "proxy_download_of_100_mb", run: |world| Box::pin(download(world)) },
];

const LARGE: u64 = 100 << 20;
/// What the memory may grow by, whatever passes.
const GROWTH_MAX: u64 = 40 << 20;
/// What may be on the way between both ends: the buffers of two connections, and a few pieces.
const UNDER_WAY_MAX: u64 = 40 << 20;
const SOON: Duration = Duration::from_secs(10);

/// An API that counts what comes and sends much.
struct Far {
    address: SocketAddr,
    came: Arc<AtomicU64>,
    went: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Far {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (came, went) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counts = (came.clone(), went.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, counts.clone()));
            }
        });
        Ok(Self { address, came, went, accepting })
    }

    async fn until_came(&self, bytes: u64) -> Result {
        let came = async {
            while self.came.load(Ordering::Relaxed) < bytes {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let late = || failed(format!("{} bytes came", self.came.load(Ordering::Relaxed)));
        timeout(SOON, came).await.or_else(|_| late())
    }

    /// A proxy in front of it, for the world's client.
    async fn proxy(&self, world: &World) -> Result<String> {
        let base_url = format!("http://{}", self.address);
        proxy(world, json!({ "base_url": base_url }), &PROXY_KEYS[..2]).await
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Reads a request to its end, counting its body, and answers with much to a GET.
async fn answer(mut stream: TcpStream, (came, went): (Arc<AtomicU64>, Arc<AtomicU64>)) -> Result {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let chunked = head.contains("transfer-encoding: chunked");
    let mut piece = vec![0; 64 << 10];
    let mut last = Vec::new();
    let over = |read: u64, last: &[u8]| match length {
        Some(length) => read >= length,
        None => !chunked || last.ends_with(b"\r\n0\r\n\r\n"),
    };
    let mut read = 0;
    while !over(read, &last) {
        let length = stream.read(&mut piece).await?;
        if length == 0 {
            return failed("the request broke off");
        }
        read += length as u64;
        last.extend_from_slice(&piece[..length]);
        last.drain(..last.len().saturating_sub(16));
        came.fetch_add(length as u64, Ordering::Relaxed);
    }
    if !head.starts_with("get ") {
        return Ok(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?);
    }
    stream
        .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").as_bytes())
        .await?;
    for _ in 0..LARGE / piece.len() as u64 {
        stream.write_all(&piece).await?;
        went.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

async fn short(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS[..2]).await?;
    world.play_for(PROXY_KEYS[0], Script::whole(429, &[("retry-after", "9")], "slow down"));
    // Whichever key has the first turn: in two requests each has had one.
    let mut attempts = Vec::new();
    for _ in 0..2 {
        let request = ask(world, "POST", &format!("{slug}{}", world.path()));
        let answer = world.ask(&request.body(Body::Whole("again".into()))).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        attempts.push(world.record(&answer).await?["attempts"].as_u64());
    }
    attempts.sort_unstable();
    assert_eq!(attempts, [Some(1), Some(2)]);
    let bodies: Vec<Bytes> = world.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["again"; 3]);
    Ok(())
}

async fn once(world: &World) -> Result {
    let slug = proxy(world, json!({}), &PROXY_KEYS[..2]).await?;
    for key in &PROXY_KEYS[..2] {
        world.play_for(key, Script::whole(429, &[("retry-after", "9")], "slow down"));
    }
    let body = Bytes::from("x".repeat(400 << 10));
    let request = ask(world, "POST", &format!("{slug}{}", world.path()));
    for (at, body) in
        [Body::Whole(body.clone()), Body::Chunked(vec![body.clone(); 2])].into_iter().enumerate()
    {
        let answer = world.ask(&request.clone().body(body)).await?;
        assert_eq!((answer.status, answer.text().as_str()), (429, "slow down"));
        let seen = world.seen();
        assert_eq!(seen.len(), at + 1, "no second attempt");
        let record = world.record(&answer).await?;
        assert_eq!(
            (&record["attempts"], &record["bytes_in"]),
            (&json!(1), &json!(seen[at].body.len()))
        );
    }
    assert_eq!(world.seen()[1].body.len(), 800 << 10);
    let answer = world.ask(&request.body(Body::Whole(body))).await?;
    assert_eq!((answer.status, world.seen().len()), (429, 2), "both keys rest: nobody is asked");
    Ok(())
}

async fn flows(world: &World) -> Result {
    let far = Far::start().await?;
    let slug = far.proxy(world).await?;
    let mut stream = TcpStream::connect(world.gateway.address).await?;
    let head = format!(
        "POST /proxy/{slug}/in HTTP/1.1\r\nhost: {}\r\nx-tidegate-key: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        world.gateway.address, world.client.key
    );
    stream.write_all(head.as_bytes()).await?;
    for count in 1..=5 {
        stream.write_all(b"5\r\nhello\r\n").await?;
        far.until_came(5 * count).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    let mut told = [0; 12];
    timeout(SOON, stream.read_exact(&mut told)).await.or_else(|_| failed("no answer"))??;
    assert_eq!(&told, b"HTTP/1.1 200");
    Ok(())
}

/// The memory of the gateway's process, where its platform tells. A server's always does.
async fn memory(world: &World) -> Result<Option<u64>> {
    let told = world.admin_at("/api/system").await?.json()?["process_memory_bytes"].as_u64();
    match (world.adapter, told) {
        (Adapter::Server, None) => failed("the server does not tell its memory"),
        (Adapter::Server | Adapter::Lambda | Adapter::Worker, told) => Ok(told),
    }
}

async fn stays(world: &World, before: Option<u64>, at: u64) -> Result {
    let (Some(before), Some(now)) = (before, memory(world).await?) else { return Ok(()) };
    if now > before + GROWTH_MAX {
        return failed(format!("{} MiB more after {} MiB", (now - before) >> 20, at >> 20));
    }
    Ok(())
}

async fn upload(world: &World) -> Result {
    let world = &world.fresh(world.setup()?.patient()).await?;
    let far = Far::start().await?;
    let slug = far.proxy(world).await?;
    let before = memory(world).await?;
    let mut stream = TcpStream::connect(world.gateway.address).await?;
    let head = format!(
        "PUT /proxy/{slug}/in HTTP/1.1\r\nhost: {}\r\nx-tidegate-key: {}\r\ncontent-length: {LARGE}\r\n\r\n",
        world.gateway.address, world.client.key
    );
    stream.write_all(head.as_bytes()).await?;
    let piece = vec![b'x'; 1 << 20];
    for at in 0..100 {
        stream.write_all(&piece).await?;
        if at % 20 == 19 {
            stays(world, before, at << 20).await?;
        }
    }
    far.until_came(LARGE).await?;
    let mut told = [0; 12];
    timeout(SOON, stream.read_exact(&mut told)).await.or_else(|_| failed("no answer"))??;
    assert_eq!(&told, b"HTTP/1.1 200");
    stays(world, before, LARGE).await?;
    drop(stream);
    let record = world.only_record().await?;
    assert_eq!((&record["attempts"], &record["bytes_in"]), (&json!(1), &json!(LARGE)), "{record}");
    Ok(())
}

async fn download(world: &World) -> Result {
    let world = &world.fresh(world.setup()?.patient()).await?;
    let far = Far::start().await?;
    let slug = far.proxy(world).await?;
    let before = memory(world).await?;
    let mut stream = TcpStream::connect(world.gateway.address).await?;
    let head = format!(
        "GET /proxy/{slug}/out HTTP/1.1\r\nhost: {}\r\nx-tidegate-key: {}\r\nconnection: close\r\n\r\n",
        world.gateway.address, world.client.key
    );
    stream.write_all(head.as_bytes()).await?;
    let mut piece = vec![0; 256 << 10];
    let (mut came, mut looked) = (0, 0);
    loop {
        let length =
            timeout(SOON, stream.read(&mut piece)).await.or_else(|_| failed("silence"))??;
        if length == 0 {
            break;
        }
        came += length as u64;
        if came >= looked + (20 << 20) {
            looked = came;
            // Nobody reads meanwhile: what has gone is under way.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let under_way = far.went.load(Ordering::Relaxed).saturating_sub(came);
            assert!(under_way < UNDER_WAY_MAX, "{} MiB are held", under_way >> 20);
            stays(world, before, came).await?;
        }
    }
    assert!(came > LARGE, "{came}");
    let record = world.only_record().await?;
    assert_eq!(
        (&record["ended"], &record["bytes_out"]),
        (&json!("done"), &json!(LARGE)),
        "{record}"
    );
    Ok(())
}
