//! How does a test speak HTTP/1.1 with full control over every byte and every end of a connection?

mod message;
mod reading;
mod socket;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tidegate_core::router::fits;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

pub use message::{Answer, Ask, Body, End};
pub use reading::Head;
pub use socket::Socket;

use self::reading::{Framing, read, read_body, read_head};
use crate::{Result, failed};

/// No answer of a contract case takes longer.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

/// A connection to a gateway.
pub struct Connection {
    address: SocketAddr,
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    received: BytesMut,
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

/// Methods and paths that were answered without an error in this process.
static ANSWERED: Mutex<BTreeSet<(&'static str, String)>> = Mutex::new(BTreeSet::new());

fn note(ask: &Ask, status: u16) {
    if status < 400 {
        let path = ask.path.split('?').next().unwrap_or_default();
        let mut answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert((ask.method, path.to_owned()));
    }
}

/// Whether a path that fits the pattern was answered without an error.
pub fn was_answered(method: &str, pattern: &str) -> bool {
    let answered = ANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
    answered.iter().any(|(with, path)| *with == method && fits(pattern, path))
}
