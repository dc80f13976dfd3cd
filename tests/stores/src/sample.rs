//! What do the cases keep? Documents and records with sensible fields, each case changing what it is about.

use tidegate_core::{
    Result,
    store::{
        Admission, Audit, Change, Document, Ended, Kind, Record, Store, Usage,
        sql::{SqlStore, Statement, Value},
    },
};

use crate::{
    World,
    check::{Verdict, some},
};

/// An hour of the year 2026, and where the times of most records lie.
pub(crate) const HOUR: i64 = 1_785_000_000_000 - 1_785_000_000_000 % HOUR_MS;
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// A document that is not there yet.
pub(crate) fn document(kind: Kind, id: &str, name: &str) -> Document {
    Document {
        kind,
        id: id.to_owned(),
        parent: String::new(),
        name: name.to_owned(),
        version: 0,
        revision: 0,
        deleted: false,
        shape: 1,
        body: format!("{{\"of\":\"{id}\"}}"),
    }
}

pub(crate) fn team(id: &str, name: &str) -> Document {
    document(Kind::Team, id, name)
}

pub(crate) fn delete(document: &Document) -> Change {
    Change::Delete { kind: document.kind, id: document.id.clone(), version: document.version }
}

pub(crate) fn audit() -> Audit {
    Audit { at_ms: HOUR, actor: "cli".to_owned(), action: "change".to_owned(), ..Audit::default() }
}

/// Commits one document as it is given.
pub(crate) async fn put(store: &SqlStore, document: Document) -> Result<i64> {
    store.commit(vec![Change::Put(document)], audit()).await
}

/// Commits a document and reads it back.
pub(crate) async fn created(store: &SqlStore, document: Document) -> Verdict<Document> {
    let (kind, id) = (document.kind, document.id.clone());
    put(store, document).await?;
    some(store.get(kind, &id).await?)
}

pub(crate) fn record(id: &str, at_ms: i64) -> Record {
    Record {
        id: id.to_owned(),
        at_ms,
        client: "alice".to_owned(),
        team: "sales".to_owned(),
        endpoint: "/v1/chat/completions".to_owned(),
        dialect: "openai_chat".to_owned(),
        requested_model: "fast".to_owned(),
        provider: "up".to_owned(),
        model: "mock-1".to_owned(),
        key_id: "key-1".to_owned(),
        status: 200,
        usage: Usage { prompt: 10, completion: 5, ..Usage::default() },
        cost_nano: 1_500,
        total_ms: 120,
        attempts: 1,
        ended: Ended::Done,
        ..Record::default()
    }
}

/// A number from a small generator, the same on every run.
pub(crate) fn pick(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

impl World {
    /// The single integer that a question of the case's own finds.
    pub(crate) async fn number(&self, sql: &'static str) -> Verdict<i64> {
        some(self.numbers(sql).await?.first().copied())
    }

    /// The sum of what such a question finds. Not by the engine: some make a decimal of it.
    pub(crate) async fn sum(&self, sql: &'static str) -> Verdict<i64> {
        Ok(self.numbers(sql).await?.into_iter().sum())
    }

    async fn numbers(&self, sql: &'static str) -> Verdict<Vec<i64>> {
        let outcomes = self.database.read(vec![Statement::new(sql, Vec::new())]).await?;
        let fields = outcomes.into_iter().flat_map(|outcome| outcome.rows).flatten();
        let number = |field| match field {
            Value::Int(number) => Some(number),
            #[expect(clippy::cast_possible_truncation, reason = "D1 hands over whole floats")]
            Value::Real(number) => Some(number as i64),
            Value::Null | Value::Text(_) => None,
        };
        Ok(fields.filter_map(number).collect())
    }

    /// Runs statements of the case's own.
    pub(crate) async fn write(&self, sql: &[&'static str]) -> Verdict {
        let statement = |sql: &&'static str| Statement::new(*sql, Vec::new());
        self.database.write(sql.iter().map(statement).collect()).await?;
        Ok(())
    }
}

/// A refusal, by a counter that holds so much.
pub(crate) fn refused(counter: &str, value: i64) -> Admission {
    Admission::Refused { counter: counter.to_owned(), value }
}
