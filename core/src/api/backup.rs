//! How does a command copy the database of a running gateway? The gateway makes the copy, and the command takes it away.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Answer, inbound, write};
use crate::{
    error::{Error, Kind},
    gateway::Gateway,
    router::Visit,
};

/// Nothing can be said of a copy.
#[derive(Default, Deserialize)]
struct Asked {}

/// A copy.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Made {
    /// Where it lies, on the gateway's machine.
    path: String,
}

/// Makes one.
pub(crate) fn create(gateway: &Gateway, visit: Visit) -> Answer<'_> {
    Box::pin(async move {
        let Asked {} = inbound::optional(visit.request).await?;
        let Some(backup) = gateway.state.backup() else {
            let message = "This database is no file of this machine: back it up with its own tools, or export it.";
            return Err(Error::new(Kind::Conflict, message));
        };
        let path = backup.copy().await?;
        write(StatusCode::CREATED, &Made { path })
    })
}
