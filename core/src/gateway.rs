//! The only way in: a request and its call become a response.

use std::sync::Arc;

use http::{Request, Response, StatusCode};

use crate::{
    config::Config,
    error::Result,
    http::{Body, empty},
    ports::{Call, Ports},
};

/// The gateway. Cheap to build: on Workers there is one for each request, over one shared [`State`].
#[derive(Clone)]
pub struct Gateway {
    pub(crate) ports: Ports,
    pub(crate) state: Arc<State>,
}

/// What outlives a request: the declaration, the snapshot, the clients that were looked up.
pub struct State {
    pub(crate) config: Config,
}

impl State {
    /// State over a declaration, with nothing loaded.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Gateway {
    /// A gateway over these seams.
    #[must_use]
    pub fn new(ports: Ports, state: Arc<State>) -> Self {
        Self { ports, state }
    }

    /// Answers one request. Dropping the future cancels whatever it was waiting for; the record is written all the same.
    pub async fn handle(&self, request: Request<Body>, call: Call) -> Response<Body> {
        let _ = (request, call, &self.ports, &self.state.config);
        empty(StatusCode::NOT_IMPLEMENTED)
    }

    /// Brings the snapshot up to date. A server calls it every [`REVISION_POLL`](crate::limits::REVISION_POLL).
    pub async fn refresh(&self) -> Result<()> {
        Ok(())
    }

    /// Upkeep: prunes what is too old. One process at a time does it, under a lease. A server calls it by a timer, a
    /// Worker by its cron trigger, Lambda by a schedule.
    pub async fn maintain(&self) -> Result<()> {
        Ok(())
    }
}
