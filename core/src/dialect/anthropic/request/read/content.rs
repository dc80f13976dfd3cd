//! What does the content of a message say?

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::value::RawValue;

use super::{super::super::wire, cache, media::image, note};
use crate::{
    dialect::{
        Carrier, Dialect,
        ir::{Call, Outcome, Part, State, Thought},
        object::Object,
    },
    error::{Error, Result},
    json,
};

/// Reads content, and notes what no other dialect has.
pub(super) struct Content<'c> {
    pub(super) carrier: &'c Carrier,
    pub(super) foreign: &'c mut Vec<String>,
}

/// Content is a text or a list of blocks.
enum Said<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<&'a RawValue>),
}

impl<'a> Said<'a> {
    fn read(content: &'a RawValue) -> Result<Self> {
        let text = content.get();
        let read = if text.starts_with('"') {
            json::read(text).map(Self::Text)
        } else {
            json::read(text).map(Self::Blocks)
        };
        read.map_err(|_| {
            Error::bad_request("`content` must be a text or a list of blocks.").at("content")
        })
    }
}

impl Content<'_> {
    /// The parts of some content.
    pub(super) fn read(&mut self, content: &RawValue) -> Result<Vec<Part>> {
        let blocks = match Said::read(content)? {
            Said::Text(text) if text.is_empty() => return Ok(Vec::new()),
            Said::Text(text) => return Ok(vec![Part::text(text)]),
            Said::Blocks(blocks) => blocks,
        };
        let mut parts = Vec::with_capacity(blocks.len());
        for (at, block) in blocks.into_iter().enumerate() {
            self.block(block, &mut parts).map_err(|error| error.within("content", at))?;
        }
        attach(&mut parts);
        Ok(parts)
    }

    fn block(&mut self, raw: &RawValue, parts: &mut Vec<Part>) -> Result<()> {
        let block = Object::read(raw.get().as_bytes())
            .map_err(|_| Error::bad_request("A block is no object."))?;
        let kind: Cow<'_, str> = block.typed("type")?.unwrap_or_default();
        let text = |name| block.typed::<String>(name).map(Option::unwrap_or_default);
        match &*kind {
            "text" => {
                let cited: Option<Vec<wire::Citation<'_>>> = block.typed("citations")?;
                let citations = cited.into_iter().flatten().map(wire::Citation::common).collect();
                parts.push(Part::Text { text: text("text")?, citations, cache: cache(&block)? });
            }
            "image" => parts.push(image(&block)?),
            "document" => self.document(&block, parts)?,
            "search_result" => self.found(&block, parts)?,
            "thinking" => {
                let signature = Some(text("signature")?).filter(|text| !text.is_empty());
                let state = signature.and_then(|text| self.state("signature", text));
                let text = text("thinking")?;
                parts.push(Part::Thought(Thought { text, summary: true, state }));
            }
            "redacted_thinking" => {
                let state = self.state("redacted", text("data")?);
                parts.extend(state.map(thought));
            }
            "tool_use" => parts.push(Part::Call(call(&block)?)),
            "tool_result" => {
                let outcome = self.outcome(&block)?;
                parts.push(Part::Outcome(outcome));
            }
            _ => {
                let (dialect, kind) = (Dialect::Anthropic, kind.into_owned());
                parts.push(Part::Opaque { dialect, kind, json: raw.to_owned() });
            }
        }
        Ok(())
    }

    /// A state of this API, or the one of another dialect that was sealed in its place. What was sealed for another
    /// provider is of no use.
    fn state(&self, form: &'static str, data: String) -> Option<State> {
        if Carrier::is_wrapped(&data) {
            return self.carrier.unwrap(&data);
        }
        Some(State { dialect: Dialect::Anthropic, form, id: String::new(), data })
    }

    fn outcome(&mut self, block: &Object<'_>) -> Result<Outcome> {
        let content = block.present("content");
        Ok(Outcome {
            id: block.typed("tool_use_id")?.unwrap_or_default(),
            name: None,
            parts: content.map(|content| self.read(content)).transpose()?.unwrap_or_default(),
            failed: block.typed("is_error")?.unwrap_or(false),
            custom: false,
            cache: cache(block)?,
        })
    }

    /// Notes what no other dialect has, once.
    pub(super) fn lose(&mut self, name: &str) {
        note(self.foreign, name.to_owned());
    }
}

fn call(block: &Object<'_>) -> Result<Call> {
    let text = |name| block.typed::<String>(name).map(Option::unwrap_or_default);
    let arguments = block.present("input").map_or("{}", RawValue::get).to_owned();
    Ok(Call { id: text("id")?, name: text("name")?, arguments, custom: false, state: None })
}

/// Gives calls the states that were sealed with their ids, which stand among the thoughts.
fn attach(parts: &mut Vec<Part>) {
    let ids: HashSet<String> = parts.iter().filter_map(called).map(str::to_owned).collect();
    let mut states = HashMap::new();
    parts.retain_mut(|part| {
        let Part::Thought(Thought { text, state, .. }) = part else { return true };
        let of_call = |state: &mut State| text.is_empty() && ids.contains(&state.id);
        let Some(state) = state.take_if(of_call) else { return true };
        states.insert(state.id.clone(), state);
        false
    });
    for part in parts {
        if let Part::Call(call) = part {
            let state = states.remove(&call.id);
            call.state = state.map(|state| State { id: String::new(), ..state });
        }
    }
}

fn called(part: &Part) -> Option<&str> {
    let Part::Call(call) = part else { return None };
    Some(&call.id).filter(|id| !id.is_empty()).map(String::as_str)
}

fn thought(state: State) -> Part {
    Part::Thought(Thought { text: String::new(), summary: true, state: Some(state) })
}
