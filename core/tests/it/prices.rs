//! Does every model that people come with have its price, under whatever name they ask for it?

use tidegate_core::money::Prices;

/// What a thousand tokens in and a thousand out may cost at most, or one picture of the dearest kind.
fn check(provider: &str, model: &str, nanos: i64) {
    assert_eq!(Prices::default().quote(provider, model, 1_000, 1_000), Some(nanos), "{model}");
}

#[test]
fn gpt_4o_has_its_price() {
    check("openai", "gpt-4o", 12_500_000);
}

#[test]
fn gpt_4o_of_a_day_has_its_price() {
    check("openai", "gpt-4o-2024-08-06", 12_500_000);
}

#[test]
fn gpt_4o_mini_has_its_price() {
    check("openai", "gpt-4o-mini", 750_000);
}

#[test]
fn gpt_5_has_its_price() {
    check("openai", "gpt-5", 11_250_000);
}

#[test]
fn gpt_5_4_has_its_price() {
    check("openai", "gpt-5.4", 17_500_000);
}

#[test]
fn gpt_5_4_mini_has_its_price() {
    check("openai", "gpt-5.4-mini", 5_250_000);
}

#[test]
fn gpt_5_4_nano_has_its_price() {
    check("openai", "gpt-5.4-nano", 1_450_000);
}

#[test]
fn o1_has_its_price() {
    check("openai", "o1", 75_000_000);
}

#[test]
fn o3_has_its_price() {
    check("openai", "o3", 10_000_000);
}

#[test]
fn o4_mini_has_its_price() {
    check("openai", "o4-mini", 5_500_000);
}

#[test]
fn gemini_2_0_flash_has_its_price() {
    check("gemini", "gemini-2.0-flash", 500_000);
}

#[test]
fn gemini_2_5_flash_has_its_price() {
    check("gemini", "gemini-2.5-flash", 2_800_000);
}

#[test]
fn gemini_2_5_pro_has_its_price() {
    check("gemini", "gemini-2.5-pro", 11_250_000);
}

#[test]
fn gemini_3_flash_has_its_price() {
    check("gemini", "gemini-3-flash-preview", 3_500_000);
}

#[test]
fn gemini_3_pro_has_its_price() {
    check("gemini", "gemini-3-pro-preview", 14_000_000);
}

#[test]
fn deepseek_chat_has_its_price() {
    check("deepseek", "deepseek-chat", 420_000);
}

#[test]
fn deepseek_reasoner_has_its_price() {
    check("deepseek", "deepseek-reasoner", 420_000);
}

#[test]
fn deepseek_v4_flash_has_its_price() {
    check("deepseek", "deepseek-v4-flash", 420_000);
}

#[test]
fn deepseek_v4_pro_has_its_price() {
    check("deepseek", "deepseek-v4-pro", 1_305_000);
}

#[test]
fn kimi_k2_5_has_its_price() {
    check("moonshot", "kimi-k2.5", 3_600_000);
}

#[test]
fn kimi_k2_6_has_its_price() {
    check("moonshot", "kimi-k2.6", 4_950_000);
}

#[test]
fn grok_3_has_its_price() {
    check("xai", "grok-3", 18_000_000);
}

#[test]
fn grok_4_has_its_price() {
    check("xai", "grok-4", 18_000_000);
}

#[test]
fn grok_4_3_has_its_price() {
    check("xai", "grok-4.3", 3_750_000);
}

#[test]
fn dall_e_2_has_its_price() {
    check("openai", "dall-e-2", 20_000_000);
}

#[test]
fn dall_e_3_has_its_price() {
    check("openai", "dall-e-3", 120_000_000);
}

#[test]
fn imagen_3_has_its_price() {
    check("gemini", "imagen-3.0-generate-001", 40_000_000);
}

#[test]
fn imagen_3_second_has_its_price() {
    check("gemini", "imagen-3.0-generate-002", 30_000_000);
}

#[test]
fn claude_sonnet_4_5_has_its_price() {
    check("anthropic", "claude-sonnet-4-5", 21_000_000);
}

#[test]
fn a_decorated_name_has_the_price_of_its_base() {
    for (provider, model, base) in [
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-4o:nitro", "gpt-4o"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("openrouter", "x-ai/grok-4", "grok-4"),
        ("mirror", "gpt-4o", "gpt-4o"),
        ("mirror", "GPT-4o-2024-08-06", "gpt-4o"),
        ("azure", "gpt-4o-2024-08-06", "gpt-4o"),
        ("azure", "our-gpt-4o-mini-eu", "gpt-4o-mini"),
        ("azure", "gpt-4o-prod", "gpt-4o"),
        ("azure", "prod_gpt-5.4-nano", "gpt-5.4-nano"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("amazon-bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("amazon-bedrock", "apac.anthropic.claude-sonnet-4-6-v1:0", "claude-sonnet-4-6"),
        ("amazon-bedrock", "bedrock/us.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("google-vertex", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("xai", "grok-4-0709", "grok-4"),
        ("xai", "grok-3-latest", "grok-3"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::abc", "gpt-4o-mini"),
        ("openai", "omni-moderation-latest", "omni-moderation"),
    ] {
        let prices = Prices::default();
        let of_base = prices.quote("mirror", base, 1_000, 1_000);
        assert!(of_base.is_some(), "{base}");
        assert_eq!(prices.quote(provider, model, 1_000, 1_000), of_base, "{provider} {model}");
    }
}

#[test]
fn what_nobody_knows_has_no_price() {
    let prices = Prices::default();
    for (provider, model) in [
        ("openai", ""),
        ("openai", "gpt-99"),
        ("openai", "*"),
        ("azure", "prod"),
        ("mirror", "our-gpt-4o-mini-eu"),
        ("", "/"),
    ] {
        assert_eq!(prices.quote(provider, model, 1_000, 1_000), None, "{provider} {model}");
    }
}
