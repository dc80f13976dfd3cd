//! Which keys does a declared provider have, and what may each be used for?

use super::{
    document::{Said, Table},
    mistake::Mistake,
    provider::{read_id, read_model},
    reading::Reading,
    secret::{self, Given, Texts},
    unique::Unique,
};
use crate::{
    identity::Secret,
    limits::KEY_AMOUNT_MAX,
    provider::{Key, Terms},
};

/// A key whose provider is not known yet.
pub(super) struct Drafted {
    secret: Secret,
    /// What the file calls it, if it does.
    id: Option<String>,
    terms: Terms,
}

impl From<Secret> for Drafted {
    fn from(secret: Secret) -> Self {
        Self { secret, id: None, terms: Terms::NONE }
    }
}

impl Drafted {
    /// The key at this place, from 0, of a provider.
    pub(super) fn finish(self, provider: &str, at: usize) -> Key {
        let Self { secret, id, terms } = self;
        let id = id.unwrap_or_else(|| format!("{provider}-{}", at + 1));
        Key { terms, ..Key::new(id, secret) }
    }
}

/// A list of texts, references and tables, or one reference.
pub(super) fn read(
    said: &Said<'_>,
    table: &Table<'_>,
    ids: &mut Unique,
    reading: &mut Reading<'_>,
) -> Vec<Drafted> {
    let items = if said.reference().is_some() {
        vec![(secret::given(said, reading.environment), None, Terms::NONE)]
    } else {
        let items = reading.keep(said.list()).unwrap_or_default();
        items.iter().map(|item| read_one(item, ids, reading)).collect()
    };
    let (mut texts, mut told) = (Texts::new(), Vec::new());
    for (given, id, terms) in items {
        match reading.keep(given) {
            Some(Given::Texts(more)) => {
                // Several keys of one variable cannot all have its name.
                let id = id.filter(|_| more.len() == 1);
                told.extend(more.iter().map(|_| (id.clone(), terms.clone())));
                texts.extend(more);
            }
            Some(Given::Unset(mistake)) if !table.is_disabled() => reading.note(mistake),
            Some(Given::Unset(_)) | None => {}
        }
    }
    let secrets = secret::credentials(&texts).into_iter();
    let drafted = secrets
        .zip(told)
        .map(|(secret, (id, terms))| secret.map(|secret| Drafted { secret, id, terms }));
    reading.keep_all(drafted.collect())
}

type Item = (Result<Given, Mistake>, Option<String>, Terms);

fn read_one(item: &Said<'_>, ids: &mut Unique, reading: &mut Reading<'_>) -> Item {
    let Some(mut table) = item.keyed("key", "a key of `keys`") else {
        return (secret::given(item, reading.environment), None, Terms::NONE);
    };
    let given = match table.take("key") {
        Some(said) => secret::given(&said, reading.environment),
        None => Err(table.mistake("needs `key`")),
    };
    let id = table.take("id");
    let id = id.and_then(|said| reading.keep(read_id(&said).and_then(|id| ids.first(&said, id))));
    let models = table.take("models").and_then(|said| reading.keep(said.list()));
    let models = models.unwrap_or_default();
    let model = |said: &Said<'_>| read_model(said, said.text()?);
    let terms = Terms {
        weight: reading.optional(&mut table, "weight", amount).unwrap_or(Terms::NONE.weight),
        models: reading.keep_all(models.iter().map(model).collect()),
        concurrency: reading.optional(&mut table, "concurrency", amount),
        rpm: reading.optional(&mut table, "rpm", amount),
        tpm: reading.optional(&mut table, "tpm", amount),
    };
    reading.end_table(table);
    (given, id, terms)
}

fn amount(said: &Said<'_>) -> Result<u32, Mistake> {
    said.count(KEY_AMOUNT_MAX)
}
