//! Which word did the writer mean? The nearest of the words that are known here.

/// Longer words are not compared.
const WORD_BYTES_MAX: usize = 40;

/// The end of a sentence about an unknown word: ``; did you mean `keys`?``, or nothing.
pub(super) fn did_you_mean(word: &str, candidates: &[&'static str]) -> String {
    if candidates.len() < 2 {
        // The sentence has named the only one.
        return String::new();
    }
    nearest(word, candidates).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

/// The candidate that differs from `word` by the fewest typing errors, if they are few for its length.
fn nearest(word: &str, candidates: &[&'static str]) -> Option<&'static str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    let distance = |candidate: &&'static str| typing_errors(word.as_bytes(), candidate.as_bytes());
    let best = candidates.iter().copied().min_by_key(distance)?;
    (distance(&best) <= (best.len().max(word.len()) / 3).max(1)).then_some(best)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn typing_errors(from: &[u8], to: &[u8]) -> usize {
    let mut row_before_last: Vec<usize> = Vec::new();
    let mut last_row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = last_row[j] + usize::from(a != b);
            let mut least = changed.min(last_row[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(row_before_last[j - 1] + 1);
            }
            row.push(least);
        }
        row_before_last = std::mem::replace(&mut last_row, row);
    }
    last_row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = ["id", "dialect", "base_url", "keys", "models", "enabled"];

    #[test]
    fn a_typing_error_finds_its_word() {
        for (typed, meant) in [
            ("basse_url", "base_url"),
            ("baseurl", "base_url"),
            ("base-url", "base_url"),
            ("BASE_URL", "base_url"),
            ("dialetc", "dialect"),
            ("key", "keys"),
            ("model", "models"),
            ("enable", "enabled"),
        ] {
            assert_eq!(nearest(typed, &KEYS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_strange_word_finds_nothing() {
        for typed in ["", "weight", "zzzzzzzz", &"x".repeat(100)] {
            assert_eq!(nearest(typed, &KEYS), None, "{typed}");
        }
    }
}
