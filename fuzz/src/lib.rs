//! How much memory may an input cost? No more than so many times its own length.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes of memory for each byte of input.
const BYTES_PER_BYTE: usize = 100;
/// What the shortest input may cost: tables, and buffers that do not grow with it.
const BYTES_BASE: usize = 64 << 10;

/// Runs a door on an input and panics when it takes too much memory.
pub fn measured(input: &[u8], door: impl FnOnce(&[u8])) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    door(input);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let most = BYTES_BASE + BYTES_PER_BYTE * input.len();
    assert!(taken <= most, "{taken} bytes of memory for {} bytes", input.len());
}
