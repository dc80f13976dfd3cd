//! How does everything go into a file? Page by page, documents first, then what was counted and logged.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    Side, Sink, Told,
    limits::MOVING_PAGE_ROWS,
    line::{End, FORM, Head, Line, Rows, Said, write_row},
    seal::{Seal, Signature, Stretched},
    secrets::exchanged,
};
use crate::{
    error::{Error, Kind as Refusal, Result},
    identity::{Secret, hex},
    json,
    limits::PAGE_ROWS_MAX,
    provider::Host,
    proxy::PREFIX,
    snapshot::key_place_at,
    store::{
        Document, Kind, ListQuery,
        sql::{
            Value,
            moving::{TABLES, Table, content, page, without_held},
        },
    },
};

/// What goes into the file beside the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Configuration,
    /// The request log with its sums, the audit log, and what clients have used of their limits.
    Everything,
}

/// What stands before a secret of the file: how it came there.
pub(super) const OPENED: &str = "opened:";
pub(super) const KEPT: &str = "kept:";

/// Writes the file. Where the configuration changes meanwhile it is a [`Conflict`](Refusal::Conflict): begin again.
pub async fn export(
    from: Side<'_>,
    wanted: Wanted,
    passphrase: &Secret,
    sink: Sink<'_>,
) -> Result<Told> {
    let content = content(from.database).await?;
    let (seal, Stretched { salt, cost }) = Seal::new(passphrase, from.random)?;
    let head = Head {
        moving: FORM,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at_ms: from.now,
        revision: content.revision,
        pruned_before_ms: content.pruned_before_ms,
        salt,
        memory_kib: cost.memory_kib,
        passes: cost.passes,
        lanes: cost.lanes,
        check: seal.check(from.random)?,
    };
    let mut out = Out { signature: seal.signature(), sink };
    out.line(&Line::Tidegate(head))?;
    for (number, root) in from.roots.iter().enumerate() {
        let text = Secret::new(hex(&root.0[..]));
        out.line(&Line::Root(seal.seal(&text, &root_place(number), from.random)?))?;
    }
    let mut told = Told::default();
    documents(from, &seal, &mut out, &mut told).await?;
    if from.store.revision().await? != content.revision {
        let message = "The configuration was changed while it was read.";
        return Err(Error::new(Refusal::Conflict, message));
    }
    match wanted {
        Wanted::Configuration => {}
        Wanted::Everything => {
            for table in &TABLES {
                let rows = rows(from, table, &mut out).await?;
                told.of(table.name).moved = rows;
            }
        }
    }
    let Out { signature, sink } = out;
    let end = End { lines: signature.lines, mac: signature.text() };
    sink(&Line::End(end).write()?)?;
    Ok(told)
}

/// Where a root secret opens.
pub(super) fn root_place(number: usize) -> String {
    format!("root|{number}")
}

/// Where a secret of a document opens.
pub(super) fn secret_place(said: &Said, field: &str) -> String {
    let Said { kind, id, origin, .. } = said;
    format!("{kind}|{id}|{origin}|{field}")
}

struct Out<'s> {
    signature: Signature,
    sink: Sink<'s>,
}

impl Out<'_> {
    fn line(&mut self, line: &Line) -> Result<()> {
        let text = line.write()?;
        self.signature.add(&text);
        (self.sink)(&text)
    }
}

async fn documents(from: Side<'_>, seal: &Seal, out: &mut Out<'_>, told: &mut Told) -> Result<()> {
    let mut hosts = Hosts::default();
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let query = ListQuery { parent: None, after, limit: PAGE_ROWS_MAX };
            let page = from.store.list(kind, &query).await?;
            let full = page.len() == PAGE_ROWS_MAX as usize;
            after = page.last().map(|document| document.id.clone()).filter(|_| full);
            for document in page {
                let said = match kind {
                    Kind::Key => key(from, seal, document, &mut hosts, told).await?,
                    _ => said(from, seal, document)?,
                };
                out.line(&Line::Document(Box::new(said)))?;
                told.of(kind.name()).moved += 1;
            }
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Hashes and the like: nobody can open them, so they go as they are.
fn said(from: Side<'_>, seal: &Seal, document: Document) -> Result<Said> {
    let (mut said, body) = apart(document, String::new());
    said.body = exchanged(&body, &mut |field, text| {
        let text = Secret::new(text.to_owned());
        Ok(format!("{KEPT}{}", seal.seal(&text, &secret_place(&said, field), from.random)?))
    })?;
    Ok(said)
}

/// A key is opened, so that the other side can seal it as its own. One that does not open goes as it is.
async fn key(
    from: Side<'_>,
    seal: &Seal,
    document: Document,
    hosts: &mut Hosts,
    told: &mut Told,
) -> Result<Said> {
    let origin = hosts.origin(from, &document.parent).await?.unwrap_or_default();
    let (mut said, body) = apart(document, origin);
    let place = key_place_at(&said.id, &said.origin);
    let mut shut = false;
    said.body = exchanged(&body, &mut |field, text| {
        let opened = from.vault.open(text, &place).ok();
        shut |= opened.is_none();
        let how = if opened.is_some() { OPENED } else { KEPT };
        let text = opened.unwrap_or_else(|| Secret::new(text.to_owned()));
        Ok(format!("{how}{}", seal.seal(&text, &secret_place(&said, field), from.random)?))
    })?;
    if shut {
        told.note(format!(
            "The key {} of {} does not open toward where that is now: give it anew.",
            said.id, said.parent
        ));
    }
    Ok(said)
}

fn apart(document: Document, origin: String) -> (Said, String) {
    let Document { kind, id, parent, name, version, revision, shape, body, deleted: _ } = document;
    let kind = kind.name().to_owned();
    let said =
        Said { kind, id, parent, name, version, revision, shape, origin, body: String::new() };
    (said, body)
}

/// Where the owners of keys are.
#[derive(Default)]
struct Hosts(HashMap<String, Option<String>>);

impl Hosts {
    async fn origin(&mut self, from: Side<'_>, parent: &str) -> Result<Option<String>> {
        if let Some(known) = self.0.get(parent) {
            return Ok(known.clone());
        }
        let found = origin_of(from, parent).await?;
        self.0.insert(parent.to_owned(), found.clone());
        Ok(found)
    }
}

/// The origin of the provider or the proxy that keys of this parent are for, if a document says it.
pub(super) async fn origin_of(side: Side<'_>, parent: &str) -> Result<Option<String>> {
    let (kind, id) = match parent.strip_prefix(PREFIX) {
        Some(slug) => (Kind::Proxy, slug),
        None => (Kind::Provider, parent),
    };
    let Some(document) = side.store.get(kind, id).await? else { return Ok(None) };
    let placed = json::read(&document.body).ok();
    Ok(placed.and_then(|Placed { base_url }| Host::parse(base_url).ok()).map(|host| host.origin()))
}

/// What a provider and a proxy say alike.
#[derive(Deserialize)]
struct Placed<'b> {
    base_url: &'b str,
}

async fn rows(from: Side<'_>, table: &Table, out: &mut Out<'_>) -> Result<u64> {
    let columns = table.columns.iter().map(|column| (*column).to_owned()).collect();
    out.line(&Line::Table(Rows { name: table.name.to_owned(), columns }))?;
    let places: Vec<usize> = table
        .key
        .iter()
        .filter_map(|key| table.columns.iter().position(|column| column == key))
        .collect();
    let (mut count, mut after, mut text) = (0, None::<Vec<Value>>, Vec::new());
    loop {
        let mut found = page(from.database, table, after.as_deref(), MOVING_PAGE_ROWS).await?;
        if table.name == "counters" {
            without_held(from.database, &mut found).await?;
        }
        text.clear();
        for row in &found {
            write_row(row, &mut text)?;
        }
        let rows = found.len() as u64;
        out.signature.add_many(&text, rows);
        (out.sink)(&text)?;
        count += rows;
        if found.len() < MOVING_PAGE_ROWS {
            return Ok(count);
        }
        let last = found.pop().unwrap_or_default();
        after = Some(places.iter().filter_map(|place| last.get(*place).cloned()).collect());
    }
}
