//! Does every splitter find the same frames wherever a stream is cut?

#![no_main]

use tidegate_core::testing::fuzz::split;
use tidegate_fuzz::measured;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    measured(input, split);
});
