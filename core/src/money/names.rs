//! Under which ids may a model be listed? Hosts, regions and versions decorate a model's name; each is taken off in turn.

use crate::provider::catalog::unversioned;

/// Who makes models, by the words that hosts put before their names, and where the catalogue lists them. Their prices are
/// the ones that hold where a host has none of its own, the first one first.
pub(super) const MAKERS: [(&str, &str); 26] = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("google", "google"),
    ("x-ai", "xai"),
    ("xai", "xai"),
    ("mistral", "mistral"),
    ("mistralai", "mistral"),
    ("deepseek", "deepseek"),
    ("deepseek-ai", "deepseek"),
    ("moonshotai", "moonshotai"),
    ("moonshot", "moonshotai"),
    ("alibaba", "alibaba"),
    ("qwen", "alibaba"),
    ("zai", "zai"),
    ("z-ai", "zai"),
    ("zai-org", "zai"),
    ("cohere", "cohere"),
    ("perplexity", "perplexity"),
    ("gemini", "google"),
    ("amazon", "amazon-bedrock"),
    ("meta", "groq"),
    ("meta-llama", "groq"),
    ("nvidia", "nvidia"),
    ("togetherai", "togetherai"),
    ("fireworks-ai", "fireworks-ai"),
    ("deepinfra", "deepinfra"),
];

/// Where Bedrock's inference profiles run.
const REGIONS: [&str; 9] = ["us", "eu", "apac", "global", "us-gov", "jp", "au", "ca", "sa"];

/// Names by which a cloud calls what its makers call otherwise.
const ALIASES: [(&str, &str); 2] = [("gpt-35", "gpt-3.5"), ("gpt-41", "gpt-4.1")];

/// A name without what a host puts before it.
pub(super) struct Name<'a> {
    /// The maker that the name tells, as the catalogue calls it.
    pub(super) maker: Option<&'static str>,
    /// The rest.
    pub(super) rest: &'a str,
}

/// Takes off folders (`openai/gpt-4o`, `models/gemini-2.5-pro`), regions and makers (`us.anthropic.claude-…`).
pub(super) fn bare(model: &str) -> Name<'_> {
    let mut maker = None;
    let mut rest = model;
    while let Some((folder, inner)) = rest.split_once('/') {
        maker = self::maker(folder).or(maker);
        rest = inner;
    }
    let unregioned = without_region(rest);
    if let Some((word, inner)) = unregioned.split_once('.')
        && let Some(found) = self::maker(word)
    {
        return Name { maker: Some(found), rest: inner };
    }
    Name { maker, rest: unregioned }
}

/// A name without the region of an inference profile.
pub(super) fn without_region(model: &str) -> &str {
    match model.split_once('.') {
        Some((region, rest)) if REGIONS.contains(&region) => rest,
        _ => model,
    }
}

fn maker(word: &str) -> Option<&'static str> {
    MAKERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, listed)| *listed)
}

/// The spellings under which a name may be listed, the likeliest first.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    let mut all = vec![name.to_owned()];
    let mut add = |text: String| {
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    };
    let plain = without_variant(&lower);
    let mut names = vec![lower.clone(), plain.to_owned()];
    names.extend(ALIASES.iter().filter_map(|(theirs, ours)| {
        plain.strip_prefix(theirs).map(|rest| format!("{ours}{rest}"))
    }));
    for name in names {
        let mut name = name.as_str();
        add(name.to_owned());
        // A preview of a version has both at its end.
        for _ in 0..2 {
            let Some(base) = unversioned(name) else { break };
            add(base.to_owned());
            name = base;
        }
        // Claude's numbers have a point in some places and a dash in others.
        add(name.replace('.', "-"));
        for end in ["-latest", "-preview", "-exp"] {
            add(format!("{name}{end}"));
        }
        for end in ["-preview", "-experimental", "-exp", "-it", "-instruct", "@default"] {
            if let Some(base) = name.strip_suffix(end) {
                add(base.to_owned());
            }
        }
    }
    all
}

/// A name without what Bedrock (`-v1:0`), fine-tuning (`ft:gpt-4o:org::id`) and routers (`:nitro`) put around it. What a
/// router gives for nothing stays what it is called.
fn without_variant(name: &str) -> &str {
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let name = match name.split_once(':') {
        Some((_, "free")) | None => name,
        Some((base, _)) => base,
    };
    let Some((base, version)) = name.rsplit_once("-v") else { return name };
    // DeepSeek's `-v3` is a model and no revision of one.
    if version == "1" || (version == "2" && base.contains("claude")) { base } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_put_before_a_name_is_taken_off() {
        for (model, maker, rest) in [
            ("gpt-4o", None, "gpt-4o"),
            ("openai/gpt-4o", Some("openai"), "gpt-4o"),
            ("x-ai/grok-4", Some("xai"), "grok-4"),
            ("models/gemini-2.5-pro", None, "gemini-2.5-pro"),
            ("publishers/google/models/gemini-2.5-pro", Some("google"), "gemini-2.5-pro"),
            ("us.anthropic.claude-sonnet-4-6", Some("anthropic"), "claude-sonnet-4-6"),
            ("bedrock/eu.amazon.nova-pro-v1:0", Some("amazon-bedrock"), "nova-pro-v1:0"),
            ("gpt-4.1", None, "gpt-4.1"),
            ("/", None, ""),
        ] {
            let name = bare(model);
            assert_eq!((name.maker, name.rest), (maker, rest), "{model}");
        }
    }

    #[test]
    fn a_version_is_one_of_several_spellings() {
        let has = |name, wanted: &str| {
            assert!(spellings(name).iter().any(|it| it == wanted), "{name} {:?}", spellings(name));
        };
        has("gpt-4o-2024-08-06", "gpt-4o");
        has("GPT-4o", "gpt-4o");
        has("claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5");
        has("claude-3.5-sonnet", "claude-3-5-sonnet");
        has("gpt-35-turbo-0125", "gpt-3.5-turbo");
        has("ft:gpt-4o-mini-2024-07-18:org::abc", "gpt-4o-mini");
        has("mistral-small", "mistral-small-latest");
        has("gemini-2.5-pro-preview", "gemini-2.5-pro");
        assert!(!spellings("deepseek-v3").iter().any(|it| it == "deepseek"));
        assert!(!spellings("llama:free").iter().any(|it| it == "llama"));
    }
}
