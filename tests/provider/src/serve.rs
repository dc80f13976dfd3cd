//! How does one connection read requests and play their scripts?

use std::{
    io::{self, ErrorKind},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    task::JoinSet,
};

use crate::{
    Seen, Shared,
    script::{Framing, Script, Step},
};

/// Nothing a gateway sends is larger; a test that gets here has gone wrong.
const REQUEST_BYTES_MAX: usize = 64 << 20;

pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A peer that breaks a connection is what many tests are about.
            let _ = converse(stream, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// How the connection goes on after an answer.
#[derive(PartialEq, Eq)]
enum Next {
    Keep,
    Close,
    Reset,
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    loop {
        let (mut input, mut output) = stream.split();
        let Some(seen) = request(&mut input, &mut output, &mut received).await? else {
            return Ok(());
        };
        let (script, place) = shared.arrive(seen);
        let mut answer = Answer { output: &mut output, framing: Framing::UntilClose };
        // The peer's leaving is noted even where the script would write no more.
        let next = tokio::select! {
            biased;
            () = left(&mut input, &mut received) => {
                shared.note(&place, |seen| seen.left = Some(Instant::now()));
                return Ok(());
            }
            played = answer.play(script) => played,
        };
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                shared.note(&place, |seen| seen.left = Some(Instant::now()));
                return Err(error);
            }
        };
        match next {
            Next::Keep => shared.note(&place, |seen| seen.answered = Some(Instant::now())),
            Next::Close => return stream.shutdown().await,
            Next::Reset => return stream.set_zero_linger(),
        }
    }
}

/// Completes when the peer has closed or reset the connection. What it sends meanwhile is kept.
async fn left(input: &mut ReadHalf<'_>, received: &mut BytesMut) {
    loop {
        match input.read_buf(received).await {
            Ok(0) | Err(_) => return,
            Ok(_) if received.len() > REQUEST_BYTES_MAX => return,
            Ok(_) => {}
        }
    }
}

struct Answer<'a, 'b> {
    output: &'a mut WriteHalf<'b>,
    framing: Framing,
}

impl Answer<'_, '_> {
    async fn play(&mut self, script: Script) -> io::Result<Next> {
        let empty = script.steps.is_empty();
        let steps = if empty { Script::json(200, "{}").steps } else { script.steps };
        for step in steps {
            match step {
                Step::Head { status, headers, framing } => {
                    self.head(status, headers, framing).await?;
                }
                Step::Piece(bytes) => self.piece(&bytes).await?,
                Step::Raw(bytes) => self.output.write_all(&bytes).await?,
                Step::Pause(time) => tokio::time::sleep(time).await,
                Step::Endless(bytes, pause) => self.endless(&bytes, pause).await?,
                Step::Hang => std::future::pending().await,
                Step::Reset => return Ok(Next::Reset),
                Step::Close => return Ok(Next::Close),
            }
        }
        self.end().await
    }

    async fn head(
        &mut self,
        status: u16,
        headers: Vec<(String, String)>,
        framing: Framing,
    ) -> io::Result<()> {
        let mut lines = vec![format!("HTTP/1.1 {status} Scripted")];
        lines.extend(headers.into_iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(match framing {
            Framing::Length(length) => format!("content-length: {length}"),
            Framing::Chunked => "transfer-encoding: chunked".to_owned(),
            Framing::UntilClose => "connection: close".to_owned(),
        });
        self.framing = framing;
        self.output.write_all((lines.join("\r\n") + "\r\n\r\n").as_bytes()).await
    }

    async fn piece(&mut self, bytes: &Bytes) -> io::Result<()> {
        if self.framing != Framing::Chunked {
            return self.output.write_all(bytes).await;
        }
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.output.write_all(&chunk).await
    }

    async fn endless(&mut self, bytes: &Bytes, pause: Duration) -> io::Result<()> {
        loop {
            self.piece(bytes).await?;
            tokio::time::sleep(pause).await;
        }
    }

    async fn end(&mut self) -> io::Result<Next> {
        match self.framing {
            Framing::Length(_) => Ok(Next::Keep),
            Framing::Chunked => self.output.write_all(b"0\r\n\r\n").await.map(|()| Next::Keep),
            Framing::UntilClose => Ok(Next::Close),
        }
    }
}

async fn request(
    input: &mut ReadHalf<'_>,
    output: &mut WriteHalf<'_>,
    received: &mut BytesMut,
) -> io::Result<Option<Seen>> {
    let head = loop {
        if let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") {
            break received.split_to(end + 4);
        }
        if fill(input, received).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut seen = Seen {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        body: Bytes::new(),
        arrived: Instant::now(),
        left: None,
        answered: None,
    };
    if seen.header("expect").is_some() {
        output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let chunked = seen.header("transfer-encoding").is_some_and(|v| v.contains("chunked"));
    seen.body = if chunked {
        chunks(input, received).await?
    } else {
        let length = seen.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        exactly(input, received, length).await?
    };
    seen.arrived = Instant::now();
    Ok(Some(seen))
}

async fn chunks(input: &mut ReadHalf<'_>, received: &mut BytesMut) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(end) = memchr::memmem::find(received, b"\r\n") {
                break received.split_to(end + 2);
            }
            if fill(input, received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        };
        let size = String::from_utf8_lossy(&line);
        let size = size.trim().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
        let piece = exactly(input, received, size + 2).await?;
        if size == 0 {
            return Ok(body.freeze());
        }
        body.extend_from_slice(&piece[..size]);
    }
}

async fn exactly(
    input: &mut ReadHalf<'_>,
    received: &mut BytesMut,
    length: usize,
) -> io::Result<Bytes> {
    while received.len() < length {
        if fill(input, received).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(received.split_to(length).freeze())
}

async fn fill(input: &mut ReadHalf<'_>, received: &mut BytesMut) -> io::Result<usize> {
    if received.len() > REQUEST_BYTES_MAX {
        return Err(ErrorKind::FileTooLarge.into());
    }
    input.read_buf(received).await
}
