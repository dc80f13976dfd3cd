//! How are pictures given to a client, whole or as events?

use serde::Serialize;

use super::super::{Form, Made, Picture, Task};
use crate::store::Usage;

#[derive(Serialize)]
struct ReplyOut<'a> {
    created: i64,
    data: Vec<ImageOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
}

#[derive(Serialize)]
struct ImageOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct UsageOut {
    input_tokens: i64,
    input_tokens_details: Details,
    output_tokens: i64,
    total_tokens: i64,
}

#[derive(Serialize)]
struct Details {
    image_tokens: i64,
    text_tokens: i64,
}

/// Writes a whole answer.
pub(in super::super) fn answer(made: &Made, form: Form, at_s: i64) -> Vec<u8> {
    let url = |Picture { mime, base64 }: &Picture| format!("data:{mime};base64,{base64}");
    let data = made.pictures.iter().map(|picture| ImageOut {
        b64_json: (form != Form::Url).then_some(picture.base64.as_str()),
        url: (form != Form::Base64).then(|| url(picture)),
    });
    let reply = ReplyOut {
        created: at_s,
        data: data.collect(),
        output_format: made.pictures.first().and_then(format),
        usage: made.usage.as_ref().map(usage),
    };
    serde_json::to_vec(&reply).expect("numbers and strings always serialize")
}

/// The word for a picture's type, of the types that have one.
fn format(picture: &Picture) -> Option<&str> {
    let word = picture.mime.strip_prefix("image/")?;
    ["png", "jpeg", "webp"].contains(&word).then_some(word)
}

fn usage(usage: &Usage) -> UsageOut {
    UsageOut {
        input_tokens: usage.prompt,
        input_tokens_details: Details {
            image_tokens: usage.image_in,
            text_tokens: usage.prompt.saturating_sub(usage.image_in).max(0),
        },
        output_tokens: usage.completion,
        total_tokens: usage.prompt.saturating_add(usage.completion),
    }
}

#[derive(Serialize)]
struct EventOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    b64_json: &'a str,
    created_at: i64,
    size: &'static str,
    quality: &'static str,
    background: &'static str,
    output_format: &'a str,
    usage: UsageOut,
}

/// Writes an event for each picture, complete. What was used is told with the last one.
pub(in super::super) fn events(task: Task, made: &Made, at_s: i64) -> Vec<u8> {
    let kind = match task {
        Task::Generate => "image_generation.completed",
        Task::Edit => "image_edit.completed",
    };
    let mut out = Vec::new();
    for (at, picture) in made.pictures.iter().enumerate() {
        let used = made.usage.filter(|_| at + 1 == made.pictures.len()).unwrap_or_default();
        let event = EventOut {
            kind,
            b64_json: &picture.base64,
            created_at: at_s,
            size: "auto",
            quality: "auto",
            background: "auto",
            output_format: format(picture).unwrap_or("png"),
            usage: usage(&used),
        };
        let event = serde_json::to_vec(&event).expect("numbers and strings always serialize");
        out.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
        out.extend_from_slice(&event);
        out.extend_from_slice(b"\n\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Made {
        let picture = Picture { mime: "image/png".to_owned(), base64: "AA==".to_owned() };
        let usage = Usage { prompt: 7, image_in: 2, completion: 9, ..Usage::default() };
        Made { pictures: vec![picture], usage: Some(usage) }
    }

    #[test]
    fn pictures_come_as_they_are_wanted() {
        let usage = r#""output_format":"png","usage":{"input_tokens":7,"input_tokens_details":{"image_tokens":2,"text_tokens":5},"output_tokens":9,"total_tokens":16}"#;
        let check = |form, expected: &str| {
            let expected = format!(r#"{{"created":3,"data":[{{{expected}}}],{usage}}}"#);
            assert_eq!(String::from_utf8(answer(&made(), form, 3)).unwrap(), expected);
        };
        check(Form::Base64, r#""b64_json":"AA==""#);
        check(Form::Url, r#""url":"data:image/png;base64,AA==""#);
        check(Form::Both, r#""b64_json":"AA==","url":"data:image/png;base64,AA==""#);
        let untold = Made { usage: None, ..Made::default() };
        assert_eq!(answer(&untold, Form::Url, 3), br#"{"created":3,"data":[]}"#);
    }

    #[test]
    fn a_stream_is_an_event_for_each() {
        let events = String::from_utf8(events(Task::Edit, &made(), 3)).unwrap();
        let data = r#"data: {"type":"image_edit.completed","b64_json":"AA==","created_at":3,"size":"auto","quality":"auto","background":"auto","output_format":"png","usage":{"input_tokens":7,"#;
        assert!(events.starts_with(&format!("event: image_edit.completed\n{data}")), "{events}");
        assert!(events.ends_with("}\n\n"), "{events}");
    }
}
