//! Which servers does this machine run for the suites?

pub mod redis;
pub mod servers;
pub mod sqld;
