//! What would AWS Lambda do to this function? One execution environment behind a streaming function URL, with the
//! Runtime API, the Extensions API, the freeze between invocations and the shutdown phase, and a timeline of it all.
//!
//! Read in this order: [`Emulator`] (what a test holds), [`timeline`] (what it asserts on), `sandbox` (one process and
//! the phases it goes through), `runtime_api` (what the process talks to), `front` (what the client talks to).
//!
//! The freeze is real: the process is stopped with SIGSTOP as soon as it and its extensions wait for the next event.
//! What cannot be seen here is said in the module that would show it.

mod connection;
mod emulator;
mod event;
mod front;
mod limits;
mod prelude;
mod process;
mod runtime_api;
mod sandbox;
pub mod timeline;

pub use emulator::{Emulator, Freeze, Invoked, Options, Shutdown};
