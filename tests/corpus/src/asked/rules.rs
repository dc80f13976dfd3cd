//! Which rules of its dialect does a request break, so that a provider would refuse it?

use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use crate::oracle::{items, text};

/// The first broken rule, in words.
pub(crate) fn broken(dialect: Dialect, request: &Map<String, Value>) -> Option<&'static str> {
    let request = Value::Object(request.clone());
    let rules = match dialect {
        Dialect::OpenAiChat => chat(&request),
        Dialect::OpenAiResponses => responses(&request),
        Dialect::Anthropic => anthropic(&request),
        Dialect::Gemini => gemini(&request),
        Dialect::Ollama => ollama(&request),
    };
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
}

/// Whether a rule holds, and the rule as it reads when it does not.
type Rules = Vec<(bool, &'static str)>;

fn chat(request: &Value) -> Rules {
    let mut rules = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for message in items(&request["messages"]) {
        let role = text(&message["role"]);
        if role == "tool" {
            let id = text(&message["tool_call_id"]);
            let found = open.iter().position(|known| *known == id);
            rules.push((found.is_some(), "a tool message answers no call"));
            found.map(|at| open.remove(at));
        } else {
            rules.push((open.is_empty(), "a call has no tool message"));
            open.clear();
        }
        for call in items(&message["tool_calls"]) {
            open.push(text(&call["id"]));
            let whole = call["type"].is_string() && !text(&call["id"]).is_empty();
            rules.push((whole, "a call has no type or id"));
            let function = &call["function"];
            let textual = function["arguments"].is_string() || call["custom"].is_object();
            rules.push((textual, "arguments are no text"));
        }
        let silent = message["content"].is_null() && items(&message["tool_calls"]).is_empty();
        rules.push((!silent, "a message has no content"));
    }
    rules.push((open.is_empty(), "a call has no tool message"));
    rules.push((!items(&request["messages"]).is_empty(), "there are no messages"));
    rules.extend(chat_tools(request));
    rules
}

fn chat_tools(request: &Value) -> Rules {
    let none = items(&request["tools"]).is_empty();
    let format = &request["response_format"]["json_schema"];
    vec![
        (!none || request["parallel_tool_calls"].is_null(), "parallel_tool_calls without tools"),
        (!none || request["tool_choice"].is_null(), "tool_choice without tools"),
        (format.is_null() || format["name"].is_string(), "the schema has no name"),
        (items(&request["stop"]).len() <= 4, "there are more than four stops"),
    ]
}

fn responses(request: &Value) -> Rules {
    let mut rules = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for item in items(&request["input"]) {
        let id = text(&item["call_id"]);
        match text(&item["type"]) {
            "function_call" | "custom_tool_call" => {
                rules.push((!id.is_empty() && id.len() <= 64, "a call_id is empty or too long"));
                open.push(id);
            }
            "function_call_output" | "custom_tool_call_output" => {
                let found = open.iter().position(|known| *known == id);
                rules.push((found.is_some(), "an output answers no call"));
                found.map(|at| open.remove(at));
            }
            _ => {}
        }
    }
    let max = &request["max_output_tokens"];
    rules.push((open.is_empty(), "a call has no output"));
    rules.push((max.as_u64().is_none_or(|max| max >= 16), "max_output_tokens is below 16"));
    let format = &request["text"]["format"];
    let named = format["type"] != "json_schema" || format["name"].is_string();
    rules.push((named, "the schema has no name"));
    let unknown = ["stop", "n", "seed", "messages", "max_tokens", "response_format"];
    let clean = unknown.iter().all(|name| request[*name].is_null());
    rules.push((clean, "there is a field of another dialect"));
    rules
}

fn anthropic(request: &Value) -> Rules {
    let messages = items(&request["messages"]);
    let mut rules = vec![
        (request["max_tokens"].is_u64(), "max_tokens is missing"),
        (messages.first().is_some_and(|first| first["role"] == "user"), "the first is no user"),
        (request["temperature"].as_f64().is_none_or(|heat| heat <= 1.0), "temperature above 1"),
    ];
    for (at, message) in messages.iter().enumerate() {
        let ids: Vec<&str> = blocks(message, "tool_use", "id");
        let legal = |id: &&str| {
            !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        rules.push((ids.iter().all(legal), "an id of a call has a forbidden character"));
        let texts = blocks(message, "text", "text");
        rules.push((texts.iter().all(|text| !text.trim().is_empty()), "a text is empty"));
        let Some(next) = messages.get(at + 1) else { continue };
        if message["role"] != "assistant" {
            continue;
        }
        let answered = blocks(next, "tool_result", "tool_use_id");
        let head = items(&next["content"]).iter().take(ids.len());
        let first = head.filter(|block| block["type"] == "tool_result").count();
        let all = ids.iter().all(|id| answered.contains(id)) && answered.len() == ids.len();
        rules.push((all && first == ids.len(), "results do not follow their calls at once"));
    }
    let budget = &request["thinking"]["budget_tokens"];
    let fits =
        budget.as_u64().is_none_or(|b| b >= 1_024 && Some(b) < request["max_tokens"].as_u64());
    rules.push((fits, "the budget does not fit into max_tokens"));
    let objects = items(&request["tools"])
        .iter()
        .all(|tool| tool["type"].is_string() || tool["input_schema"]["type"] == "object");
    rules.push((objects, "a tool has no schema of an object"));
    rules
}

/// A field of every block of one type.
fn blocks<'a>(message: &'a Value, kind: &str, field: &str) -> Vec<&'a str> {
    let blocks = items(&message["content"]).iter().filter(|block| block["type"] == kind);
    blocks.map(|block| text(&block[field])).collect()
}

fn gemini(request: &Value) -> Rules {
    let contents = items(&request["contents"]);
    let mut rules = vec![(!contents.is_empty(), "there are no contents")];
    for (at, content) in contents.iter().enumerate() {
        let known = matches!(text(&content["role"]), "user" | "model");
        rules.push((known, "a role is unknown"));
        rules.push((!items(&content["parts"]).is_empty(), "a content has no parts"));
        let calls = named(content, "functionCall");
        let objects = items(&content["parts"]).iter().all(|part| {
            let (call, result) = (&part["functionCall"], &part["functionResponse"]);
            (call.is_null() || call["args"].is_null() || call["args"].is_object())
                && (result.is_null() || result["response"].is_object())
        });
        rules.push((objects, "args or a response are no object"));
        let Some(next) = contents.get(at + 1).filter(|_| !calls.is_empty()) else { continue };
        let results = named(next, "functionResponse");
        rules.push((calls == results, "responses are not those of the calls, in order"));
    }
    let budget = &request["generationConfig"]["thinkingConfig"];
    let both = budget["thinkingBudget"].is_number() && budget["thinkingLevel"].is_string();
    rules.push((!both, "both a budget and a level"));
    let stops = items(&request["generationConfig"]["stopSequences"]).len();
    rules.push((stops <= 5, "there are more than five stops"));
    rules
}

fn named<'a>(content: &'a Value, kind: &str) -> Vec<&'a str> {
    let parts = items(&content["parts"]).iter().filter(|part| part[kind].is_object());
    parts.map(|part| text(&part[kind]["name"])).collect()
}

fn ollama(request: &Value) -> Rules {
    let messages = items(&request["messages"]);
    let calls = || messages.iter().flat_map(|message| items(&message["tool_calls"]));
    let images = || messages.iter().flat_map(|message| items(&message["images"]));
    vec![
        (messages.iter().all(|message| message["content"].is_string()), "a content is no text"),
        (calls().all(|call| call["function"]["arguments"].is_object()), "arguments are no object"),
        (images().all(|image| !text(image).contains(':')), "an image is not bare base64"),
        (request["stream"].is_boolean(), "stream is not told, and streams by default"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(dialect: Dialect, request: Value, expected: Option<&str>) {
        let Value::Object(request) = request else { panic!("a request is an object") };
        assert_eq!(broken(dialect, &request), expected, "{request:?}");
    }

    #[test]
    fn a_call_is_answered_at_once() {
        let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let answer = json!({"role": "tool", "tool_call_id": "a", "content": "x"});
        let user = json!({"role": "user", "content": "x"});
        let chat = Dialect::OpenAiChat;
        check(chat, json!({"messages": [user, call, answer]}), None);
        check(
            chat,
            json!({"messages": [user, call, user, answer]}),
            Some("a call has no tool message"),
        );
        check(chat, json!({"messages": [user, answer]}), Some("a tool message answers no call"));
        check(
            chat,
            json!({"messages": [user], "tool_choice": "auto"}),
            Some("tool_choice without tools"),
        );
        let (call, answer) = (
            json!({"type": "tool_use", "id": "a", "name": "f", "input": {}}),
            json!({"type": "tool_result", "tool_use_id": "a"}),
        );
        let (call, text) =
            (json!({"role": "assistant", "content": [call]}), json!({"type": "text", "text": "x"}));
        let with = |blocks: Value| json!({"max_tokens": 1, "messages": [user, call, {"role": "user", "content": blocks}]});
        check(Dialect::Anthropic, with(json!([answer, text])), None);
        check(
            Dialect::Anthropic,
            with(json!([text, answer])),
            Some("results do not follow their calls at once"),
        );
        check(
            Dialect::Anthropic,
            with(json!([text])),
            Some("results do not follow their calls at once"),
        );
    }

    #[test]
    fn what_a_provider_refuses_is_seen() {
        let user = json!({"role": "user", "content": "x"});
        check(Dialect::Anthropic, json!({"messages": [user]}), Some("max_tokens is missing"));
        check(
            Dialect::OpenAiResponses,
            json!({"input": "x", "stop": ["a"]}),
            Some("there is a field of another dialect"),
        );
        check(
            Dialect::OpenAiResponses,
            json!({"input": "x", "max_output_tokens": 3}),
            Some("max_output_tokens is below 16"),
        );
        check(
            Dialect::Gemini,
            json!({"contents": [{"role": "user", "parts": []}]}),
            Some("a content has no parts"),
        );
        let call = json!({"role": "model", "parts": [{"functionCall": {"name": "f"}}]});
        let answer = |name: &str| json!({"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}}}]});
        check(Dialect::Gemini, json!({"contents": [call, answer("f")]}), None);
        check(
            Dialect::Gemini,
            json!({"contents": [call, answer("g")]}),
            Some("responses are not those of the calls, in order"),
        );
        check(
            Dialect::Ollama,
            json!({"stream": false, "messages": [{"role": "user", "content": "", "images": ["data:a"]}]}),
            Some("an image is not bare base64"),
        );
    }
}
