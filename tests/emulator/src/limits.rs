//! How much is too much? The platform's published bounds, and the emulator's own.

use std::time::Duration;

/// An event, the request's headers and its possibly base64-coded body included. Lambda: 6 MB.
pub(crate) const EVENT_BYTES_MAX: usize = 6 << 20;
/// What is read of a request that is too large, so that its client gets to read the refusal.
pub(crate) const REFUSED_BYTES_MAX: usize = 64 << 20;
/// A streamed answer. Lambda: 200 MB.
pub(crate) const ANSWER_BYTES_MAX: usize = 200 << 20;
/// The head of a streamed answer: JSON before the eight zero bytes.
pub(crate) const PRELUDE_BYTES_MAX: usize = 1 << 20;
/// Pieces of an answer on their way to a client; more stop the function, as a slow client does.
pub(crate) const PIECES_WAITING_MAX: usize = 64;
/// Requests that wait for the one execution environment.
pub(crate) const INVOCATIONS_WAITING_MAX: usize = 1000;
/// Processes that one event may meet, when each ends before it takes the event.
pub(crate) const STARTS_MAX: u32 = 3;
/// Extensions of one environment. Lambda: 10.
pub(crate) const EXTENSIONS_MAX: usize = 10;
/// The timeline; later moments are not kept.
pub(crate) const MOMENTS_MAX: usize = 200_000;
/// Lines of the function's log; later lines are not kept.
pub(crate) const LOG_LINES_MAX: usize = 50_000;
/// The Init phase. Lambda: 10 s.
pub(crate) const INIT_WAIT: Duration = Duration::from_secs(10);
/// From SIGTERM to SIGKILL when an internal extension is registered. Lambda: 500 ms.
pub(crate) const TERM_WAIT: Duration = Duration::from_millis(500);
/// How long a killed process may take to be gone.
pub(crate) const EXIT_WAIT: Duration = Duration::from_secs(5);
