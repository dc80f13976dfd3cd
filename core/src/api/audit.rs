//! Who changed what? The audit log, newest first, with what was said before and after.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Answer, Page, bounded, inbound, rows, write};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    ports::Millis,
    router::Visit,
    store::{AuditQuery, AuditRow, Kind},
};

/// Which rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Wanted {
    /// Not before, in milliseconds since 1970.
    from_ms: Option<Millis>,
    /// Before, in milliseconds since 1970.
    to_ms: Option<Millis>,
    /// By this one.
    actor: Option<String>,
    /// Of documents of this kind.
    kind: Option<String>,
    /// Of the document with this id.
    document: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page.
    #[serde(default = "rows")]
    #[cfg_attr(test, schemars(range(min = 1, max = 500)))]
    limit: u32,
}

/// One change of one document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Shown {
    /// The revision of the whole configuration that the change made.
    revision: i64,
    /// When.
    at_ms: Millis,
    /// Who.
    actor: String,
    /// What was done.
    action: String,
    /// What was changed.
    kind: &'static str,
    /// Its id.
    document: String,
    /// What it said before; secrets are replaced. Null when it was not there, or nothing was kept.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    before: Option<Box<RawValue>>,
    /// What it says since then.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    after: Option<Box<RawValue>>,
}

/// A page of changes.
pub(crate) fn list(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let wanted: Wanted = inbound::query(visit.request.uri())?;
        let query = wanted.query()?;
        let found = gateway.ports.store.audit(&query).await?;
        let last = found.last().filter(|_| found.len() == query.limit as usize);
        let next = last.map(|row| format!("{}.{}", row.revision, row.place));
        let data = found.into_iter().map(show).collect::<Result<Vec<_>>>()?;
        write(StatusCode::OK, &Page { data, next })
    })
}

impl Wanted {
    fn query(self) -> Result<AuditQuery> {
        Ok(AuditQuery {
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            actor: self.actor,
            kind: self.kind.as_deref().map(kind).transpose()?,
            document: self.document,
            before: self.after.as_deref().map(cursor).transpose()?,
            limit: bounded(self.limit)?,
        })
    }
}

fn kind(name: &str) -> Result<Kind> {
    let unknown = || Error::bad_request("There is no such kind of document.").at("kind");
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(unknown)
}

fn cursor(text: &str) -> Result<(i64, i64)> {
    let parts = text.split_once('.');
    let parsed =
        parts.and_then(|(revision, place)| Some((revision.parse().ok()?, place.parse().ok()?)));
    parsed.ok_or_else(|| Error::bad_request("`after` is the `next` of a page.").at("after"))
}

fn show(row: AuditRow) -> Result<Shown> {
    let json = |text: String| {
        let said = Some(text).filter(|text| !text.is_empty());
        said.map(RawValue::from_string).transpose().map_err(Error::internal)
    };
    Ok(Shown {
        revision: row.revision,
        at_ms: row.at_ms,
        actor: row.actor,
        action: row.action,
        kind: row.trail.kind.name(),
        document: row.trail.id,
        before: json(row.trail.before)?,
        after: json(row.trail.after)?,
    })
}
