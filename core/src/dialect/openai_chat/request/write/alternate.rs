//! How are messages said to a host where user and model speak in turns, and instructions come first?

use std::borrow::Cow;

use super::{
    parts::PartOut,
    turns::{Content, Message},
};

/// The same messages, in which no two of the user follow each other. Instructions that come late become words of the
/// user, in tags that say what they are.
pub(super) fn alternate(messages: Vec<Message<'_>>) -> Vec<Message<'_>> {
    let mut out: Vec<Message<'_>> = Vec::with_capacity(messages.len());
    for mut message in messages {
        if message.role == "system" && out.iter().any(|before| before.role != "system") {
            message.role = "user";
            message.content = tagged(message.content);
        }
        match out.last_mut() {
            Some(before) if before.role == message.role && merges(message.role) => {
                let first = std::mem::take(&mut before.content);
                before.content = joined(first, message.content);
            }
            Some(_) | None => out.push(message),
        }
    }
    out
}

fn merges(role: &str) -> bool {
    matches!(role, "system" | "user")
}

fn tagged(content: Content<'_>) -> Content<'_> {
    match content {
        Content::Text(text) => Content::Text(format!("<system>{text}</system>").into()),
        other => other,
    }
}

fn joined<'a>(first: Content<'a>, second: Content<'a>) -> Content<'a> {
    match (first, second) {
        (Content::Text(first), Content::Text(second)) => {
            Content::Text(Cow::Owned(format!("{first}\n\n{second}")))
        }
        (first, second) => Content::Parts(parts(first).into_iter().chain(parts(second)).collect()),
    }
}

fn parts(content: Content<'_>) -> Vec<PartOut<'_>> {
    match content {
        Content::Absent | Content::Null(()) => Vec::new(),
        Content::Text(text) => vec![PartOut::text(text)],
        Content::Parts(parts) => parts,
    }
}
