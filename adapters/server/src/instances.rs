//! Who else is told of what ends here? Every instance that shares a Redis with this one, and we of theirs.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use tidegate_core::{
    Body, Result,
    live::{Line, Watch},
    ports::Feed,
};
use tidegate_native::{Channel, open_channel};

use crate::hub::{Hub, Push};

/// A hub that hears of all instances.
pub(crate) struct Instances {
    here: Push,
    channel: Channel,
}

impl Instances {
    /// Listens to the others from now on.
    pub(crate) fn open(url: &str, hub: &Arc<Hub>) -> Result<Self> {
        let hearing = Arc::clone(hub);
        let channel = open_channel(url, Arc::new(move |line| hearing.hear(line)))?;
        Ok(Self { here: Push(Arc::clone(hub)), channel })
    }
}

#[async_trait]
impl Feed for Instances {
    /// Somebody may watch elsewhere.
    fn watched(&self) -> bool {
        true
    }

    /// Those who watch here are told by us, and need no Redis for that.
    async fn tell(&self, line: Line) {
        self.channel.tell(line.text());
        self.here.tell(line).await;
    }

    async fn open(&self, request: Request<Body>, watch: Watch) -> Result<Response<Body>> {
        self.here.open(request, watch).await
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        let lost = self.channel.lost();
        if lost > 0 {
            tracing::warn!(lost, "other instances were not told of some requests");
        }
    }
}
