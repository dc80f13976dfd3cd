//! Tidegate's core: everything between a request and its answer, without I/O, without a runtime, without a platform.
//!
//! Read in this order: [`ports`] (the outside world on one page), [`gateway`] (the only way in), `router` (every
//! route), `relay` (the data path, one file per stage), [`dialect`], [`provider`], [`store`], [`identity`].

mod api;
pub mod budget;
mod calendar;
mod clients;
pub mod config;
pub mod dialect;
pub mod error;
mod form;
mod freshness;
pub mod gateway;
mod health;
pub mod http;
pub mod identity;
mod ids;
pub mod journal;
mod json;
pub mod limits;
pub mod live;
pub mod media;
mod memory;
mod metrics;
pub mod money;
pub mod moving;
pub mod network;
mod operation;
pub mod outage;
pub mod pages;
mod people;
mod permit;
pub mod ports;
pub mod provider;
pub mod proxy;
pub mod recall;
mod relay;
mod room;
pub mod route;
pub mod router;
mod settings;
mod snapshot;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod turns;
mod upkeep;

pub use self::http::Body;
pub use error::{Error, Result};
pub use gateway::{Gateway, State};
