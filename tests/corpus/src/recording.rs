//! What was recorded between clients and providers?

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use crate::frames;

/// One request and what a provider said to it.
pub(crate) struct Exchange {
    /// The case's id and the exchange's number in it: `rig/openai/simple#0`.
    pub(crate) id: String,
    pub(crate) dialect: Dialect,
    pub(crate) stream: bool,
    /// The body of the request, where it was recorded.
    pub(crate) request: Option<Map<String, Value>>,
    /// A successful answer.
    pub(crate) answer: Option<Answer>,
    /// An answer that is an error.
    pub(crate) refusal: Option<Refusal>,
}

/// What a provider says instead of an answer.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    /// Whether these are the provider's own bytes; otherwise the events were framed anew.
    pub(crate) raw: bool,
}

/// What was found in a folder.
#[derive(Default)]
pub(crate) struct Corpus {
    pub(crate) exchanges: Vec<Exchange>,
    /// How many exchanges are not chat.
    pub(crate) other: usize,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    exchanges: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    dialect: String,
    #[serde(default)]
    stream: bool,
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: Option<String>,
    path: Option<String>,
    body: Option<Value>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<u16>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    body: Option<String>,
    events: Option<Vec<Value>>,
}

/// Reads every case file in a folder and the folders in it. Other files are passed over.
pub(crate) fn read(folder: &Path) -> Result<Corpus, String> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    paths.sort();
    let mut corpus = Corpus::default();
    for path in paths {
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Ok(case) = serde_json::from_slice::<Case>(&text) else { continue };
        for (at, recorded) in case.exchanges.into_iter().enumerate() {
            match exchange(&case.id, at, recorded) {
                Some(exchange) => corpus.exchanges.push(exchange),
                None => corpus.other += 1,
            }
        }
    }
    Ok(corpus)
}

/// Every file of recorded usage in a folder and the folders in it.
pub(crate) fn usages(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    let named = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("usages."))
    };
    paths.retain(named);
    paths.sort();
    Ok(paths)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

fn exchange(case: &str, at: usize, recorded: Recorded) -> Option<Exchange> {
    let dialect = dialect(&recorded)?;
    let stream = recorded.stream || recorded.response.events.is_some();
    let request = match recorded.request.body {
        Some(Value::Object(body)) => Some(body),
        Some(_) | None => None,
    };
    let refusal = refusal(&recorded.response);
    let answer = answer(dialect, recorded.response).filter(|answer| is_chat(dialect, &answer.body));
    if request.is_none() && answer.is_none() && refusal.is_none() {
        return None;
    }
    Some(Exchange { id: format!("{case}#{at}"), dialect, stream, request, answer, refusal })
}

/// The dialect of a chat exchange. Sources that kept no request have no path.
fn dialect(recorded: &Recorded) -> Option<Dialect> {
    let (dialect, ends): (_, &[&str]) = match recorded.dialect.as_str() {
        "openai.chat" => (Dialect::OpenAiChat, &["/chat/completions"]),
        "openai.responses" => (Dialect::OpenAiResponses, &["/responses"]),
        "anthropic.messages" => (Dialect::Anthropic, &["/messages"]),
        "gemini.generateContent" => {
            (Dialect::Gemini, &[":generateContent", ":streamGenerateContent"])
        }
        "ollama.chat" => (Dialect::Ollama, &["/api/chat"]),
        _ => return None,
    };
    // Assistants have messages too.
    let thread = recorded.request.path.as_deref().is_some_and(|path| path.contains("/threads/"));
    let post = recorded.request.method.as_deref().is_none_or(|method| method == "POST");
    let path = recorded.request.path.as_deref().unwrap_or_default();
    let fits = path.is_empty() || ends.iter().any(|end| path.ends_with(end));
    (post && fits && !thread).then_some(dialect)
}

fn refusal(response: &Response) -> Option<Refusal> {
    let status = response.status.filter(|status| *status >= 400)?;
    let body = Bytes::from(response.body.clone()?);
    Some(Refusal { status, content_type: frames::content_type(&body), body })
}

/// Where no path was recorded, an answer of Gemini may be one of counting tokens.
fn is_chat(dialect: Dialect, body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(body) else { return true };
    let names = ["candidates", "promptFeedback", "error"];
    dialect != Dialect::Gemini || names.iter().any(|name| body.contains_key(*name))
}

fn answer(dialect: Dialect, response: Response) -> Option<Answer> {
    if response.status != Some(200) {
        return None;
    }
    if let Some(events) = response.events {
        let body = frames::frame(dialect, &events);
        return Some(Answer { content_type: frames::content_type(&body), body, raw: false });
    }
    let body = Bytes::from(response.body.filter(|body| !body.trim().is_empty())?);
    let headers = response.headers.unwrap_or_default();
    let told = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let told = told.and_then(|(_, value)| value.as_str()).map(str::to_owned);
    let content_type = told.unwrap_or_else(|| frames::content_type(&body));
    Some(Answer { content_type, body, raw: true })
}
