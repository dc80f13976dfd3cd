//! How is the request log written, paged and pruned? A flush is one batch that can be repeated safely.

use std::{collections::HashSet, sync::LazyLock};

use super::{
    super::{Costed, Record, RecordFilter},
    columns::{COLUMNS, record, values},
    database::{Database, Statement, Value},
    flavor::insert,
    reservations, rollups,
    rows::{number, rows},
};
use crate::{
    error::{Error, Kind, Result},
    limits::{FLUSH_MARK_KEEP, FLUSH_ROWS_MAX, PAGE_ROWS_MAX, PRUNE_ROWS_MAX},
    ports::Millis,
};

static INSERT: LazyLock<String> = LazyLock::new(|| insert("records", &COLUMNS));
static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM records WHERE 1 = 1", COLUMNS.join(", ")));

const MARK: &str = "INSERT INTO flushes (id, at_ms) VALUES (?, ?)";
const IS_MARKED: &str = "SELECT COUNT(*) AS marks FROM flushes WHERE id = ?";
const IS_THERE: &str = "SELECT id AS id FROM records WHERE id = ?";

// The inner SELECTs have names because MySQL takes no LIMIT within IN.
const PRUNE: &str = "DELETE FROM records WHERE id IN (SELECT id FROM \
     (SELECT id FROM records WHERE at_ms < ? ORDER BY at_ms, id LIMIT ?) AS old)";
const REPRICE: &str = "UPDATE records SET cost_nano = ?, price_id = ? WHERE id = ?";
const PRUNED: &str = "UPDATE marks SET value = ? WHERE name = 'pruned_before_ms' AND value < ?";
const PRUNE_AUDIT: &str = "DELETE FROM audit WHERE at_ms < ?";
const PRUNE_FLUSHES: &str = "DELETE FROM flushes WHERE id IN (SELECT id FROM (SELECT id FROM flushes \
     WHERE at_ms < COALESCE((SELECT MAX(at_ms) - ? FROM records), ?) ORDER BY at_ms LIMIT ?) AS old)";

/// Writes records with their rollups and latency buckets as one transaction.
///
/// A flush that is marked is already there, and so is a record with the same id: what a lost answer makes a caller
/// repeat is never counted twice.
pub(super) async fn flush(
    database: &dyn Database,
    flush_id: &str,
    records: &[Record],
) -> Result<()> {
    if records.len() > FLUSH_ROWS_MAX {
        return Err(Error::internal("a flush of too many records"));
    }
    let mut fresh: Vec<&Record> = unique(records);
    while !fresh.is_empty() {
        match database.write(batch(database, flush_id, &fresh)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind == Kind::Conflict => {
                let known = known(database, flush_id, &fresh).await?;
                if known.marked {
                    return Ok(());
                }
                let before = fresh.len();
                fresh.retain(|record| !known.ids.contains(&record.id));
                if fresh.len() == before {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Records that fit the filter, newest first.
pub(super) async fn page(database: &dyn Database, filter: &RecordFilter) -> Result<Vec<Record>> {
    let outcome = database.read(vec![question(filter)]).await?.pop().unwrap_or_default();
    rows(outcome, &COLUMNS)?.into_iter().map(record).collect()
}

/// Writes what records cost by other prices, a flush of them at a time.
pub(super) async fn reprice(database: &dyn Database, costs: &[Costed]) -> Result<()> {
    for costs in costs.chunks(FLUSH_ROWS_MAX) {
        let update = |it: &Costed| {
            let args =
                vec![it.cost_nano.into(), it.price_id.as_str().into(), it.id.as_str().into()];
            Statement::new(REPRICE, args)
        };
        database.write(costs.iter().map(update).collect()).await?;
    }
    Ok(())
}

/// Deletes what is older than `before_ms`, at most `limit` records. Marks of flushes go sooner: nobody repeats a
/// flush after [`FLUSH_MARK_KEEP`].
pub(super) async fn prune(database: &dyn Database, before_ms: Millis, limit: u32) -> Result<u64> {
    let limit = i64::from(limit.min(PRUNE_ROWS_MAX));
    let keep = i64::try_from(FLUSH_MARK_KEEP.as_millis()).unwrap_or(i64::MAX);
    let batch = vec![
        Statement::new(PRUNED, vec![before_ms.into(), before_ms.into()]),
        Statement::new(PRUNE, vec![before_ms.into(), limit.into()]),
        Statement::new(PRUNE_AUDIT, vec![before_ms.into()]),
        Statement::new(PRUNE_FLUSHES, vec![keep.into(), before_ms.into(), limit.into()]),
    ];
    let outcomes = database.write(batch).await?;
    Ok(outcomes.get(1).map_or(0, |outcome| outcome.changed))
}

fn unique(records: &[Record]) -> Vec<&Record> {
    let mut seen = HashSet::with_capacity(records.len());
    records.iter().filter(|record| seen.insert(record.id.as_str())).collect()
}

fn batch(database: &dyn Database, flush_id: &str, records: &[&Record]) -> Vec<Statement> {
    let newest = records.iter().map(|record| record.at_ms).max().unwrap_or(0);
    let mut batch = Vec::with_capacity(2 * records.len() + 1);
    batch.push(Statement::new(MARK, vec![flush_id.into(), newest.into()]));
    batch.extend(records.iter().map(|record| Statement::new(INSERT.as_str(), values(record))));
    rollups::push_upserts(&mut batch, database.flavor(), records);
    let settlements = records.iter().filter_map(|record| record.settlement.as_deref());
    reservations::push_settlements(&mut batch, database.flavor(), settlements, newest);
    batch
}

/// What a refused flush finds in the database.
struct Known {
    marked: bool,
    ids: HashSet<String>,
}

async fn known(database: &dyn Database, flush_id: &str, records: &[&Record]) -> Result<Known> {
    let mut batch = vec![Statement::new(IS_MARKED, vec![flush_id.into()])];
    batch.extend(records.iter().map(|r| Statement::new(IS_THERE, vec![r.id.as_str().into()])));
    let mut outcomes = database.read(batch).await?.into_iter();
    let marked = number(outcomes.next())?.unwrap_or(0) > 0;
    let mut ids = HashSet::new();
    for outcome in outcomes {
        for mut fields in rows(outcome, &["id"])? {
            ids.insert(fields.text()?);
        }
    }
    Ok(Known { marked, ids })
}

fn question(filter: &RecordFilter) -> Statement {
    let mut text = SELECT.clone();
    let mut args: Vec<Value> = Vec::new();
    let mut narrow = |condition: &str, values: Vec<Value>| {
        text.push_str(" AND ");
        text.push_str(condition);
        args.extend(values);
    };
    if let Some(from_ms) = filter.from_ms {
        narrow("at_ms >= ?", vec![from_ms.into()]);
    }
    if let Some(to_ms) = filter.to_ms {
        narrow("at_ms < ?", vec![to_ms.into()]);
    }
    if let Some(client) = &filter.client {
        narrow("client = ?", vec![client.as_str().into()]);
    }
    if let Some(team) = &filter.team {
        narrow("team = ?", vec![team.as_str().into()]);
    }
    if let Some(provider) = &filter.provider {
        narrow("provider = ?", vec![provider.as_str().into()]);
    }
    if let Some(model) = &filter.model {
        narrow("model = ?", vec![model.as_str().into()]);
    }
    if let Some(status) = filter.status {
        narrow("status = ?", vec![i64::from(status).into()]);
    }
    if let Some(stream) = filter.stream {
        narrow("stream = ?", vec![stream.into()]);
    }
    match filter.failed {
        None => {}
        Some(true) => narrow("ended <> 'done'", Vec::new()),
        Some(false) => narrow("ended = 'done'", Vec::new()),
    }
    if let Some((at_ms, id)) = &filter.before {
        // The first half is implied by the second; it is what an index can start from.
        let values = vec![(*at_ms).into(), (*at_ms).into(), id.as_str().into()];
        narrow("at_ms <= ? AND (at_ms < ? OR id < ?)", values);
    }
    text.push_str(" ORDER BY at_ms DESC, id DESC LIMIT ?");
    args.push(i64::from(filter.limit.min(PAGE_ROWS_MAX)).into());
    Statement::new(text, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_placeholder_and_a_value() {
        assert_eq!(INSERT.matches('?').count(), COLUMNS.len());
        assert_eq!(values(&Record::default()).len(), COLUMNS.len());
    }

    #[test]
    fn a_filter_binds_what_it_names() {
        let filter = RecordFilter {
            from_ms: Some(1),
            to_ms: Some(2),
            client: Some("c".to_owned()),
            team: Some("t".to_owned()),
            provider: Some("p".to_owned()),
            model: Some("m".to_owned()),
            status: Some(200),
            failed: Some(true),
            stream: Some(false),
            before: Some((3, "r".to_owned())),
            limit: 10,
        };
        let statement = question(&filter);
        assert_eq!(statement.sql.matches('?').count(), statement.args.len());
    }
}
