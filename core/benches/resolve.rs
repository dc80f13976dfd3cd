//! Does routing stay below five microseconds, with 200 groups and 2,000 models?

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_core::{config::Config, testing::routing::Router};

const PROVIDERS: usize = 20;
const MODELS: usize = 100;
const GROUPS: usize = 200;

const STRATEGIES: [&str; 6] = ["priority", "weighted", "sticky", "heuristic", "cost", "latency"];

/// Twenty providers of a hundred models each, and groups of three targets with each strategy in turn.
fn router() -> Router {
    let mut text = String::new();
    for provider in 0..PROVIDERS {
        let models: Vec<String> = (0..MODELS).map(|at| format!("model-{provider}-{at}")).collect();
        let _ = write!(
            text,
            "[[provider]]\nid = \"p{provider}\"\ndialect = \"openai_chat\"\n\
             base_url = \"https://p{provider}.example.com/v1\"\nkeys = [\"sk-x\"]\nmodels = {models:?}\n"
        );
    }
    for group in 0..GROUPS {
        let strategy = STRATEGIES[group % STRATEGIES.len()];
        let targets = [7, 8, 9].map(|step| {
            format!("model-{}-{}", (group + step) % PROVIDERS, (group * step) % MODELS)
        });
        let _ = write!(
            text,
            "[[group]]\nid = \"group-{group}\"\nstrategy = \"{strategy}\"\ntargets = {targets:?}\n"
        );
        if strategy == "heuristic" {
            let words = "[\"debug\", \"step by step\", \"prove\", \"```\"]";
            let _ = write!(text, "[[group.rule]]\ntarget = {:?}\nkeywords = {words}\n", targets[1]);
        }
    }
    // A group that leads to a group, as tiers do.
    text += "[[group]]\nid = \"tiers\"\ntargets = [\"group-0\", \"group-3\"]\n";
    let config = Config::read(Some(&text), &|_| None).expect("it is declared well");
    Router::new(&config)
}

const BODY: &str = r#"{"model":"m","messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"Please explain this step by step."}]}"#;

fn resolve(criterion: &mut Criterion) {
    let router = router();
    let mut group = criterion.benchmark_group("resolve");
    let named = STRATEGIES
        .iter()
        .enumerate()
        .map(|(at, strategy)| (*strategy, format!("group-{}", 60 + at)));
    let plain = [("model", "model-7-77"), ("provider_model", "p7/model-7-77"), ("tiers", "tiers")];
    let plain = plain.map(|(name, model)| (name, model.to_owned()));
    for (name, model) in plain.into_iter().chain(named) {
        assert!(router.find(&model, BODY.as_bytes(), 0) > 0, "{model} leads nowhere");
        let mut lot = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                lot += 1;
                router.find(black_box(&model), black_box(BODY.as_bytes()), lot)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, resolve);
criterion_main!(benches);
