//! Which parts has an answer, and how much of each has been told?

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::super::wire;
use crate::dialect::{
    event::{Event, Kind},
    ir::{Citation, State},
};

use crate::json;

/// What stands between two parts of a summary.
pub(super) const PARAGRAPH: &str = "\n\n";

/// The parts so far. Every change of one gives its events.
#[derive(Default)]
pub(super) struct Parts {
    /// How many have been opened.
    count: usize,
    pieces: Vec<Piece>,
    /// Which of them are open: one, or several calls.
    open: Vec<usize>,
    /// The last piece of a place. A hostile answer has very many, so none is looked for one by one.
    last: HashMap<(u64, Slot), usize>,
    /// Where the words of an item stand.
    words: HashMap<u64, Vec<u64>>,
}

/// Where in its item a part stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    Text(u64),
    Refusal(u64),
    Summary,
    Thought,
    Call,
}

/// A part, and how much of it has been told.
#[derive(Clone, Copy)]
struct Piece {
    item: u64,
    slot: Slot,
    part: usize,
    open: bool,
    bytes: usize,
    annotations: usize,
    /// Which part of a summary came last.
    paragraph: u64,
}

impl Parts {
    /// Adds to a part of words, which opens with its first word.
    pub(super) fn add(
        &mut self,
        item: u64,
        slot: Slot,
        text: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let Some(piece) = self.words(item, slot, out) else { return };
        piece.bytes += text.len();
        out.push(Event::Delta { part: piece.part, text });
    }

    /// Adds to a summary, whose parts are paragraphs.
    pub(super) fn summarize(
        &mut self,
        item: u64,
        paragraph: u64,
        text: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let Some(piece) = self.words(item, Slot::Summary, out) else { return };
        let another = piece.bytes > 0 && piece.paragraph != paragraph;
        piece.paragraph = paragraph;
        let text = if another { format!("{PARAGRAPH}{text}") } else { text };
        self.add(item, Slot::Summary, Some(text), out);
    }

    /// Brings a part to its whole text: what the deltas have not told is told.
    pub(super) fn settle(
        &mut self,
        item: u64,
        slot: Slot,
        whole: Option<&str>,
        out: &mut Vec<Event>,
    ) {
        let told = self.find(item, slot).map_or(0, |at| self.pieces[at].bytes);
        let rest = whole.and_then(|whole| whole.get(told..));
        self.add(item, slot, rest.map(str::to_owned), out);
    }

    /// Tells a source of a text.
    pub(super) fn annotate(&mut self, item: u64, at: u64, json: &RawValue, out: &mut Vec<Event>) {
        let Some(at) = self.find(item, Slot::Text(at)) else { return };
        let piece = &mut self.pieces[at];
        piece.annotations += 1;
        let part = piece.part;
        out.extend(citation(json).map(|citation| Event::Cite { part, citation }));
    }

    /// How many sources of a text have been told.
    pub(super) fn annotations(&self, item: u64, at: u64) -> usize {
        self.find(item, Slot::Text(at)).map_or(0, |at| self.pieces[at].annotations)
    }

    /// Tells the state of a thought, which has no words if it has not been opened.
    pub(super) fn sign(&mut self, item: u64, state: State, out: &mut Vec<Event>) {
        let known = self.find(item, Slot::Thought).or_else(|| self.find(item, Slot::Summary));
        let at = known.unwrap_or_else(|| {
            self.open(item, Slot::Summary, Kind::Thought { summary: true }, out)
        });
        out.push(Event::Sign { part: self.pieces[at].part, state });
    }

    /// Opens a call, unless it is known.
    pub(super) fn call(&mut self, item: u64, kind: impl FnOnce() -> Kind, out: &mut Vec<Event>) {
        if self.find(item, Slot::Call).is_none() {
            self.open(item, Slot::Call, kind(), out);
        }
    }

    /// A part that opens whole.
    pub(super) fn whole(&mut self, kind: Kind, out: &mut Vec<Event>) {
        self.close(out);
        let part = self.count;
        self.count += 1;
        out.push(Event::Open { part, kind });
        out.push(Event::Close { part });
    }

    /// Closes every open part.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        for at in std::mem::take(&mut self.open) {
            self.pieces[at].open = false;
            out.push(Event::Close { part: self.pieces[at].part });
        }
    }

    /// The item of the last part, for hosts that do not say which one they mean.
    pub(super) fn last_item(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.item)
    }

    /// Whether the model calls a tool.
    pub(super) fn has_calls(&self) -> bool {
        self.pieces.iter().any(|piece| piece.slot == Slot::Call)
    }

    /// Whether the model has refused.
    pub(super) fn has_refusal(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.slot, Slot::Refusal(_)))
    }

    /// Where the parts of a message stand. Some hosts number them otherwise than they then list them.
    pub(super) fn places(&self, item: u64, parts: usize) -> Vec<u64> {
        let mut told = self.words.get(&item).cloned().unwrap_or_default();
        told.sort_unstable();
        told.dedup();
        if told.len() == parts { told } else { (0..).take(parts).collect() }
    }

    fn find(&self, item: u64, slot: Slot) -> Option<usize> {
        self.last.get(&(item, slot)).copied()
    }

    /// The part of words at a place. One that was closed because another began goes on as a part of its own; a call
    /// without its item has no name, and its arguments come again with the item.
    fn words(&mut self, item: u64, slot: Slot, out: &mut Vec<Event>) -> Option<&mut Piece> {
        let known = self.find(item, slot);
        let open = known.filter(|at| self.pieces[*at].open || slot == Slot::Call);
        let at = match (open, slot) {
            (Some(at), _) => at,
            (None, Slot::Call) => return None,
            (None, Slot::Text(_)) => self.open(item, slot, Kind::Text, out),
            (None, Slot::Refusal(_)) => self.open(item, slot, Kind::Refusal, out),
            (None, Slot::Summary) => self.open(item, slot, Kind::Thought { summary: true }, out),
            (None, Slot::Thought) => self.open(item, slot, Kind::Thought { summary: false }, out),
        };
        if let Some(before) = known.filter(|before| *before != at) {
            let Piece { part, open, .. } = self.pieces[at];
            self.pieces[at] = Piece { part, open, ..self.pieces[before] };
        }
        self.pieces.get_mut(at)
    }

    /// Opens a part after all others are closed; only calls may stand open beside each other.
    fn open(&mut self, item: u64, slot: Slot, kind: Kind, out: &mut Vec<Event>) -> usize {
        let is_call = |slot: Slot| slot == Slot::Call;
        if !is_call(slot) || self.open.last().is_some_and(|at| !is_call(self.pieces[*at].slot)) {
            self.close(out);
        }
        let part = self.count;
        self.count += 1;
        out.push(Event::Open { part, kind });
        let (open, bytes, annotations, paragraph) = (true, 0, 0, 0);
        let at = self.pieces.len();
        self.pieces.push(Piece { item, slot, part, open, bytes, annotations, paragraph });
        self.open.push(at);
        self.last.insert((item, slot), at);
        if let Slot::Text(place) | Slot::Refusal(place) = slot {
            self.words.entry(item).or_default().push(place);
        }
        at
    }
}

/// The citation of an annotation; files of the provider have no address.
pub(crate) fn citation(json: &RawValue) -> Option<Citation> {
    let annotation: wire::Annotation<'_> = json::read(json.get()).ok()?;
    let url = annotation.url?.into_owned();
    let title = annotation.title.unwrap_or_default().into_owned();
    let span = annotation.start_index.zip(annotation.end_index);
    Some(Citation { url, title, quoted: String::new(), span })
}
