//! How is a remote libSQL database asked? One HTTP request for each batch: Hrana's pipeline, over the same seam as
//! every other outgoing request.

mod together;

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use libsql_hrana::proto;

use super::{
    database::{Database, Outcome, Statement, Value},
    flavor::Flavor,
};
use crate::{
    error::{Error, Result},
    http::{Body, read},
    identity::Secret,
    limits::{
        DATABASE_BYTES_MAX, DATABASE_CROWDED_WAIT, DATABASE_RETRY_WAIT, DATABASE_RETRY_WAIT_MAX,
        DATABASE_TRIES_MAX, DATABASE_WAIT,
    },
    ports::{Clock, Upstream, millis, within},
};

/// How a transaction begins that takes the write lock first.
const WRITE: &str = "BEGIN IMMEDIATE";
/// What sqld says when more is under way than it takes at once.
const CROWDED: &str = "the database answered 429";

/// A database behind Hrana over HTTP: sqld, Turso.
pub struct Hrana {
    endpoint: Uri,
    token: Option<Secret>,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
}

impl Hrana {
    /// Reads `libsql://host`, `https://host` or `http://host`; `?authToken=…` is a token, `?tls=0` makes `libsql` plain
    /// HTTP. A `token` beside the URL wins.
    pub fn new(
        url: &str,
        token: Option<Secret>,
        upstream: Arc<dyn Upstream>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let parameter = |name| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let base = match base.strip_prefix("libsql://") {
            Some(host) if parameter("tls=") == Some("0") => format!("http://{host}"),
            Some(host) => format!("https://{host}"),
            None => base.to_owned(),
        };
        let endpoint: Uri = format!("{}/v2/pipeline", base.trim_end_matches('/'))
            .parse()
            .map_err(|_| not_a_url())?;
        if !matches!(endpoint.scheme_str(), Some("http" | "https")) || endpoint.host().is_none() {
            return Err(not_a_url());
        }
        let token = token.or_else(|| parameter("authToken=").map(|t| Secret::new(t.to_owned())));
        Ok(Self { endpoint, token, upstream, clock })
    }

    /// Writes each of these as if it were alone, all of them in one transaction: what is refused of one is undone and
    /// leaves the others.
    pub async fn write_together(&self, writes: Vec<Vec<Statement>>) -> Vec<Result<Vec<Outcome>>> {
        let count = writes.len();
        let (steps, places) = together::steps(writes);
        match self.run(steps, |answer| together::outcomes(answer, &places)).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); count],
        }
    }

    /// Runs a batch as one transaction.
    async fn transact(&self, begin: &'static str, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        let count = batch.len();
        self.run(steps(begin, batch), |answer| outcomes(answer, count)).await
    }

    /// Runs steps that are one transaction; asks again when the database says that it was busy and did nothing.
    async fn run<T>(
        &self,
        steps: Vec<proto::BatchStep>,
        read: impl Fn(proto::BatchResult) -> Result<T>,
    ) -> Result<T> {
        let body = bytes::Bytes::from(body(steps)?);
        let mut wait = DATABASE_RETRY_WAIT;
        let until = self.clock.now().saturating_add(millis(DATABASE_CROWDED_WAIT));
        let mut tries = 1;
        loop {
            let error = match self.ask(body.clone()).await.and_then(&read) {
                Err(error) => error,
                done => return done,
            };
            // Nothing was done either way. A crowd passes by itself; who is refused for a deadlock goes soon.
            let crowded = error.detail == CROWDED && self.clock.now() < until;
            if !crowded {
                if tries == DATABASE_TRIES_MAX || !Flavor::Sqlite.is_busy(&error.detail) {
                    return Err(error);
                }
                tries += 1;
            }
            self.clock.sleep(wait).await;
            wait = DATABASE_RETRY_WAIT_MAX.min(wait * 2);
        }
    }

    async fn ask(&self, body: bytes::Bytes) -> Result<proto::BatchResult> {
        let bytes = within(&*self.clock, DATABASE_WAIT, Box::pin(self.exchange(body)))
            .await
            .unwrap_or_else(|| Err(Error::store("the database took too long")))?;
        let answer: proto::PipelineRespBody = serde_json::from_slice(&bytes)
            .map_err(|error| Error::store(format!("unreadable answer: {error}")))?;
        match answer.results.into_iter().next() {
            Some(proto::StreamResult::Ok { response: proto::StreamResponse::Batch(batch) }) => {
                Ok(batch.result)
            }
            Some(proto::StreamResult::Error { error }) => Err(refusal(&error)),
            _ => Err(Error::store("the database answered something else")),
        }
    }

    async fn exchange(&self, body: bytes::Bytes) -> Result<bytes::Bytes> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .map_err(|_| Error::store("the database's token is no header value"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let response = self.upstream.send(request).await.map_err(|error| Error::store(&error))?;
        let status = response.status();
        let bytes = read(response.into_body(), DATABASE_BYTES_MAX)
            .await
            .map_err(|error| Error::store(&error))?;
        match status {
            StatusCode::OK => Ok(bytes),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Error::store("the database refuses the token"))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Error::store(CROWDED)),
            other => Err(Error::store(format!("the database answered {other}"))),
        }
    }
}

#[async_trait]
impl Database for Hrana {
    fn flavor(&self) -> Flavor {
        Flavor::Sqlite
    }

    async fn read(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.transact("BEGIN", batch).await
    }

    async fn write(&self, batch: Vec<Statement>) -> Result<Vec<Outcome>> {
        self.transact(WRITE, batch).await
    }
}

/// BEGIN, every statement if the one before went well, COMMIT if all did, and ROLLBACK if there is something to undo.
fn steps(begin: &'static str, statements: Vec<Statement>) -> Vec<proto::BatchStep> {
    let mut steps = vec![step(None, proto::Stmt::new(begin, false))];
    for statement in statements {
        steps.push(step(Some(ok(steps.len() - 1)), stmt(statement)));
    }
    let commit = steps.len();
    steps.push(step(Some(ok(commit - 1)), proto::Stmt::new("COMMIT", false)));
    steps.push(step(Some(but_not(0, commit)), proto::Stmt::new("ROLLBACK", false)));
    steps
}

fn body(steps: Vec<proto::BatchStep>) -> Result<Vec<u8>> {
    let batch = proto::Batch { steps, replication_index: None };
    let pipeline = proto::PipelineReqBody {
        baton: None,
        requests: vec![
            proto::StreamRequest::Batch(proto::BatchStreamReq { batch }),
            proto::StreamRequest::Close(proto::CloseStreamReq {}),
        ],
    };
    serde_json::to_vec(&pipeline).map_err(Error::internal)
}

fn stmt(statement: Statement) -> proto::Stmt {
    let mut stmt = proto::Stmt::new(statement.sql, true);
    stmt.args = statement.args.into_iter().map(bound).collect();
    stmt
}

fn step(condition: Option<proto::BatchCond>, stmt: proto::Stmt) -> proto::BatchStep {
    proto::BatchStep { condition, stmt }
}

fn ok(step: usize) -> proto::BatchCond {
    proto::BatchCond::Ok { step: u32::try_from(step).unwrap_or(u32::MAX) }
}

/// One step went well and another did not.
fn but_not(step: usize, other: usize) -> proto::BatchCond {
    let not = proto::BatchCond::Not { cond: Box::new(ok(other)) };
    proto::BatchCond::And(proto::BatchCondList { conds: vec![ok(step), not] })
}

/// The first error of any step decides; without one, every statement has a result.
fn outcomes(result: proto::BatchResult, count: usize) -> Result<Vec<Outcome>> {
    if let Some(error) = result.step_errors.iter().flatten().next() {
        return Err(refusal(error));
    }
    if !went_well(&result, count + 1) {
        return Err(uncommitted());
    }
    let statements = result.step_results.into_iter().skip(1).take(count);
    Ok(statements.map(|result| result.map(outcome).unwrap_or_default()).collect())
}

fn went_well(result: &proto::BatchResult, step: usize) -> bool {
    result.step_results.get(step).is_some_and(Option::is_some)
}

fn uncommitted() -> Error {
    Error::store("the database did not say that it committed")
}

fn refusal(error: &proto::Error) -> Error {
    Flavor::Sqlite.refusal(&format!("{}: {}", error.code, error.message))
}

fn outcome(result: proto::StmtResult) -> Outcome {
    Outcome {
        columns: result.cols.into_iter().map(|column| column.name.unwrap_or_default()).collect(),
        rows: result
            .rows
            .into_iter()
            .map(|row| row.values.into_iter().map(unbound).collect())
            .collect(),
        changed: result.affected_row_count,
    }
}

fn bound(value: Value) -> proto::Value {
    match value {
        Value::Null => proto::Value::Null,
        Value::Int(value) => proto::Value::Integer { value },
        Value::Real(value) => proto::Value::Float { value },
        Value::Text(value) => proto::Value::Text { value: value.into() },
    }
}

/// The schema has no BLOB column.
fn unbound(value: proto::Value) -> Value {
    match value {
        proto::Value::None | proto::Value::Null | proto::Value::Blob { .. } => Value::Null,
        proto::Value::Integer { value } => Value::Int(value),
        proto::Value::Float { value } => Value::Real(value),
        proto::Value::Text { value } => Value::Text(value.as_ref().to_owned()),
    }
}

fn not_a_url() -> Error {
    Error::bad_request("The database's URL is none of libsql://host, https://host, http://host.")
}

#[cfg(test)]
mod tests;
