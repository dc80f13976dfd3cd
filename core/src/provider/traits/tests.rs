//! The rules over the names of real models.

use super::*;
use crate::{
    dialect::traits::{Breakpoints, CallIds, Documents, MaxTokens, MustCall, Prefill, Seed},
    provider::{Host, Rotation, Source, builtin::BUILTIN},
};

/// A provider at its usual place, or at the place of `id:` where that is a URL.
fn provider(id: &str, dialect: Dialect) -> Provider {
    let url = match builtin::find(id) {
        Some(row) => row.base_url.unwrap_or("https://r.openai.azure.com/openai/v1"),
        None => id,
    };
    let host = Host::Url(url.to_owned());
    Provider {
        id: id.to_owned(),
        dialect,
        auth: crate::provider::Auth::usual(&host, dialect),
        host,
        api_version: None,
        keys: Vec::new(),
        rotation: Rotation::default(),
        models: Vec::new(),
        enabled: true,
        probe: false,
        source: Source::File,
    }
}

fn at(id: &str, model: &str) -> Traits {
    let dialect = builtin::find(id).map_or(Dialect::OpenAiChat, |row| row.dialect);
    of(&provider(id, dialect), model)
}

/// Checks one answer for models of a host, each written `host model`.
fn check<T: PartialEq + std::fmt::Debug>(
    question: impl Fn(&Traits) -> T,
    expected: &T,
    targets: &[&str],
) {
    for target in targets {
        let (host, model) = target.split_once(' ').unwrap();
        assert_eq!(question(&at(host, model)), *expected, "{target}");
    }
}

const ELSEWHERE: &str = "http://127.0.0.1:8000/v1";

#[test]
fn models_that_choose_their_words_themselves_take_no_temperature() {
    let refuses = [
        "openai gpt-5",
        "openai gpt-5-mini-2025-08-07",
        "openai gpt-5.4",
        "openai gpt-5.6-sol",
        "openai gpt-6-astra",
        "openai o1",
        "openai o3-mini",
        "openai o4-mini-2025-04-16",
        "azure gpt-5.1",
        "azure o3",
        "openrouter openai/gpt-5",
        "moonshot kimi-k2.5",
        "moonshot kimi-k2.6",
        "moonshot kimi-k2.7-code",
        "moonshot kimi-k3",
        "anthropic claude-opus-4-7",
        "anthropic claude-opus-4-8",
        "anthropic claude-sonnet-5",
        "anthropic claude-fable-5",
        "anthropic claude-opus-5-5",
        "anthropic claude-omega-9",
        "gemini gemini-3.6-flash",
    ];
    check(
        |traits| (traits.sampling, traits.penalties, traits.logprobs),
        &(false, false, false),
        &refuses,
    );
    let takes = [
        "openai gpt-4o",
        "openai gpt-4.1-mini",
        "openai gpt-4o-2024-08-06",
        "openai gpt-5-chat-latest",
        "openai gpt-5.3-chat-latest",
        "deepseek deepseek-chat",
        "deepseek deepseek-v4-pro",
        "moonshot kimi-k2-0905-preview",
        "moonshot moonshot-v1-8k",
        "xai grok-4.3",
        "mistral mistral-large-latest",
        "groq openai/gpt-oss-120b",
        "ollama llama3",
        "anthropic claude-3-5-sonnet-20241022",
        "anthropic claude-sonnet-4-20250514",
        "anthropic claude-haiku-4-5",
        "anthropic claude-opus-4-6",
        "gemini gemini-2.5-pro",
        "gemini gemini-3-flash-preview",
        "perplexity sonar",
    ];
    check(|traits| traits.sampling, &true, &takes);
    check(|traits| traits.sampling, &true, &[&format!("{ELSEWHERE} qwen3")]);
}

#[test]
fn the_field_for_the_most_tokens_is_the_one_that_the_host_knows() {
    let targets = [
        "openai gpt-4o",
        "openai o3",
        "azure gpt-4.1",
        "xai grok-4.3",
        "moonshot kimi-k2.6",
        "groq llama-3.3-70b-versatile",
        "cerebras gpt-oss-120b",
    ];
    check(|traits| traits.max_tokens, &MaxTokens::Completion, &targets);
    let targets = [
        "mistral mistral-small-latest",
        "ollama llama3",
        "together openai/gpt-oss-20b",
        "fireworks accounts/fireworks/models/kimi-k2p6",
        "deepseek deepseek-chat",
        "perplexity sonar-pro",
        "openrouter anthropic/claude-haiku-4.5",
        "openrouter openai/o4-mini",
        "azure grok-4-1-fast-non-reasoning",
        "http://127.0.0.1:8000/v1 qwen3",
    ];
    check(|traits| traits.max_tokens, &MaxTokens::Plain, &targets);
}

#[test]
fn the_newest_fields_are_known_to_their_maker() {
    let targets = ["openai gpt-4o", "openai gpt-5.4", "azure gpt-4o", "azure my-deployment"];
    check(|traits| traits.native, &true, &targets);
    let targets = [
        "azure grok-4-1-fast-reasoning",
        "azure deepseek-v3.2",
        "xai grok-4.3",
        "groq openai/gpt-oss-20b",
        "openrouter openai/gpt-5.2",
        "http://127.0.0.1:8000/v1 gpt-4o",
        "mistral mistral-medium-2604",
    ];
    check(|traits| traits.native, &false, &targets);
    let responses = of(&provider("openai", Dialect::OpenAiResponses), "gpt-5.4");
    assert!(responses.native && !responses.sampling);
}

#[test]
fn models_think_as_they_can_be_told() {
    let thinking = |traits: &Traits| traits.thinking;
    let targets = [
        "openai gpt-5",
        "openai o3",
        "openai gpt-6-sol",
        "xai grok-4.3",
        "xai grok-4.6",
        "deepseek deepseek-v4-flash",
        "deepseek deepseek-flash",
        "moonshot kimi-k3",
        "mistral mistral-small-latest",
        "groq openai/gpt-oss-120b",
        "groq qwen/qwen3-32b",
        "cerebras gpt-oss-120b",
        "fireworks accounts/fireworks/models/glm-5p1",
        "together openai/gpt-oss-120b",
        "openrouter anthropic/claude-haiku-4.5",
        "anthropic claude-opus-4-6",
        "anthropic claude-sonnet-4-6",
        "anthropic claude-opus-4-8",
        "anthropic claude-fable-5",
        "anthropic claude-sonnet-5-5",
        "gemini gemini-3-pro-preview",
        "gemini gemini-3.5-flash",
        "gemini gemini-3.8-flash",
        "http://127.0.0.1:8000/v1 gpt-oss-20b",
    ];
    check(thinking, &Thinking::Degree, &targets);
    check(thinking, &Thinking::Switch, &["moonshot kimi-k2.5", "moonshot kimi-k2.6"]);
    let targets = [
        "openai gpt-4o",
        "openai gpt-4.1-nano",
        "openai gpt-5-chat-latest",
        "deepseek deepseek-chat",
        "moonshot kimi-k2.7-code",
        "moonshot kimi-k2-thinking",
        "moonshot moonshot-v1-auto",
        "xai grok-4.20-0309-reasoning",
        "xai grok-4",
        "xai grok-3",
        "mistral mistral-large-latest",
        "mistral magistral-medium-latest",
        "groq llama-3.1-8b-instant",
        "perplexity sonar",
        "gemini gemini-2.0-flash",
        "gemini gemini-2.5-flash-image",
        "gemini gemma-4-31b-it",
        "together zai-org/GLM-5",
        "anthropic claude-3-5-sonnet-20241022",
    ];
    check(thinking, &Thinking::Untold, &targets);
    let budget = |min, max| Thinking::Budget { min, max };
    check(thinking, &budget(128, 32_768), &["gemini gemini-2.5-pro", "gemini gemini-2.5-pro-002"]);
    check(
        thinking,
        &budget(0, 24_576),
        &["gemini gemini-2.5-flash", "gemini gemini-2.5-flash-lite"],
    );
    let targets = [
        "anthropic claude-3-7-sonnet-20250219",
        "anthropic claude-sonnet-4-0",
        "anthropic claude-opus-4-1-20250805",
        "anthropic claude-opus-4-20250514",
        "anthropic claude-opus-4-5",
        "anthropic claude-haiku-4-5-20251001",
    ];
    check(thinking, &budget(1_024, u64::MAX), &targets);
}

#[test]
fn an_effort_is_said_in_a_word_that_the_model_knows() {
    for (target, expected) in [
        ("openai gpt-5", "minimal minimal low medium high high high"),
        ("openai gpt-5.1", "none low low medium high high high"),
        ("openai gpt-5.4", "none low low medium high xhigh xhigh"),
        ("openai gpt-5-pro", "high high high high high high high"),
        ("openai o3", "low low low medium high high high"),
        ("openai gpt-5.6", "none low low medium high xhigh max"),
        ("openai gpt-6-astra", "low low low medium high xhigh max"),
        ("deepseek deepseek-reasoner", "low low low high high max max"),
        ("deepseek deepseek-v4-pro", "low low low high high max max"),
        ("moonshot kimi-k3", "low low low high high max max"),
        ("mistral mistral-medium-2604", "none high high high high high high"),
        ("groq openai/gpt-oss-20b", "low low low medium high high high"),
        ("groq qwen/qwen3-32b", "none - - - - - -"),
        ("xai grok-4.3", "none low low medium high high high"),
        ("gemini gemini-3-pro-preview", "low low low high high high high"),
        ("gemini gemini-3-flash-preview", "minimal minimal low medium high high high"),
        ("gemini gemini-3.8-flash", "low low low medium high high high"),
        ("anthropic claude-opus-4-6", "low low low medium high max max"),
        ("anthropic claude-opus-4-8", "low low low medium high xhigh max"),
        ("openrouter openai/o3", "none minimal low medium high xhigh max"),
        ("http://127.0.0.1:8000/v1 qwen3", "none low low medium high high high"),
    ] {
        let (host, model) = target.split_once(' ').unwrap();
        let traits = at(host, model);
        let words = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        let said = words.map(|word| traits.degree(Effort::from_word(word).unwrap()).unwrap_or("-"));
        assert_eq!(said.join(" "), expected, "{target}");
    }
}

#[test]
fn thoughts_go_back_where_they_are_wanted() {
    let back = |traits: &Traits| traits.thoughts_back;
    let targets = [
        "deepseek deepseek-v4-pro",
        "deepseek deepseek-v4-flash",
        "deepseek deepseek-reasoner",
        "azure deepseek-v3.2",
        "together deepseek-ai/DeepSeek-V4-Pro",
        "fireworks accounts/fireworks/models/deepseek-v4-flash",
        "http://127.0.0.1:8000/v1 deepseek-ai/DeepSeek-V3.2",
    ];
    check(back, &ThoughtsBack::Always, &targets);
    let targets = [
        "together deepseek-ai/DeepSeek-R1",
        "azure deepseek-r1-0528",
        "ollama deepseek-r1:8b",
        "deepseek deepseek-chat",
        "openai gpt-5",
        "mistral magistral-small",
        "groq qwen/qwen3-32b",
    ];
    check(back, &ThoughtsBack::Never, &targets);
    let targets = [
        "moonshot kimi-k2.6",
        "moonshot kimi-k2-thinking",
        "moonshot kimi-k3",
        "together zai-org/GLM-5.2",
        "fireworks accounts/fireworks/models/minimax-m3",
    ];
    check(back, &ThoughtsBack::Field, &targets);
}

#[test]
fn an_answer_is_held_to_a_schema_as_the_target_can() {
    let structured = |traits: &Traits| traits.structured;
    let targets = [
        "deepseek deepseek-chat",
        "deepseek deepseek-v4-pro",
        "openai gpt-4-turbo",
        "openai gpt-3.5-turbo",
        "groq llama-3.3-70b-versatile",
        "groq some-other-model",
    ];
    check(structured, &Structured::AnyJson, &targets);
    let targets = [
        "openai gpt-4o",
        "openai gpt-5.4-nano",
        "groq openai/gpt-oss-20b",
        "xai grok-4.3",
        "mistral mistral-large-latest",
        "moonshot kimi-k2.6",
        "ollama llama3",
        "perplexity sonar",
        "gemini gemini-2.5-flash",
        "anthropic claude-haiku-4-5",
        "anthropic claude-opus-4-8",
        "together deepseek-ai/DeepSeek-V4-Pro",
    ];
    check(structured, &Structured::Schema, &targets);
    let targets = [
        "anthropic claude-3-5-sonnet-20241022",
        "anthropic claude-sonnet-4-0",
        "anthropic claude-opus-4-1",
        "anthropic claude-3-7-sonnet-20250219",
    ];
    check(structured, &Structured::ForcedTool, &targets);
    check(
        |traits| traits.json_schema,
        &false,
        &["gemini gemini-2.0-flash", "gemini gemini-1.5-pro"],
    );
    check(
        |traits| traits.json_schema,
        &true,
        &["gemini gemini-2.5-pro", "gemini gemini-3.5-flash"],
    );
}

#[test]
fn each_generation_of_claude_takes_what_it_takes() {
    for (model, forced, switch, late) in [
        ("claude-3-haiku-20240307", true, false, false),
        ("claude-sonnet-4-5-20250929", true, false, false),
        ("claude-opus-4-6", true, true, false),
        ("claude-opus-4-7", true, true, false),
        ("claude-opus-4-8", true, true, true),
        ("claude-sonnet-5", true, true, true),
        ("claude-fable-5", true, false, true),
        ("claude-fable-5-1", false, false, true),
        ("claude-opus-5-5", false, false, true),
        ("claude-haiku-5-5", true, true, true),
        ("anthropic.claude-opus-4-8-v1:0", true, true, true),
        ("claude-omega-9", false, false, true),
    ] {
        let traits = at("anthropic", model);
        let found = (traits.forced_tools, traits.switch, traits.late_system);
        assert_eq!(found, (forced, switch, late), "{model}");
    }
    let other = of(&provider("deepseek", Dialect::Anthropic), "deepseek-v4-pro");
    assert_eq!(other.thinking, Thinking::Budget { min: 1_024, max: u64::MAX });
    assert_eq!(other.structured, Structured::ForcedTool);
    assert_eq!(at("anthropic", "claude-opus-4-8").output_max, Some(128_000));
    assert_eq!(at("anthropic", "claude-3-haiku-20240307").output_max, Some(4_096));
}

#[test]
fn hosts_have_ways_of_their_own() {
    let mistral = at("mistral", "mistral-small-latest");
    assert_eq!((mistral.seed, mistral.must_call), (Seed::Random, MustCall::Any));
    assert_eq!((mistral.call_ids, mistral.prefill), (CallIds::Nine, Prefill::Prefix));
    let kimi = at("moonshot", "kimi-k2.6");
    assert_eq!((kimi.prefill, kimi.output_usual), (Prefill::Partial, Some(32_768)));
    check(
        |traits| traits.forced_tools,
        &false,
        &[
            "moonshot kimi-k2.5",
            "moonshot kimi-k2.7-code",
            "deepseek deepseek-v4-flash",
            "ollama llama3",
        ],
    );
    check(|traits| traits.forced_tools, &true, &["moonshot kimi-k2-0905-preview", "openai gpt-4o"]);
    check(|traits| traits.tools, &false, &["perplexity sonar", "perplexity sonar-reasoning-pro"]);
    let whole = |traits: &Traits| (traits.stop, traits.penalties);
    check(whole, &(false, false), &["xai grok-4.3", "xai grok-4.20-0309-reasoning", "openai o3"]);
    check(whole, &(true, true), &["xai grok-4.20-0309-non-reasoning", "openai gpt-4o"]);
    check(
        |traits| traits.answers,
        &false,
        &["groq llama-3.1-8b-instant", "deepseek deepseek-chat"],
    );
    check(|traits| traits.media_urls, &false, &["ollama llava", "moonshot kimi-k2.6"]);
    check(|traits| traits.media_urls, &true, &["openai gpt-4o", "mistral pixtral-12b"]);
    let shown = |traits: &Traits| traits.documents;
    check(shown, &Documents::Url, &["mistral mistral-large-latest"]);
    check(shown, &Documents::File, &["openai gpt-4o"]);
    check(|traits| traits.media_urls, &true, &["anthropic claude-opus-4-1", "anthropic claude-x"]);
    check(|traits| traits.media_urls, &true, &["gemini gemini-2.5-pro"]);
    let told = |traits: &Traits| traits.breakpoints;
    check(told, &Breakpoints::CacheControl, &["openrouter anthropic/claude-haiku-4.5"]);
    check(told, &Breakpoints::PromptCache, &["openai gpt-5.6", "openai gpt-6-sol"]);
    check(told, &Breakpoints::Untold, &["openai gpt-5.5", "groq openai/gpt-oss-20b"]);
    let native = of(&provider("http://gpu:11434", Dialect::Ollama), "gpt-oss:20b");
    assert!(!native.media_urls && native.thinking == Thinking::Degree);
}

/// The models that the systems before this one name, each at the provider that they have it at.
#[test]
fn the_models_of_the_seeds_are_known() {
    for (id, model) in [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "gpt-5.4"),
        ("openai", "gpt-5.4-mini"),
        ("openai", "gpt-5.4-nano"),
        ("openai", "o1"),
        ("openai", "o3"),
        ("openai", "o4-mini"),
        ("gemini", "gemini-2.0-flash"),
        ("gemini", "gemini-2.5-pro"),
        ("gemini", "gemini-3-flash-preview"),
        ("deepseek", "deepseek-chat"),
        ("deepseek", "deepseek-reasoner"),
        ("deepseek", "deepseek-v4-flash"),
        ("deepseek", "deepseek-v4-pro"),
        ("moonshot", "kimi-k2.6"),
        ("xai", "grok-4.3"),
    ] {
        let row = builtin::find(id).unwrap();
        let known = catalog::find(row.catalog.unwrap(), model).unwrap();
        assert_eq!(at(id, model).output_max, known.output_max, "{id} {model}");
    }
    for (id, model) in [
        ("openai", "gpt-5"),
        ("xai", "grok-3"),
        ("xai", "grok-4"),
        ("ollama", "llama3"),
        ("gemini", "imagen-3.0-generate-001"),
        ("ollama", "mistral"),
        ("ollama", "gemma2"),
    ] {
        assert!(BUILTIN.iter().any(|row| row.id == id), "{id}");
        assert_ne!(at(id, model).thinking, Thinking::Switch, "{id} {model}");
    }
}

#[test]
fn every_model_of_the_catalogue_has_traits_that_agree_with_it() {
    use catalog::Capability;
    let mut count = 0;
    for row in BUILTIN.iter().filter(|row| row.catalog.is_some()) {
        let provider = provider(row.id, row.dialect);
        for model in catalog::models(row.catalog.unwrap()) {
            let traits = of(&provider, model.id);
            let has = |capability| model.capabilities.has(capability);
            assert_eq!(traits.output_max, model.output_max, "{}", model.id);
            if has(Capability::Temperature) == Some(false) {
                assert!(!traits.sampling, "{}", model.id);
            }
            if has(Capability::Reasoning) == Some(false) && row.id != "azure" {
                assert_eq!(traits.thinking, Thinking::Untold, "{} {}", row.id, model.id);
            }
            if let Thinking::Budget { min, max } = traits.thinking {
                assert!(min < max, "{}", model.id);
            }
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}
