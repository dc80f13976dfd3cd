//! What would past records have cost by other prices? They are priced again, a bounded batch at a time.

use crate::{
    error::Result,
    gateway::Gateway,
    limits::{PAGE_ROWS_MAX, RECOMPUTE_ROWS_MAX},
    ports::Millis,
    store::{Costed, Record, RecordFilter},
};

use super::{Prices, TOLD};

const HOUR_MS: Millis = 3_600_000;

/// Which records, and by which prices.
pub(crate) struct Again {
    /// Not before.
    pub(crate) from_ms: Millis,
    /// Before.
    pub(crate) to_ms: Millis,
    /// Older than this record: where the batch before ended.
    pub(crate) before: Option<(Millis, String)>,
    /// The catalogue; `None` is the one in force.
    pub(crate) catalog: Option<String>,
}

/// What a batch did.
pub(crate) struct Batch {
    /// The prices.
    pub(crate) price_id: String,
    /// Records that were looked at.
    pub(crate) records: usize,
    /// Records whose cost or prices changed.
    pub(crate) changed: usize,
    /// Where the next batch begins; `None` when there is none.
    pub(crate) next: Option<(Millis, String)>,
}

impl Gateway {
    /// Prices a batch of records again, newest first, and adds their hours up anew. To repeat a batch changes nothing,
    /// and one that was interrupted is repeated.
    pub(crate) async fn recompute(&self, again: Again) -> Result<Batch> {
        let prices = self.prices_of(again.catalog.as_deref()).await?;
        let mut filter = RecordFilter {
            from_ms: Some(again.from_ms),
            to_ms: Some(again.to_ms),
            before: again.before,
            limit: PAGE_ROWS_MAX,
            ..RecordFilter::default()
        };
        let mut batch =
            Batch { price_id: prices.id().to_owned(), records: 0, changed: 0, next: None };
        let mut hours: Option<(Millis, Millis)> = None;
        while batch.records < RECOMPUTE_ROWS_MAX {
            let page = self.ports.store.records(&filter).await?;
            let costs: Vec<Costed> =
                page.iter().filter_map(|record| costed(&prices, record)).collect();
            self.ports.store.reprice(&costs).await?;
            batch.records += page.len();
            batch.changed += costs.len();
            let (Some(newest), Some(oldest)) = (page.first(), page.last()) else {
                batch.next = None;
                break;
            };
            hours = Some((oldest.at_ms, hours.map_or(newest.at_ms, |(_, newest)| newest)));
            batch.next = Some((oldest.at_ms, oldest.id.clone()));
            filter.before.clone_from(&batch.next);
            if page.len() < PAGE_ROWS_MAX as usize {
                batch.next = None;
                break;
            }
        }
        if let Some((oldest, newest)) = hours {
            let hour = |at_ms: Millis| at_ms - at_ms.rem_euclid(HOUR_MS);
            let (from, to) = (hour(oldest), hour(newest).saturating_add(HOUR_MS));
            self.ports.store.rebuild_rollups(from, to).await?;
        }
        Ok(batch)
    }

    async fn prices_of(&self, catalog: Option<&str>) -> Result<std::sync::Arc<Prices>> {
        let current = self.state.prices();
        // An id of a record may name what administrators had set; what they have set now counts.
        let catalog = catalog.map(|id| id.split_once('+').map_or(id, |(catalog, _)| catalog));
        match catalog {
            None => Ok(current),
            Some(id) if id == current.catalog() => Ok(current),
            Some(id) => Ok(current.with(self.kept_prices(id).await?, 0).into()),
        }
    }
}

/// What a record costs by these prices, if that is something else. What its provider told stays what it told.
fn costed(prices: &Prices, record: &Record) -> Option<Costed> {
    let mut again = record.clone();
    let own = record.cost_nano.saturating_sub(record.side.cost_nano);
    again.usage.told_nano = (record.price_id == TOLD).then_some(own);
    prices.price(&mut again);
    let same = again.cost_nano == record.cost_nano && again.price_id == record.price_id;
    (!same).then_some(Costed { id: again.id, cost_nano: again.cost_nano, price_id: again.price_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Usage;

    fn record(change: fn(&mut Record)) -> Record {
        let mut record = Record {
            id: "r".to_owned(),
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            usage: Usage { prompt: 1_000, completion: 100, ..Usage::default() },
            ..Record::default()
        };
        change(&mut record);
        record
    }

    #[test]
    fn a_record_is_priced_again_once() {
        let prices = Prices::default();
        let mut record = record(|_| {});
        let first = costed(&prices, &record).unwrap();
        assert_eq!(first.cost_nano, 3_500_000);
        assert_eq!(first.price_id, prices.id());
        (record.cost_nano, record.price_id) = (first.cost_nano, first.price_id);
        assert_eq!(costed(&prices, &record), None);
    }

    #[test]
    fn what_a_provider_told_stays() {
        let told = record(|it| {
            it.price_id = TOLD.to_owned();
            it.cost_nano = 7;
        });
        assert_eq!(costed(&Prices::default(), &told), None);
    }

    #[test]
    fn a_model_without_a_price_loses_the_one_it_had() {
        let lost = record(|it| {
            it.model = "nobody-knows".to_owned();
            it.price_id = "old".to_owned();
            it.cost_nano = 7;
        });
        let again = costed(&Prices::default(), &lost).unwrap();
        assert_eq!((again.cost_nano, again.price_id.as_str()), (0, ""));
    }
}
