//! Which model names are routed, and how? Groups are kept and checked here.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::document::{Resource, Stored};
use crate::{
    error::{Error, Result},
    gateway::Gateway,
    limits::{
        GROUP_DEPTH_MAX, GROUP_ENTRIES_MAX, GROUPS_MAX, MODEL_BYTES_MAX, NAME_BYTES_MAX,
        PAGE_ROWS_MAX,
    },
    store::{Kind, ListQuery},
};

/// A routed model name.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Group {
    /// How one of the targets is picked.
    strategy: Strategy,
    /// Models, `provider/model`, or other groups; in the order of preference.
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    targets: Vec<Target>,
    /// Where a request goes that no rule fits; the first target unless said.
    #[serde(default)]
    default_target: Option<String>,
    /// Other names of the group.
    #[serde(default)]
    aliases: Vec<String>,
    /// What `heuristic` goes by, the first that fits.
    #[serde(default)]
    rules: Vec<Rule>,
    /// What `classifier` goes by.
    #[serde(default)]
    classifier: Option<Classifier>,
    /// What `sticky` goes by.
    #[serde(default)]
    sticky_by: Option<StickyBy>,
    /// Where a request goes when all targets fail, in order.
    #[serde(default)]
    fallbacks: Vec<String>,
    /// The same, when the request is too long for the target.
    #[serde(default)]
    context_fallbacks: Vec<String>,
    /// The same, when the target's filter refuses the content.
    #[serde(default)]
    content_fallbacks: Vec<String>,
    /// Whether a second target is asked when the first is slow.
    #[serde(default)]
    hedge: Option<Hedge>,
    /// How hard the tasks are that it is meant for, from 1 to 10.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 10)))]
    logic_level: Option<u8>,
    /// What it is meant for.
    #[serde(default)]
    primary_use: String,
    /// A disabled group is shown and not used.
    #[serde(default = "yes")]
    enabled: bool,
}

/// How a target is picked.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Strategy {
    Heuristic,
    Classifier,
    Weighted,
    Priority,
    Latency,
    Cost,
    Sticky,
}

/// Where a request may go.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Target {
    /// A model, `provider/model`, or a group.
    name: String,
    /// Its share among the targets; 0 takes it out.
    #[serde(default = "one")]
    #[cfg_attr(test, schemars(range(max = 1_000_000)))]
    weight: u32,
}

/// What sends a request to a target. All that is said must fit.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Rule {
    /// Where it sends.
    target: String,
    /// Any of these stands in the last message.
    #[serde(default)]
    keywords: Vec<String>,
    /// The prompt has at least so many tokens.
    #[serde(default)]
    tokens_min: Option<u32>,
    /// Whether tools are offered.
    #[serde(default)]
    tools: Option<bool>,
    /// Whether pictures are there.
    #[serde(default)]
    images: Option<bool>,
}

/// A cheap model that says how hard a request is.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Classifier {
    /// Which model is asked.
    model: String,
    /// The hardest; ratings go from 1 to this.
    #[serde(default = "ten")]
    #[cfg_attr(test, schemars(range(min = 2, max = 100)))]
    scale: u32,
    /// What it is told, in place of the usual words.
    #[serde(default)]
    instructions: Option<String>,
}

/// What stays with one target.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum StickyBy {
    Session,
    User,
    Prefix,
}

/// When a second target is asked.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Hedge {
    /// After so long without a first token.
    #[cfg_attr(test, schemars(range(min = 1, max = 600_000)))]
    after_ms: u32,
    /// Nano-dollars that the second may cost at most.
    #[serde(default)]
    cost_nano_max: Option<u64>,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn ten() -> u32 {
    10
}

#[async_trait]
impl Resource for Group {
    const KIND: Kind = Kind::Group;
    const WORD: &'static str = "group";

    async fn check(&self, gateway: &Gateway, id: &str) -> Result<()> {
        self.check_fields()?;
        let mut all = others(gateway, id).await?;
        let names: BTreeSet<&str> = all.iter().flat_map(|(id, group)| group.names(id)).collect();
        if let Some(taken) = self.names(id).find(|name| names.contains(name)) {
            let message = format!("Another group is called `{taken}`.");
            return Err(Error::new(crate::error::Kind::Conflict, message)
                .at("aliases")
                .coded("taken"));
        }
        all.insert(id.to_owned(), self.clone());
        refuse_cycles(&all, id)
    }
}

impl Group {
    fn names<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(id).chain(self.aliases.iter().map(String::as_str))
    }

    /// Everything that a request may be sent on to.
    fn leads_to(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.fallbacks, &self.context_fallbacks, &self.content_fallbacks];
        let targets = self.targets.iter().map(|target| target.name.as_str());
        targets
            .chain(self.default_target.as_deref())
            .chain(self.rules.iter().map(|rule| rule.target.as_str()))
            .chain(self.classifier.iter().map(|classifier| classifier.model.as_str()))
            .chain(lists.into_iter().flatten().map(String::as_str))
    }

    fn check_fields(&self) -> Result<()> {
        let wrong = |field: &str, message: &'static str| Err(Error::bad_request(message).at(field));
        let lists = [
            ("targets", self.targets.len()),
            ("rules", self.rules.len()),
            ("aliases", self.aliases.len()),
            ("fallbacks", self.fallbacks.len()),
            ("context_fallbacks", self.context_fallbacks.len()),
            ("content_fallbacks", self.content_fallbacks.len()),
        ];
        if let Some((field, _)) = lists.iter().find(|(_, length)| *length > GROUP_ENTRIES_MAX) {
            return wrong(field, "This list is too long.");
        }
        if self.targets.is_empty() {
            return wrong("targets", "A group has at least one target.");
        }
        if !self.leads_to().chain(self.aliases.iter().map(String::as_str)).all(is_name) {
            return wrong("targets", "A model's name has no white space and is not empty.");
        }
        let listed = |name: &str| self.targets.iter().any(|target| target.name == name);
        if !self.default_target.as_deref().is_none_or(listed) {
            return wrong("default_target", "This is not among the targets.");
        }
        if !self.rules.iter().all(|rule| listed(&rule.target)) {
            return wrong("rules", "A rule sends to one of the targets.");
        }
        if self.strategy == Strategy::Classifier && self.classifier.is_none() {
            return wrong("classifier", "A classifying group says which model it asks.");
        }
        if self.classifier.as_ref().is_some_and(|asked| !(2..=100).contains(&asked.scale)) {
            return wrong("classifier.scale", "A scale goes from 2 to 100.");
        }
        if self.strategy == Strategy::Weighted && self.targets.iter().all(|t| t.weight == 0) {
            return wrong("targets", "At least one target has a weight above 0.");
        }
        if self.targets.iter().any(|target| target.weight > 1_000_000) {
            return wrong("targets", "A weight is at most 1000000.");
        }
        if !self.logic_level.is_none_or(|level| (1..=10).contains(&level)) {
            return wrong("logic_level", "A level goes from 1 to 10.");
        }
        if self.hedge.as_ref().is_some_and(|hedge| !(1..=600_000).contains(&hedge.after_ms)) {
            return wrong("hedge.after_ms", "A second target is asked after 1 to 600000 ms.");
        }
        if self.primary_use.len() > 5 * NAME_BYTES_MAX {
            return wrong("primary_use", "This is too long.");
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    !name.is_empty() && name.len() <= MODEL_BYTES_MAX && name.chars().all(plain)
}

/// All groups but the one with this id.
async fn others(gateway: &Gateway, id: &str) -> Result<BTreeMap<String, Group>> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let query = ListQuery { parent: None, after, limit: PAGE_ROWS_MAX };
        let page = gateway.ports.store.list(Kind::Group, &query).await?;
        after = super::document::next(&page, PAGE_ROWS_MAX);
        for document in page.into_iter().filter(|document| document.id != id) {
            let stored = Stored::<Group>::read(document)?;
            all.insert(stored.document.id, stored.body);
        }
        if all.len() >= GROUPS_MAX {
            return Err(Error::bad_request(format!("There are {GROUPS_MAX} groups already.")));
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Refuses a group from which a request could come back to it, or go through too many.
fn refuse_cycles(all: &BTreeMap<String, Group>, start: &str) -> Result<()> {
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, group) in all {
        ids.extend(group.names(id).map(|name| (name, id.as_str())));
    }
    let mut done = BTreeSet::new();
    // Groups on the way to the one that is looked at, and those that are still to be looked at from each.
    let mut way = vec![(start, next_groups(all, &ids, start))];
    while let Some((id, open)) = way.last_mut() {
        let Some(next) = open.pop() else {
            done.insert(*id);
            way.pop();
            continue;
        };
        if done.contains(next) {
            continue;
        }
        let names: Vec<&str> = way.iter().map(|(id, _)| *id).chain([next]).collect();
        if names[..names.len() - 1].contains(&next) {
            let message = format!("The groups go round in a circle: {}.", names.join(" → "));
            return Err(Error::bad_request(message).at("targets").coded("cycle"));
        }
        if names.len() > GROUP_DEPTH_MAX {
            let message = format!("Groups lead to groups more than {GROUP_DEPTH_MAX} deep.");
            return Err(Error::bad_request(message).at("targets").coded("too_deep"));
        }
        way.push((next, next_groups(all, &ids, next)));
    }
    Ok(())
}

fn next_groups<'a>(
    all: &'a BTreeMap<String, Group>,
    ids: &BTreeMap<&'a str, &'a str>,
    id: &str,
) -> Vec<&'a str> {
    let names = all.get(id).into_iter().flat_map(Group::leads_to);
    let found: BTreeSet<&str> = names.filter_map(|name| ids.get(name).copied()).collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(list: &[(&str, &[&str])]) -> BTreeMap<String, Group> {
        let group = |targets: &[&str]| -> Group {
            let targets: Vec<_> =
                targets.iter().map(|name| serde_json::json!({ "name": name })).collect();
            let body = serde_json::json!({ "strategy": "priority", "targets": targets });
            serde_json::from_value(body).unwrap()
        };
        list.iter().map(|(id, targets)| ((*id).to_owned(), group(targets))).collect()
    }

    #[test]
    fn a_circle_is_refused_and_told() {
        let check = |list: &[(&str, &[&str])], message: Option<&str>| {
            let found = refuse_cycles(&groups(list), "a").err();
            assert_eq!(found.as_ref().map(|error| &*error.message), message);
        };
        check(&[("a", &["gpt-4o", "b"]), ("b", &["c", "x/y"]), ("c", &["gpt-4o"])], None);
        check(&[("a", &["a"])], Some("The groups go round in a circle: a → a."));
        let circle = "The groups go round in a circle: a → b → c → a.";
        check(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])], Some(circle));
        // Two ways to one place are no circle.
        check(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &["m"])], None);
    }

    #[test]
    fn a_long_way_is_refused() {
        let ids: Vec<String> = ('a'..='k').map(String::from).collect();
        let next: Vec<[&str; 1]> = ids[1..].iter().map(|id| [id.as_str()]).collect();
        let list: Vec<(&str, &[&str])> =
            ids.iter().zip(&next).map(|(id, next)| (id.as_str(), &next[..])).collect();
        assert!(refuse_cycles(&groups(&list), "a").is_ok());
        let mut deeper = groups(&list);
        deeper.extend(groups(&[("k", &["l"]), ("l", &["m"])]));
        assert!(refuse_cycles(&deeper, "a").is_err());
    }
}
