//! What happens on one socket? It is told what has ended, and ends itself with its session, its client or the server.

use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use tidegate_core::{
    limits::{LIVE_CHECK_EVERY, LIVE_EVERY, LIVE_PING_EVERY, LIVE_SEND_WAIT},
    live::Watch,
};
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::hub::Waiting;

/// Tells a socket until it ends.
pub(crate) async fn watch(
    mut socket: WebSocket,
    waiting: &Waiting,
    by: &Watch,
    closing: &CancellationToken,
) {
    let Some(code) = told(&mut socket, waiting, by, closing).await else { return };
    let end = Message::Close(Some(CloseFrame { code, reason: "".into() }));
    // Whoever does not take its end is gone.
    let _ = send(&mut socket, end).await;
}

/// Why it ends; nothing where nobody is there to hear it.
async fn told(
    socket: &mut WebSocket,
    waiting: &Waiting,
    by: &Watch,
    closing: &CancellationToken,
) -> Option<CloseCode> {
    let now = Instant::now();
    let mut pings = interval_at(now + LIVE_PING_EVERY, LIVE_PING_EVERY);
    let mut checks = interval_at(now + LIVE_CHECK_EVERY, LIVE_CHECK_EVERY);
    let mut next = now;
    let mut there = true;
    loop {
        let due = async {
            waiting.something().await;
            sleep_until(next).await;
        };
        tokio::select! {
            () = closing.cancelled() => return Some(close_code::AWAY),
            _ = checks.tick() => {
                if !by.goes_on().await {
                    return Some(close_code::POLICY);
                }
            }
            came = socket.recv() => match came? {
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Binary(_)) => {
                    there = true;
                }
            },
            _ = pings.tick() => {
                if !there {
                    return None;
                }
                there = false;
                send(socket, Message::Ping(Bytes::new())).await?;
            }
            () = due => {
                next = Instant::now() + LIVE_EVERY;
                let message = waiting.take().message().ok()?;
                send(socket, Message::Text(message.into())).await?;
            }
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(LIVE_SEND_WAIT, socket.send(message)).await.ok()?.ok()
}
