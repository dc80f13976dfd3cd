//! How does a test speak HTTP/1.1 with full control over every byte and every end of a connection?

use std::{
    collections::BTreeSet,
    io::ErrorKind,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::{Result, failed};

/// No answer of a contract case takes longer.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Such as `POST`.
    pub method: &'static str,
    /// The request target.
    pub path: String,
    /// Written as they stand, after `host`.
    pub headers: Vec<(String, String)>,
    /// The body and its framing.
    pub body: Body,
}

/// A request body and its framing.
#[derive(Clone, Debug)]
pub enum Body {
    /// None, and no header about it.
    Nothing,
    /// With its `content-length`.
    Whole(Bytes),
    /// One chunk for each piece.
    Chunked(Vec<Bytes>),
}

impl Ask {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Body::Nothing }
    }

    /// A POST with a JSON body.
    #[must_use]
    pub fn post(path: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Self::new("POST", path)
            .header("content-type", "application/json")
            .body(Body::Whole(json.into()))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    fn head(&self, address: SocketAddr) -> String {
        let mut lines =
            vec![format!("{} {} HTTP/1.1", self.method, self.path), format!("host: {address}")];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        match &self.body {
            Body::Nothing => {}
            Body::Whole(bytes) => lines.push(format!("content-length: {}", bytes.len())),
            Body::Chunked(_) => lines.push("transfer-encoding: chunked".to_owned()),
        }
        lines.join("\r\n") + "\r\n\r\n"
    }
}

/// What came back, and when.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names and values in their order, letters as they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Bytes,
    /// The body as it came in, with the time of each read.
    pub pieces: Vec<(Instant, Bytes)>,
    /// When the head was complete.
    pub head_at: Instant,
    /// When the end was seen.
    pub end_at: Instant,
    /// Whether the body ended as its framing promised.
    pub end: End,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its framing promised.
    Complete,
    /// The connection was gone before.
    Cut,
}

impl Answer {
    /// The value of a header, whatever the case of its letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .or_else(|error| failed(format!("not JSON ({error}): {}", self.text())))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The data of the server-sent events in the body.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        let text = self.text().replace("\r\n", "\n");
        text.split("\n\n")
            .map(|frame| {
                let data = frame.lines().filter_map(|line| line.strip_prefix("data:"));
                data.map(|d| d.strip_prefix(' ').unwrap_or(d)).collect::<Vec<_>>().join("\n")
            })
            .filter(|data| !data.is_empty())
            .collect()
    }

    /// The record's id.
    pub fn request_id(&self) -> Result<&str> {
        match self.header("x-request-id") {
            Some(id) => Ok(id),
            None => failed(format!("no x-request-id in {:?}", self.headers)),
        }
    }
}

/// A connection to a gateway.
pub struct Connection {
    address: SocketAddr,
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    received: BytesMut,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    at: Instant,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (input, output) = stream.into_split();
        Ok(Self { address, input, output, received: BytesMut::new() })
    }

    /// Sends a whole request.
    pub async fn send(&mut self, ask: &Ask) -> Result<()> {
        send(&mut self.output, self.address, ask).await
    }

    /// Sends the request's head and only the first `length` bytes of its body.
    pub async fn send_part(&mut self, ask: &Ask, length: usize) -> Result<()> {
        self.output.write_all(ask.head(self.address).as_bytes()).await?;
        let Body::Whole(bytes) = &ask.body else { return failed("only a whole body has a part") };
        Ok(self.output.write_all(&bytes[..length]).await?)
    }

    /// Reads the head of the answer; interim ones are passed over.
    pub async fn head(&mut self) -> Result<Head> {
        read_head(&mut self.input, &mut self.received).await
    }

    /// Reads until the body received so far satisfies `enough`.
    pub async fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<()> {
        while !enough(&self.received) {
            if read(&mut self.input, &mut self.received).await? == 0 {
                return failed(format!(
                    "the connection ended after {:?}",
                    String::from_utf8_lossy(&self.received)
                ));
            }
        }
        Ok(())
    }

    /// Leaves with a FIN; returns when.
    #[must_use]
    pub fn close(self) -> Instant {
        drop(self);
        Instant::now()
    }

    /// Leaves with a TCP reset; returns when.
    pub fn reset(self) -> Result<Instant> {
        let Ok(stream) = self.input.reunite(self.output) else { return failed("two connections") };
        stream.set_zero_linger()?;
        drop(stream);
        Ok(Instant::now())
    }
}

/// Sends a request on a connection of its own and reads the answer to its end, both at once: a gateway may refuse a
/// body before it has all of it.
pub async fn exchange(address: SocketAddr, ask: &Ask) -> Result<Answer> {
    let Connection { mut input, mut output, mut received, .. } = Connection::open(address).await?;
    let sending = async {
        let sent = send(&mut output, address, ask).await;
        // The writing half stays open: some servers take its end for the client's leaving.
        std::future::pending::<()>().await;
        drop(sent);
    };
    let reading = async {
        let head = read_head(&mut input, &mut received).await?;
        let framing = Framing::of(ask, &head);
        read_body(&mut input, &mut received, head, framing).await
    };
    tokio::select! {
        () = sending => failed("sending never completes"),
        answer = timeout(ANSWER_WAIT, reading) => match answer {
            Ok(answer) => answer.inspect(|answer| note(ask, answer.status)),
            Err(_) => failed(format!("no complete answer to {} {} in time", ask.method, ask.path)),
        },
    }
}

/// Methods and paths that were answered without an error in this process.
static ANSWERED: Mutex<BTreeSet<(&'static str, String)>> = Mutex::new(BTreeSet::new());

fn note(ask: &Ask, status: u16) {
    if status < 400 {
        let path = ask.path.split('?').next().unwrap_or_default();
        let mut answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert((ask.method, path.to_owned()));
    }
}

/// Whether a path that fits the pattern was answered without an error. `{id}` takes a segment, `{rest*}` all of them.
pub fn was_answered(method: &str, pattern: &str) -> bool {
    let fits = |path: &str| match pattern.split_once('{') {
        None => path == pattern,
        Some((start, end)) => path
            .strip_prefix(start)
            .is_some_and(|rest| !rest.is_empty() && (end.ends_with("*}") || !rest.contains('/'))),
    };
    let answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
    answered.iter().any(|(with, path)| *with == method && fits(path))
}

async fn send(output: &mut OwnedWriteHalf, address: SocketAddr, ask: &Ask) -> Result<()> {
    let mut bytes = ask.head(address).into_bytes();
    match &ask.body {
        Body::Nothing => {}
        Body::Whole(body) => bytes.extend_from_slice(body),
        Body::Chunked(pieces) => {
            for piece in pieces {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
    }
    Ok(output.write_all(&bytes).await?)
}

#[derive(Clone, Copy)]
enum Framing {
    Empty,
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    fn of(ask: &Ask, head: &Head) -> Self {
        let value = |name: &str| {
            head.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
        };
        if ask.method == "HEAD" || matches!(head.status, 204 | 304) {
            Self::Empty
        } else if value("transfer-encoding").is_some() {
            Self::Chunked
        } else {
            value("content-length")
                .and_then(|v| v.parse().ok())
                .map_or(Self::UntilClose, Self::Length)
        }
    }
}

async fn read_head(input: &mut OwnedReadHalf, received: &mut BytesMut) -> Result<Head> {
    loop {
        let end = loop {
            if let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") {
                break end + 4;
            }
            if read(input, received).await? == 0 {
                return failed("the connection ended without an answer");
            }
        };
        let text = received.split_to(end);
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let Some(status) = first.split(' ').nth(1).and_then(|s| s.parse().ok()) else {
            return failed(format!("not a status line: {first}"));
        };
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        if status >= 200 {
            return Ok(Head { status, headers, at: Instant::now() });
        }
    }
}

async fn read_body(
    input: &mut OwnedReadHalf,
    received: &mut BytesMut,
    head: Head,
    framing: Framing,
) -> Result<Answer> {
    let mut body = BytesMut::new();
    let mut pieces = Vec::new();
    let end = loop {
        let before = body.len();
        let end = take(received, &mut body, framing)?;
        if body.len() > before {
            pieces.push((Instant::now(), Bytes::copy_from_slice(&body[before..])));
        }
        if end.is_some() {
            break End::Complete;
        }
        match input.read_buf(received).await {
            Ok(0) if matches!(framing, Framing::UntilClose) => break End::Complete,
            Ok(0) | Err(_) => break End::Cut,
            Ok(_) => {}
        }
    };
    let Head { status, headers, at } = head;
    let body = body.freeze();
    Ok(Answer { status, headers, body, pieces, head_at: at, end_at: Instant::now(), end })
}

/// Moves what is complete from the wire to the body; `Some` when the body is at its end.
fn take(received: &mut BytesMut, body: &mut BytesMut, framing: Framing) -> Result<Option<()>> {
    match framing {
        Framing::Empty => return Ok(Some(())),
        Framing::UntilClose => body.unsplit(received.split()),
        Framing::Length(length) => {
            let missing = (length - body.len()).min(received.len());
            body.extend_from_slice(&received.split_to(missing));
            return Ok((body.len() == length).then_some(()));
        }
        Framing::Chunked => {
            while let Some(line) = memchr::memmem::find(received, b"\r\n") {
                let size = String::from_utf8_lossy(&received[..line]).into_owned();
                let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
                    return failed(format!("not a chunk size: {size}"));
                };
                if received.len() < line + 2 + size + 2 {
                    break;
                }
                let chunk = received.split_to(line + 2 + size + 2);
                if size == 0 {
                    return Ok(Some(()));
                }
                body.extend_from_slice(&chunk[line + 2..line + 2 + size]);
            }
        }
    }
    Ok(None)
}

async fn read(input: &mut OwnedReadHalf, received: &mut BytesMut) -> Result<usize> {
    match timeout(ANSWER_WAIT, input.read_buf(received)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
        Ok(read) => Ok(read?),
        Err(_) => failed("nothing came in time"),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_provider::{Provider, Script, Step, tag};

    use super::*;

    async fn played(script: Script) -> (Provider, SocketAddr, Ask) {
        let provider = Provider::start().await.unwrap();
        provider.play("self", script);
        let address =
            provider.base_url()["http://".len()..].trim_end_matches("/v1").parse().unwrap();
        (provider, address, Ask::post("/v1/x", tag("self")))
    }

    #[tokio::test]
    async fn a_script_arrives_as_it_was_written() {
        let pause = Duration::from_millis(40);
        let (provider, address, ask) = played(Script::events().paced(["a", "b"], pause)).await;
        let pieces = Body::Chunked(vec!["[[script ".into(), "self]]".into()]);
        for ask in [ask.clone(), ask.body(pieces)] {
            let answer = exchange(address, &ask).await.unwrap();
            assert_eq!((answer.text().as_str(), answer.end), ("ab", End::Complete));
            assert!(answer.pieces[1].0 - answer.pieces[0].0 > pause / 2);
        }
        let seen = provider.seen("self");
        assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));
        assert!(seen.iter().all(|seen| seen.answered.is_some()));
    }

    #[tokio::test]
    async fn half_an_answer_is_seen_as_one() {
        for end in [Step::Reset, Step::Close, Step::Raw("5\r\nab".into())] {
            let script = Script::events().piece("whole").then(end).then(Step::Close);
            let (_provider, address, ask) = played(script).await;
            let answer = exchange(address, &ask).await.unwrap();
            assert_eq!((answer.text().as_str(), answer.end), ("whole", End::Cut));
        }
    }

    #[tokio::test]
    async fn leaving_is_noticed_at_once() {
        for reset in [false, true] {
            let (provider, address, ask) =
                played(Script::events().piece("a").then(Step::Hang)).await;
            let mut connection = Connection::open(address).await.unwrap();
            connection.send(&ask).await.unwrap();
            connection.head().await.unwrap();
            let at = if reset { connection.reset().unwrap() } else { connection.close() };
            let wait = Duration::from_secs(2);
            let seen = provider.until("self", 0, wait, |seen| seen.left.is_some()).await.unwrap();
            let took = seen.left.unwrap().saturating_duration_since(at);
            assert!(took < Duration::from_millis(50), "noticed after {took:?}");
        }
    }
}
