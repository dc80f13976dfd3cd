//! What do answers, their events and their errors hold, as they come?

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Counters;
use crate::{dialect::ir, json};

/// One event of a stream: all kinds in one shape, so that a frame is read once.
#[derive(Deserialize)]
pub(in super::super) struct Frame<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(in super::super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in super::super) message: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub(in super::super) content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(in super::super) delta: Option<Delta<'a>>,
    #[serde(default)]
    pub(in super::super) usage: Option<Counters>,
    #[serde(borrow, default)]
    pub(in super::super) error: Option<ErrorBody<'a>>,
}

/// A whole answer, or the empty one that opens a stream.
#[derive(Deserialize)]
pub(in super::super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(in super::super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_sequence: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_details: Option<StopDetails<'a>>,
    #[serde(default)]
    pub(in super::super) usage: Option<Counters>,
    #[serde(borrow, default)]
    pub(in super::super) error: Option<ErrorBody<'a>>,
}

/// Why the model would not answer.
#[derive(Deserialize)]
pub(in super::super) struct StopDetails<'a> {
    #[serde(borrow, default)]
    pub(in super::super) explanation: Option<Cow<'a, str>>,
}

/// What is added to a block, or, at the end, to the message.
#[derive(Deserialize)]
pub(in super::super) struct Delta<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(in super::super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in super::super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) citation: Option<Citation<'a>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_sequence: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) stop_details: Option<StopDetails<'a>>,
}

/// One block of an answer: the fields of all kinds that other dialects have too.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in super::super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(in super::super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(in super::super) text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) citations: Option<Vec<Citation<'a>>>,
    #[serde(borrow)]
    pub(in super::super) thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(in super::super) input: Option<&'a RawValue>,
}

impl<'a> Block<'a> {
    /// Reads a block. Of one whose fields are of other types than the known ones, the kind alone.
    pub(in super::super) fn read(block: &'a RawValue) -> Self {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow, rename = "type", default)]
            kind: Cow<'a, str>,
        }
        json::read(block.get()).unwrap_or_else(|_| {
            let kind = json::read::<Kind<'a>>(block.get());
            Self { kind: kind.map(|kind| kind.kind).unwrap_or_default(), ..Self::default() }
        })
    }

    /// How much text there is, in bytes: what an estimate of its tokens starts from.
    pub(in super::super) fn text_bytes(&self) -> usize {
        let texts = [self.text.as_deref(), self.thinking.as_deref(), self.name.as_deref()];
        let input = self.input.map_or(0, |input| input.get().len());
        texts.into_iter().flatten().map(str::len).sum::<usize>() + input
    }
}

/// Where words come from: a page of the web, a search result, or a place in a document.
#[derive(Deserialize)]
pub(in super::super) struct Citation<'a> {
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    document_title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cited_text: Option<Cow<'a, str>>,
}

impl Citation<'_> {
    /// The citation in the common words: it stands for the whole block it comes with.
    pub(in super::super) fn common(self) -> ir::Citation {
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        ir::Citation {
            url: text(self.url.or(self.source)),
            title: text(self.title.or(self.document_title)),
            quoted: text(self.cited_text),
            span: None,
        }
    }
}

/// What went wrong.
#[derive(Deserialize)]
pub(in super::super) struct ErrorBody<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(in super::super) category: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in super::super) details: Option<ErrorDetails<'a>>,
}

/// What exactly went wrong.
#[derive(Deserialize)]
pub(in super::super) struct ErrorDetails<'a> {
    #[serde(borrow, default)]
    pub(in super::super) error_code: Option<Cow<'a, str>>,
}
