//! Who asks all the time, and what does each get?

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    super::{
        STREAM, WHOLE,
        load::{chat, is_complete},
    },
    RECOVERY,
};
use crate::{
    Result,
    adapters::Server,
    failed,
    setup::ADMIN_TOKEN,
    wire::{Ask, exchange},
    world::{Client, create_client},
};

/// Keys that the server has never seen, each of which asks once.
const STRANGERS: usize = 240;
/// Between two questions of strangers.
const STRANGE_PACE: Duration = Duration::from_millis(500);
const PACE: Duration = Duration::from_millis(25);
/// Much more than is asked.
pub(super) const BUDGET: usize = 1_000_000;
const LOOK: Duration = Duration::from_millis(50);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A client without limits.
    Known,
    /// One with a budget that must not be passed.
    Hard,
    /// One with a budget, who would rather go on.
    Soft,
    /// One with a rate.
    Rated,
    /// One whose records must be safe.
    Strict,
    /// A good key that the server has to look up.
    Stranger,
}

impl Who {
    const REGULAR: [Self; 5] = [Self::Known, Self::Hard, Self::Soft, Self::Rated, Self::Strict];

    fn fields(self) -> Value {
        let budget = json!([{ "requests": BUDGET, "per": "month" }]);
        match self {
            Self::Known | Self::Stranger => json!({}),
            Self::Hard => json!({ "limits": budget }),
            Self::Soft => json!({ "limits": budget, "on_outage": "allow" }),
            Self::Rated => json!({ "limits": [{ "requests": BUDGET, "per": "minute" }] }),
            Self::Strict => json!({ "ledger": "strict" }),
        }
    }
}

/// What somebody got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) who: Who,
    pub(super) sent: Instant,
    pub(super) took: Duration,
    /// 0 for nothing.
    pub(super) status: u16,
    /// Whether it is all of an answer.
    pub(super) whole: bool,
    pub(super) id: Option<String>,
}

/// Everybody.
pub(super) struct Crowd {
    address: SocketAddr,
    pub(super) regulars: Vec<(Who, Client)>,
    strangers: Vec<Client>,
}

/// Everybody, asking.
pub(super) struct Asking {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<Got>>,
}

impl Crowd {
    pub(super) async fn gather(address: SocketAddr) -> Result<Self> {
        let mut regulars = Vec::new();
        for who in Who::REGULAR {
            let mut fields = who.fields();
            fields["name"] = json!(format!("{who:?}"));
            regulars.push((who, create_client(address, fields).await?));
        }
        let mut strangers = Vec::new();
        for number in 0..STRANGERS {
            let fields = json!({ "name": format!("stranger {number}") });
            strangers.push(create_client(address, fields).await?);
        }
        Ok(Self { address, regulars, strangers })
    }

    /// Lets the server look everybody up but the strangers.
    pub(super) async fn introduce(&self) -> Result {
        for (who, client) in &self.regulars {
            let answer = exchange(self.address, &chat(&client.key, WHOLE, false)).await?;
            if answer.status != 200 {
                return failed(format!("{who:?} is not known: {}", answer.text()));
            }
        }
        Ok(())
    }

    pub(super) fn ask(&self) -> Asking {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for (who, client) in &self.regulars {
            let stream = *who == Who::Strict;
            let ask = chat(&client.key, if stream { STREAM } else { WHOLE }, stream);
            let asks = std::iter::repeat(ask);
            clients.spawn(paced(self.address, *who, PACE, asks, Arc::clone(&stop)));
        }
        // The last ones are for the time afterwards.
        let strangers: Vec<Ask> =
            self.strangers.iter().skip(60).map(|it| chat(&it.key, WHOLE, false)).collect();
        let asks = strangers.into_iter();
        clients.spawn(paced(self.address, Who::Stranger, STRANGE_PACE, asks, Arc::clone(&stop)));
        Asking { stop, clients }
    }

    /// How long it takes until strangers are let in and nothing waits any more.
    pub(super) async fn recovered(&self, server: &Server, ended: Instant) -> Result<Duration> {
        for stranger in self.strangers.iter().take(60).cycle() {
            let met = exchange(server.address, &chat(&stranger.key, WHOLE, false)).await;
            let system =
                exchange(server.address, &Ask::new("GET", "/api/system").bearer(ADMIN_TOKEN)).await;
            let parts = system.and_then(|system| system.json()).map(|told| told["parts"].clone());
            let well = parts.as_ref().is_ok_and(|parts| *parts == json!([]));
            if met.is_ok_and(|answer| answer.status == 200) && well {
                return Ok(ended.elapsed());
            }
            if ended.elapsed() > RECOVERY {
                return failed(format!("not as before after {:?}: {parts:?}", ended.elapsed()));
            }
            tokio::time::sleep(LOOK).await;
        }
        failed("there are no strangers")
    }
}

impl Asking {
    pub(super) async fn stop(self) -> Vec<Got> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await.concat()
    }
}

/// Asks at its pace, whatever becomes of what was asked before.
async fn paced(
    address: SocketAddr,
    who: Who,
    pace: Duration,
    asks: impl Iterator<Item = Ask>,
    stop: Arc<AtomicBool>,
) -> Vec<Got> {
    let mut under_way = JoinSet::new();
    let mut next = tokio::time::Instant::now();
    for ask in asks {
        tokio::time::sleep_until(next).await;
        next += pace;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        under_way.spawn(async move {
            let sent = Instant::now();
            let answer = exchange(address, &ask).await;
            let took = sent.elapsed();
            answer.map_or(Got { who, sent, took, status: 0, whole: false, id: None }, |answer| {
                Got {
                    who,
                    sent,
                    took,
                    status: answer.status,
                    whole: is_complete(&answer),
                    id: answer.request_id().ok().map(str::to_owned),
                }
            })
        });
    }
    under_way.join_all().await
}
