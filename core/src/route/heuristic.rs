//! Which rules of a group fit a request? Words, length, tools and pictures; nothing is asked and nothing is left to chance.

use memchr::memmem::Finder;

use super::{group::Rule, groups::Entry, look::Look, pick::Pick, reason::Why};

/// A word to look for, whatever the case of its letters.
#[derive(Clone)]
pub(crate) struct Keyword {
    word: String,
    finder: Finder<'static>,
}

impl Keyword {
    /// Makes a word ready.
    pub(crate) fn new(word: &str) -> Self {
        let finder = Finder::new(word.to_lowercase().as_bytes()).into_owned();
        Self { word: word.to_owned(), finder }
    }

    /// Whether it stands in a text in small letters, and is not a part of a longer word there.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let length = self.finder.needle().len();
        length > 0
            && self.finder.find_iter(text.as_bytes()).any(|at| {
                let (before, rest) = text.split_at(at);
                let (word, after) = rest.split_at(length);
                let ends = |a: Option<char>, b: Option<char>| !(joins(a) && joins(b));
                ends(before.chars().next_back(), word.chars().next())
                    && ends(word.chars().next_back(), after.chars().next())
            })
    }
}

/// Whether a character makes one word with its neighbours. Scripts that are written without spaces have no borders.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| c == '_' || (c.is_alphanumeric() && !('\u{2e80}'..='\u{ffdc}').contains(&c)))
}

/// The targets of the rules that fit, in the order of the rules, then the default, then the others.
pub(super) fn order(entry: &Entry, look: &Look<'_>) -> Vec<Pick> {
    let group = &entry.group;
    let at = |name: &str| group.targets.iter().position(|target| target.name == name);
    let mut picks = Vec::with_capacity(group.targets.len());
    for (number, rule) in group.rules.iter().enumerate() {
        let Some(because) = fits(rule, &entry.keywords[number], look) else { continue };
        let why = Why::Rule { number: number + 1, because };
        picks.extend(at(&rule.target).map(|at| Pick { at, why }));
    }
    let default = group.default_target.as_deref().and_then(at);
    picks.extend(default.map(|at| Pick { at, why: Why::Default }));
    picks.extend((0..group.targets.len()).map(|at| Pick { at, why: Why::Listed }));
    picks
}

/// What of a rule fits, if all of it does.
fn fits(rule: &Rule, keywords: &[Keyword], look: &Look<'_>) -> Option<String> {
    let mut because = Vec::new();
    if let Some(wanted) = rule.tools {
        if look.has_tools() != wanted {
            return None;
        }
        because.push(if wanted { "tools".to_owned() } else { "no tools".to_owned() });
    }
    if let Some(wanted) = rule.images {
        if look.has_images() != wanted {
            return None;
        }
        because.push(if wanted { "pictures".to_owned() } else { "no pictures".to_owned() });
    }
    if let Some(least) = rule.tokens_min {
        let tokens = look.size().input;
        if tokens < i64::from(least) {
            return None;
        }
        because.push(format!("about {tokens} tokens, at least {least}"));
    }
    if !keywords.is_empty() {
        let text = look.lowered();
        let found = keywords.iter().find(|keyword| keyword.is_in(text))?;
        because.push(format!("the keyword `{}`", found.word));
    }
    if because.is_empty() {
        because.push("it fits everything".to_owned());
    }
    Some(because.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_a_word_and_not_a_part_of_one() {
        let check = |word: &str, text: &str, expected: bool| {
            let found = Keyword::new(word).is_in(&text.to_lowercase());
            assert_eq!(found, expected, "{word} in {text}");
        };
        check("debug", "Please DEBUG this.", true);
        check("debug", "debugging", false);
        check("debug", "a predebug", false);
        check("debug", "debugging, then debug", true);
        check("debug", "(debug)", true);
        check("step by step", "Explain it Step by Step, please", true);
        check("prove", "improve", false);
        check("prove", "prove_it", false);
        check("```", "see:```rust\nfn", true);
        check("```", "see: ``", false);
        check("C++", "in c++ or c++17", true);
        check("c++", "abc++", false);
        check("größe", "Die GRÖSSE und die Größe", true);
        check("证明", "请证明这个", true);
        check("debug", "请debug一下", true);
        check("", "anything", false);
    }
}
