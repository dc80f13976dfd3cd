//! What may people call a client or a team? One short line: databases and logs keep it as it is.

use crate::{
    error::{Error, Result},
    limits::NAME_BYTES_MAX,
};

/// The name without the white space around it. `word` is what bears it.
pub(crate) fn named(word: &str, text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        let message = format!(
            "A {word} has a name of 1 to {NAME_BYTES_MAX} bytes without control characters."
        );
        return Err(Error::bad_request(message).at("name"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        let check = |text: &str, name: Option<&str>| {
            assert_eq!(named("client", text).ok().as_deref(), name, "{text:?}");
        };
        check(" Anna's laptop ", Some("Anna's laptop"));
        check("日本", Some("日本"));
        check(&"n".repeat(200), Some(&"n".repeat(200)));
        for wrong in ["", " \n", "a\0b", "a\nb", "\u{7f}", &"n".repeat(201)] {
            check(wrong, None);
        }
    }
}
