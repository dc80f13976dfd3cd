//! Does a name ever lead inside, whatever its resolver answers and whenever?

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tidegate_core::{media::Place, ports::BoxFuture};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

/// Stands for the internet: tests stay on this machine.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const INSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Counts whoever connects, and answers with this.
struct Listener {
    port: u16,
    hits: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Listener {
    async fn at(address: Ipv4Addr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let accepting = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = [0; 2048];
                let _ = socket.read(&mut head).await;
                let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\
                              content-length: 2\r\nconnection: close\r\n\r\nhi";
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, hits, accepting }
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A server outside, and a canary inside at the same port.
async fn two() -> (Listener, Listener) {
    let outside = Listener::at(OUTSIDE, 0).await;
    let canary = Listener::at(INSIDE, outside.port).await;
    (outside, canary)
}

/// A resolver that answers these in turn, and the last one ever after.
fn answering(answers: &[&[Ipv4Addr]]) -> (Lookup, Arc<AtomicUsize>) {
    let mut left: Vec<Vec<Ipv4Addr>> = answers.iter().rev().map(|one| one.to_vec()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let last = left.first().cloned().unwrap();
    left.remove(0);
    let left = Mutex::new(left);
    let lookup = move |_: String| -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        counted.fetch_add(1, Ordering::SeqCst);
        let answer = left.lock().unwrap().pop().unwrap_or_else(|| last.clone());
        let answer = answer.into_iter().map(|ip| SocketAddr::from((ip, 0))).collect();
        Box::pin(async move { Ok(answer) })
    };
    (Arc::new(lookup), asked)
}

fn is_outside(address: IpAddr) -> bool {
    address == IpAddr::from(OUTSIDE)
}

fn guarded(answers: &[&[Ipv4Addr]]) -> (Guarded, Arc<AtomicUsize>) {
    let (lookup, asked) = answering(answers);
    (Guarded::resolving(Gate::default(), &lookup, is_outside).unwrap(), asked)
}

async fn get(guarded: &Guarded, url: &str) -> Result<u16> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = url.parse().unwrap();
    let sent = tokio::time::timeout(Duration::from_secs(10), guarded.send(request));
    sent.await.unwrap().map(|response| response.status().as_u16())
}

#[tokio::test]
async fn a_name_that_leads_inside_is_never_connected_to() {
    let (outside, canary) = two().await;
    let url = format!("http://a.example:{}/", outside.port);
    for answers in [&[INSIDE][..], &[OUTSIDE, INSIDE], &[INSIDE, OUTSIDE], &[]] {
        let (guarded, _) = guarded(&[answers]);
        let error = get(&guarded, &url).await.unwrap_err();
        assert_eq!(error.kind, Kind::UpstreamUnreachable, "{answers:?}");
    }
    assert_eq!((outside.hits(), canary.hits()), (0, 0));
}

#[tokio::test]
async fn a_name_that_moves_inside_is_not_followed() {
    let (outside, canary) = two().await;
    let url = format!("http://a.example:{}/", outside.port);
    let (guarded, asked) = guarded(&[&[OUTSIDE], &[INSIDE]]);
    // The connection goes to what was looked at, and its name is asked for once. The redirect is an answer.
    assert_eq!(get(&guarded, &url).await.unwrap(), 302);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for _ in 0..3 {
        get(&guarded, &url).await.unwrap_err();
    }
    assert_eq!((outside.hits(), canary.hits()), (1, 0));
}

#[tokio::test]
async fn an_address_is_looked_at_without_a_resolver() {
    let canary = Listener::at(INSIDE, 0).await;
    let guarded = Guarded::new(Gate::default()).unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"] {
        get(&guarded, &format!("http://{host}:{}/", canary.port)).await.unwrap_err();
    }
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn an_allowed_place_is_reached_at_its_port_alone() {
    let (open, shut) = (Listener::at(INSIDE, 0).await, Listener::at(INSIDE, 0).await);
    let places = [format!("127.0.0.1:{}", open.port), format!("files.example:{}", open.port)];
    let gate = Gate::new(places.iter().map(|place| Place::parse(place).unwrap()).collect());
    let (lookup, _) = answering(&[&[INSIDE]]);
    let guarded = Guarded::resolving(gate, &lookup, is_global).unwrap();
    for host in ["127.0.0.1", "files.example"] {
        assert_eq!(get(&guarded, &format!("http://{host}:{}/", open.port)).await.unwrap(), 302);
        get(&guarded, &format!("http://{host}:{}/", shut.port)).await.unwrap_err();
    }
    assert_eq!((open.hits(), shut.hits()), (2, 0));
}

#[tokio::test]
async fn an_allowed_name_never_leads_to_a_metadata_service() {
    let gate = Gate::new(vec![Place::parse("files.example:80").unwrap()]);
    let (lookup, asked) = answering(&[&[Ipv4Addr::new(169, 254, 169, 254)]]);
    let guarded = Guarded::resolving(gate, &lookup, is_global).unwrap();
    get(&guarded, "http://files.example/latest/meta-data").await.unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
