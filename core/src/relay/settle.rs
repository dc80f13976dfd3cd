//! How does every request end in one record, whatever happened to it?

use futures_channel::oneshot;
use futures_util::future::join;

use super::{capture::Capture, recall::Keepsake, receive::Endpoint, trail::Trail};
use crate::{
    budget::{Amounts, Hold, Ledger, estimate::Most},
    error::{Error, Kind, Result},
    gateway::Gateway,
    health::{self, Used},
    ids,
    limits::{ADMISSION_WAIT, CUT_STEP_TOKENS, LEDGER_WAIT},
    live,
    memory::Leaving,
    ports::{Background, BoxFuture, Millis, within},
    store::{Admission, Counters as _, Ended, Record},
};

/// Holds the record while the request lives. However it goes away, it sends the record to be settled.
pub(super) struct Guard {
    /// What is known so far.
    pub(super) record: Record,
    /// How it ended; a guard that is dropped without a word was dropped with its client.
    pub(super) ended: Option<Ended>,
    /// What it holds of limits.
    pub(super) hold: Option<Hold>,
    /// When its record must be safe.
    pub(super) ledger: Ledger,
    /// Who was asked, and why.
    pub(super) trail: Trail,
    /// The key that it uses, as long as it does.
    pub(super) using: Option<Used>,
    /// The key of a second target, as long as it is not known which one answers first.
    pub(super) beside: Option<Used>,
    /// What other instances should know of the answer.
    pub(super) leaving: Option<Leaving>,
    /// Its bodies, when they are kept.
    pub(super) capture: Option<Capture>,
    /// The answer, when it is to be given again.
    pub(super) keepsake: Option<Box<Keepsake>>,
    gateway: Gateway,
    done: Option<oneshot::Sender<Closing>>,
}

/// What is done with after the response.
struct Closing {
    record: Record,
    hold: Option<Hold>,
    leaving: Option<Leaving>,
    capture: Option<Capture>,
    keepsake: Option<Box<Keepsake>>,
}

/// Begins a record and hands the future that will settle it to the platform, before anything can go wrong: a client
/// that leaves early drops the handler and everything that was to come after.
pub(super) fn open(gateway: &Gateway, endpoint: Endpoint, background: &dyn Background) -> Guard {
    begin(gateway, (endpoint.path, endpoint.dialect.name()), background)
}

/// The same, of a request that is spoken in no dialect.
pub(super) fn begin(
    gateway: &Gateway,
    (path, dialect): (&str, &str),
    background: &dyn Background,
) -> Guard {
    let now = gateway.ports.clock.now();
    let record = Record {
        id: ids::sortable(now, &*gateway.ports.random),
        at_ms: now,
        endpoint: path.to_owned(),
        dialect: dialect.to_owned(),
        ..Record::default()
    };
    let (done, finished) = oneshot::channel::<Closing>();
    let gateway = gateway.clone();
    let settling = gateway.clone();
    background.run(Box::pin(async move {
        if let Ok(closing) = finished.await {
            settle(&settling, closing).await;
        }
    }));
    Guard {
        record,
        ended: None,
        hold: None,
        ledger: Ledger::default(),
        trail: Trail::default(),
        using: None,
        beside: None,
        leaving: None,
        capture: None,
        keepsake: None,
        gateway,
        done: Some(done),
    }
}

/// Writes down what a request was, and after it what it leaves to others.
async fn settle(gateway: &Gateway, closing: Closing) {
    let Closing { mut record, hold, leaving, capture, keepsake } = closing;
    // A provider may want back what this answer leaves, and that is not kept for as long.
    let keepsake = keepsake.filter(|_| leaving.is_none());
    let whole = keepsake.and_then(|keepsake| keepsake.whole(&record));
    let shared = async {
        if let Some(leaving) = leaving {
            leaving.store(gateway).await;
        }
    };
    let written = async {
        let id = record.id.clone();
        close(gateway, hold, &mut record).await;
        gateway.state.metrics.count(&record);
        let line = live::line(gateway, &record);
        join(gateway.ports.journal.append(record), live::tell(gateway, line)).await;
        if let Some(whole) = whole {
            whole.store(gateway).await;
        }
        if let Some(capture) = capture {
            capture.keep(gateway, &id).await;
        }
    };
    join(written, shared).await;
}

/// Prices a record, and puts what was used in the place of what was held. Where the counters lie in the store, the
/// record takes that along.
async fn close(gateway: &Gateway, hold: Option<Hold>, record: &mut Record) {
    gateway.state.prices().price(record);
    let Some(hold) = hold else { return };
    let now = gateway.now();
    let settlement = hold.settlement(record, now);
    if hold.is_unchecked() {
        record.unchecked = true;
        let alone = hold.counted_alone(&settlement);
        // In memory, which does not fail.
        let _ = gateway.state.stand_in.settle(alone, now).await;
    }
    match gateway.counters(hold.top()).settle(settlement, now).await {
        Ok(settlement) => record.settlement = settlement.map(Box::new),
        Err(error) => tracing::error!(id = record.id, %error, "a reservation is not settled"),
    }
}

impl Guard {
    /// The time.
    pub(super) fn now(&self) -> Millis {
        self.gateway.ports.clock.now()
    }

    /// Its record with the cost of what is known so far.
    pub(super) fn priced(&mut self) -> &Record {
        self.gateway.state.prices().price(&mut self.record);
        &self.record
    }

    /// The key is not used any more.
    pub(super) fn release(&mut self) {
        let Some(used) = self.using.take() else { return };
        let usage = self.record.usage;
        let broke = self.ended == Some(Ended::UpstreamBroke);
        let ended = health::Ended { broke, tokens: usage.prompt.saturating_add(usage.completion) };
        self.gateway.state.health.release(&used, ended, self.now());
    }

    /// The second target is not waited for any more.
    pub(super) fn leave_beside(&mut self) {
        let using = std::mem::replace(&mut self.using, self.beside.take());
        self.release();
        self.using = using;
    }

    /// Notes what the client is given.
    pub(super) fn gave(&mut self, piece: &[u8]) {
        self.record.bytes_out += piece.len() as u64;
        if let Some(capture) = &mut self.capture {
            capture.push(piece);
        }
        if let Some(keepsake) = &mut self.keepsake
            && keepsake.push(piece).is_none()
        {
            self.keepsake = None;
        }
    }

    /// Notes that the client is given its first byte.
    pub(super) fn first_byte(&mut self) {
        if self.record.first_byte_ms == 0 {
            // At least 1, because 0 means that there was none.
            self.record.first_byte_ms = (self.now() - self.record.at_ms).max(1);
        }
    }

    /// Writes the record, as far as it is known, and its settlement into the store. The same record follows once more
    /// when the request is over, and changes nothing there unless this one did not arrive.
    pub(super) fn secure(&self) -> BoxFuture<Result<()>> {
        let mut record = self.finished();
        let (gateway, hold) = (self.gateway.clone(), self.hold.clone());
        Box::pin(async move {
            close(&gateway, hold, &mut record).await;
            keep(&gateway, &record).await.map_err(unwritten)
        })
    }

    /// Asks for more when so many tokens of answer are more than is held, for a step at a time.
    pub(super) fn more(&mut self, output: i64) -> Option<(Amounts, BoxFuture<Result<Admission>>)> {
        let now = self.gateway.now();
        let Record { provider, model, usage, .. } = &self.record;
        let prices = self.gateway.state.prices();
        let amounts =
            |output| Most { input: usage.prompt, output }.amounts(&prices, provider, model);
        let hold = self.hold.as_mut()?;
        if hold.covers(amounts(output)) {
            return None;
        }
        let wanted = amounts(output.saturating_add(CUT_STEP_TOKENS));
        let reservation = hold.wanting(wanted, now)?;
        let (counters, clock) =
            (self.gateway.counters(hold.top()), self.gateway.ports.clock.clone());
        let asked = async move {
            let asked = counters.reserve(&reservation, now);
            let silent = || Err(Error::store("the counters are silent"));
            within(&*clock, ADMISSION_WAIT, asked).await.unwrap_or_else(silent)
        };
        Some((wanted, Box::pin(asked)))
    }

    fn finished(&self) -> Record {
        let mut record = self.record.clone();
        let now = self.now();
        record.total_ms = (now - record.at_ms).max(0);
        record.tried = self.trail.told(now);
        record.ended = self.ended.unwrap_or(Ended::ClientGone);
        if record.ended == Ended::ClientGone && record.error.is_empty() {
            Kind::ClientGone.name().clone_into(&mut record.error);
        }
        if record.status == 0 {
            record.status = Kind::ClientGone.status().as_u16();
        }
        record
    }
}

/// Keeps a record for sure: in the store, or where the journal is sure that it gets there. A store that is known to be silent
/// is asked last.
async fn keep(gateway: &Gateway, record: &Record) -> Result<()> {
    let journal = &gateway.ports.journal;
    let silent = gateway.state.standing.store.since().is_some();
    let blocked = || journal.backlog().is_some_and(|backlog| backlog.trouble.is_some());
    if (silent || blocked()) && journal.keep(record).await.is_ok() {
        return Ok(());
    }
    let flush = gateway.ports.store.flush(&record.id, std::slice::from_ref(record));
    match within(&*gateway.ports.clock, LEDGER_WAIT, flush).await {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => journal.keep(record).await.map_err(|_| error),
        None => journal.keep(record).await.map_err(|_| Error::store("the ledger is silent")),
    }
}

fn unwritten(error: Error) -> Error {
    let message = "The gateway could not write this request down, so its answer ends here.";
    Error::new(Kind::Unavailable, message).because(error)
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.release();
        self.leave_beside();
        let Some(done) = self.done.take() else { return };
        let record = self.finished();
        // The receiver is gone only when the platform has dropped its background work.
        let _ = done.send(Closing {
            record,
            hold: self.hold.take(),
            leaving: self.leaving.take(),
            capture: self.capture.take(),
            keepsake: self.keepsake.take(),
        });
    }
}
