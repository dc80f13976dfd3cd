//! How do instances hear of each other's requests? Over one channel of Redis, on which each tells what ends there and
//! leaves out what it has told itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use redis::{Msg, aio::MultiplexedConnection};
use tidegate_core::{Error, Result, ports::Random};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    super::{
        limits::{
            CHANNEL_LINES_MAX, CHANNEL_MESSAGE_LINES_MAX, CHANNEL_PING_EVERY, DATABASE_REST,
            DATABASE_REST_MAX, REDIS_CONNECT_WAIT, REDIS_WAIT,
        },
        pool::shortened,
    },
    server::{Server, told},
};
use crate::{Ear, OsRandom};

/// A channel. Dropped, it is silent and deaf.
pub struct Channel {
    lines: Sender<String>,
    lost: Arc<AtomicU64>,
    tasks: [JoinHandle<()>; 2],
}

/// One end of it.
struct End {
    server: Server,
    /// What it is called in Redis.
    channel: String,
    /// Who speaks here.
    own: String,
}

impl Channel {
    /// Begins to listen and to be able to tell.
    pub(crate) fn open(url: &str, ear: Ear) -> Result<Self> {
        let mut own = [0; 8];
        OsRandom.fill(&mut own);
        let own = format!("{:016x}", u64::from_be_bytes(own));
        let end = || {
            let server = Server::parse(url)?;
            let channel = format!("{}/live", server.base);
            Ok::<_, Error>(End { server, channel, own: own.clone() })
        };
        let (speaking, hearing) = (end()?, end()?);
        let (lines, waiting) = mpsc::channel(CHANNEL_LINES_MAX);
        let lost = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&lost);
        let speaking = tokio::spawn(async move { speaking.speak(waiting, &counted).await });
        let hearing = tokio::spawn(async move { hearing.hear(&ear).await });
        Ok(Self { lines, lost, tasks: [speaking, hearing] })
    }

    /// Tells the others. Waits for nobody: what there is no room for is counted.
    pub fn tell(&self, line: &str) {
        if self.lines.try_send(line.to_owned()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that the others were not told.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl End {
    /// Tells what waits, all of it at once.
    async fn speak(self, mut waiting: Receiver<String>, lost: &AtomicU64) {
        let (mut connection, mut rest) = (None, DATABASE_REST);
        let mut lines = Vec::new();
        while waiting.recv_many(&mut lines, CHANNEL_MESSAGE_LINES_MAX).await > 0 {
            match self.publish(connection.take(), &lines).await {
                Ok(kept) => (connection, rest) = (Some(kept), DATABASE_REST),
                Err(error) => {
                    lost.fetch_add(lines.len() as u64, Ordering::Relaxed);
                    if rest == DATABASE_REST {
                        tracing::warn!(%error, "other instances do not hear what ends here");
                    }
                    rest = pause(rest).await;
                }
            }
            lines.clear();
        }
    }

    async fn publish(
        &self,
        kept: Option<MultiplexedConnection>,
        lines: &[String],
    ) -> Result<MultiplexedConnection> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => within(REDIS_CONNECT_WAIT, self.server.connect(self.place())).await?,
        };
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&self.channel).arg(message(&self.own, lines));
        let published = async {
            publish.query_async::<()>(&mut connection).await.map_err(|error| told(&error))
        };
        within(REDIS_WAIT, published).await?;
        Ok(connection)
    }

    /// Listens for ever; where it is not possible, it is tried again.
    async fn hear(self, ear: &Ear) {
        let mut rest = DATABASE_REST;
        loop {
            let mut heard = false;
            let error = self.listen(ear, &mut heard).await.err();
            if heard {
                rest = DATABASE_REST;
            }
            if let Some(error) = error.filter(|_| rest == DATABASE_REST) {
                tracing::warn!(%error, "it is not heard what ends on other instances");
            }
            rest = pause(rest).await;
        }
    }

    /// Listens until the connection ends.
    async fn listen(&self, ear: &Ear, heard: &mut bool) -> Result<()> {
        let subscribing = async {
            let mut hearing = self.server.listen(self.place()).await?;
            hearing.subscribe(&self.channel).await.map_err(|error| told(&error))?;
            Ok(hearing)
        };
        let (mut asking, mut said) = within(REDIS_CONNECT_WAIT, subscribing).await?.split();
        *heard = true;
        let mut pings = interval(CHANNEL_PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = said.next() => match message {
                    Some(message) => self.pass_on(&message, ear),
                    None => return Err(Error::store("Redis has ended the channel")),
                },
                // A connection that has died in silence brings nothing, either.
                _ = pings.tick() => {
                    let ping = async { asking.ping::<()>().await.map_err(|error| told(&error)) };
                    within(REDIS_WAIT, ping).await?;
                }
            }
        }
    }

    fn pass_on(&self, message: &Msg, ear: &Ear) {
        // What is no text is not ours.
        let Ok(text) = std::str::from_utf8(message.get_payload_bytes()) else { return };
        others(&self.own, text).for_each(|line| ear(line));
    }

    fn place(&self) -> (&str, u16) {
        (&self.server.place.0, self.server.place.1)
    }
}

/// Who tells it, and the lines: none of them has a line break, because they are JSON.
fn message(own: &str, lines: &[String]) -> String {
    format!("{own}\n{}", lines.join("\n"))
}

/// The lines of a message, unless it is our own.
fn others<'m>(own: &str, message: &'m str) -> impl Iterator<Item = &'m str> {
    let mut lines = message.lines();
    let foreign = lines.next().is_some_and(|who| who != own);
    lines.take(if foreign { CHANNEL_MESSAGE_LINES_MAX } else { 0 })
}

/// Waits, and says how long to wait the next time.
async fn pause(rest: Duration) -> Duration {
    sleep(shortened(rest)).await;
    DATABASE_REST_MAX.min(rest * 2)
}

async fn within<T>(wait: Duration, doing: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(wait, doing).await.unwrap_or_else(|_| Err(Error::store("Redis took too long")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_heard_by_others_only() {
        let told = message("a", &["{\"id\":1}".to_owned(), "{\"id\":2}".to_owned()]);
        assert_eq!(others("b", &told).collect::<Vec<_>>(), ["{\"id\":1}", "{\"id\":2}"]);
        assert_eq!(others("a", &told).count(), 0);
        assert_eq!(others("a", "").count(), 0);
    }

    #[tokio::test]
    async fn what_has_no_room_is_counted_and_nobody_waits() {
        // Nothing listens there.
        let channel = Channel::open("redis://127.0.0.1:1", Arc::new(|_| {})).unwrap();
        for _ in 0..CHANNEL_LINES_MAX + 7 {
            channel.tell("{}");
        }
        assert_eq!(channel.lost(), 7);
    }
}
