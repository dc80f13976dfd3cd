//! Which generic proxies does the file declare? The same words as the API's; they cannot be changed through it.

use std::sync::Arc;

use super::{
    document::{Said, Table},
    keys,
    mistake::Mistake,
    provider::rotations,
    reading::Reading,
    unique::Unique,
};
use crate::{
    limits::PROXY_PATHS_MAX,
    provider::{Key, Source},
    proxy::{Entry, KeyIn, Method, Proxy, pool_id},
    route::is_id,
};

const PLACES: [(&str, KeyIn); 4] = [
    ("bearer", KeyIn::Bearer),
    ("header", KeyIn::Header),
    ("query", KeyIn::Query),
    ("nowhere", KeyIn::Nowhere),
];

/// Reads every `[[proxy]]`.
pub(super) fn read(
    root: &mut Table<'_>,
    key_ids: &mut Unique,
    reading: &mut Reading<'_>,
) -> Vec<Arc<Entry>> {
    let mut ids = Unique::default();
    let tables = reading.tables(root, "proxy", "[[proxy]]").into_iter();
    tables
        .filter_map(|table| read_one(table, (&mut ids, &mut *key_ids), reading))
        .map(Arc::new)
        .collect()
}

fn read_one(
    mut table: Table<'_>,
    (ids, key_ids): (&mut Unique, &mut Unique),
    reading: &mut Reading<'_>,
) -> Option<Entry> {
    let id = reading.needed(&mut table, "id", |said| ids.first(said, slug(said)?));
    let enabled = reading.enabled(&mut table);
    let base_url = reading.needed(&mut table, "base_url", owned);
    let key_in = reading.optional(&mut table, "key_in", |said| said.one_of(&PLACES));
    let key_name = reading.optional(&mut table, "key_name", owned);
    let rotation = reading.optional(&mut table, "rotation", |said| said.one_of(&rotations()));
    let keys = table.take("keys").map(|said| keys::read(&said, &table, key_ids, reading));
    let proxy = Proxy {
        base_url: base_url.clone().unwrap_or_default(),
        key_in: key_in.unwrap_or_default(),
        key_name,
        rotation: rotation.unwrap_or_default(),
        methods: list(&mut table, "methods", reading, |said| said.one_of(&methods())),
        paths: list(&mut table, "paths", reading, owned),
        enabled,
    };
    let named = |(at, key): (usize, keys::Drafted)| {
        key.finish(&pool_id(id.as_deref().unwrap_or_default()), at)
    };
    let keys: Vec<Key> = keys.into_iter().flatten().enumerate().map(named).collect();
    let spot = table.mistake("");
    reading.end_table(table);
    base_url?;
    // What is said of the mistake repeats no value.
    let wrong = proxy.check().err().map(|error| error.message);
    let counted = keys.iter().any(|key| !key.terms.models.is_empty() || key.terms.tpm.is_some());
    let counted = counted.then(|| "its keys have no `models` and no `tpm`".into());
    if let Some(wrong) = wrong.or(counted) {
        let message = format!("{}makes no sense: {}", spot.message, wrong.trim_end_matches('.'));
        reading.note(Mistake { message, ..spot });
        return None;
    }
    let entry = Entry::new(&id?, proxy, keys, Source::File)
        .map_err(|error| Mistake { message: format!("{}{}", spot.message, error.message), ..spot });
    reading.keep(entry)
}

/// It stands in a path.
fn slug(said: &Said<'_>) -> Result<String, Mistake> {
    let slug = said.text()?;
    if !is_id(slug) {
        return Err(said.spot.mistake("must be small letters, digits, `-`, `_` and `.`"));
    }
    Ok(slug.to_owned())
}

fn list<T>(
    table: &mut Table<'_>,
    key: &'static str,
    reading: &mut Reading<'_>,
    read: impl Fn(&Said<'_>) -> Result<T, Mistake>,
) -> Vec<T> {
    let list = table.take(key).and_then(|said| {
        let list = said.list().and_then(|list| match list.len() {
            // An empty list would open everything.
            1..=PROXY_PATHS_MAX => Ok(list),
            _ => Err(said.spot.mistake(format!("must have from 1 to {PROXY_PATHS_MAX} entries"))),
        });
        reading.keep(list)
    });
    reading.keep_all(list.unwrap_or_default().iter().map(read).collect())
}

fn methods() -> [(&'static str, Method); Method::ALL.len()] {
    Method::ALL.map(|method| (method.name(), method))
}

fn owned(said: &Said<'_>) -> Result<String, Mistake> {
    said.text().map(str::to_owned)
}
