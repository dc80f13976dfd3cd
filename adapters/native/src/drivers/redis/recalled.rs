//! Where do instances keep answers that any of them may give again? In Redis, over the connections that count, for as long
//! as Redis has room.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use redis::cmd;
use tidegate_core::ports::Cache;

use super::link::Link;

/// A cache in Redis, which may forget whatever it likes.
pub(crate) struct Recalled(pub(super) Arc<Link>);

impl Recalled {
    /// Beside everything else that is ours there.
    fn named(&self, key: &str) -> String {
        self.0.named(&format!("recall/{key}"))
    }
}

#[async_trait]
impl Cache for Recalled {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let mut asked = cmd("GET");
        asked.arg(self.named(key));
        match self.0.command::<Option<Vec<u8>>>(asked).await {
            Ok(found) => found.map(Bytes::from),
            Err(error) => {
                tracing::debug!(%error, "what is kept cannot be read");
                None
            }
        }
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let life_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut asked = cmd("SET");
        asked.arg(self.named(key)).arg(&value[..]).arg("PX").arg(life_ms);
        if let Err(error) = self.0.command::<()>(asked).await {
            tracing::debug!(%error, "an answer cannot be kept");
        }
    }
}
