//! Are the inputs that fuzzing found still read well? Each goes through the door it was found at.

#![expect(clippy::disallowed_methods, reason = "the inputs are files")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use tidegate_core::{
    dialect::Dialect,
    testing::fuzz::{read_reply, read_request, read_stream, split},
};

#[test]
fn splitters_find_their_frames() {
    replay("split", split);
}

#[test]
fn streams_can_be_read() {
    for dialect in Dialect::ALL {
        replay(&format!("stream_{}", dialect.name()), |input| {
            read_stream(dialect, input);
            read_reply(dialect, input);
        });
    }
}

#[test]
fn requests_can_be_read() {
    for dialect in Dialect::ALL {
        let folder = format!("request_{}", dialect.name());
        replay(&folder, |input| read_request(dialect, input));
    }
}

/// Opens a door to every input of `core/tests/data/fuzz/<folder>`.
fn replay(folder: &str, door: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(folder);
    let inputs: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty(), "no inputs in {}", folder.display());
    for input in inputs {
        door(&fs::read(input).unwrap());
    }
}
