//! What does a gateway put into a request that the client never said, because the dialect wants it so?

use serde_json::{Map, Value};
use tidegate_core::dialect::Dialect;

use super::Crossing;
use crate::{
    asked::{self, Asked, Choice, Format, Side},
    oracle::{self, Finish},
    tally::Failure,
};

impl Crossing {
    /// The request as the client would know it again.
    pub(super) fn without_makeshift(&self, target: Asked) -> Asked {
        if self.provider != Dialect::Anthropic {
            return target;
        }
        self.without_answer_tool(self.without_opening(target))
    }

    /// Where the client must begin, a dot may be put into its mouth.
    fn without_opening(&self, mut target: Asked) -> Asked {
        let begins = self.source.turns.first().is_some_and(|turn| turn.side == Side::Client);
        let filled = target.turns.first().is_some_and(|turn| turn.text == ".");
        if !begins && filled {
            target.turns.remove(0);
        }
        target
    }

    /// The tool that stands in for the schema of the answer.
    pub(super) fn answer_tool(&self, got: &[u8]) -> Option<String> {
        let got: Map<String, Value> = serde_json::from_slice(got).ok()?;
        let target = asked::read(self.provider, &got);
        let tools: Vec<String> = target.tools.iter().map(|tool| tool.name.clone()).collect();
        let kept = self.without_makeshift(target).tools;
        tools.into_iter().find(|name| !kept.iter().any(|tool| tool.name == *name))
    }

    /// What a client sees of a call of that tool: it must be the text of the answer.
    pub(super) fn judge_unwrapped(&self, body: &[u8]) -> Option<Failure> {
        let read = if self.stream { oracle::stream } else { oracle::whole };
        let said = read(self.client, body);
        let text: Value = serde_json::from_str(&said.text).unwrap_or_default();
        let ended = said.finish == Some(Finish::Stop) && said.calls.is_empty();
        let unwrapped = text == serde_json::json!({"x": 1}) && ended;
        (!unwrapped)
            .then(|| Failure::new("the tool of the schema is not unwrapped", format!("{said:?}")))
    }

    /// Where an answer cannot be held to a schema, a tool of that shape must be called instead. Beside other tools, any
    /// of them will do.
    fn without_answer_tool(&self, mut target: Asked) -> Asked {
        let known = |name: &String| self.source.tools.iter().any(|tool| tool.name == *name);
        let own = target.tools.iter().position(|tool| !known(&tool.name));
        let (Some(Format::Schema(_)), None, Some(at)) = (&self.source.format, &target.format, own)
        else {
            return target;
        };
        let alone = self.source.tools.is_empty();
        let forced = match &target.choice {
            Some(Choice::Only(name)) => alone && *name == target.tools[at].name,
            Some(Choice::Required) => true,
            Some(Choice::Auto | Choice::Never | Choice::Among(..)) | None => false,
        };
        if forced {
            let tool = target.tools.remove(at);
            target.format = Some(Format::Schema(tool.schema));
            target.choice.clone_from(&self.source.choice);
        }
        target
    }
}
