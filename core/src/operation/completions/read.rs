//! What text is to be continued, and how?

use serde_json::value::RawValue;

use crate::{
    dialect::{
        Object, Prompt,
        ir::{Part, Role, Sampling, Turn},
    },
    error::{Error, Result},
    json,
    limits::FOREIGN_FIELDS_MAX,
};

/// The fields that are read. Of any other one only the name is kept, because no conversation has it.
const KNOWN: [&str; 15] = [
    "model",
    "prompt",
    "stream",
    "stream_options",
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "user",
    "suffix",
    "echo",
];

/// Reads a request as a conversation of one turn.
pub(in super::super) fn read(body: &[u8]) -> Result<Prompt> {
    let object = Object::read(body)?;
    let suffix: Option<String> = object.typed("suffix")?;
    let echo: Option<bool> = object.typed("echo")?;
    for (asked, name) in
        [(suffix.is_some_and(|suffix| !suffix.is_empty()), "suffix"), (echo == Some(true), "echo")]
    {
        if asked {
            let message = format!("This model's provider cannot be told `{name}`.");
            return Err(Error::bad_request(message).at(name).coded("unsupported_parameter"));
        }
    }
    let foreign = object.names().filter(|name| !KNOWN.contains(name)).take(FOREIGN_FIELDS_MAX);
    Ok(Prompt {
        model: object.typed("model")?.unwrap_or_default(),
        stream: object.typed("stream")?.unwrap_or(false),
        turns: vec![Turn::new(Role::User, vec![Part::text(prompt(&object)?)])],
        sampling: Sampling {
            temperature: object.typed("temperature")?,
            top_p: object.typed("top_p")?,
            seed: object.typed("seed")?,
            presence_penalty: object.typed("presence_penalty")?,
            frequency_penalty: object.typed("frequency_penalty")?,
            answers: object.typed("n")?,
            ..Sampling::default()
        },
        stop: texts(object.present("stop"), "stop")?,
        max_tokens: object.typed("max_tokens")?,
        user: object.typed("user")?,
        foreign: foreign.map(str::to_owned).collect(),
        ..Prompt::default()
    })
}

fn prompt(object: &Object<'_>) -> Result<String> {
    let refuse = |message: &'static str| Error::bad_request(message).at("prompt");
    let mut prompts = texts(object.present("prompt"), "prompt")?;
    match prompts.len() {
        0 => Err(refuse("`prompt` is missing.")),
        1 => Ok(prompts.remove(0)),
        _ => {
            let message = "This model's provider takes one `prompt` at a time.";
            Err(refuse(message).coded("unsupported_parameter"))
        }
    }
}

/// One text or a list of them. Tokens are no texts.
fn texts(value: Option<&RawValue>, field: &str) -> Result<Vec<String>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    if let Ok(text) = json::read(value.get()) {
        return Ok(vec![text]);
    }
    json::read(value.get())
        .map_err(|_| Error::bad_request(format!("`{field}` must be a text.")).at(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_turn_of_the_user() {
        let body = r#"{"model":"m","prompt":["Once"],"max_tokens":5,"stop":"\n","stream":true,"logprobs":2,"best_of":1,"suffix":"","echo":false}"#;
        let prompt = read(body.as_bytes()).unwrap();
        let [Turn { role: Role::User, parts, .. }] = &prompt.turns[..] else { panic!("{body}") };
        assert!(matches!(&parts[..], [Part::Text { text, .. }] if text == "Once"));
        assert_eq!((prompt.max_tokens, prompt.stream), (Some(5), true));
        assert_eq!(
            (prompt.stop, prompt.foreign),
            (vec!["\n".to_owned()], vec!["logprobs".to_owned(), "best_of".to_owned()])
        );
    }

    #[test]
    fn what_a_conversation_cannot_do_is_refused() {
        let check = |body: &str, expected: &str| {
            assert_eq!(*read(body.as_bytes()).err().unwrap().message, *expected, "{body}");
        };
        check("{}", "`prompt` is missing.");
        check(r#"{"prompt":[1,2]}"#, "`prompt` must be a text.");
        check(r#"{"prompt":["a","b"]}"#, "This model's provider takes one `prompt` at a time.");
        check(r#"{"prompt":"a","suffix":"b"}"#, "This model's provider cannot be told `suffix`.");
        check(r#"{"prompt":"a","echo":true}"#, "This model's provider cannot be told `echo`.");
        check(r#"{"prompt":"a","max_tokens":"b"}"#, "`max_tokens` has the wrong type.");
    }
}
