//! Does a request ask the same in another dialect, and is the client told what could not cross?

mod fields;
mod makeshift;
pub(crate) mod mutation;

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use fields::Told;

use crate::{
    asked::{self, Asked, Choice, Format, Tool, rules, schema},
    canned,
    recording::Exchange,
    tally::{Check, Failure, Verdict},
    world::{self, Framing, Outcome, Turn},
};

/// Judges the request of one exchange toward a provider of each other dialect. Requests that their own provider refused
/// say nothing.
pub(crate) fn judge(exchange: &Exchange) -> Vec<Verdict> {
    let (Some(request), Some(_)) = (&exchange.request, &exchange.answer) else { return Vec::new() };
    if exchange.dialect == Dialect::Ollama {
        return Vec::new();
    }
    let others = Dialect::ALL.into_iter().filter(|provider| *provider != exchange.dialect);
    let verdict = |provider: Dialect| {
        let (failures, refused) = send(exchange, request, provider);
        let pair = format!("{}>{}", exchange.dialect.name(), provider.name());
        Verdict { check: Check::Requests, pair, id: exchange.id.clone(), failures, refused }
    };
    others.map(verdict).collect()
}

/// What fails, and the words of a refusal.
fn send(
    exchange: &Exchange,
    request: &Map<String, Value>,
    provider: Dialect,
) -> (Vec<Failure>, Option<String>) {
    let crossing = crossing(exchange, request, provider);
    let stream = crossing.stream;
    let outcome = match ask(&crossing, request, canned::answer(provider, stream)) {
        Ok(outcome) => outcome,
        Err(error) => return (vec![Failure::new(error, "")], None),
    };
    let mut failures = crossing.judge(&outcome);
    if let Some(tool) = outcome.asked.as_deref().and_then(|got| crossing.answer_tool(got)) {
        let seen = ask(&crossing, request, canned::call(&tool, stream)).map(|outcome| outcome.body);
        failures.extend(crossing.judge_unwrapped(&seen.unwrap_or_default()));
    }
    explain(&mut failures, request, &outcome);
    let refused = (outcome.status == 400).then(|| refusal(&outcome));
    (failures, refused)
}

/// The request of an exchange on its way to a provider.
fn crossing(exchange: &Exchange, request: &Map<String, Value>, provider: Dialect) -> Crossing {
    let stream = exchange.dialect == Dialect::Gemini && exchange.stream
        || request.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let model = world::model(provider, &exchange.id);
    let source = asked::read(exchange.dialect, request);
    Crossing { client: exchange.dialect, provider, model, stream, source }
}

/// Sends a request through the gateway to a provider that answers so.
fn ask(
    crossing: &Crossing,
    request: &Map<String, Value>,
    (content_type, body): (&str, Bytes),
) -> Result<Outcome, String> {
    world::run(Turn {
        client: crossing.client,
        provider: crossing.provider,
        model: crossing.model,
        stream: crossing.stream,
        request: request.clone(),
        framing: Framing::Events,
        status: 200,
        content_type,
        pieces: vec![body],
    })
}

/// Adds to each failure what was sent and what arrived.
fn explain(failures: &mut [Failure], request: &Map<String, Value>, outcome: &Outcome) {
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]).into_owned();
    for failure in failures {
        let got = outcome.asked.as_deref().map(text).unwrap_or_default();
        let sent = text(Value::Object(request.clone()).to_string().as_bytes());
        let dropped = outcome.dropped.join(", ");
        failure.detail =
            format!("{}\nclient:   {sent}\nprovider: {got}\ndropped:  {dropped}", failure.detail);
    }
}

/// What the client was told instead of an answer.
fn refusal(outcome: &Outcome) -> String {
    let value: Value = serde_json::from_slice(&outcome.body).unwrap_or_default();
    value["error"]["message"].as_str().unwrap_or_default().to_owned()
}

/// One request on its way to a provider of another dialect.
struct Crossing {
    client: Dialect,
    provider: Dialect,
    model: &'static str,
    stream: bool,
    source: Asked,
}

impl Crossing {
    fn judge(&self, outcome: &Outcome) -> Vec<Failure> {
        if outcome.status != 200 {
            return self.judge_refusal(outcome).into_iter().collect();
        }
        let got = outcome.asked.as_deref().unwrap_or_default();
        let Ok(got) = serde_json::from_slice::<Map<String, Value>>(got) else {
            return vec![Failure::new("the provider got no JSON", "")];
        };
        let target = self.without_makeshift(asked::read(self.provider, &got));
        let told = Told(&outcome.dropped);
        let mut failures: Vec<Failure> = self.compare_turns(&target).into_iter().collect();
        failures.extend(self.compare_place(&outcome.url, &got));
        let broken = rules::broken(self.provider, &got);
        failures.extend(broken.map(|rule| Failure::new(format!("rule broken: {rule}"), "")));
        failures.extend(self.compare_tools(&target, &told));
        failures.extend(self.compare_format(&target, &told));
        failures.extend(self.compare_fields(&target, &told));
        let silent = self.source.foreign.iter().filter(|name| !told.names(name));
        failures.extend(silent.map(|name| Failure::new(format!("`{name}` is lost silently"), "")));
        failures
    }

    /// A refusal needs a cause that stands in the request, and must say that it is one.
    fn judge_refusal(&self, outcome: &Outcome) -> Option<Failure> {
        let body = String::from_utf8_lossy(&outcome.body).into_owned();
        let value: Value = serde_json::from_slice(&outcome.body).unwrap_or_default();
        let message = value["error"]["message"].as_str().unwrap_or_default();
        let several = self.source.fields.get("n").and_then(Value::as_u64).unwrap_or(1) > 1;
        if outcome.status != 400 {
            return Some(Failure::new(format!("status {}: {message}", outcome.status), body));
        }
        let code = value["error"]["code"].as_str().unwrap_or_default();
        if code == "previous_response_not_found" && self.source.has("previous_response_id") {
            return None;
        }
        if !self.source.may_be_refused(self.provider) && !several && !self.lacks_hosted() {
            return Some(Failure::new(format!("refused without cause: {message}"), body));
        }
        let coded = matches!(self.client, Dialect::OpenAiChat | Dialect::OpenAiResponses);
        if coded && code != "unsupported_parameter" {
            return Some(Failure::new(format!("refused without the code: {message}"), body));
        }
        message.is_empty().then(|| Failure::new("refused without a word", body))
    }

    /// Whether the provider's dialect lacks a tool that the client's provider would run.
    fn lacks_hosted(&self) -> bool {
        self.source.hosted.iter().any(|tool| match self.provider {
            Dialect::Ollama => true,
            Dialect::OpenAiChat => tool == "run_code",
            Dialect::OpenAiResponses | Dialect::Anthropic | Dialect::Gemini => false,
        })
    }

    /// Where the provider is asked, and whether for a stream.
    fn compare_place(&self, url: &str, got: &Map<String, Value>) -> Option<Failure> {
        let (ends, streams) = match self.provider {
            Dialect::OpenAiChat => ("/v1/chat/completions", got.get("stream")),
            Dialect::OpenAiResponses => ("/v1/responses", got.get("stream")),
            Dialect::Anthropic => ("/v1/messages", got.get("stream")),
            Dialect::Ollama => ("/api/chat", got.get("stream")),
            Dialect::Gemini if self.stream => {
                ("/v1beta/models/model:streamGenerateContent?alt=sse", Some(&Value::Bool(true)))
            }
            Dialect::Gemini => ("/v1beta/models/model:generateContent", None),
        };
        let streams = streams.and_then(Value::as_bool).unwrap_or(false);
        let right = url.ends_with(ends) && streams == self.stream;
        let model =
            self.provider == Dialect::Gemini || got.get("model").is_some_and(|m| m == self.model);
        (!right || !model)
            .then(|| differs("place, model or stream differ", &url, &got.get("stream")))
    }

    fn compare_turns(&self, target: &Asked) -> Option<Failure> {
        let source = &self.source;
        // What a dialect has no field for may be added to the instructions.
        if !target.system.contains(&source.system) {
            return Some(differs("instructions differ", &source.system, &target.system));
        }
        let sides = |asked: &Asked| asked.turns.iter().map(|turn| turn.side).collect::<Vec<_>>();
        if sides(source) != sides(target) {
            return Some(differs("turns differ", &source.turns, &target.turns));
        }
        source.turns.iter().zip(&target.turns).find_map(|(source, target)| {
            let (was, is): (&dyn std::fmt::Debug, &dyn std::fmt::Debug) = (source, target);
            let what = if source.text != target.text {
                "text of a turn differs"
            } else if source.calls != target.calls {
                "calls of a turn differ"
            } else if source.results != target.results {
                "results of a turn differ"
            } else if source.media != target.media {
                "media of a turn differ"
            } else {
                return None;
            };
            Some(Failure::new(what, format!("{was:?}\n{is:?}")))
        })
    }

    fn compare_tools(&self, target: &Asked, told: &Told<'_>) -> Option<Failure> {
        let source = &self.source;
        let wanted = |tool: &&Tool| match &source.choice {
            Some(Choice::Among(names, _)) => {
                names.contains(&tool.name) || target.tools.len() == source.tools.len()
            }
            // A tool that stands alone is the likeliest to be called.
            Some(Choice::Only(name)) if told.names("tool_choice") && target.tools.len() == 1 => {
                *name == tool.name
            }
            _ => true,
        };
        let wanted: Vec<&Tool> = source.tools.iter().filter(wanted).collect();
        let names = |tools: &[&Tool]| tools.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
        let got: Vec<&Tool> = target.tools.iter().collect();
        let never = source.choice == Some(Choice::Never) && got.is_empty();
        if names(&wanted) != names(&got) && !never {
            return Some(differs("tools differ", &names(&wanted), &names(&got)));
        }
        for (was, is) in wanted.iter().zip(&got) {
            if !is.description.starts_with(was.description.trim()) {
                return Some(differs("description of a tool differs", was, is));
            }
            let (before, after) = (schema::lines(&was.schema), schema::lines(&is.schema));
            if before != after && was.schema.is_object() {
                let differing: BTreeSet<_> = before.symmetric_difference(&after).collect();
                return Some(differs("schema of a tool differs", &differing, &(was, is)));
            }
        }
        let lost = |name: &&String| !target.hosted.contains(name);
        if let Some(name) = source.hosted.iter().find(lost)
            && !told.names("tools")
        {
            return Some(Failure::new(format!("the tool `{name}` is lost silently"), ""));
        }
        self.compare_choice(target, told)
    }

    fn compare_choice(&self, target: &Asked, told: &Told<'_>) -> Option<Failure> {
        if self.source.tools.is_empty() || told.names("tool_choice") {
            return None;
        }
        let got = target.choice.as_ref();
        let kept = match self.source.choice.as_ref().unwrap_or(&Choice::Auto) {
            Choice::Auto => matches!(got, None | Some(Choice::Auto)),
            Choice::Never => got == Some(&Choice::Never) || target.tools.is_empty(),
            Choice::Required => {
                let only = self.source.tools.len() == 1;
                got == Some(&Choice::Required) || only && matches!(got, Some(Choice::Only(_)))
            }
            Choice::Only(name) => {
                let alone = self.source.tools.len() == 1 && got == Some(&Choice::Required);
                got == Some(&Choice::Only(name.clone())) || alone
            }
            Choice::Among(names, required) => match got {
                Some(Choice::Among(kept, must)) => kept == names && must == required,
                Some(Choice::Only(name)) => *required && names == std::slice::from_ref(name),
                Some(Choice::Required) => *required && target.tools.len() == names.len(),
                Some(Choice::Auto) | None => !required && target.tools.len() == names.len(),
                Some(Choice::Never) => false,
            },
        };
        (!kept).then(|| differs("tool_choice differs", &self.source.choice, &target.choice))
    }

    fn compare_format(&self, target: &Asked, told: &Told<'_>) -> Option<Failure> {
        if told.names("response_format") {
            return None;
        }
        match (&self.source.format, &target.format) {
            (None, None) | (Some(Format::Json), Some(Format::Json)) => None,
            // Anthropic is told in words.
            (Some(Format::Json), None) => {
                let said = target.system.contains("JSON");
                (!said).then(|| Failure::new("response_format is lost silently", ""))
            }
            (Some(Format::Schema(was)), Some(Format::Schema(is))) => {
                let (before, after) = (schema::lines(was), schema::lines(is));
                let differing: BTreeSet<_> = before.symmetric_difference(&after).collect();
                let same = differing.is_empty();
                (!same).then(|| differs("schema of the answer differs", &differing, &(was, is)))
            }
            (was, is) => Some(differs("response_format differs", was, is)),
        }
    }
}

fn differs(what: &str, was: &dyn std::fmt::Debug, is: &dyn std::fmt::Debug) -> Failure {
    Failure::new(what, format!("{was:?}\n{is:?}"))
}

#[cfg(test)]
mod tests;
