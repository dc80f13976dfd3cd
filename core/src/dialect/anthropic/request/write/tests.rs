//! What prompts become, with literal JSON on the other side.

mod fields;
mod turns;

use serde_json::{Value, json};

use super::*;
use crate::dialect::ir::{Part, Role, Turn};

/// A prompt whose user says "hi".
fn hi() -> Prompt {
    let turns = vec![Turn::new(Role::User, vec![Part::text("hi")])];
    Prompt { model: "m".into(), turns, ..Prompt::default() }
}

/// What is written of a prompt, and what is lost.
fn written(prompt: &Prompt, traits: &Traits) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let body = write(prompt, traits, &mut losses).unwrap_or_else(|error| panic!("{error}"));
    (serde_json::from_slice(&body).unwrap(), losses.names().to_vec())
}

/// Checks the fields of a prompt beside those that every request has.
fn check(prompt: &Prompt, traits: &Traits, expected: &Value, lost: &[&str]) {
    let (mut body, losses) = written(prompt, traits);
    let body = body.as_object_mut().unwrap();
    for common in ["model", "messages"] {
        assert!(body.remove(common).is_some());
    }
    if expected.get("max_tokens").is_none() {
        assert_eq!(body.remove("max_tokens"), Some(json!(4096)));
    }
    assert_eq!(
        (Value::Object(body.clone()), losses),
        (expected.clone(), lost.iter().map(|name| (*name).to_owned()).collect())
    );
}

/// The code and the place of a refusal.
fn refusal(prompt: &Prompt) -> String {
    let error = write(prompt, &Traits::default(), &mut Losses::default()).expect_err("refused");
    let hints = error.hints.unwrap();
    format!("{} {}", hints.code.unwrap(), hints.param.unwrap())
}
