//! Where are passwords hashed? On a thread of their own, one at a time, with few waiting.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_core::{
    Error, Result,
    error::Kind,
    identity::{Cost, Secret, stretch},
    limits::{HASHES_AT_ONCE_MAX, HASHES_WAITING_MAX},
    ports::Hasher,
};
use tokio::sync::{Semaphore, TryAcquireError};

/// A hash keeps a processor busy for some 50 ms and takes 19 MiB: many at once would leave nothing for requests.
pub struct Passwords {
    /// Those at work and those that wait.
    places: Arc<Semaphore>,
    /// Those at work.
    work: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX + HASHES_WAITING_MAX)),
            work: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)),
        }
    }
}

#[async_trait]
impl Hasher for Passwords {
    async fn stretch(&self, password: Secret, salt: [u8; 16], cost: Cost) -> Result<[u8; 32]> {
        let _place = self.places.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => busy(),
            TryAcquireError::Closed => Error::internal(error),
        })?;
        let turn = Arc::clone(&self.work).acquire_owned().await.map_err(Error::internal)?;
        tracing::debug!("a password is hashed");
        let work = tokio::task::spawn_blocking(move || {
            // Whoever asked may be gone: the next one's turn comes when the work is over, not before.
            let _turn = turn;
            stretch(&password, salt, cost)
        });
        work.await.map_err(Error::internal)?
    }
}

fn busy() -> Error {
    Error::new(Kind::RateLimited, "Too many people sign in at once; try again.").retry_after("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 4096, passes: 2, lanes: 1 };

    #[tokio::test]
    async fn few_wait_and_the_rest_is_refused() {
        let passwords = Arc::new(Passwords::default());
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let passwords = Arc::clone(&passwords);
                tokio::spawn(async move {
                    let secret = Secret::new("password".to_owned());
                    passwords.stretch(secret, [1; 16], CHEAP).await
                })
            })
            .collect();
        let mut keys = Vec::new();
        let mut refused = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(key) => keys.push(key),
                Err(error) => {
                    assert_eq!(error.kind, Kind::RateLimited);
                    refused += 1;
                }
            }
        }
        assert_eq!((keys.len(), refused), (9, 11));
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
