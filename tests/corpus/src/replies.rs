//! Does an answer say the same in another dialect?

pub(crate) mod mutation;

use tidegate_core::dialect::Dialect;

use crate::{
    canned,
    frames::{self, Dice},
    oracle::{self, Arguments, Call, Finish, Said},
    recording::{Answer, Exchange},
    tally::{Check, Failure, Verdict},
    world::{self, Framing, Outcome, Turn},
};

/// The dialects that clients speak.
pub(crate) const CLIENTS: [Dialect; 4] =
    [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini];

/// Judges the answer of one exchange in each other client dialect.
pub(crate) fn judge(exchange: &Exchange) -> Vec<Verdict> {
    let Some(answer) = &exchange.answer else { return Vec::new() };
    let others = CLIENTS.into_iter().filter(|client| *client != exchange.dialect);
    let verdict = |client: Dialect| Verdict {
        check: Check::Replies,
        pair: format!("{}>{}", exchange.dialect.name(), client.name()),
        id: exchange.id.clone(),
        failures: Conversion::new(exchange, answer, client).judge(),
        refused: None,
    };
    others.map(verdict).collect()
}

/// One answer on its way to a client of another dialect.
struct Conversion<'a> {
    exchange: &'a Exchange,
    answer: &'a Answer,
    client: Dialect,
    /// Whether a chat client asks for the usage.
    usage_wanted: bool,
    /// How a client of Gemini wants the stream.
    framing: Framing,
    /// What the recording says.
    source: Said,
}

impl<'a> Conversion<'a> {
    fn new(exchange: &'a Exchange, answer: &'a Answer, client: Dialect) -> Self {
        let read = if exchange.stream { oracle::stream } else { oracle::whole };
        let source = read(exchange.dialect, &answer.body);
        let mut dice = Dice::new(&exchange.id);
        let usage_wanted = dice.up_to(3) > 0;
        let framing = if dice.up_to(2) > 0 { Framing::Events } else { Framing::Array };
        Self { exchange, answer, client, usage_wanted, framing, source }
    }

    fn judge(&self) -> Vec<Failure> {
        let pieces = frames::cut(&self.answer.body, &mut Dice::new(&self.exchange.id));
        let outcome = match self.send(pieces) {
            Ok(outcome) => outcome,
            Err(error) => return vec![Failure::new(error, "")],
        };
        let unfinished = self.exchange.stream && self.source.finish.is_none();
        let broken = unfinished || self.source.error.is_some();
        if broken {
            return self.judge_error("the recording breaks off", &outcome);
        }
        if outcome.status != 200 {
            let detail = String::from_utf8_lossy(&outcome.body).into_owned();
            return vec![Failure::new("the answer became an error", detail)];
        }
        let read = if self.exchange.stream { oracle::stream } else { oracle::whole };
        let said = read(self.client, &outcome.body);
        let mut failures = self.compare(&said);
        if self.exchange.stream {
            failures.extend(self.judge_other_cut(&outcome));
            failures.extend(self.judge_truncated());
        }
        let shown = String::from_utf8_lossy(&outcome.body[..outcome.body.len().min(3_000)]);
        for failure in &mut failures {
            failure.detail = format!("{}\n{shown}", failure.detail);
        }
        failures
    }

    fn send(&self, pieces: Vec<bytes::Bytes>) -> Result<Outcome, String> {
        let tools: Vec<String> = self.source.calls.iter().map(|call| call.name.clone()).collect();
        let mut request = canned::request(self.client, self.exchange.stream, &tools);
        if self.client == Dialect::OpenAiChat && self.exchange.stream && self.usage_wanted {
            let options = serde_json::json!({ "include_usage": true });
            request.insert("stream_options".to_owned(), options);
        }
        world::run(Turn {
            client: self.client,
            provider: self.exchange.dialect,
            model: "model",
            stream: self.exchange.stream,
            request,
            framing: self.framing,
            status: 200,
            content_type: &self.answer.content_type,
            pieces,
        })
    }

    fn compare(&self, said: &Said) -> Vec<Failure> {
        let mut failures: Vec<Failure> = Vec::new();
        let mut differ = |what: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
            failures.push(Failure::new(what, format!("{expected:?}\n{got:?}")));
        };
        let failed = matches!(self.source.finish, Some(Finish::Failed) | None);
        if let Some(error) = said.error.as_ref().filter(|_| !failed) {
            differ("it became an error", &"", error);
        }
        for fault in &said.faults {
            differ(&format!("rule broken: {fault}"), &"", &"");
        }
        let (expected, got) = (self.words(&self.source), self.words(said));
        if expected != got {
            differ("text differs", &expected, &got);
        }
        let (expected, got) = (thoughts(&self.source, said), thoughts(said, &self.source));
        if expected != got {
            differ("reasoning differs", &expected, &got);
        }
        let (expected, got) = (self.calls(&self.source.calls), self.calls(&said.calls));
        if expected != got {
            differ("calls differ", &expected, &got);
        } else if !self.ids_are_kept(said) {
            differ("ids of calls differ", &self.source.calls, &said.calls);
        }
        let (expected, got) = (self.images(&self.source), self.images(said));
        if expected != got {
            differ("images differ", &expected, &got);
        }
        if !self.finishes(said) {
            differ("finish differs", &self.source.finish, &said.finish);
        }
        let expected = self.usage(&self.source);
        let got = self.usage(said);
        if self.hides_usage() {
            if said.usage.is_some() {
                differ("usage is told unasked", &"", &said.usage);
            }
        } else if expected.is_some() && expected != got {
            differ("usage differs", &expected, &got);
        }
        failures
    }

    /// A client that has no field for a refusal reads it as text.
    fn words(&self, said: &Said) -> (String, String) {
        match self.client {
            Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
                let text = format!("{}{}", said.text, said.refusal);
                (without_media(&text), String::new())
            }
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                (said.text.clone(), said.refusal.clone())
            }
        }
    }

    fn calls(&self, calls: &[Call]) -> Vec<(String, Arguments)> {
        let objects = matches!(self.client, Dialect::Anthropic | Dialect::Gemini);
        let arguments = |call: &Call| match &call.arguments {
            given if objects => Arguments::Json(given.as_object()),
            given => given.clone(),
        };
        calls.iter().map(|call| (call.name.clone(), arguments(call))).collect()
    }

    /// Images that the model made, for clients that have a place for them.
    fn images<'s>(&self, said: &'s Said) -> Vec<&'s String> {
        let images = said.media.iter().filter(|medium| medium.starts_with("image/"));
        images.filter(|_| self.client != Dialect::Anthropic).collect()
    }

    fn ids_are_kept(&self, said: &Said) -> bool {
        let legal = |id: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            self.client != Dialect::Anthropic || id.chars().all(known)
        };
        let pairs = self.source.calls.iter().zip(&said.calls);
        pairs.into_iter().all(|(source, said)| {
            source.id.is_empty() || !legal(&source.id) || source.id == said.id
        })
    }

    fn finishes(&self, said: &Said) -> bool {
        let calls = !self.source.calls.is_empty();
        let expected: &[Finish] = match self.source.finish {
            Some(Finish::Stop | Finish::Tools) if calls => match self.client {
                Dialect::OpenAiChat | Dialect::Anthropic => &[Finish::Tools],
                Dialect::OpenAiResponses | Dialect::Gemini | Dialect::Ollama => &[Finish::Stop],
            },
            Some(Finish::Stop | Finish::Tools) if !self.source.refusal.is_empty() => {
                &[Finish::Stop, Finish::Filtered, Finish::Refused]
            }
            Some(Finish::Stop | Finish::Tools) => &[Finish::Stop],
            Some(Finish::Length) => &[Finish::Length],
            Some(Finish::Filtered | Finish::Refused) => &[Finish::Filtered, Finish::Refused],
            Some(Finish::Failed) | None => {
                &[Finish::Stop, Finish::Failed, Finish::Filtered, Finish::Tools]
            }
        };
        said.finish.is_some_and(|finish| expected.contains(&finish))
    }

    /// The counters that the client's dialect has.
    fn usage(&self, said: &Said) -> Option<oracle::Usage> {
        let mut usage = said.usage?;
        match self.client {
            Dialect::Anthropic => usage.reasoning = 0,
            Dialect::Gemini | Dialect::Ollama => usage.written = 0,
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {}
        }
        Some(usage)
    }

    fn hides_usage(&self) -> bool {
        self.exchange.stream && self.client == Dialect::OpenAiChat && !self.usage_wanted
    }

    /// Wherever the network cuts, the client gets the same bytes.
    fn judge_other_cut(&self, first: &Outcome) -> Option<Failure> {
        let second = match self.send(vec![self.answer.body.clone()]) {
            Ok(outcome) => outcome,
            Err(error) => return Some(Failure::new(error, "")),
        };
        (first.body != second.body).then(|| Failure::new("cuts change the answer", ""))
    }

    /// A stream that breaks off before its end must end in an error.
    fn judge_truncated(&self) -> Vec<Failure> {
        let mut dice = Dice::new(&self.exchange.id);
        let pieces = oracle::truncated(self.exchange.dialect, &self.answer.body, &mut dice);
        let Some(pieces) = pieces else { return Vec::new() };
        match self.send(pieces) {
            Ok(outcome) => self.judge_error("truncated", &outcome),
            Err(error) => vec![Failure::new(format!("truncated: {error}"), "")],
        }
    }

    /// What must come of an answer that is no good: an error of the client's dialect, and nothing after it.
    fn judge_error(&self, why: &str, outcome: &Outcome) -> Vec<Failure> {
        let body = String::from_utf8_lossy(&outcome.body).into_owned();
        if outcome.status != 200 {
            let said = oracle::whole(self.client, &outcome.body);
            let told = said.error.is_some_and(|error| error != oracle::NO_JSON);
            let failure = || Failure::new(format!("{why}: no error of this dialect"), body);
            return if told { Vec::new() } else { vec![failure()] };
        }
        let read = if self.exchange.stream { oracle::stream } else { oracle::whole };
        let said = read(self.client, &outcome.body);
        if said.over {
            return vec![Failure::new(format!("{why}: it looks complete"), body)];
        }
        if said.error.is_none() {
            return vec![Failure::new(format!("{why}: it does not end in an error"), body)];
        }
        let fault = said.faults.iter().find(|fault| fault.starts_with("something follows"));
        fault.map(|fault| Failure::new(format!("{why}: {fault}"), body)).into_iter().collect()
    }
}

/// Where a dialect has no place for media that a model makes, it is told in the text, as Markdown.
fn without_media(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("](data:") {
        let start = rest[..at].rfind('[').unwrap_or(at);
        let start = if rest[..start].ends_with('!') { start - 1 } else { start };
        kept.push_str(&rest[..start]);
        rest = rest[at..].split_once(')').map_or("", |(_, rest)| rest);
    }
    kept + rest
}

/// What stands between the pieces of a thought is nobody's: where one side has several, blanks do not count.
fn thoughts(said: &Said, other: &Said) -> String {
    if said.thought_pieces.max(other.thought_pieces) < 2 {
        return said.thoughts.clone();
    }
    said.thoughts.split_whitespace().collect()
}

#[cfg(test)]
mod tests;
