//! Of which quality and size are the pictures that a request asks for, where they are paid by the piece?

use serde::Deserialize;

/// The longest word that is a quality or a size.
const WORD_BYTES_MAX: usize = 31;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    quality: Option<String>,
    size: Option<String>,
}

/// Such as `hd/1024x1792`; what is not said is as it is usually made.
pub(crate) fn grade(body: &[u8]) -> String {
    let asked: Asked = serde_json::from_slice(body).unwrap_or_default();
    let word = |told: Option<String>, usual: &str| {
        told.filter(|word| word.len() <= WORD_BYTES_MAX && word != "auto")
            .unwrap_or_else(|| usual.to_owned())
    };
    format!("{}/{}", word(asked.quality, "standard"), word(asked.size, "1024x1024"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_usual() {
        for (body, expected) in [
            (r#"{"model":"dall-e-3","quality":"hd","size":"1024x1792"}"#, "hd/1024x1792"),
            (r#"{"size":"256x256"}"#, "standard/256x256"),
            (r#"{"quality":"auto","size":"auto"}"#, "standard/1024x1024"),
            (r#"{"size":7}"#, "standard/1024x1024"),
            ("--form", "standard/1024x1024"),
        ] {
            assert_eq!(grade(body.as_bytes()), expected, "{body}");
        }
        let long = format!(r#"{{"size":"{}"}}"#, "x".repeat(100));
        assert_eq!(grade(long.as_bytes()), "standard/1024x1024");
    }
}
