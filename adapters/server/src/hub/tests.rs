//! What does a socket of a real server get, how many are there, and how do they end?

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;
use tidegate_core::config::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use super::*;
use crate::{accept::Door, bounds::Bounds, entrance, house::House};

const TOKEN: &str = "0123456789abcdef0123456789abcdef-live";
const LONG: Duration = Duration::from_secs(10);

struct Site {
    address: SocketAddr,
    house: House,
    accepting: JoinHandle<()>,
    _folder: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let variable = |name: &str| match name {
        "TIDEGATE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        "TIDEGATE_DATA" => Some(data.clone()),
        _ => None,
    };
    let house = House::open(Config::read(None, &variable).unwrap()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = entrance::router(house.gateway.clone(), Arc::clone(&house.background));
    let door = Door::new(router, Bounds::of_server(LONG), CancellationToken::new());
    let accepting = tokio::spawn(async move { door.accept(listener).await });
    Site { address, house, accepting, _folder: folder }
}

type Socket = WebSocketStream<TcpStream>;

impl Site {
    async fn socket(&self) -> Result<Socket, StatusCode> {
        let mut request: Request<()> =
            format!("ws://{}/api/live", self.address).into_client_request().unwrap();
        let token = format!("Bearer {TOKEN}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, token);
        let stream = TcpStream::connect(self.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// A request without a key, which has a record as every other one.
    async fn ask(&self) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                    content-length: 2\r\n\r\n{}";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 401"));
    }
}

async fn heard(socket: &mut Socket) -> Message {
    timeout(LONG, socket.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn all_who_watch_are_told() {
    let site = site().await;
    let feed = Push(Arc::clone(&site.house.hub));
    assert!(!feed.watched());
    let mut sockets = [site.socket().await.unwrap(), site.socket().await.unwrap()];
    assert!(feed.watched());
    site.ask().await;
    for socket in &mut sockets {
        let told: Value = serde_json::from_str(heard(socket).await.to_text().unwrap()).unwrap();
        assert_eq!((&told["records"][0]["status"], &told["skipped"]), (&401.into(), &0.into()));
    }
    for mut socket in sockets {
        socket.send(Message::Close(None)).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    }
    while feed.watched() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn sockets_are_bounded_and_end_with_the_server() {
    let site = site().await;
    let mut sockets = Vec::new();
    for _ in 0..LIVE_SOCKETS_MAX {
        sockets.push(site.socket().await.unwrap());
    }
    assert_eq!(site.socket().await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
    drop(sockets.pop());
    let again = async {
        loop {
            if let Ok(socket) = site.socket().await {
                break socket;
            }
        }
    };
    sockets.push(timeout(LONG, again).await.unwrap());
    let hub = Arc::clone(&site.house.hub);
    let draining = tokio::spawn(async move { hub.drain(LONG).await });
    for socket in &mut sockets {
        let Message::Close(Some(frame)) = heard(socket).await else { panic!("no end") };
        assert_eq!(frame.code, CloseCode::Away);
    }
    timeout(LONG, draining).await.unwrap().unwrap();
    assert_eq!(site.socket().await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
}
