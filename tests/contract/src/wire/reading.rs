//! How is an answer read from a connection, in whatever pieces it comes?

use std::{io::ErrorKind, time::Instant};

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf, time::timeout};

use super::{
    ANSWER_WAIT,
    message::{Answer, Ask, End},
};
use crate::{Result, failed};

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) at: Instant,
}

#[derive(Clone, Copy)]
pub(super) enum Framing {
    Empty,
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    pub(super) fn of(ask: &Ask, head: &Head) -> Self {
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

pub(super) async fn read_head(input: &mut OwnedReadHalf, received: &mut BytesMut) -> Result<Head> {
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

pub(super) async fn read_body(
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

pub(super) async fn read(input: &mut OwnedReadHalf, received: &mut BytesMut) -> Result<usize> {
    match timeout(ANSWER_WAIT, input.read_buf(received)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
        Ok(read) => Ok(read?),
        Err(_) => failed("nothing came in time"),
    }
}
