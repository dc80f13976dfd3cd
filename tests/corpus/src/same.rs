//! Does a client reach a provider of its own dialect as if nothing stood between them?

use bytes::Bytes;
use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use crate::{
    canned,
    frames::{self, Dice, Frame},
    oracle,
    recording::Exchange,
    tally::{Check, Failure, Verdict},
    world::{self, Framing, Outcome, Turn},
};

/// Judges one exchange; `None` for a dialect that no client speaks.
pub(crate) fn judge(exchange: &Exchange) -> Option<Verdict> {
    if exchange.dialect == Dialect::Ollama {
        return None;
    }
    let name = exchange.dialect.name();
    Some(Verdict {
        check: Check::Same,
        pair: format!("{name}>{name}"),
        id: exchange.id.clone(),
        failures: failures(exchange).err().into_iter().collect(),
        refused: None,
    })
}

fn failures(exchange: &Exchange) -> Result<(), Failure> {
    let dialect = exchange.dialect;
    let stream = exchange.stream;
    let request = request(exchange);
    let model = request["model"].as_str().unwrap_or("model").to_owned();
    let (content_type, body) = match &exchange.answer {
        Some(answer) => (answer.content_type.as_str(), answer.body.clone()),
        None => canned::answer(dialect, stream),
    };
    let send = |pieces| {
        let turn = Turn {
            client: dialect,
            provider: dialect,
            model: &model,
            stream,
            request: request.clone(),
            framing: if content_type.starts_with("application/json") {
                Framing::Array
            } else {
                Framing::Events
            },
            status: 200,
            content_type,
            pieces,
        };
        world::run(turn).map_err(|error| Failure::new(error, ""))
    };
    let dice = &mut Dice::new(&exchange.id);
    let outcome = send(frames::cut(&body, dice))?;
    if request.get("previous_response_id").is_some_and(Value::is_string) {
        return refers_to_nothing(&outcome);
    }
    compare_request(dialect, request.clone(), &outcome)?;
    if oracle::whole(dialect, &body).error.is_some_and(|error| error != oracle::NO_JSON) {
        let told = oracle::whole(dialect, &outcome.body).error.is_some();
        let refused = told && outcome.status != 200;
        let text = String::from_utf8_lossy(&outcome.body);
        return refused
            .then_some(())
            .ok_or_else(|| Failure::new("an error passes as an answer", text));
    }
    if outcome.status != 200 {
        let detail = String::from_utf8_lossy(&outcome.body).into_owned();
        return Err(Failure::new("the answer is an error", detail));
    }
    let raw = exchange.answer.as_ref().is_none_or(|answer| answer.raw);
    if !stream {
        return equal(&body, &outcome.body, raw);
    }
    let usage = dialect != Dialect::OpenAiChat
        || exchange.request.as_ref().is_some_and(|request| {
            request.get("stream_options").is_some_and(|options| options["include_usage"] == true)
        });
    compare_stream(dialect, &body, &outcome.body, usage, raw)?;
    match oracle::truncated(dialect, &body, dice) {
        Some(pieces) => breaks_off(dialect, &send(pieces)?),
        None => Ok(()),
    }
}

/// A stream that breaks off ends in an error that stands on its own.
fn breaks_off(dialect: Dialect, outcome: &Outcome) -> Result<(), Failure> {
    let read = if outcome.status == 200 { oracle::stream } else { oracle::whole };
    let said = read(dialect, &outcome.body);
    let text = String::from_utf8_lossy(&outcome.body).into_owned();
    if said.over {
        return Err(Failure::new("truncated: it looks complete", text));
    }
    let told = said.error.is_some_and(|error| error != oracle::NO_JSON);
    told.then_some(()).ok_or_else(|| Failure::new("truncated: it does not end in an error", text))
}

/// The gateway keeps responses itself. One that it never saw is none, and the provider is not asked for it.
fn refers_to_nothing(outcome: &Outcome) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(&outcome.body);
    let told = outcome.status == 400 && text.contains("previous_response_not_found");
    told.then_some(()).ok_or_else(|| Failure::new("an unknown response is referred to", text))
}

/// The recorded request. Some sources kept one request for a whole answer and a stream.
fn request(exchange: &Exchange) -> Map<String, Value> {
    let Some(mut request) = exchange.request.clone() else {
        let mut request = canned::request(exchange.dialect, exchange.stream, &[]);
        request.insert("model".to_owned(), Value::String("model".to_owned()));
        return request;
    };
    if exchange.dialect != Dialect::Gemini {
        request.entry("model").or_insert_with(|| Value::String("model".to_owned()));
        let told = request.get("stream").and_then(Value::as_bool).unwrap_or(false);
        if told != exchange.stream {
            request.insert("stream".to_owned(), Value::Bool(exchange.stream));
        }
    } else if !request.contains_key("model") {
        request.insert("model".to_owned(), Value::Null);
    }
    request
}

/// The provider gets what the client sent, but for the model and the wish to be told the usage.
fn compare_request(
    dialect: Dialect,
    mut sent: Map<String, Value>,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let Some(asked) = &outcome.asked else {
        let detail = String::from_utf8_lossy(&outcome.body).into_owned();
        return Err(Failure::new("the provider was not asked", detail));
    };
    let mut got: Value = serde_json::from_slice(asked)
        .map_err(|error| Failure::new("the provider got no JSON", error.to_string()))?;
    if dialect == Dialect::OpenAiChat {
        for options in [sent.get_mut("stream_options"), got.get_mut("stream_options")] {
            if let Some(Value::Object(options)) = options {
                options.remove("include_usage");
            }
        }
        let empty =
            |options: &Value| options.is_null() || options == &Value::Object(Map::default());
        if empty(&got["stream_options"]) && sent.get("stream_options").is_none_or(empty) {
            sent.remove("stream_options");
            got.as_object_mut().map(|got| got.remove("stream_options"));
        }
    }
    let mut sent = Value::Object(sent);
    if dialect == Dialect::Gemini {
        forget_model(&mut sent);
        forget_model(&mut got);
    }
    if sent == got {
        return Ok(());
    }
    let differing = differing(&sent, &got);
    Err(Failure::new(format!("the provider got another `{differing}`"), format!("{sent}\n{got}")))
}

/// The path says it, whatever the body says.
fn forget_model(request: &mut Value) {
    if let Some(request) = request.as_object_mut() {
        request.remove("model");
    }
}

fn differing(sent: &Value, got: &Value) -> String {
    let names = |value: &Value| -> Vec<String> {
        value.as_object().into_iter().flat_map(Map::keys).cloned().collect()
    };
    let all = names(sent).into_iter().chain(names(got));
    all.into_iter().find(|name| sent.get(name) != got.get(name)).unwrap_or_default()
}

fn equal(expected: &[u8], got: &[u8], raw: bool) -> Result<(), Failure> {
    let parsed = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    if expected == got || (!raw && parsed(expected) == parsed(got)) {
        return Ok(());
    }
    Err(differs("the answer differs", expected, got))
}

/// The client gets the recorded bytes, but for a usage that it did not ask for, and with an end where the provider
/// closed the stream without saying so.
fn compare_stream(
    dialect: Dialect,
    body: &Bytes,
    got: &[u8],
    usage: bool,
    raw: bool,
) -> Result<(), Failure> {
    let frames = frames::parse(body);
    let finished = oracle::stream(dialect, body).finish.is_some();
    let failed = frames.iter().any(|frame| frame.data.get("error").is_some_and(Value::is_object));
    if !finished && !failed {
        let said = oracle::stream(dialect, got);
        let kept = got.starts_with(&body[..whole_end(&frames)]);
        let ok = kept && said.error.is_some() && !said.over;
        return if ok {
            Ok(())
        } else {
            Err(differs("a cut stream does not end in an error", body, got))
        };
    }
    let expected = expected(body, &frames, dialect, usage);
    let rest = got.strip_prefix(&expected[..]).map(|rest| String::from_utf8_lossy(rest));
    let added =
        ["", "data: [DONE]\n\n", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"];
    if rest.is_some_and(|rest| added.contains(&rest.trim_start_matches('\n'))) {
        return Ok(());
    }
    let events = |bytes: &[u8]| -> Vec<Value> {
        frames::parse(bytes).into_iter().map(|frame| frame.data).collect()
    };
    if !raw && events(&expected) == events(got) {
        return Ok(());
    }
    Err(differs("the stream differs", &expected, got))
}

fn whole_end(frames: &[Frame]) -> usize {
    frames.last().map_or(0, |frame| frame.start)
}

/// The recorded bytes up to the end, without the chunk that only holds the usage.
fn expected(body: &Bytes, frames: &[Frame], dialect: Dialect, usage: bool) -> Vec<u8> {
    let mut expected = Vec::new();
    let mut from = 0;
    let mut finished = false;
    for frame in frames {
        let data = &frame.data;
        let only_usage = data["usage"].is_object() && says_nothing(data, finished);
        finished |= oracle::finishes(dialect, data);
        if dialect == Dialect::OpenAiChat && !usage && only_usage {
            expected.extend_from_slice(&body[from..frame.start]);
            from = frame.end;
        }
        if data == "[DONE]" {
            expected.extend_from_slice(&body[from..frame.end]);
            return expected;
        }
    }
    expected.extend_from_slice(&body[from..]);
    expected
}

/// Whether a chunk has no choice, or one that only repeats that it has finished.
fn says_nothing(chunk: &Value, finished: bool) -> bool {
    let choices = oracle::items(&chunk["choices"]);
    let silent = |choice: &Value| {
        let delta = &choice["delta"];
        oracle::text(&delta["content"]).is_empty() && delta["tool_calls"].is_null()
    };
    choices.is_empty() || (finished && choices.iter().all(silent))
}

fn differs(what: &str, expected: &[u8], got: &[u8]) -> Failure {
    let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let near = |bytes: &[u8]| {
        let (from, to) = (at.saturating_sub(80), (at + 160).min(bytes.len()));
        String::from_utf8_lossy(&bytes[from.min(to)..to]).into_owned()
    };
    let lengths = (expected.len(), got.len());
    Failure::new(what, format!("at {at} of {lengths:?}\n{}\n{}", near(expected), near(got)))
}
