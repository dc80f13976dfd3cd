//! Does a request go where its group says?

mod promises;

use std::{collections::BTreeMap, sync::OnceLock};

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::*;
use crate::{
    config::Config, dialect::Dialect, error::Result, money::Prices, operation::Operation,
    ports::Millis, snapshot::Snapshot,
};

/// The makers of the models that the first groups name.
const MAKERS: [&str; 5] = ["openai", "gemini", "deepseek", "moonshot", "xai"];

/// A configuration with these built-in providers and what `more` declares.
fn declared(makers: &[&str], more: &str) -> Snapshot {
    let provider = |id: &&str| format!("[[provider]]\nid = \"{id}\"\nkeys = [\"sk-x\"]\n");
    let text: String = makers.iter().map(provider).chain([more.to_owned()]).collect();
    let config = Config::read(Some(&text), &|_| None).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    Snapshot::declared(&config)
}

/// The same with the groups that everybody begins with.
fn seeded(makers: &[&str]) -> Snapshot {
    grouped(declared(makers, ""), Groups::new(seed::entries()))
}

fn grouped(mut snapshot: Snapshot, groups: Groups) -> Snapshot {
    snapshot.groups = groups.into();
    snapshot
}

/// A request and what is known when it comes.
struct Asked {
    body: String,
    headers: HeaderMap,
    lot: u64,
    ratings: BTreeMap<&'static str, Rated>,
    latencies: Latencies,
    now: Millis,
}

fn says(text: &str) -> Asked {
    body(&json!({ "model": "x", "messages": [{ "role": "user", "content": text }] }))
}

fn body(json: &impl ToString) -> Asked {
    Asked {
        body: json.to_string(),
        headers: HeaderMap::new(),
        lot: 7,
        ratings: BTreeMap::new(),
        latencies: Latencies::default(),
        now: 1_000_000,
    }
}

impl Asked {
    fn rated(mut self, group: &'static str, rated: Rated) -> Self {
        self.ratings.insert(group, rated);
        self
    }

    fn find(&self, snapshot: &Snapshot, name: &str) -> Result<Found> {
        let size = OnceLock::new();
        let what = (Operation::Chat, Dialect::OpenAiChat, false);
        let look = Look::new(what, self.body.as_bytes(), &self.headers, &size);
        let prices = Prices::new(&snapshot.providers, Vec::new());
        let mut ratings = Ratings::default();
        for (group, rated) in &self.ratings {
            ratings.add(&(*group).into(), *rated);
        }
        let lore = Lore {
            snapshot,
            look: &look,
            prices: &prices,
            latencies: &self.latencies,
            lot: Mix::lot(self.lot.to_le_bytes()),
            now: self.now,
        };
        find(&lore, &ratings, name)
    }

    /// The models in their order, each with the way to it.
    fn ways(&self, snapshot: &Snapshot, name: &str) -> Vec<String> {
        let found = self.find(snapshot, name).unwrap_or_else(|error| panic!("{error}"));
        let way = |leaf: &Leaf| {
            let steps: Vec<String> = leaf.steps.iter().map(ToString::to_string).collect();
            format!("{}/{}: {}", leaf.provider.id, leaf.model, steps.join(", "))
        };
        found.leaves.iter().map(way).collect()
    }

    fn models(&self, snapshot: &Snapshot, name: &str) -> Vec<String> {
        let found = self.find(snapshot, name).unwrap_or_else(|error| panic!("{error}"));
        found.leaves.into_iter().map(|leaf| leaf.model).collect()
    }

    fn first(&self, snapshot: &Snapshot, name: &str) -> String {
        self.models(snapshot, name).swap_remove(0)
    }
}

#[test]
fn nobody_has_rated_it_so_the_middle_answers() {
    let snapshot = seeded(&MAKERS);
    let check = |asked: Asked, why: &str| {
        let way = &asked.ways(&snapshot, "dispatcher")[0];
        let expected = format!("dispatcher → standard-pro (the middle: {why})");
        assert!(way.contains(&expected), "{way}");
    };
    let failed = |unrated| says("x").rated("dispatcher", Rated::Not(unrated));
    check(says("x"), "it is not rated");
    check(failed(Unrated::Late), "the rating model took too long");
    check(failed(Unrated::Nonsense), "the rating model gave no rating");
    assert!(says("x").find(&snapshot, "dispatcher").unwrap().unrated.is_some());
    // Where one tier alone is there, nobody needs to be asked.
    assert!(says("x").find(&seeded(&["gemini"]), "dispatcher").unwrap().unrated.is_none());
    let rated = says("x").rated("dispatcher", Rated::As(5));
    assert!(rated.find(&snapshot, "dispatcher").unwrap().unrated.is_none());
    // When the rated tier is not there, the one beside it is, the harder one first.
    let asked = says("x").rated("dispatcher", Rated::As(6));
    assert_eq!(asked.first(&seeded(&["xai", "deepseek"]), "dispatcher"), "grok-4.3");
}

const PAIR: &str =
    "[[group.target]]\nname = \"gpt-4o\"\n[[group.target]]\nname = \"gpt-4o-mini\"\n";

fn pair(fields: &str) -> Snapshot {
    declared(&["openai"], &format!("[[group]]\nid = \"g\"\n{fields}\n{PAIR}"))
}

#[test]
fn priority_goes_by_the_list_and_then_to_the_fallbacks() {
    let snapshot = pair("aliases = [\"best\"]\nfallbacks = [\"gpt-4.1\", \"gpt-4o\"]");
    assert_eq!(says("x").models(&snapshot, "g"), ["gpt-4o", "gpt-4o-mini", "gpt-4.1"]);
    assert_eq!(says("x").models(&snapshot, "best"), ["gpt-4o", "gpt-4o-mini", "gpt-4.1"]);
    let last = says("x").ways(&snapshot, "g").pop().unwrap();
    assert_eq!(last, "openai/gpt-4.1: g → gpt-4.1 (a fallback)");
}

#[test]
fn weighted_draws_and_zero_takes_out() {
    let text = "[[group]]\nid = \"g\"\nstrategy = \"weighted\"\n\
                [[group.target]]\nname = \"gpt-4o\"\nweight = 9\n\
                [[group.target]]\nname = \"gpt-4o-mini\"\n\
                [[group.target]]\nname = \"gpt-4.1\"\nweight = 0\n";
    let snapshot = declared(&["openai"], text);
    let mut firsts = BTreeMap::new();
    for lot in 0..1000 {
        let asked = Asked { lot, ..says("x") };
        let models = asked.models(&snapshot, "g");
        assert!(!models.contains(&"gpt-4.1".to_owned()), "{models:?}");
        *firsts.entry(models[0].clone()).or_insert(0) += 1;
    }
    assert!((850..950).contains(&firsts["gpt-4o"]), "{firsts:?}");
    let found = says("x").find(&snapshot, "g").unwrap();
    let (name, why) = ("gpt-4.1".to_owned(), "has no weight".to_owned());
    assert_eq!(found.skipped, [Skipped { name, why }]);
}

#[test]
fn cost_goes_to_the_cheapest_and_last_to_what_has_no_price() {
    let text = "[[group]]\nid = \"g\"\nstrategy = \"cost\"\n\
                targets = [\"openai/unheard-of\", \"gpt-4o\", \"gpt-4o-mini\"]\n";
    let snapshot = declared(&["openai"], text);
    assert_eq!(says("x").models(&snapshot, "g"), ["gpt-4o-mini", "gpt-4o", "unheard-of"]);
    let way = &says("x").ways(&snapshot, "g")[0];
    assert!(way.contains("(would cost ") && way.ends_with(" nano-dollars)"), "{way}");
}

#[test]
fn latency_goes_to_the_faster_one_until_that_is_forgotten() {
    let snapshot = pair("strategy = \"latency\"");
    let asked = says("x");
    let sample = |model: &str| Sample {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        streams: false,
    };
    asked.latencies.note(sample("gpt-4o"), 900, asked.now);
    assert_eq!(asked.first(&snapshot, "g"), "gpt-4o-mini", "what was not measured is tried");
    asked.latencies.note(sample("gpt-4o-mini"), 1500, asked.now);
    assert_eq!(asked.first(&snapshot, "g"), "gpt-4o");
    let later = Asked { now: asked.now + 3_600_000, ..asked };
    later.latencies.note(sample("gpt-4o"), 900, later.now);
    assert_eq!(later.first(&snapshot, "g"), "gpt-4o-mini");
    let way = &later.ways(&snapshot, "g")[1];
    assert!(way.ends_with("(took 900 ms lately)"), "{way}");
}

#[test]
fn sticky_keeps_session_user_and_conversation_together() {
    let snapshot = pair("strategy = \"sticky\"");
    let to = |asked: &Asked| asked.ways(&snapshot, "g")[0].clone();
    let with = |session: i32, text: &str| {
        let mut asked = says(text);
        asked.headers.insert("x-tidegate-session", HeaderValue::from(session));
        asked
    };
    let mut minis = 0;
    for session in 0..200 {
        let one = to(&with(session, "one"));
        assert_eq!(one, to(&Asked { lot: 99, ..with(session, "two") }), "{session}");
        assert!(one.ends_with("(stays with the session)"), "{one}");
        minis += i32::from(one.contains("mini"));
    }
    assert!((75..125).contains(&minis), "both targets are used: {minis}");
    let user = |name: &str, text: &str| {
        body(&json!({ "user": name, "messages": [{ "role": "user", "content": text }] }))
    };
    assert_eq!(to(&user("u", "one")), to(&user("u", "two")));
    assert!(to(&user("u", "one")).ends_with("(stays with the user)"));
    let conversation = |more: &[&str]| {
        let mut turns = vec![json!({ "role": "user", "content": "begin" })];
        turns.extend(more.iter().map(|text| json!({ "role": "user", "content": text })));
        body(&json!({ "messages": turns }))
    };
    assert_eq!(to(&conversation(&[])), to(&conversation(&["go on"])));
    assert!(to(&conversation(&[])).ends_with("(stays with the prompt's beginning)"));
}

#[test]
fn rules_go_by_length_tools_and_pictures_too() {
    let rule = |condition: &str| {
        let fields = "strategy = \"heuristic\"\ndefault_target = \"gpt-4o\"";
        let rule = format!("[[group.rule]]\ntarget = \"gpt-4o-mini\"\n{condition}\n");
        declared(&["openai"], &format!("[[group]]\nid = \"g\"\n{fields}\n{PAIR}{rule}"))
    };
    let check = |condition: &str, asked: Asked, because: Option<&str>| {
        let way = asked.ways(&rule(condition), "g").swap_remove(0);
        let expected = match because {
            Some(because) => format!("openai/gpt-4o-mini: g → gpt-4o-mini (rule 1: {because})"),
            None => "openai/gpt-4o: g → gpt-4o (the default target)".to_owned(),
        };
        assert_eq!(way, expected);
    };
    let tools = || body(&json!({ "messages": [], "tools": [{ "type": "function" }] }));
    let picture =
        json!({ "type": "image_url", "image_url": { "url": "https://example.com/x.png" } });
    let picture = || body(&json!({ "messages": [{ "role": "user", "content": [picture] }] }));
    check("tools = true", tools(), Some("tools"));
    check("tools = true", says("x"), None);
    check("tools = false", says("x"), Some("no tools"));
    check("images = true", picture(), Some("pictures"));
    check("images = true", says("x"), None);
    check("tokens_min = 5", says("a b c"), Some("about 11 tokens, at least 5"));
    check("tokens_min = 500", says("a b c"), None);
    check("tools = true\nkeywords = [\"now\"]", tools(), None);
    check("", says("x"), Some("it fits everything"));
}

#[test]
fn a_groups_name_goes_before_a_models() {
    let text = "[[group]]\nid = \"gpt-4o\"\ntargets = [\"openai/gpt-4o-mini\"]\n";
    let snapshot = declared(&["openai"], text);
    assert_eq!(says("x").models(&snapshot, "gpt-4o"), ["gpt-4o-mini"]);
    assert_eq!(says("x").models(&snapshot, "openai/gpt-4o"), ["gpt-4o"]);
    let off = declared(&["openai"], &format!("{text}enabled = false\n"));
    assert_eq!(says("x").models(&off, "gpt-4o"), ["gpt-4o"]);
}

#[test]
fn what_cannot_be_used_is_passed_over_and_told() {
    let text = "[[group]]\nid = \"g\"\ntargets = [\"nobodys\", \"off/m\", \"out\", \"gpt-4o\"]\n\
                [[group]]\nid = \"out\"\ntargets = [\"gpt-4o\"]\nenabled = false\n\
                [[provider]]\nid = \"off\"\ndialect = \"openai_chat\"\n\
                base_url = \"https://llm.example.com/v1\"\nenabled = false\n";
    let snapshot = declared(&["openai"], text);
    assert_eq!(says("x").models(&snapshot, "g"), ["gpt-4o"]);
    assert!(serves(&snapshot, snapshot.groups.routing("g").unwrap()));
    let none = declared(&[], text);
    let error = says("x").find(&none, "g").err().unwrap();
    let told = "No target of the group `g` can be used: `nobodys` is with no provider; `off/m` is switched off; \
                `out` is switched off; `gpt-4o` is with no provider.";
    assert_eq!(error.message, told);
    assert!(!serves(&none, none.groups.routing("g").unwrap()));
    let error = says("x").find(&none, "h").err().unwrap();
    assert_eq!(error.message, "The model `h` does not exist here.");
}

#[test]
fn a_wide_net_of_groups_has_an_end() {
    // Every group of a level leads to every one of the next: 10⁸ ways.
    let entry = |level: usize, at: usize| {
        let names: Vec<_> =
            (0..10).map(|next| json!({ "name": format!("g{}-{next}", level + 1) })).collect();
        let body = json!({ "strategy": "cost", "targets": names });
        let id = format!("g{level}-{at}");
        std::sync::Arc::new(Entry::new(&id, serde_json::from_value(body).unwrap()))
    };
    let entries = (0..8).flat_map(|level| (0..10).map(move |at| entry(level, at)));
    let snapshot = grouped(declared(&["openai"], ""), Groups::new(entries));
    let error = says("x").find(&snapshot, "g0-0").err().unwrap();
    assert_eq!(error.hints.unwrap().code.as_deref(), Some("group_too_wide"));
    assert!(!serves(&snapshot, snapshot.groups.routing("g0-0").unwrap()));
}
