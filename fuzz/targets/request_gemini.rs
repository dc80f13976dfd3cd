//! Can every request of a client of this dialect be read and written on?

#![no_main]

use tidegate_core::{dialect::Dialect, testing::fuzz::read_request};
use tidegate_fuzz::measured;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    measured(input, |input| read_request(Dialect::Gemini, input));
});
