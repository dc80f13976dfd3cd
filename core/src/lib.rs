//! Tidegate's core: everything between a request and its answer, without I/O, without a runtime, without a platform.
//!
//! Read in this order: [`ports`] (the outside world on one page), [`gateway`] (the only way in), `router` (every
//! route), `relay` (the data path, one file per stage), [`dialect`], [`provider`], [`store`], [`identity`].

pub mod config;
pub mod dialect;
pub mod error;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod limits;
pub mod ports;
pub mod provider;
pub mod store;

pub use self::http::Body;
pub use error::{Error, Result};
pub use gateway::{Gateway, State};
