//! When did the client's bytes leave? A listener whose connections mark the timeline when a flush reached the socket.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use crate::timeline::{Timeline, What};

/// Accepts clients.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) timeline: Timeline,
}

/// A client's address, and what is to be marked when its connection has written all it was given.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pending: Arc<Mutex<Vec<What>>>,
}

impl Client {
    /// Marks `what` as soon as everything written so far is in the client's socket.
    pub(crate) fn mark_when_written(&self, what: What) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = Client;

    async fn accept(&mut self) -> (Connection, Client) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let _ = stream.set_nodelay(true);
        let client = Client { address, pending: Arc::default() };
        (Connection { stream, client: client.clone(), timeline: self.timeline.clone() }, client)
    }

    fn local_addr(&self) -> io::Result<Client> {
        Ok(Client { address: self.listener.local_addr()?, pending: Arc::default() })
    }
}

impl Connected<IncomingStream<'_, Door>> for Client {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// One client's connection.
pub(crate) struct Connection {
    stream: TcpStream,
    client: Client,
    timeline: Timeline,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only when its own buffer is empty, so all that was handed to it is in the socket.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let written = std::mem::take(
            &mut *self.client.pending.lock().unwrap_or_else(PoisonError::into_inner),
        );
        for what in written {
            self.timeline.mark(what);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
