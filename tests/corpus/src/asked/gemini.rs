//! What does a request of Gemini ask?

use serde_json::{Map, Value, json};

use super::{Asked, Choice, Format, Side, Tool, chat};
use crate::oracle::{Arguments, items, text};

pub(super) fn read(request: &Value, asked: &mut Asked) {
    let request = &camel(request);
    let instructions = items(&request["systemInstruction"]["parts"]).iter();
    let instructions: Vec<&str> = instructions.map(|part| text(&part["text"])).collect();
    asked.instruct(&instructions.join("\n"));
    let single = [request["contents"].clone()];
    let contents = request["contents"].as_array().map_or(&single[..], Vec::as_slice);
    for content in contents {
        let side = if content["role"] == "model" { Side::Model } else { Side::Client };
        for part in items(&content["parts"]) {
            read_part(part, side, asked);
        }
    }
    let tools = request["tools"].as_array().cloned().unwrap_or_default();
    for tool in &tools {
        read_tool(tool, asked);
    }
    asked.choice = choice(&request["toolConfig"]["functionCallingConfig"]);
    read_config(&request["generationConfig"], asked);
    if request["cachedContent"].is_string() {
        asked.bind("cachedContent");
    }
    let known = [
        "model",
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "cachedContent",
    ];
    asked.leave(request, &known, "");
}

fn read_config(config: &Value, asked: &mut Asked) {
    for (name, field) in [
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("top_k", "topK"),
        ("seed", "seed"),
        ("presence_penalty", "presencePenalty"),
        ("frequency_penalty", "frequencyPenalty"),
        ("max_tokens", "maxOutputTokens"),
        ("stop", "stopSequences"),
        ("n", "candidateCount"),
    ] {
        asked.set(name, &config[field]);
    }
    if config["responseLogprobs"] == true {
        asked.set("logprobs", &Value::Bool(true));
    }
    let thinking = &config["thinkingConfig"];
    let level = &thinking["thinkingLevel"];
    let level = level.as_str().map_or(Value::Null, |level| json!(level.to_lowercase()));
    let budget = &thinking["thinkingBudget"];
    asked.set("reasoning_effort", if budget.is_null() { &level } else { budget });
    let schema = [&config["responseJsonSchema"], &config["responseSchema"]];
    let schema = schema.into_iter().find(|schema| schema.is_object());
    asked.format = match (schema, text(&config["responseMimeType"])) {
        (Some(schema), _) => Some(Format::Schema(schema.clone())),
        (None, "application/json") => Some(Format::Json),
        (None, _) => None,
    };
    for modality in items(&config["responseModalities"]) {
        if modality != "TEXT" {
            asked.bind("responseModalities");
        }
    }
    let known = [
        "temperature",
        "topP",
        "topK",
        "seed",
        "presencePenalty",
        "frequencyPenalty",
        "maxOutputTokens",
        "stopSequences",
        "candidateCount",
        "responseLogprobs",
        "logprobs",
        "thinkingConfig",
        "responseJsonSchema",
        "responseSchema",
        "responseMimeType",
    ];
    asked.leave(config, &known, "generationConfig.");
}

fn read_part(part: &Value, side: Side, asked: &mut Asked) {
    if part["thought"] == true {
        return;
    }
    asked.say(side, text(&part["text"]));
    let call = &part["functionCall"];
    if call.is_object() {
        let arguments = Arguments::of_object(&call["args"]);
        asked.call(text(&call["id"]), text(&call["name"]), &arguments);
    }
    let result = &part["functionResponse"];
    if result.is_object() {
        asked.answer(text(&result["id"]), text(&result["name"]), &result["response"]);
        for inner in items(&result["parts"]) {
            read_part(inner, side, asked);
        }
    }
    let data = &part["inlineData"];
    if data.is_object() {
        asked.show_held(side, text(&data["mimeType"]), text(&data["data"]));
        match text(&data["mimeType"]).split('/').next() {
            Some("image" | "text") => {}
            Some(kind @ ("audio" | "video")) => asked.bind(kind),
            _ => asked.bind("document"),
        }
    }
    let file = &part["fileData"];
    if file.is_object() {
        asked.show(side, format!("at {}", text(&file["fileUri"])));
        asked.bind("fileData");
    }
    for name in ["executableCode", "codeExecutionResult"] {
        if part[name].is_object() {
            asked.bind(name);
        }
    }
}

fn read_tool(tool: &Value, asked: &mut Asked) {
    for (name, value) in tool.as_object().into_iter().flatten() {
        match name.as_str() {
            _ if value.is_null() => {}
            "functionDeclarations" => asked.tools.extend(items(value).iter().map(function)),
            "googleSearch" | "googleSearchRetrieval" => asked.hosted.push("web_search".to_owned()),
            "codeExecution" => asked.hosted.push("run_code".to_owned()),
            other => asked.bind(other),
        }
    }
}

fn function(value: &Value) -> Tool {
    let schema = [&value["parametersJsonSchema"], &value["parameters"]];
    let schema = schema.into_iter().find(|schema| schema.is_object());
    Tool { schema: schema.cloned().unwrap_or_default(), ..chat::free_tool(value) }
}

fn choice(config: &Value) -> Option<Choice> {
    let names: Vec<String> =
        items(&config["allowedFunctionNames"]).iter().map(|name| text(name).to_owned()).collect();
    Some(match config["mode"].as_str()?.to_uppercase().as_str() {
        "NONE" => Choice::Never,
        "ANY" => match &names[..] {
            [] => Choice::Required,
            [only] => Choice::Only(only.clone()),
            _ => Choice::Among(names, true),
        },
        _ if !names.is_empty() => Choice::Among(names, false),
        _ => Choice::Auto,
    })
}

/// Both spellings are taken. What is the client's own, such as arguments and schemas, keeps its names.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let fields = object.iter().map(|(name, value)| {
                let name = camel_name(name);
                let own = ["args", "response", "parameters", "parametersJsonSchema"];
                let own = own.contains(&name.as_str()) || name.ends_with("Schema");
                let value = if own { value.clone() } else { camel(value) };
                (name, value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(camel).collect(),
        other => other.clone(),
    }
}

fn camel_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &head.into_iter().chain(letters).collect::<String>()
    })
}
