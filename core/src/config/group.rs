//! Which groups does the file declare? The same words as the API's; they cannot be changed through it.

use std::sync::Arc;

use super::{
    document::{Said, Table},
    mistake::Mistake,
    reading::Reading,
    unique::Unique,
};
use crate::route::{
    Classifier, Entry, Group, Groups, Hedge, Rule, StickyBy, Strategy, Target, is_id,
    refuse_circles,
};

const STRATEGIES: [(&str, Strategy); 7] = [
    ("heuristic", Strategy::Heuristic),
    ("classifier", Strategy::Classifier),
    ("weighted", Strategy::Weighted),
    ("priority", Strategy::Priority),
    ("latency", Strategy::Latency),
    ("cost", Strategy::Cost),
    ("sticky", Strategy::Sticky),
];
const STICKY_BY: [(&str, StickyBy); 3] =
    [("session", StickyBy::Session), ("user", StickyBy::User), ("prefix", StickyBy::Prefix)];

/// Reads every `[[group]]`.
pub(super) fn read(root: &mut Table<'_>, reading: &mut Reading<'_>) -> Vec<Arc<Entry>> {
    let mut ids = Unique::default();
    let mut groups = Vec::new();
    let mut spots = Vec::new();
    for table in reading.tables(root, "group", "[[group]]") {
        let spot = table.mistake("");
        let Some((id, group)) = read_one(table, &mut ids, reading) else { continue };
        groups.push(Arc::new(Entry::new(&id, group)));
        spots.push(spot);
    }
    let index = Groups::new(groups.iter().cloned());
    for (entry, spot) in groups.iter().zip(spots) {
        // A message repeats no value, as those of circles and names would.
        let wrong = entry.group.check().err().map(|error| error.message);
        let circle = refuse_circles(&index, &entry.id).is_err();
        let is_others = |name: &str| index.find(name).is_some_and(|it| !Arc::ptr_eq(it, entry));
        let taken = entry.names().any(is_others);
        let told = match (&wrong, taken, circle) {
            (Some(wrong), ..) => wrong.trim_end_matches('.'),
            (None, true, _) => "another group has one of its names",
            (None, false, true) => "it leads back to itself, or through too many groups",
            (None, false, false) => continue,
        };
        reading
            .note(Mistake { message: format!("{}makes no sense: {told}", spot.message), ..spot });
    }
    groups
}

fn read_one(
    mut table: Table<'_>,
    ids: &mut Unique,
    reading: &mut Reading<'_>,
) -> Option<(String, Group)> {
    let id = reading.needed(&mut table, "id", |said| ids.first(said, read_id(said)?));
    let enabled = reading.enabled(&mut table);
    let strategy = reading
        .optional(&mut table, "strategy", |said| said.one_of(&STRATEGIES))
        .unwrap_or(Strategy::Priority);
    let mut targets: Vec<Target> = texts(&mut table, "targets", reading)
        .into_iter()
        .map(|name| Target { name, weight: 1 })
        .collect();
    for table in reading.tables(&mut table, "target", "[[group.target]]") {
        targets.extend(read_target(table, reading));
    }
    let rules = reading.tables(&mut table, "rule", "[[group.rule]]");
    let rules = rules.into_iter().filter_map(|table| read_rule(table, reading)).collect();
    let group = Group {
        strategy,
        targets,
        default_target: reading.optional(&mut table, "default_target", owned),
        aliases: texts(&mut table, "aliases", reading),
        rules,
        classifier: read_classifier(&mut table, reading),
        sticky_by: reading.optional(&mut table, "sticky_by", |said| said.one_of(&STICKY_BY)),
        fallbacks: texts(&mut table, "fallbacks", reading),
        context_fallbacks: texts(&mut table, "context_fallbacks", reading),
        content_fallbacks: texts(&mut table, "content_fallbacks", reading),
        hedge: read_hedge(&mut table, reading),
        logic_level: reading.optional(&mut table, "logic_level", |said| {
            said.count(10).map(|level| u8::try_from(level).unwrap_or(10))
        }),
        primary_use: reading.optional(&mut table, "primary_use", owned).unwrap_or_default(),
        enabled,
    };
    reading.end_table(table);
    Some((id?, group))
}

fn read_id(said: &Said<'_>) -> Result<String, Mistake> {
    let id = said.text()?;
    if !is_id(id) {
        return Err(said.spot.mistake("must be small letters, digits, `-`, `_` and `.`"));
    }
    Ok(id.to_owned())
}

fn read_target(mut table: Table<'_>, reading: &mut Reading<'_>) -> Option<Target> {
    let name = reading.needed(&mut table, "name", owned);
    let weight = reading.optional(&mut table, "weight", |said| {
        u32::try_from(said.amount()?).map_err(|_| said.spot.mistake("must be at most 1000000"))
    });
    reading.end_table(table);
    Some(Target { name: name?, weight: weight.unwrap_or(1) })
}

fn read_rule(mut table: Table<'_>, reading: &mut Reading<'_>) -> Option<Rule> {
    let target = reading.needed(&mut table, "target", owned);
    let keywords = texts(&mut table, "keywords", reading);
    let tokens_min = reading.optional(&mut table, "tokens_min", |said| said.count(u32::MAX));
    let tools = reading.optional(&mut table, "tools", flag);
    let images = reading.optional(&mut table, "images", flag);
    reading.end_table(table);
    Some(Rule { target: target?, keywords, tokens_min, tools, images })
}

fn read_classifier(table: &mut Table<'_>, reading: &mut Reading<'_>) -> Option<Classifier> {
    if !table.has("classifier") {
        return None;
    }
    let mut table = reading.table(table, "classifier", "[group.classifier]");
    let model = reading.needed(&mut table, "model", owned);
    let scale = reading.optional(&mut table, "scale", |said| said.count(100));
    let instructions = reading.optional(&mut table, "instructions", owned);
    reading.end_table(table);
    Some(Classifier { model: model?, scale: scale.unwrap_or(10), instructions })
}

fn read_hedge(table: &mut Table<'_>, reading: &mut Reading<'_>) -> Option<Hedge> {
    if !table.has("hedge") {
        return None;
    }
    let mut table = reading.table(table, "hedge", "[group.hedge]");
    let after_ms = reading.needed(&mut table, "after_ms", |said| said.count(600_000));
    let cost_nano_max = reading.optional(&mut table, "cost_nano_max", |said| {
        said.amount().map(|amount| u64::try_from(amount).unwrap_or(0))
    });
    reading.end_table(table);
    Some(Hedge { after_ms: after_ms?, cost_nano_max })
}

fn texts(table: &mut Table<'_>, key: &'static str, reading: &mut Reading<'_>) -> Vec<String> {
    let list = table.take(key).and_then(|said| reading.keep(said.list())).unwrap_or_default();
    reading.keep_all(list.iter().map(owned).collect())
}

fn flag(said: &Said<'_>) -> Result<bool, Mistake> {
    said.flag()
}

fn owned(said: &Said<'_>) -> Result<String, Mistake> {
    said.text().map(str::to_owned)
}
