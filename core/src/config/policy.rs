//! What does the file hold a team or a client to? The same words as the API's.

use super::{
    document::{Said, Table},
    mistake::Mistake,
    reading::Reading,
};
use crate::budget::{Exhausted, Ledger, Limit, LimitForm, Policy, Range, Unchecked};

const EXHAUSTED: [(&str, Exhausted); 2] = [("finish", Exhausted::Finish), ("cut", Exhausted::Cut)];
const UNCHECKED: [(&str, Unchecked); 2] =
    [("refuse", Unchecked::Refuse), ("allow", Unchecked::Allow)];
const LEDGERS: [(&str, Ledger); 2] = [("async", Ledger::Async), ("strict", Ledger::Strict)];

/// Reads what a table says of it. `limit` is how the file writes the tables of its limits.
pub(super) fn read(
    table: &mut Table<'_>,
    limit: &'static str,
    reading: &mut Reading<'_>,
) -> Policy {
    let limits = reading.tables(table, "limit", limit);
    let limits = limits.into_iter().filter_map(|table| read_limit(table, reading)).collect();
    let policy = Policy {
        enabled: true,
        limits,
        models: texts(table, "models", reading),
        providers: texts(table, "providers", reading),
        ips: ranges(table, reading),
        expires_at_ms: reading.optional(table, "expires_at_ms", amount),
        on_exhausted: reading
            .optional(table, "on_exhausted", |said| said.one_of(&EXHAUSTED))
            .unwrap_or_default(),
        ledger: reading.optional(table, "ledger", |said| said.one_of(&LEDGERS)).unwrap_or_default(),
        on_outage: reading
            .optional(table, "on_outage", |said| said.one_of(&UNCHECKED))
            .unwrap_or_default(),
    };
    let checked = policy.check().map_err(|error| {
        let message = error.message.trim_end_matches('.').to_owned();
        table.mistake(&format!("is held to what makes no sense: {message}"))
    });
    reading.keep(checked);
    policy
}

fn read_limit(mut table: Table<'_>, reading: &mut Reading<'_>) -> Option<Limit> {
    let form = LimitForm {
        dollars: reading.optional(&mut table, "dollars", decimal),
        tokens: reading.optional(&mut table, "tokens", amount),
        requests: reading.optional(&mut table, "requests", amount),
        concurrent: reading.optional(&mut table, "concurrent", amount),
        per: reading.optional(&mut table, "per", owned),
        window: reading.optional(&mut table, "window", owned),
    };
    let limit = Limit::try_from(form).map_err(|wrong| {
        table.mistake(&format!("makes no sense: {}", wrong.trim_end_matches('.')))
    });
    let limit = reading.keep(limit);
    reading.end_table(table);
    limit
}

fn ranges(table: &mut Table<'_>, reading: &mut Reading<'_>) -> Vec<Range> {
    let read = |said: &Said<'_>| {
        let text = said.text()?;
        text.parse().map_err(|_| said.spot.mistake("must look like 10.0.0.0/8 or 2001:db8::/32"))
    };
    let list = table.take("ips").and_then(|said| reading.keep(said.list())).unwrap_or_default();
    reading.keep_all(list.iter().map(read).collect())
}

fn texts(table: &mut Table<'_>, key: &'static str, reading: &mut Reading<'_>) -> Vec<String> {
    let list = table.take(key).and_then(|said| reading.keep(said.list())).unwrap_or_default();
    reading.keep_all(list.iter().map(owned).collect())
}

fn owned(said: &Said<'_>) -> Result<String, Mistake> {
    said.text().map(str::to_owned)
}

fn amount(said: &Said<'_>) -> Result<i64, Mistake> {
    said.amount()
}

fn decimal(said: &Said<'_>) -> Result<f64, Mistake> {
    said.decimal()
}
