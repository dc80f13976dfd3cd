//! Which servers does this machine run for the suites?

pub mod redis;
pub mod schema;
pub mod servers;
pub mod sqld;
