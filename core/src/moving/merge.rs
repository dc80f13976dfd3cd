//! How does a file come into a store that is in use? What is there stays; the rest is committed as any change is, and the
//! sums of days that have gained records are made anew.

use std::collections::BTreeSet;

use super::{
    Side, Told, check::collision, export::origin_of, limits::MOVING_DOCUMENTS_AT_ONCE, line::Said,
};
use crate::{
    error::Result,
    identity::Roster,
    json,
    ports::Millis,
    store::{
        Audit, Change, Document, Kind, Trail,
        sql::{
            Value,
            moving::{Content, Table},
        },
    },
};

const DAY_MS: Millis = 86_400_000;

/// What is known of the store, and what waits to be committed.
pub(super) struct Merge {
    /// Whether the store had records, whose sums must be made anew where more come.
    had_records: bool,
    had_audit: bool,
    /// Sums before this cannot be made from records on either side.
    pruned_before_ms: Millis,
    changes: Vec<Document>,
    /// Users who may change things and have come.
    came: BTreeSet<String>,
    roster: Option<Document>,
}

impl Merge {
    pub(super) fn into(stood: Content, pruned_before_ms: Millis) -> Self {
        Self {
            had_records: stood.has_records,
            had_audit: stood.has_audit,
            pruned_before_ms: pruned_before_ms.max(stood.pruned_before_ms),
            changes: Vec::new(),
            came: BTreeSet::new(),
            roster: None,
        }
    }

    /// Takes a document where nothing has its id or its name.
    pub(super) async fn document(
        &mut self,
        into: Side<'_>,
        said: &Said,
        document: Document,
        told: &mut Told,
    ) -> Result<()> {
        let kind = document.kind;
        if let (Kind::Roster, Some(_)) = (kind, into.store.get(kind, &document.id).await?) {
            self.roster = Some(document);
            return Ok(());
        }
        if let Some(there) = collision(said, into).await? {
            told.of(kind.name()).kept += 1;
            let called = if there.name.is_empty() { &there.id } else { &there.name };
            told.note(format!("The {} `{called}` is there already and stays.", kind.name()));
            return Ok(());
        }
        if kind == Kind::Key {
            // The providers that wait are not in the store yet.
            if self.changes.iter().any(|waiting| waiting.kind == Kind::Provider) {
                self.commit(into).await?;
            }
            let here = origin_of(into, &said.parent).await?;
            if here.is_some_and(|here| here != said.origin) {
                told.of(kind.name()).left += 1;
                told.note(format!(
                    "The key {} of {} stays behind: `{0}` is at another host here.",
                    said.id, said.parent
                ));
                return Ok(());
            }
        }
        if kind == Kind::User {
            self.came.insert(document.id.clone());
        }
        told.of(kind.name()).moved += 1;
        self.changes.push(Document { version: 0, ..document });
        if self.changes.len() >= MOVING_DOCUMENTS_AT_ONCE {
            self.commit(into).await
        } else {
            Ok(())
        }
    }

    /// Admins who have come may change things here too.
    pub(super) async fn all_documents(&mut self, into: Side<'_>, told: &mut Told) -> Result<()> {
        self.commit(into).await?;
        let Some(theirs) = self.roster.take() else { return Ok(()) };
        told.of(Kind::Roster.name()).kept += 1;
        let theirs: Roster = json::read(&theirs.body).map_err(crate::Error::internal)?;
        let Some(document) = into.store.get(Kind::Roster, Roster::ID).await? else { return Ok(()) };
        let mut ours: Roster = json::read(&document.body).map_err(crate::Error::internal)?;
        let before = ours.admins.len();
        let came = theirs.admins.into_iter().filter(|admin| self.came.contains(admin));
        ours.admins.extend(came);
        if ours.admins.len() == before {
            return Ok(());
        }
        let body = serde_json::to_string(&ours).map_err(crate::Error::internal)?;
        self.changes.push(Document { body, ..document });
        self.commit(into).await
    }

    async fn commit(&mut self, into: Side<'_>) -> Result<()> {
        let documents = std::mem::take(&mut self.changes);
        if documents.is_empty() {
            return Ok(());
        }
        let trail = documents.iter().map(|document| Trail {
            kind: document.kind,
            id: document.id.clone(),
            before: String::new(),
            after: String::new(),
        });
        let audit = Audit {
            at_ms: into.now,
            actor: "cli".to_owned(),
            action: "import".to_owned(),
            trail: trail.collect(),
        };
        let changes = documents.into_iter().map(Change::Put).collect();
        into.store.commit(changes, audit).await.map(drop)
    }

    /// Leaves out the rows that do not fit beside what is there, and notes the days that change.
    pub(super) fn sort_out(
        &self,
        table: &Table,
        columns: &[String],
        rows: &mut Vec<Vec<Value>>,
        days: &mut BTreeSet<Millis>,
    ) {
        let column = match table.name {
            "records" => "at_ms",
            "audit" if self.had_audit => return rows.clear(),
            "audit" | "counters" => return,
            _ => "hour_ms",
        };
        let Some(place) = columns.iter().position(|name| name == column) else { return };
        let at = |row: &Vec<Value>| match row.get(place) {
            Some(Value::Int(at_ms)) => *at_ms,
            _ => 0,
        };
        if !self.had_records {
            return;
        }
        days.extend(rows.iter().map(|row| at(row) - at(row).rem_euclid(DAY_MS)));
        match table.name {
            "records" => {}
            // Hours that lost records to pruning have nothing else to say what they were.
            "rollups" | "latency" => rows.retain(|row| at(row) < self.pruned_before_ms),
            _ => rows.clear(),
        }
    }
}

/// Makes the sums of days anew: their hours from the records, themselves from their hours.
pub(super) async fn add_up(into: Side<'_>, days: &BTreeSet<Millis>) -> Result<()> {
    for day in days {
        into.store.rebuild_rollups(*day, day.saturating_add(DAY_MS)).await?;
    }
    Ok(())
}
