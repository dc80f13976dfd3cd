//! How does a checked file come into a store? Into an empty one as it was, versions and all; into another one beside what is
//! there.

use std::collections::BTreeSet;

use super::{
    Checked, Lines, Side, Told,
    export::{KEPT, OPENED, secret_place},
    limits::{MOVING_BATCH_ROWS, MOVING_DOCUMENTS_AT_ONCE},
    line::{Line, Read, Rows, Said, read},
    merge::{self, Merge},
    secrets::exchanged,
};
use crate::{
    error::{Error, Result},
    identity::Secret,
    ports::Millis,
    snapshot::key_place_at,
    store::{
        Document,
        sql::{
            Value,
            moving::{
                Content, TABLES, Table, adopt_pruned, adopt_revision, catch_up, content, place,
                take as take_rows,
            },
        },
    },
};

/// Into what kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One that is empty: what is not is a conflict.
    Whole,
    /// Any: what is there stays as it is.
    Merge,
}

/// Takes in all of a file. Done again, it finds everything there.
pub async fn take(
    lines: Lines<'_>,
    checked: &Checked,
    into: Side<'_>,
    manner: Manner,
) -> Result<Told> {
    let stood = content(into.database).await?;
    let mut told = Told::default();
    let mut taking = match manner {
        Manner::Whole => Taking::whole(into, checked),
        Manner::Merge => {
            catch_up(into.database).await?;
            Taking::merge(into, checked, stood)
        }
    };
    let mut number = 0;
    while let Some(text) = lines()? {
        number += 1;
        match read(&text, number)? {
            Read::Line(Line::Document(said)) => taking.document(*said, &mut told).await?,
            Read::Row(row) => taking.row(row, &mut told).await?,
            Read::Line(Line::Table(rows)) => taking.table(rows, &mut told).await?,
            Read::Line(Line::End(_)) => break,
            Read::Line(Line::Tidegate(_) | Line::Root(_)) => {}
        }
    }
    taking.end(&mut told).await?;
    Ok(told)
}

/// A file under way.
struct Taking<'t> {
    into: Side<'t>,
    checked: &'t Checked,
    /// `None` where the store was empty.
    merge: Option<Merge>,
    documents: Vec<Document>,
    placed: bool,
    table: Option<(&'static Table, Vec<String>)>,
    rows: Vec<Vec<Value>>,
    /// Days whose sums are to be made anew.
    days: BTreeSet<Millis>,
}

impl<'t> Taking<'t> {
    fn whole(into: Side<'t>, checked: &'t Checked) -> Self {
        Self {
            into,
            checked,
            merge: None,
            documents: Vec::new(),
            placed: false,
            table: None,
            rows: Vec::new(),
            days: BTreeSet::new(),
        }
    }

    fn merge(into: Side<'t>, checked: &'t Checked, stood: Content) -> Self {
        let merge = Merge::into(stood, checked.head.pruned_before_ms);
        Self { merge: Some(merge), ..Self::whole(into, checked) }
    }

    async fn document(&mut self, said: Said, told: &mut Told) -> Result<()> {
        let document = opened(&said, self.checked, self.into)?;
        let Some(merge) = &mut self.merge else {
            told.of(document.kind.name()).moved += 1;
            self.documents.push(document);
            if self.documents.len() >= MOVING_DOCUMENTS_AT_ONCE {
                place(self.into.database, std::mem::take(&mut self.documents)).await?;
            }
            return Ok(());
        };
        merge.document(self.into, &said, document, told).await
    }

    /// The documents are complete once something else comes.
    async fn all_documents(&mut self, told: &mut Told) -> Result<()> {
        if self.placed {
            return Ok(());
        }
        self.placed = true;
        if let Some(merge) = &mut self.merge {
            return merge.all_documents(self.into, told).await;
        }
        place(self.into.database, std::mem::take(&mut self.documents)).await?;
        adopt_revision(self.into.database, self.checked.head.revision).await
    }

    async fn table(&mut self, rows: Rows, told: &mut Told) -> Result<()> {
        self.all_documents(told).await?;
        self.flush(told).await?;
        let table = TABLES.iter().find(|table| table.name == rows.name);
        let table = table.ok_or_else(|| Error::internal("a checked file has known tables"))?;
        told.of(table.name);
        self.table = Some((table, rows.columns));
        Ok(())
    }

    async fn row(&mut self, row: Vec<Value>, told: &mut Told) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() >= MOVING_BATCH_ROWS { self.flush(told).await } else { Ok(()) }
    }

    async fn flush(&mut self, told: &mut Told) -> Result<()> {
        let Some((table, columns)) = &self.table else { return Ok(()) };
        let mut rows = std::mem::take(&mut self.rows);
        let came = rows.len() as u64;
        if let Some(merge) = &self.merge {
            merge.sort_out(table, columns, &mut rows, &mut self.days);
        }
        if table.name == "counters" {
            forget_expired(columns, &mut rows, self.into.now);
        }
        let taken = rows.len() as u64;
        let moved = if rows.is_empty() {
            0
        } else {
            take_rows(self.into.database, table, columns, rows).await?
        };
        let count = told.of(table.name);
        count.moved += moved;
        count.kept += taken - moved;
        count.left += came - taken;
        Ok(())
    }

    async fn end(mut self, told: &mut Told) -> Result<()> {
        self.all_documents(told).await?;
        self.flush(told).await?;
        if told.counts.contains_key("records") {
            adopt_pruned(self.into.database, self.checked.head.pruned_before_ms).await?;
        }
        merge::add_up(self.into, &self.days).await
    }
}

/// A counter that has ended counts nothing.
fn forget_expired(columns: &[String], rows: &mut Vec<Vec<Value>>, now: Millis) {
    let Some(place) = columns.iter().position(|column| column == "expires_at_ms") else { return };
    rows.retain(|row| matches!(row.get(place), Some(Value::Int(end)) if *end > now));
}

/// The document, its secrets as they are kept here.
fn opened(said: &Said, checked: &Checked, into: Side<'_>) -> Result<Document> {
    let body = exchanged(&said.body, &mut |field, text| {
        let place = secret_place(said, field);
        if let Some(sealed) = text.strip_prefix(OPENED) {
            let secret: Secret = checked.seal.open(sealed, &place)?;
            let place = key_place_at(&said.id, &said.origin);
            return into.vault.seal(&secret, &place, into.random);
        }
        let sealed = text.strip_prefix(KEPT).ok_or_else(|| {
            Error::bad_request(format!("The file is damaged: {place} is not sealed."))
        })?;
        Ok(checked.seal.open(sealed, &place)?.expose().to_owned())
    })?;
    said.document(body)
}
