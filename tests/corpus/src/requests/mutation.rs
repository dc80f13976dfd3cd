//! Would the judge see it if a field were left out? One piece is taken out of each request that crossed whole.

use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use super::{Crossing, ask, crossing, fields::Told};
use crate::{
    asked::Choice,
    canned,
    frames::Dice,
    oracle::{items, text},
    recording::Exchange,
    tally::{Check, Failure, Verdict},
    world::Outcome,
};

/// Takes one piece out of the request of one exchange for each other dialect.
pub(crate) fn judge(exchange: &Exchange) -> Vec<Verdict> {
    let (Some(request), Some(_)) = (&exchange.request, &exchange.answer) else { return Vec::new() };
    if exchange.dialect == Dialect::Ollama {
        return Vec::new();
    }
    let others = Dialect::ALL.into_iter().filter(|provider| *provider != exchange.dialect);
    others.filter_map(|provider| mutate(exchange, request, provider)).collect()
}

/// `None` when the request did not cross whole, or holds nothing that counts.
fn mutate(exchange: &Exchange, request: &Map<String, Value>, provider: Dialect) -> Option<Verdict> {
    let crossing = crossing(exchange, request, provider);
    let answer = canned::answer(provider, crossing.stream);
    let outcome = ask(&crossing, request, answer).ok().filter(|outcome| outcome.status == 200)?;
    if !crossing.judge(&outcome).is_empty() {
        return None;
    }
    let mut got: Value = serde_json::from_slice(outcome.asked.as_deref()?).ok()?;
    let places = crossing.places(&got, &Told(&outcome.dropped));
    let mut dice = Dice::new(&format!("{} {}", exchange.id, provider.name()));
    let place = places.get(dice.up_to(places.len().checked_sub(1)?))?;
    take_out(&mut got, place)?;
    let mutated = Outcome { asked: Some(got.to_string().into()), ..outcome };
    let unseen = crossing.judge(&mutated).is_empty();
    let failure = || Failure::new(format!("`{}` is not missed", kind(place)), place.clone());
    Some(Verdict {
        check: Check::Mutations,
        pair: format!("{}>{} request", exchange.dialect.name(), provider.name()),
        id: exchange.id.clone(),
        failures: unseen.then(failure).into_iter().collect(),
        refused: None,
    })
}

/// The place without the numbers in it.
fn kind(place: &str) -> String {
    let names = place.split('/').filter(|step| step.parse::<usize>().is_err());
    names.collect::<Vec<_>>().join("/")
}

fn take_out(value: &mut Value, place: &str) -> Option<Value> {
    let (parent, name) = place.rsplit_once('/')?;
    match value.pointer_mut(parent)? {
        Value::Object(object) => object.remove(name),
        Value::Array(list) => {
            name.parse().ok().filter(|at| *at < list.len()).map(|at: usize| list.remove(at))
        }
        _ => None,
    }
}

impl Crossing {
    /// Places of the provider's request that hold what the client said.
    fn places(&self, got: &Value, told: &Told<'_>) -> Vec<String> {
        let mut places = Vec::new();
        for (name, place) in named(self.provider) {
            let said = self.source.fields.get(name);
            let counts = said.is_some_and(|was| !self.kept(name, was, &Value::Null));
            if counts && !told.names(name) {
                places.push((*place).to_owned());
            }
        }
        let spoken = Spoken::of(self.provider);
        if !self.source.system.is_empty() {
            places.extend(spoken.system.map(str::to_owned));
        }
        if self.source.format.is_some() && !told.names("response_format") {
            places.extend(spoken.format.iter().map(|place| (*place).to_owned()));
        }
        let chosen = !matches!(self.source.choice, None | Some(Choice::Auto));
        if chosen && !told.names("tool_choice") && !self.source.tools.is_empty() {
            places.extend(spoken.choice.map(str::to_owned));
        }
        // Tools that must not be called are as good as none.
        let callable = self.source.choice != Some(Choice::Never);
        for at in (0..self.source.tools.len()).filter(|_| callable) {
            places.push(format!("{}/{at}", spoken.tools));
        }
        for (at, turn) in items(&got[spoken.turns]).iter().enumerate() {
            if speaks(turn) {
                places.push(format!("/{}/{at}", spoken.turns));
            }
            let (inner, parts) = match self.provider {
                Dialect::Gemini => ("parts", &turn["parts"]),
                _ => ("content", &turn["content"]),
            };
            let parts = items(parts).iter().enumerate().filter(|(_, part)| speaks(part));
            places.extend(parts.map(|(part, _)| format!("/{}/{at}/{inner}/{part}", spoken.turns)));
        }
        places.retain(|place| got.pointer(place).is_some_and(|value| !value.is_null()));
        places
    }
}

/// Where a dialect has what.
struct Spoken {
    turns: &'static str,
    system: Option<&'static str>,
    format: &'static [&'static str],
    choice: Option<&'static str>,
    tools: &'static str,
}

impl Spoken {
    fn of(dialect: Dialect) -> Self {
        let (turns, system, format, choice, tools): (_, _, &'static [&'static str], _, _) =
            match dialect {
                Dialect::OpenAiChat => {
                    ("messages", None, &["/response_format"], Some("/tool_choice"), "/tools")
                }
                Dialect::OpenAiResponses => {
                    let system = Some("/instructions");
                    ("input", system, &["/text/format"], Some("/tool_choice"), "/tools")
                }
                Dialect::Anthropic => {
                    let format = &["/output_config/format"];
                    ("messages", Some("/system"), format, Some("/tool_choice"), "/tools")
                }
                Dialect::Gemini => (
                    "contents",
                    Some("/systemInstruction"),
                    &["/generationConfig/responseJsonSchema", "/generationConfig/responseSchema"],
                    Some("/toolConfig"),
                    "/tools/0/functionDeclarations",
                ),
                Dialect::Ollama => ("messages", None, &["/format"], None, "/tools"),
            };
        Self { turns, system, format, choice, tools }
    }
}

/// Fields by the names that they are lost under.
fn named(dialect: Dialect) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Dialect::OpenAiChat => &[
            ("temperature", "/temperature"),
            ("top_p", "/top_p"),
            ("max_tokens", "/max_completion_tokens"),
            ("stop", "/stop"),
            ("seed", "/seed"),
            ("presence_penalty", "/presence_penalty"),
            ("frequency_penalty", "/frequency_penalty"),
            ("reasoning_effort", "/reasoning_effort"),
            ("parallel_tool_calls", "/parallel_tool_calls"),
            ("user", "/user"),
        ],
        Dialect::OpenAiResponses => &[
            ("temperature", "/temperature"),
            ("top_p", "/top_p"),
            ("max_tokens", "/max_output_tokens"),
            ("reasoning_effort", "/reasoning"),
            ("parallel_tool_calls", "/parallel_tool_calls"),
            ("user", "/user"),
        ],
        Dialect::Anthropic => &[
            ("temperature", "/temperature"),
            ("top_p", "/top_p"),
            ("top_k", "/top_k"),
            ("max_tokens", "/max_tokens"),
            ("stop", "/stop_sequences"),
            ("reasoning_effort", "/thinking"),
            ("user", "/metadata"),
        ],
        Dialect::Gemini => &[
            ("temperature", "/generationConfig/temperature"),
            ("top_p", "/generationConfig/topP"),
            ("top_k", "/generationConfig/topK"),
            ("max_tokens", "/generationConfig/maxOutputTokens"),
            ("stop", "/generationConfig/stopSequences"),
            ("seed", "/generationConfig/seed"),
            ("presence_penalty", "/generationConfig/presencePenalty"),
            ("frequency_penalty", "/generationConfig/frequencyPenalty"),
            ("reasoning_effort", "/generationConfig/thinkingConfig"),
        ],
        Dialect::Ollama => &[
            ("temperature", "/options/temperature"),
            ("top_p", "/options/top_p"),
            ("top_k", "/options/top_k"),
            ("max_tokens", "/options/num_predict"),
            ("stop", "/options/stop"),
            ("seed", "/options/seed"),
            ("reasoning_effort", "/think"),
        ],
    }
}

/// Whether a turn or a part says anything. Earlier thoughts may be left out, and an opening may be put in.
fn speaks(piece: &Value) -> bool {
    let thought = piece["thought"] == true
        || matches!(text(&piece["type"]), "thinking" | "redacted_thinking" | "reasoning");
    let words = |value: &Value| !matches!(text(value).trim(), "" | ".");
    if thought {
        return false;
    }
    let inner = [&piece["content"], &piece["parts"]];
    if inner.iter().any(|list| list.is_array()) && piece.get("role").is_some() {
        return inner.iter().any(|list| items(list).iter().any(speaks));
    }
    let told = ["text", "content", "output"].iter().any(|name| words(&piece[*name]));
    let silent = ["role", "text", "content", "type", "thoughtSignature", "cache_control"];
    let fields = piece.as_object().into_iter().flatten();
    let filled =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    told || fields
        .into_iter()
        .any(|(name, value)| !silent.contains(&name.as_str()) && filled(value))
}
