//! What does a group say? A routed model name: its targets, and how one of them is picked.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    limits::{GROUP_ENTRIES_MAX, ID_BYTES_MAX, MODEL_BYTES_MAX, NAME_BYTES_MAX, RATING_BYTES_MAX},
};

/// A routed model name.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Group {
    /// How one of the targets is picked.
    pub(crate) strategy: Strategy,
    /// Models, `provider/model`, or other groups; in the order of preference.
    #[cfg_attr(test, schemars(length(min = 1, max = 100)))]
    pub(crate) targets: Vec<Target>,
    /// Where a request goes that no rule fits; the first target unless said.
    #[serde(default)]
    pub(crate) default_target: Option<String>,
    /// Other names of the group.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// What `heuristic` goes by, the first that fits.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// What `classifier` goes by.
    #[serde(default)]
    pub(crate) classifier: Option<Classifier>,
    /// What `sticky` goes by.
    #[serde(default)]
    pub(crate) sticky_by: Option<StickyBy>,
    /// Where a request goes when all targets fail, in order.
    #[serde(default)]
    pub(crate) fallbacks: Vec<String>,
    /// The same, when the request is too long for the target.
    #[serde(default)]
    pub(crate) context_fallbacks: Vec<String>,
    /// The same, when the target's filter refuses the content.
    #[serde(default)]
    pub(crate) content_fallbacks: Vec<String>,
    /// Whether a second target is asked when the first is slow.
    #[serde(default)]
    pub(crate) hedge: Option<Hedge>,
    /// How hard the tasks are that it is meant for, from 1 to 10.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(min = 1, max = 10)))]
    pub(crate) logic_level: Option<u8>,
    /// What it is meant for.
    #[serde(default)]
    pub(crate) primary_use: String,
    /// A disabled group is shown and not used.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
}

/// How a target is picked.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Strategy {
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
pub(crate) struct Target {
    /// A model, `provider/model`, or a group.
    pub(crate) name: String,
    /// Its share among the targets; 0 takes it out.
    #[serde(default = "one")]
    #[cfg_attr(test, schemars(range(max = 1_000_000)))]
    pub(crate) weight: u32,
}

/// What sends a request to a target. All that is said must fit.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Rule {
    /// Where it sends.
    pub(crate) target: String,
    /// Any of these stands in the last message.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(max = 100)))]
    pub(crate) keywords: Vec<String>,
    /// The prompt has at least so many tokens.
    #[serde(default)]
    pub(crate) tokens_min: Option<u32>,
    /// Whether tools are offered.
    #[serde(default)]
    pub(crate) tools: Option<bool>,
    /// Whether pictures are there.
    #[serde(default)]
    pub(crate) images: Option<bool>,
}

/// A cheap model that says how hard a request is.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Classifier {
    /// Which model is asked.
    pub(crate) model: String,
    /// The hardest; ratings go from 1 to this.
    #[serde(default = "ten")]
    #[cfg_attr(test, schemars(range(min = 2, max = 100)))]
    pub(crate) scale: u32,
    /// What it is told, in place of the usual words.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(max = 8192)))]
    pub(crate) instructions: Option<String>,
}

/// What stays with one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum StickyBy {
    Session,
    User,
    Prefix,
}

/// When a second target is asked.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Hedge {
    /// After so long without a first token.
    #[cfg_attr(test, schemars(range(min = 1, max = 600_000)))]
    pub(crate) after_ms: u32,
    /// Nano-dollars that the second may cost at most.
    #[serde(default)]
    pub(crate) cost_nano_max: Option<u64>,
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

impl Group {
    /// All names of a group with this id.
    pub(crate) fn names<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(id).chain(self.aliases.iter().map(String::as_str))
    }

    /// Everything that a request may be sent on to.
    pub(crate) fn leads_to(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.fallbacks, &self.context_fallbacks, &self.content_fallbacks];
        let targets = self.targets.iter().map(|target| target.name.as_str());
        targets
            .chain(self.default_target.as_deref())
            .chain(self.rules.iter().map(|rule| rule.target.as_str()))
            .chain(self.classifier.iter().map(|classifier| classifier.model.as_str()))
            .chain(lists.into_iter().flatten().map(String::as_str))
    }

    /// Whether it makes sense by itself.
    pub(crate) fn check(&self) -> Result<()> {
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
        if self.rules.iter().any(|rule| rule.keywords.len() > GROUP_ENTRIES_MAX) {
            return wrong("rules", "A rule has at most 100 keywords.");
        }
        let told = self.classifier.as_ref().and_then(|asked| asked.instructions.as_ref());
        if told.is_some_and(|told| told.len() > RATING_BYTES_MAX) {
            return wrong("classifier.instructions", "Instructions have at most 8192 bytes.");
        }
        if self.strategy == Strategy::Classifier && self.classifier.is_none() {
            return wrong("classifier", "A classifying group says which model it asks.");
        }
        if self.classifier.as_ref().is_some_and(|asked| !(2..=100).contains(&asked.scale)) {
            return wrong("classifier.scale", "A scale goes from 2 to 100.");
        }
        if self.targets.iter().all(|target| target.weight == 0) {
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

/// Whether a group may have this id: it stands in paths.
pub(crate) fn is_id(id: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(plain) && !id.starts_with('.')
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    !name.is_empty() && name.len() <= MODEL_BYTES_MAX && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_group_that_makes_no_sense_is_refused() {
        let check = |fields: Value, field: Option<&str>| {
            let mut body = json!({ "strategy": "priority", "targets": [{ "name": "m" }] });
            if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields.clone()) {
                body.extend(fields);
            }
            let group: Group = serde_json::from_value(body).unwrap();
            let found = group.check().err().and_then(|error| error.hints?.param);
            assert_eq!(found.as_deref(), field, "{fields}");
        };
        let classifier = |scale: u32, told: usize| json!({ "model": "m", "scale": scale, "instructions": "x".repeat(told) });
        check(json!({}), None);
        check(json!({ "targets": [] }), Some("targets"));
        check(json!({ "targets": [{ "name": "m", "weight": 0 }] }), Some("targets"));
        check(json!({ "targets": [{ "name": "m", "weight": 1_000_001 }] }), Some("targets"));
        check(json!({ "targets": [{ "name": "a b" }] }), Some("targets"));
        check(json!({ "aliases": [""] }), Some("targets"));
        check(json!({ "fallbacks": vec!["m"; 101] }), Some("fallbacks"));
        check(json!({ "default_target": "n" }), Some("default_target"));
        check(json!({ "rules": [{ "target": "n" }] }), Some("rules"));
        check(json!({ "rules": [{ "target": "m", "keywords": vec!["x"; 101] }] }), Some("rules"));
        check(json!({ "strategy": "classifier" }), Some("classifier"));
        check(json!({ "classifier": classifier(10, 8192) }), None);
        check(json!({ "classifier": classifier(1, 0) }), Some("classifier.scale"));
        check(json!({ "classifier": classifier(10, 8193) }), Some("classifier.instructions"));
        check(json!({ "logic_level": 11 }), Some("logic_level"));
        check(json!({ "hedge": { "after_ms": 0 } }), Some("hedge.after_ms"));
        check(json!({ "primary_use": "x".repeat(1001) }), Some("primary_use"));
    }
}
