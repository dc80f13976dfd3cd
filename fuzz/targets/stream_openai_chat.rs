//! Can every stream of a provider of this dialect be read and written on?

#![no_main]

use tidegate_core::{dialect::Dialect, testing::fuzz::read_stream};
use tidegate_fuzz::measured;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    measured(input, |input| read_stream(Dialect::OpenAiChat, input));
});
