//! What is said alike in a stream and in a whole answer?

use std::borrow::Cow;

use crate::dialect::{
    Dialect, Stamp,
    ir::{Media, MediaKind, Source, State},
};

/// The answer's id.
pub(in super::super) fn message_id(stamp: &Stamp) -> String {
    format!("msg_{}", stamp.id)
}

/// A call's id: its own, or one made up where its dialect has none.
pub(in super::super) fn call_id(id: &str, part: usize, stamp: &Stamp) -> String {
    if id.is_empty() { stamp.part_id("toolu_", part) } else { id.to_owned() }
}

/// A call's state, sealed together with the call's id, by which it finds its call again.
pub(in super::super) fn call_state(state: &State, id: &str, stamp: &Stamp) -> String {
    stamp.carrier.wrap(&State { id: id.to_owned(), ..state.clone() })
}

/// A thought's state: this API's own as it is, any other one sealed.
pub(in super::super) fn seal<'s>(state: &'s State, stamp: &Stamp) -> Cow<'s, str> {
    if state.dialect == Dialect::Anthropic {
        return Cow::Borrowed(&state.data);
    }
    Cow::Owned(stamp.carrier.wrap(state))
}

/// Whether a state without words is a hidden thought rather than the signature of an empty one.
pub(in super::super) fn is_hidden(state: &State) -> bool {
    state.dialect != Dialect::Anthropic || state.form == "redacted"
}

/// Media that the model made, as text: an answer of this API holds no media.
pub(in super::super) fn media_text(media: &Media) -> String {
    let name = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Document => "document",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    let picture = if media.kind == MediaKind::Image { "!" } else { "" };
    match &media.source {
        Source::Data { mime, base64 } => format!("{picture}[{name}](data:{mime};base64,{base64})"),
        Source::Url { url, .. } => format!("{picture}[{name}]({url})"),
        Source::Text(text) => text.clone(),
        Source::File { id, .. } => format!("{picture}[{name}]({id})"),
    }
}
