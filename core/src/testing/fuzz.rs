//! What must hold for any bytes at all? One door for each kind of input: it panics where a law is broken.

use std::ops::Range;

use bytes::Bytes;
use http::StatusCode;

use super::root_secret;
use crate::{
    dialect::{
        Carrier, Dialect, Event, Framing, Losses, Splitter, Stamp, Traits,
        ir::{self, Prompt},
    },
    identity::Vault,
};

/// How streams are framed: events, lines, and the elements of an array.
const FRAMINGS: [Framing; 3] = [Framing::Events, Framing::Lines, Framing::Array];

/// What a stream of nothing may say.
const EVENTS_BASE: usize = 64;

/// Finds the frames of a stream, whole and in pieces of the length that its first byte says, in every framing.
pub fn split(bytes: &[u8]) {
    let length = usize::from(bytes.first().copied().unwrap_or(1)).max(1);
    for framing in FRAMINGS {
        let whole = frames(framing, [bytes]);
        assert_eq!(whole, frames(framing, bytes.chunks(length)), "a cut moves frames");
        assert_eq!(whole.concat(), bytes, "frames leave a gap");
    }
}

/// Reads a stream of a provider, and writes what it says in every dialect.
pub fn read_stream(dialect: Dialect, bytes: &[u8]) {
    let said = events(dialect, dialect.framing(), [bytes]);
    let told: usize = said.iter().map(length).sum();
    assert!(told <= 2 * bytes.len() + EVENTS_BASE, "{told} said by {}", bytes.len());
    for to in Dialect::ALL {
        write(to, Framing::Events, &said);
    }
}

/// Reads a whole answer of a provider, also as an error, and writes it in every dialect.
pub fn read_reply(dialect: Dialect, bytes: &[u8]) {
    let _ = dialect.glance(bytes);
    let error = dialect.read_error(StatusCode::BAD_REQUEST, bytes);
    for to in Dialect::ALL {
        to.write_error(&error);
    }
    let Ok(reply) = dialect.read_reply(bytes) else { return };
    for to in Dialect::ALL {
        to.write_reply(&reply, &stamp(Framing::Events));
    }
}

/// Reads a client's request, and writes it for a provider of every dialect.
pub fn read_request(dialect: Dialect, bytes: &[u8]) {
    if let Ok(ask) = dialect.ask(bytes) {
        let _ = dialect.patch_request(&Bytes::copy_from_slice(bytes), &ask, "model");
    }
    let Ok(mut prompt) = dialect.read_request(bytes, &carrier()) else { return };
    ir::link(&mut prompt.turns);
    for to in Dialect::ALL {
        write_request(to, &prompt);
    }
}

fn write_request(to: Dialect, prompt: &Prompt) {
    let traits = Traits { native: true, ..Traits::default() };
    for json_schema in [true, false] {
        let traits = Traits { json_schema, ..traits.clone() };
        let _ = to.write_request(prompt, &traits, &mut Losses::default());
    }
}

/// The events of a stream that comes in these pieces, up to the one that ends it.
pub(crate) fn events<'b>(
    dialect: Dialect,
    framing: Framing,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Vec<Event> {
    let (mut reader, mut said) = (dialect.reader(), Vec::new());
    let mut out = Vec::new();
    for frame in frames(framing, pieces) {
        reader.push(&frame, &mut out);
        for event in out.drain(..) {
            let end = matches!(event, Event::Done | Event::Fail(_));
            said.push(event);
            if end {
                return said;
            }
        }
    }
    reader.end(&mut said);
    said
}

/// The stream that says these events.
pub(crate) fn write(dialect: Dialect, framing: Framing, events: &[Event]) -> Vec<u8> {
    let (mut writer, mut out) = (dialect.writer(stamp(framing)), Vec::new());
    for event in events {
        writer.push(event.clone(), &mut out);
    }
    out
}

/// How much an event says; at least that it has come.
fn length(event: &Event) -> usize {
    let Event::Delta { text, .. } = event else { return 1 };
    text.len()
}

fn frames<'b>(framing: Framing, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<Bytes> {
    let (mut splitter, mut frames) = (Splitter::new(framing), Vec::new());
    for piece in pieces {
        if splitter.push(Bytes::copy_from_slice(piece)).is_err() {
            return frames;
        }
        while let Some(frame) = splitter.next() {
            frames.push(taken(&splitter, frame));
        }
    }
    frames.extend(Some(splitter.rest()).filter(|rest| !rest.is_empty()));
    frames
}

fn taken(splitter: &Splitter, frame: Range<usize>) -> Bytes {
    splitter.slice(frame)
}

/// What an answer bears that no provider said.
pub(crate) fn stamp(framing: Framing) -> Stamp {
    Stamp {
        id: "0123456789abcdef".to_owned(),
        at_s: 1_700_000_000,
        model: "model".to_owned(),
        usage_wanted: true,
        framing,
        carrier: carrier().into(),
        echo: Vec::new(),
    }
}

/// What seals a provider's state.
pub(crate) fn carrier() -> Carrier {
    Carrier::new(Vault::new(&root_secret()), "mock")
}
