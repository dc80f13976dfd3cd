//! Is any input too odd to be read? No dialect may panic on one.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{WAYS, arbitrary::streamed, prompts::prompt};
use crate::{
    dialect::{Dialect, Losses, Traits},
    testing::fuzz::{read_reply, read_request, read_stream, split, stamp, write},
};

/// Changes a text at a place: takes away, doubles, or puts something there.
fn change(bytes: &mut Vec<u8>, (at, what, odd): (Index, u8, u8)) {
    let at = at.index(bytes.len() + 1);
    let to = bytes.len().min(at + usize::from(odd));
    let piece = [&b"null"[..], b"{}", b"[]", b"\"", b"-1", b"1e999", b"\\ud800", b"\xff", b"\n\n"];
    match what % 4 {
        0 => drop(bytes.drain(at..to)),
        1 => bytes.extend_from_within(at..to),
        2 => drop(bytes.splice(at..to, piece[usize::from(odd) % piece.len()].iter().copied())),
        _ => drop(bytes.splice(at..at, [odd])),
    }
}

fn changes() -> impl Strategy<Value = Vec<(Index, u8, u8)>> {
    vec(any::<(Index, u8, u8)>(), 0..6)
}

fn changed(mut bytes: Vec<u8>, changes: &[(Index, u8, u8)]) -> Vec<u8> {
    for one in changes {
        change(&mut bytes, *one);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_can_be_read(bytes in vec(any::<u8>(), 0..200)) {
        split(&bytes);
        for dialect in Dialect::ALL {
            read_stream(dialect, &bytes);
            read_reply(dialect, &bytes);
            read_request(dialect, &bytes);
        }
    }

    #[test]
    fn any_change_of_a_stream_can_be_read((reply, events) in streamed(), changes in changes()) {
        for (dialect, framing) in WAYS {
            let bytes = changed(write(dialect, framing, &events), &changes);
            split(&bytes);
            read_stream(dialect, &bytes);
            let whole = dialect.write_reply(&reply, &stamp(framing));
            read_reply(dialect, &changed(whole, &changes));
        }
    }

    #[test]
    fn any_change_of_a_request_can_be_read(prompt in prompt(), changes in changes()) {
        for dialect in Dialect::ALL {
            let traits = Traits { native: true, ..Traits::default() };
            if let Ok(body) = dialect.write_request(&prompt, &traits, &mut Losses::default()) {
                read_request(dialect, &changed(body, &changes));
            }
        }
    }
}
