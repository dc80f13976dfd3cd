//! Does a file that uses what the documentation describes come in as it is meant?

use serde_json::{Value, json};

use super::{super::yaml::parse, *};

const FILE: &str = r#"
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://acme.openai.azure.com/
      api_key: os.environ/AZURE_API_KEY_EU
      api_version: "2024-06-01"
      rpm: 6
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-first
      rpm: 12
    model_info:
      input_cost_per_token: 0.0000025
      output_cost_per_token: 0.00001
  - model_name: gpt-4o-mini
    litellm_params: { model: gpt-4o-mini, api_key: sk-second }
  - model_name: Claude/Best
    litellm_params: { model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY }
  - model_name: "openai/*"
    litellm_params: { model: "openai/*", api_key: sk-first }
  - model_name: bedrock
    litellm_params: { model: bedrock/anthropic.claude }
  - model_name: missing
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/NOT_SET }
litellm_settings:
  drop_params: true
  default_fallbacks: [gpt-4o-mini]
router_settings:
  routing_strategy: least-busy
  fallbacks: [{ gpt-4o: [Claude/Best, gpt-4o-mini] }]
  context_window_fallbacks: [{ gpt-4o-mini: [gpt-4o] }]
  model_group_alias: { gpt-4: gpt-4o, hidden-one: { model: gpt-4o-mini, hidden: true }, lost: nothing }
general_settings:
  master_key: sk-1234
"#;

fn found() -> Found {
    let variables = |name: &str| match name {
        "AZURE_API_KEY_EU" => Some("azure-eu".to_owned()),
        "ANTHROPIC_API_KEY" => Some("sk-ant-1".to_owned()),
        _ => None,
    };
    read(&parse(FILE).unwrap(), &variables).unwrap()
}

fn put(found: &Found, wanted: &str) -> Value {
    let body = found.wishes.iter().find_map(|wish| match wish {
        Wish::Put { path, body, .. } if path == wanted => Some(body.clone()),
        _ => None,
    });
    body.unwrap_or_else(|| panic!("nothing is put at {wanted}"))
}

fn keys(found: &Found, wanted: &str) -> Vec<(String, Value)> {
    let keys = found.wishes.iter().find_map(|wish| match wish {
        Wish::Keys { id, keys, .. } if id == wanted => Some(keys),
        _ => None,
    });
    let told = |key: &Key| (key.secret.expose().to_owned(), key.said.clone());
    keys.unwrap_or_else(|| panic!("{wanted} has no keys")).iter().map(told).collect()
}

#[test]
fn places_become_providers_with_their_keys() {
    let found = found();
    assert_eq!(
        put(&found, "/api/providers/azure-acme"),
        json!({
            "dialect": "openai_chat",
            "base_url": "https://acme.openai.azure.com/openai/deployments/{model}",
            "auth": "api-key", "api_version": "2024-06-01", "models": ["gpt-4o-eu"],
        })
    );
    assert_eq!(keys(&found, "azure-acme"), [("azure-eu".to_owned(), json!({ "rpm": 6 }))]);
    assert_eq!(
        put(&found, "/api/providers/openai"),
        json!({ "dialect": "openai_chat", "base_url": "https://api.openai.com/v1" })
    );
    // The first is used for any model; the second for its own.
    assert_eq!(
        keys(&found, "openai"),
        [
            ("sk-first".to_owned(), json!({})),
            ("sk-second".to_owned(), json!({ "models": ["gpt-4o-mini"] })),
        ]
    );
    assert_eq!(keys(&found, "anthropic"), [("sk-ant-1".to_owned(), json!({}))]);
    assert_eq!(
        put(&found, "/api/models/openai/gpt-4o"),
        json!({ "price": { "input": "2.5", "output": "10" } })
    );
}

#[test]
fn names_become_groups_with_their_fallbacks_and_aliases() {
    let found = found();
    assert_eq!(
        put(&found, "/api/groups/gpt-4o"),
        json!({
            "strategy": "weighted",
            "targets": [
                { "name": "azure-acme/gpt-4o-eu", "weight": 6 },
                { "name": "openai/gpt-4o", "weight": 12 },
            ],
            "fallbacks": ["claude-best", "gpt-4o-mini"],
            "aliases": ["gpt-4"],
        })
    );
    let mini = put(&found, "/api/groups/gpt-4o-mini");
    assert_eq!(
        (&mini["context_fallbacks"], &mini["fallbacks"]),
        (&json!(["gpt-4o"]), &Value::Null)
    );
    assert_eq!(mini["aliases"], json!(["hidden-one"]));
    let claude = put(&found, "/api/groups/claude-best");
    assert_eq!(claude["aliases"], json!(["Claude/Best"]));
    assert_eq!(claude["fallbacks"], json!(["gpt-4o-mini"]));
}

#[test]
fn what_does_not_come_is_told_without_a_secret() {
    let told = found().left.join("\n");
    for part in [
        "entry 6 of model_list (bedrock): providers called `bedrock` are not known here.",
        "the variable NOT_SET",
        "`openai/*`",
        "the alias `lost`",
        "`hidden-one` is hidden",
        "routing_strategy `least-busy` in part",
        "litellm_settings.drop_params",
        "general_settings.master_key",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("sk-"), "{told}");
}

#[test]
fn what_is_no_such_file_is_refused() {
    assert!(read(&json!({ "models": [] }), &|_| None).is_err());
    assert!(parse("a: [1").unwrap_err().contains("YAML"));
}
