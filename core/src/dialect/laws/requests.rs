//! Does a request that crosses to another dialect and back still ask for the same?

use proptest::prelude::*;

use super::prompts::{plain, prompt};
use crate::{
    dialect::{
        Dialect, Losses, Prompt, Reshape, Traits,
        ir::{self, Choice, Format, Function, Part, Role, Schema, Tool, ToolKind},
    },
    testing::fuzz::carrier,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// From one dialect to another and back: what was said is said, and what was asked for is asked for or named as lost.
    #[test]
    fn a_request_comes_back(asked in prompt()) {
        for from in Dialect::ALL {
            let (first, _) = crossed(from, &asked);
            for to in Dialect::ALL {
                let (second, mut lost) = crossed(to, &first);
                let (third, more) = crossed(from, &second);
                lost.extend(more);
                prop_assert_eq!(said(&third), said(&first), "{:?} to {:?}", from, to);
                for ((name, after), (_, before)) in wishes(&third).into_iter().zip(wishes(&first)) {
                    let kept = before.is_empty() || after == before || lost.contains(&name.to_owned());
                    let told = format!("{from:?} to {to:?}: {name} was {before} and is {after}, lost {lost:?}");
                    prop_assert!(kept, "{}", told);
                }
            }
        }
    }

    /// What was never asked for cannot be lost.
    #[test]
    fn nothing_is_lost_where_nothing_is_asked(asked in plain()) {
        for from in Dialect::ALL {
            let (first, lost) = crossed(from, &asked);
            prop_assert_eq!(lost, Vec::<String>::new(), "{:?}", from);
            for to in Dialect::ALL {
                let (_, lost) = crossed(to, &first);
                prop_assert_eq!(lost, Vec::<String>::new(), "{:?} to {:?}", from, to);
            }
        }
    }
}

/// A prompt as it is read again after a dialect has written it, and what was lost.
fn crossed(dialect: Dialect, prompt: &Prompt) -> (Prompt, Vec<String>) {
    let (mut prompt, mut losses) = (prompt.clone(), Losses::default());
    ir::link(&mut prompt.turns);
    if !dialect.has_custom_tools() {
        Reshape::default().without_custom_tools(&mut prompt, &mut losses);
    }
    if !dialect.stops() {
        losses.lose_if(!prompt.stop.is_empty(), "stop");
    }
    let traits = Traits { native: true, ..Traits::default() };
    let body = dialect.write_request(&prompt, &traits, &mut losses).expect("nothing is refused");
    let mut read = dialect.read_request(&body, &carrier()).expect("what was written can be read");
    ir::link(&mut read.turns);
    assert!(read.foreign.is_empty(), "{dialect:?} does not know its own: {:?}", read.foreign);
    (read, losses.names().to_vec())
}

/// What the model gets to read: words by speaker, pictures, calls, and results by the number of their call.
fn said(prompt: &Prompt) -> Vec<(String, String)> {
    let mut said: Vec<(String, String)> = Vec::new();
    let mut calls: Vec<String> = Vec::new();
    let mut media = 0;
    for turn in &prompt.turns {
        for part in &turn.parts {
            match part {
                Part::Text { text, .. } | Part::Refusal(text) => {
                    let who = format!("{:?}", turn.role);
                    let text = bare(text);
                    match said.last_mut().filter(|(last, _)| *last == who) {
                        Some((_, words)) => words.push_str(&text),
                        None => said.push((who, text)),
                    }
                }
                Part::Call(call) => {
                    calls.push(call.id.clone());
                    let blank = call.arguments.trim().is_empty();
                    let arguments = if blank { "{}" } else { &call.arguments };
                    said.push((format!("call {}", call.name), arguments.to_owned()));
                }
                Part::Outcome(outcome) => {
                    let number = calls.iter().rposition(|id| *id == outcome.id);
                    let text = words(&outcome.parts);
                    said.push((format!("result of {number:?}"), text));
                }
                Part::Media(_) => media += 1,
                Part::Thought(_) | Part::Opaque { .. } => {}
            }
        }
    }
    said.retain(|(who, words)| !words.is_empty() || who.starts_with("result"));
    said.push(("pictures".to_owned(), media.to_string()));
    said.extend(prompt.tools.iter().filter(|tool| may_call(prompt, tool)).map(shown));
    said
}

/// A dialect without a word for the choice leaves the other tools out.
fn may_call(prompt: &Prompt, Tool { kind, .. }: &Tool) -> bool {
    match (&prompt.choice, kind) {
        (Some(Choice::Never), _) => false,
        (Some(Choice::Only(only)), ToolKind::Function(function)) => function.name == *only,
        _ => true,
    }
}

fn words(parts: &[Part]) -> String {
    let words = parts.iter().map(|part| match part {
        Part::Text { text, .. } => bare(text),
        other => format!("{other:?}"),
    });
    words.collect()
}

/// Without white space, which dialects join texts by.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn shown(Tool { kind, .. }: &Tool) -> (String, String) {
    match kind {
        ToolKind::Function(Function { name, description, schema, strict: _ }) => {
            // Some dialects demand a schema where there are no arguments.
            let empty = |schema: &&Schema| schema.get("properties") == Some(&Schema::empty());
            let schema = schema.as_ref().filter(|schema| !empty(schema));
            let schema = schema.cloned().map(sorted);
            (format!("tool {name}"), format!("{description:?} {schema:?}"))
        }
        other => ("tool".to_owned(), format!("{other:?}")),
    }
}

/// The order of an object's fields means nothing.
fn sorted(schema: Schema) -> Schema {
    match schema {
        Schema::Map(mut fields) => {
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Schema::Map(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        other => other,
    }
}

/// What the client asks for beside the words, under the name by which it would be lost; empty where it asks for nothing.
fn wishes(prompt: &Prompt) -> Vec<(&'static str, String)> {
    let sampling = &prompt.sampling;
    let tier = prompt.tier.as_deref().filter(|tier| !matches!(*tier, "auto" | "default"));
    let format = prompt.format.as_ref().map(|format| match format {
        Format::Json => "json".to_owned(),
        Format::Schema { schema, .. } => format!("{:?}", sorted(schema.clone())),
    });
    let forced =
        prompt.choice.as_ref().filter(|choice| !matches!(choice, Choice::Auto | Choice::Never));
    // Whoever must not call need not be told how many at once.
    let mute = prompt.choice == Some(Choice::Never);
    let single = prompt.parallel.filter(|parallel| !parallel && !mute);
    let named = prompt.turns.iter().filter(|turn| turn.role == Role::User);
    vec![
        ("max_tokens", text(prompt.max_tokens.as_ref())),
        ("temperature", text(sampling.temperature.as_ref())),
        ("top_p", text(sampling.top_p.as_ref())),
        ("top_k", text(sampling.top_k.as_ref())),
        ("seed", text(sampling.seed.as_ref())),
        ("presence_penalty", text(sampling.presence_penalty.as_ref())),
        ("frequency_penalty", text(sampling.frequency_penalty.as_ref())),
        ("logprobs", text(sampling.logprobs.as_ref())),
        ("stop", text((!prompt.stop.is_empty()).then_some(&prompt.stop))),
        ("response_format", text(format.as_ref())),
        ("reasoning_effort", text(prompt.reasoning.effort.as_ref().map(|_| "told").as_ref())),
        ("tool_choice", text(forced)),
        ("parallel_tool_calls", text(single.as_ref())),
        ("verbosity", text(prompt.verbosity.as_ref())),
        ("user", text(prompt.user.as_ref())),
        ("service_tier", text(tier.as_ref())),
        ("cache_control", text(prompt.cache.as_ref())),
        ("prompt_cache_key", text(prompt.cache_key.as_ref())),
        ("name", named.filter_map(|turn| turn.name.clone()).collect()),
    ]
}

fn text<T: std::fmt::Debug>(value: Option<&T>) -> String {
    value.map(|value| format!("{value:?}")).unwrap_or_default()
}
