//! How does the gateway run on AWS Lambda? Behind a function URL that streams, with the log written after the response.
//!
//! Read in this order: [`function`] (an event becomes a request, or upkeep), [`after`] (what must still be done when the
//! response has left), [`drain`] (when it is done), [`nodelay`] (why a warm answer does not wait 43 ms). [`runtime`] puts
//! them together.

pub mod after;
pub mod drain;
pub mod function;
pub mod nodelay;
pub mod runtime;
