//! What must be undone in an answer because the request was written with makeshifts?
//!
//! A target without free-text tools is given tools with one text field; a target that cannot stop at a text goes on
//! behind it.

use super::{
    event::{Event, Kind},
    fold::{Fold, unfold},
    ir::{Call, Function, Losses, Part, Prompt, Reply, Schema, Stop, ToolKind},
};

use crate::json;

/// The one field of a tool that stands for a free-text tool.
const INPUT: &str = "input";

/// What was made to fit, and how it is undone.
#[derive(Default)]
pub(crate) struct Reshape {
    /// Free-text tools that were written as tools with one text field.
    custom: Vec<String>,
    /// A tool that had to be called so that the answer fits a schema: its arguments are the answer.
    answer: Option<String>,
    /// Whether the model called that tool, and any other.
    answered: bool,
    called: bool,
    /// Arguments of a call of such a tool, until they are complete: the part's number and the text.
    held: Vec<(usize, String)>,
    cut: Option<Cut>,
}

impl Reshape {
    /// Whether nothing has to be undone.
    pub(crate) fn is_idle(&self) -> bool {
        self.custom.is_empty() && self.cut.is_none() && self.answer.is_none()
    }

    /// Writes free-text tools, and their calls, as tools with one text field.
    pub(crate) fn without_custom_tools(&mut self, prompt: &mut Prompt, losses: &mut Losses) {
        for tool in &mut prompt.tools {
            if let ToolKind::Custom { name, description, format } = &tool.kind {
                losses.lose_if(format.is_some(), "tools.custom.format");
                self.custom.push(name.clone());
                tool.kind = ToolKind::Function(Function {
                    name: name.clone(),
                    description: description.clone(),
                    schema: Some(one_text()),
                    strict: None,
                });
            }
        }
        for part in prompt.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            if let Part::Call(call @ Call { custom: true, .. }) = part {
                call.custom = false;
                let text = Schema::Text(std::mem::take(&mut call.arguments));
                let object = Schema::Map(vec![(INPUT.to_owned(), text)]);
                call.arguments = serde_json::to_string(&object).expect("text always serializes");
            }
        }
    }

    /// Ends the answer at one of these texts, as the target cannot.
    pub(crate) fn stopping_at(&mut self, stops: &[String]) {
        let stops: Vec<_> = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        if !stops.is_empty() {
            self.cut = Some(Cut { stops, part: 0, tail: String::new(), found: None });
        }
    }

    /// Takes the arguments of this tool for the answer.
    pub(crate) fn answering_by(&mut self, tool: &str) {
        self.answer = Some(tool.to_owned());
    }

    /// What an event becomes.
    pub(crate) fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        let event = self.unforced(event);
        if self.custom.is_empty() {
            self.cut(event, out);
            return;
        }
        match event {
            Event::Open { part, kind: Kind::Call { id, name, custom: false } }
                if self.custom.contains(&name) =>
            {
                self.held.push((part, String::new()));
                self.cut(Event::Open { part, kind: Kind::Call { id, name, custom: true } }, out);
            }
            Event::Delta { part, text } => match self.held.iter_mut().find(|held| held.0 == part) {
                Some((_, arguments)) => arguments.push_str(&text),
                None => self.cut(Event::Delta { part, text }, out),
            },
            Event::Close { part } => {
                self.release(part, out);
                self.cut(Event::Close { part }, out);
            }
            Event::Finish(stop) => {
                while let Some(part) = self.held.first().map(|held| held.0) {
                    self.release(part, out);
                }
                self.cut(Event::Finish(stop), out);
            }
            other => self.cut(other, out),
        }
    }

    /// A whole answer, reshaped as its stream would be.
    pub(crate) fn whole(mut self, reply: Reply) -> Reply {
        let mut fold = Fold::default();
        let mut out = Vec::new();
        for event in unfold(reply) {
            self.push(event, &mut out);
        }
        for event in out {
            fold.push(event);
        }
        fold.finish()
    }

    /// The call of the tool that stood for a schema as the text that the client asked for.
    fn unforced(&mut self, event: Event) -> Event {
        let Some(answer) = &self.answer else { return event };
        match event {
            Event::Open { part, kind: Kind::Call { name, .. } } if name == *answer => {
                self.answered = true;
                Event::Open { part, kind: Kind::Text }
            }
            Event::Open { part, kind: kind @ Kind::Call { .. } } => {
                self.called = true;
                Event::Open { part, kind }
            }
            Event::Finish(Stop::Tools) if self.answered && !self.called => Event::Finish(Stop::End),
            other => other,
        }
    }

    fn release(&mut self, part: usize, out: &mut Vec<Event>) {
        let Some(at) = self.held.iter().position(|held| held.0 == part) else { return };
        let (_, arguments) = self.held.remove(at);
        let object: Option<Schema> = json::read(&arguments).ok();
        let text = object.as_ref().and_then(|object| object.get(INPUT)?.as_text());
        // A model that did not keep to the one field is given on as it is.
        let text = text.map_or(arguments.clone(), str::to_owned);
        self.cut(Event::Delta { part, text }, out);
    }

    fn cut(&mut self, event: Event, out: &mut Vec<Event>) {
        match &mut self.cut {
            Some(cut) => cut.push(event, out),
            None => out.push(event),
        }
    }
}

fn one_text() -> Schema {
    let text = |text: &str| Schema::Text(text.to_owned());
    let map = |fields: Vec<(&str, Schema)>| {
        Schema::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let input = map(vec![("type", text("string"))]);
    map(vec![
        ("type", text("object")),
        ("properties", map(vec![(INPUT, input)])),
        ("required", Schema::List(vec![text(INPUT)])),
    ])
}

/// Ends an answer at a text. What might be the beginning of one is held back until more is known.
struct Cut {
    stops: Vec<String>,
    /// The text part that is open.
    part: usize,
    /// Its end, which may begin a stop.
    tail: String,
    /// The stop that came.
    found: Option<String>,
}

impl Cut {
    fn push(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.found.is_some() {
            // The provider goes on; only what it counts and how it breaks matters.
            match event {
                Event::Usage(_) | Event::Done | Event::Fail(_) => out.push(event),
                Event::Finish(_) => out.push(Event::Finish(Stop::Sequence(self.found.clone()))),
                Event::Start { .. }
                | Event::Open { .. }
                | Event::Delta { .. }
                | Event::Sign { .. }
                | Event::Cite { .. }
                | Event::Close { .. }
                | Event::Other => {}
            }
            return;
        }
        match event {
            Event::Open { part, kind: Kind::Text } => {
                self.part = part;
                out.push(Event::Open { part, kind: Kind::Text });
            }
            Event::Delta { part, text } if part == self.part => self.text(&text, out),
            Event::Close { part } if part == self.part => {
                self.flush(out);
                out.push(Event::Close { part });
            }
            Event::Finish(stop) => {
                self.flush(out);
                out.push(Event::Finish(stop));
            }
            other => out.push(other),
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        self.tail.push_str(text);
        let part = self.part;
        let hits = self.stops.iter().filter_map(|stop| Some((self.tail.find(stop)?, stop)));
        if let Some((at, stop)) = hits.min_by_key(|(at, _)| *at) {
            self.found = Some(stop.clone());
            self.tail.truncate(at);
            self.flush(out);
            out.push(Event::Close { part });
            return;
        }
        let open = self.stops.iter().map(|stop| overlap(&self.tail, stop)).max().unwrap_or(0);
        let rest = self.tail.split_off(self.tail.len() - open);
        let text = std::mem::replace(&mut self.tail, rest);
        if !text.is_empty() {
            out.push(Event::Delta { part, text });
        }
    }

    fn flush(&mut self, out: &mut Vec<Event>) {
        let text = std::mem::take(&mut self.tail);
        if !text.is_empty() {
            out.push(Event::Delta { part: self.part, text });
        }
    }
}

/// How many bytes at the end of a text begin a stop.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    (1..=longest)
        .rev()
        .find(|at| stop.as_bytes().starts_with(&text.as_bytes()[text.len() - at..]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reshape: &mut Reshape, events: Vec<Event>) -> String {
        let mut out = Vec::new();
        for event in events {
            reshape.push(event, &mut out);
        }
        let name = |event: Event| match event {
            Event::Open { kind: Kind::Call { name, custom, .. }, .. } => {
                format!("open {name} {custom}")
            }
            Event::Open { .. } => "open".to_owned(),
            Event::Delta { text, .. } => format!("+{text}"),
            Event::Close { .. } => "close".to_owned(),
            Event::Finish(stop) => format!("{stop:?}"),
            other => format!("{other:?}"),
        };
        out.into_iter().map(name).collect::<Vec<_>>().join(" ")
    }

    fn text(pieces: &[&str]) -> Vec<Event> {
        let mut events = vec![Event::Open { part: 0, kind: Kind::Text }];
        events.extend(pieces.iter().map(|text| Event::Delta { part: 0, text: (*text).to_owned() }));
        events.extend([Event::Close { part: 0 }, Event::Finish(Stop::End), Event::Done]);
        events
    }

    #[test]
    fn an_answer_ends_where_the_client_said() {
        let check = |pieces: &[&str], expected: &str| {
            let mut reshape = Reshape::default();
            reshape.stopping_at(&["END".to_owned(), "é!".to_owned()]);
            assert_eq!(said(&mut reshape, text(pieces)), expected, "{pieces:?}");
        };
        check(&["one", " two"], "open +one + two close End Done");
        check(&["one END two", "x"], "open +one  close Sequence(Some(\"END\")) Done");
        check(&["aE", "N", "D", "b"], "open +a close Sequence(Some(\"END\")) Done");
        check(&["aE", "Nx"], "open +a +ENx close End Done");
        check(&["aEN"], "open +a +EN close End Done");
        check(&["caf\u{e9}", "!"], "open +caf close Sequence(Some(\"é!\")) Done");
    }

    #[test]
    fn a_tool_that_stood_for_a_schema_is_the_answer() {
        let mut reshape = Reshape::default();
        reshape.answering_by("response");
        let call = |part, name: &str| {
            let (id, name) = ("c".to_owned(), name.to_owned());
            Event::Open { part, kind: Kind::Call { id, name, custom: false } }
        };
        let delta = Event::Delta { part: 0, text: "{}".to_owned() };
        let events = vec![call(0, "response"), delta.clone(), Event::Finish(Stop::Tools)];
        assert_eq!(said(&mut reshape, events), "open +{} End");
        let events = vec![call(0, "response"), delta, call(1, "f"), Event::Finish(Stop::Tools)];
        assert_eq!(said(&mut reshape, events), "open +{} open f false Tools");
    }

    #[test]
    fn a_free_text_tool_gets_its_text() {
        let call = |arguments: &[&str]| {
            let (id, name) = ("c".to_owned(), "sh".to_owned());
            let mut events =
                vec![Event::Open { part: 0, kind: Kind::Call { id, name, custom: false } }];
            let delta = |text: &&str| Event::Delta { part: 0, text: (*text).to_owned() };
            events.extend(arguments.iter().map(delta));
            events.extend([Event::Close { part: 0 }, Event::Finish(Stop::Tools)]);
            events
        };
        let check = |arguments: &[&str], expected: &str| {
            let mut reshape = Reshape { custom: vec!["sh".to_owned()], ..Reshape::default() };
            assert_eq!(said(&mut reshape, call(arguments)), expected, "{arguments:?}");
        };
        check(&["{\"inp", "ut\":\"ls\\n\"}"], "open sh true +ls\n close Tools");
        check(&["not json"], "open sh true +not json close Tools");
        let mut unclosed = call(&["{\"input\":\"ls\"}"]);
        unclosed.retain(|event| !matches!(event, Event::Close { .. }));
        let mut reshape = Reshape { custom: vec!["sh".to_owned()], ..Reshape::default() };
        assert_eq!(said(&mut reshape, unclosed), "open sh true +ls Tools");
    }
}
