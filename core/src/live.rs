//! How is what has just ended told to those who watch? As `/api/records` shows it, in batches that are bounded.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    api::records,
    error::{Error, Result},
    gateway::Gateway,
    http::Body,
    identity::Session,
    limits::LIVE_RECORDS_MAX,
    ports::Feed,
    store::Record,
};

/// A record as `/api/records` shows it, written once for all who watch.
#[derive(Clone)]
pub struct Line(Arc<RawValue>);

impl Line {
    fn of(record: &Record) -> Option<Self> {
        // It is made of texts and numbers, which JSON has words for.
        to_raw_value(&records::show(record)).ok().map(|line| Self(line.into()))
    }

    /// A line that another process of this gateway has written.
    #[must_use]
    pub fn read(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(|line| Self(line.into()))
    }

    /// Its JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

/// The line of a record, where somebody may be watching.
pub(crate) fn line(gateway: &Gateway, record: &Record) -> Option<Line> {
    gateway.ports.feed.watched().then(|| Line::of(record)).flatten()
}

/// Tells a line to those who watch.
pub(crate) async fn tell(gateway: &Gateway, line: Option<Line>) {
    if let Some(line) = line {
        gateway.ports.feed.tell(line).await;
    }
}

/// What one message of the socket says.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Told<'a> {
    /// Requests that have ended, in this order.
    #[cfg_attr(test, schemars(with = "Vec<records::Shown<'a>>"))]
    records: Vec<&'a RawValue>,
    /// How many more have ended meanwhile, for which there was no room.
    skipped: u64,
}

/// What waits for one socket. What does not fit is counted.
#[derive(Default)]
pub struct Batch {
    lines: Vec<Line>,
    skipped: u64,
}

impl Batch {
    /// Adds a line, or counts it.
    pub fn push(&mut self, line: Line) {
        if self.lines.len() < LIVE_RECORDS_MAX {
            self.lines.push(line);
        } else {
            self.skipped += 1;
        }
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The message that says it.
    pub fn message(&self) -> Result<String> {
        let records = self.lines.iter().map(|line| &*line.0).collect();
        let told = Told { records, skipped: self.skipped };
        serde_json::to_string(&told).map_err(Error::internal)
    }
}

/// Who was let in to watch, for as long as that holds.
pub struct Watch {
    gateway: Gateway,
    /// A program's token is good as long as its process.
    session: Option<Session>,
}

impl Watch {
    pub(crate) fn new(gateway: &Gateway, session: Option<Session>) -> Self {
        Self { gateway: gateway.clone(), session }
    }

    /// Whether they would be let in again: their session goes on, and their user is who they were.
    pub async fn goes_on(&self) -> bool {
        match &self.session {
            Some(session) => self.gateway.goes_on(session).await,
            None => true,
        }
    }

    /// Who it is, for another process of this gateway. Nobody can come in with that.
    #[must_use]
    pub fn note(&self) -> String {
        self.session.as_ref().map(Session::said).unwrap_or_default()
    }

    /// Whoever a process of this gateway has noted; nobody where that makes no sense.
    #[must_use]
    pub fn noted(gateway: &Gateway, note: &str) -> Option<Self> {
        let session = if note.is_empty() { None } else { Some(Session::read(note)?) };
        Some(Self::new(gateway, session))
    }
}

/// Nobody can watch where the platform keeps no connection: the page asks again and again.
pub struct Unwatched;

#[async_trait]
impl Feed for Unwatched {
    fn watched(&self) -> bool {
        false
    }

    async fn tell(&self, _: Line) {}

    async fn open(&self, _: Request<Body>, _: Watch) -> Result<Response<Body>> {
        let message = "Nothing is pushed from here; ask `/api/records` again and again.";
        Err(Error::not_found(message).coded("no_push"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut batch = Batch::default();
        assert!(batch.is_empty());
        for at in 0..LIVE_RECORDS_MAX + 3 {
            let record = Record { id: at.to_string(), status: 200, ..Record::default() };
            batch.push(Line::of(&record).unwrap());
        }
        let told: serde_json::Value = serde_json::from_str(&batch.message().unwrap()).unwrap();
        let records = told["records"].as_array().unwrap();
        assert_eq!((records.len(), &told["skipped"]), (LIVE_RECORDS_MAX, &3.into()));
        assert_eq!((&records[0]["id"], &records[1]["id"]), (&"0".into(), &"1".into()));
        assert_eq!(records[0]["status"], 200);
    }
}
