//! Are the promises kept that people know from `GopherGate`? A test for each row of its table of groups and for each sentence of its
//! README on routing, by its own words.

use std::sync::Arc;

use serde_json::json;

use super::{super::*, MAKERS, declared, grouped, says, seeded};
use crate::{money::Prices, snapshot::Snapshot};

/// A row of the table: what a group is, and where some requests go.
fn row(id: &str, level: Option<u8>, strategy: Strategy, (targets, use_): (&[&str], &str)) {
    let snapshot = seeded(&MAKERS);
    let group = &snapshot.groups.routing(id).unwrap().group;
    let names: Vec<&str> = group.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!((names.as_slice(), group.logic_level), (targets, level), "{id}");
    assert_eq!(group.primary_use, use_);
    assert!(group.strategy == strategy, "{id}");
    group.check().unwrap();
    refuse_circles(&snapshot.groups, id).unwrap();
    let mut models = says("hello").models(&snapshot, id);
    if strategy == Strategy::Heuristic {
        assert_eq!(Some(models[0].as_str()), group.default_target.as_deref(), "{id}");
        models.sort();
        let mut all: Vec<&str> = targets.to_vec();
        all.sort_unstable();
        assert_eq!(models, all, "every target is there: {id}");
    }
    // With one of the makers missing the others answer.
    for maker in MAKERS {
        let alone = seeded(&[maker]);
        let models = says("hello").find(&alone, id).map(|found| found.leaves).unwrap_or_default();
        assert!(models.iter().all(|leaf| leaf.provider.id == maker), "{id} with {maker} alone");
    }
}

#[test]
fn row_fast_flow_2_heuristic() {
    let targets = ["deepseek-v4-flash", "gpt-5.4-nano"];
    row("fast-flow", Some(2), Strategy::Heuristic, (&targets, "Classification, JSON, Basic Q&A"));
    let to = |text: &str| says(text).first(&seeded(&MAKERS), "fast-flow");
    assert_eq!(to("Classify this mail."), "gpt-5.4-nano");
    assert_eq!(to("Who was Ada Lovelace?"), "deepseek-v4-flash");
}

#[test]
fn row_standard_pro_5_heuristic() {
    let targets = ["gpt-5.4-mini", "gemini-3-flash-preview"];
    row("standard-pro", Some(5), Strategy::Heuristic, (&targets, "General Assistant, Long Docs"));
    let to = |text: &str| says(text).first(&seeded(&MAKERS), "standard-pro");
    assert_eq!(to("Write a mail."), "gpt-5.4-mini");
    assert_eq!(to("Summarize this."), "gemini-3-flash-preview");
    assert_eq!(to(&"word ".repeat(100_000)), "gemini-3-flash-preview");
}

#[test]
fn row_heavy_logic_9_heuristic() {
    let targets = ["grok-4.3", "kimi-k2.6", "deepseek-v4-pro"];
    row("heavy-logic", Some(9), Strategy::Heuristic, (&targets, "Complex Coding, Logic, Agents"));
    let to = |text: &str| says(text).first(&seeded(&MAKERS), "heavy-logic");
    assert_eq!(to("Prove it."), "deepseek-v4-pro");
    assert_eq!(to("You are an agent that books flights."), "kimi-k2.6");
    assert_eq!(to("Why is the sky blue?"), "grok-4.3");
}

#[test]
fn row_dispatcher_classifier() {
    let targets = ["fast-flow", "standard-pro", "heavy-logic"];
    row("dispatcher", None, Strategy::Classifier, (&targets, "Auto-dispatches by complexity"));
}

#[test]
fn row_deepseek_auto_heuristic() {
    let targets = ["deepseek-chat", "deepseek-reasoner"];
    row("deepseek-auto", None, Strategy::Heuristic, (&targets, "Legacy provider group"));
}

#[test]
fn row_openai_auto_heuristic() {
    let targets = ["gpt-4o-mini", "gpt-4o"];
    row("openai-auto", None, Strategy::Heuristic, (&targets, "Legacy provider group"));
}

#[test]
fn row_gemini_auto_heuristic() {
    let targets = ["gemini-2.0-flash", "gemini-2.5-pro"];
    row("gemini-auto", None, Strategy::Heuristic, (&targets, "Legacy provider group"));
}

#[test]
fn groups_can_target_other_groups_until_a_concrete_model_is_reached() {
    let snapshot = declared(&["openai"], &chain(3));
    let ways = says("hello").ways(&snapshot, "g1");
    let expected = "openai/gpt-4o: g1 → g2 (next in the list), g2 → g3 (next in the list), \
                    g3 → gpt-4o (next in the list)";
    assert_eq!(ways, [expected]);
}

/// So many groups, each of which leads to the next one.
fn chain(length: usize) -> String {
    let next = |at: usize| if at == length { "gpt-4o".to_owned() } else { format!("g{}", at + 1) };
    let group = |at| format!("[[group]]\nid = \"g{at}\"\ntargets = [\"{}\"]\n", next(at));
    (1..=length).map(group).collect()
}

#[test]
fn cycle_detection_and_depth_limiting_max_10_prevent_infinite_loops() {
    let groups = |list: &[(&str, &str)]| {
        let entry = |(id, target): &(&str, &str)| {
            let body = json!({ "strategy": "priority", "targets": [{ "name": target }] });
            Arc::new(Entry::new(id, serde_json::from_value(body).unwrap()))
        };
        grouped(declared(&["openai"], ""), Groups::new(list.iter().map(entry)))
    };
    let refused = |snapshot: &Snapshot, name: &str| {
        let error = says("x").find(snapshot, name).err().unwrap();
        (error.message.to_string(), error.hints.unwrap().code.unwrap())
    };
    let circle = groups(&[("a", "b"), ("b", "c"), ("c", "b")]);
    let told = "The groups go round in a circle: a → b → c → b.".to_owned();
    assert_eq!(refused(&circle, "a"), (told, "group_cycle".to_owned()));
    let ids: Vec<String> = (0..=11).map(|at| format!("g{at}")).collect();
    let links: Vec<(&str, &str)> =
        ids.windows(2).map(|two| (two[0].as_str(), two[1].as_str())).collect();
    assert_eq!(refused(&groups(&links), "g0").1, "group_too_deep");
    assert_eq!(says("x").first(&declared(&["openai"], &chain(10)), "g1"), "gpt-4o");
}

#[test]
fn heuristic_debug_or_step_by_step_routes_to_the_reasoning_model() {
    let snapshot = seeded(&MAKERS);
    for text in ["Debug this.", "Explain it STEP BY STEP.", "```rust\nfn main() {}\n```"] {
        assert_eq!(says(text).first(&snapshot, "deepseek-auto"), "deepseek-reasoner", "{text}");
        assert_eq!(says(text).first(&snapshot, "openai-auto"), "gpt-4o", "{text}");
        assert_eq!(says(text).first(&snapshot, "gemini-auto"), "gemini-2.5-pro", "{text}");
        assert_eq!(says(text).first(&snapshot, "heavy-logic"), "deepseek-v4-pro", "{text}");
    }
    let way = &says("Please debug this.").ways(&snapshot, "deepseek-auto")[0];
    let expected = "deepseek-auto → deepseek-reasoner (rule 1: the keyword `debug`)";
    assert!(way.ends_with(expected), "{way}");
}

#[test]
fn classifier_bucket_mapping_distributes_ratings_proportionally_across_targets() {
    let snapshot = seeded(&MAKERS);
    for (ratings, tier) in [(1..=3, "fast-flow"), (4..=7, "standard-pro"), (8..=10, "heavy-logic")]
    {
        for rating in ratings {
            let asked = says("hello").rated("dispatcher", Rated::As(rating));
            let way = &asked.ways(&snapshot, "dispatcher")[0];
            let expected = format!("dispatcher → {tier} (rated {rating} of 10)");
            assert!(way.contains(&expected), "{way}");
        }
    }
}

#[test]
fn two_level_dispatch_dispatcher_to_heavy_logic_to_deepseek_v4_pro() {
    let asked = says("Debug this race condition in my Go code.");
    let asked = asked.rated("dispatcher", Rated::As(9));
    let way = &asked.ways(&seeded(&MAKERS), "dispatcher")[0];
    let expected = "deepseek/deepseek-v4-pro: dispatcher → heavy-logic (rated 9 of 10), \
                    heavy-logic → deepseek-v4-pro (rule 2: the keyword `debug`)";
    assert_eq!(way, expected);
}

#[test]
fn classifier_selector_models_are_routed_to_the_correct_provider() {
    let asked = says("hello");
    let snapshot = seeded(&MAKERS);
    let unrated = asked.find(&snapshot, "dispatcher").unwrap().unrated.unwrap();
    let model = &unrated.group.classifier.as_ref().unwrap().model;
    assert_eq!(asked.find(&snapshot, model).unwrap().leaves[0].provider.id, "deepseek");
    let alone = seeded(&["openai"]);
    assert_eq!(asked.find(&alone, model).unwrap().leaves[0].provider.id, "openai");
}

#[test]
fn a_simple_query_routes_to_the_cheap_model_and_a_complex_one_to_the_reasoning_model() {
    let snapshot = seeded(&MAKERS);
    assert_eq!(says("What is 2+2?").first(&snapshot, "fast-flow"), "deepseek-v4-flash");
    let complex = says("Write a Python red-black tree implementation.");
    assert_eq!(complex.first(&snapshot, "heavy-logic"), "deepseek-v4-pro");
}

#[test]
fn groups_have_logic_level_and_primary_use() {
    let snapshot = declared(
        &["openai"],
        "[[group]]\nid = \"g\"\ntargets = [\"gpt-4o\"]\nlogic_level = 8\nprimary_use = \"hard\"\n",
    );
    let group = &snapshot.groups.routing("g").unwrap().group;
    assert_eq!((group.logic_level, group.primary_use.as_str()), (Some(8), "hard"));
}

#[test]
fn a_request_is_not_priced_as_its_group_but_as_its_model() {
    // The group's name costs nothing anywhere, so its record names the model that answered.
    let snapshot = seeded(&MAKERS);
    let leaf = says("hello").find(&snapshot, "openai-auto").unwrap().leaves.swap_remove(0);
    let prices = Prices::new(&snapshot.providers, Vec::new());
    assert!(prices.quote(&leaf.provider.id, &leaf.model, 1000, 1000).unwrap() > 0);
    assert_eq!(prices.quote(&leaf.provider.id, "openai-auto", 1000, 1000), None);
}

#[test]
fn a_provider_is_chosen_after_routing_resolved() {
    let snapshot = seeded(&MAKERS);
    let found = says("Prove it.").find(&snapshot, "heavy-logic").unwrap();
    assert_eq!(found.leaves[0].provider.id, "deepseek");
    let found = says("hello").find(&snapshot, "heavy-logic").unwrap();
    assert_eq!(found.leaves[0].provider.id, "xai");
}
