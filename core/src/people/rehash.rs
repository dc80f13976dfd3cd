//! What happens to a client key that an older root secret has hashed? Its next use shows the key, so it is hashed anew.

use std::{collections::HashSet, sync::PoisonError};

use crate::{
    error::{Kind, Result},
    gateway::Gateway,
    identity::{Client, Presented, Secret},
    limits::REHASHES_MAX,
    ports::Background,
    store::{self, Audit, Change},
};

/// The clients whose keys are being hashed anew.
pub(crate) type Rehashing = HashSet<String>;

impl Gateway {
    /// Hashes a client's key under the current root secret, after the response. A declared client stays as it is.
    pub(crate) fn rehash_beside(&self, client: &Client, key: &str, background: &dyn Background) {
        let declared = self.state.declared_clients.iter().any(|declared| declared.id == client.id);
        let (vault, now) = (&self.state.vault, self.ports.clock.now());
        if declared || client.is_current(vault, now) {
            return;
        }
        let Some(key) = Presented::parse(key) else { return };
        // The key before this one may be the older secret's, and is not seen in every request.
        if !client.clone().rehash(key.key, vault) {
            return;
        }
        let (id, key) = (client.id.clone(), Secret::new(key.key.to_owned()));
        {
            let mut at_work = self.rehashing();
            if at_work.len() >= REHASHES_MAX || !at_work.insert(id.clone()) {
                return;
            }
        }
        let gateway = self.clone();
        background.run(Box::pin(async move {
            if let Err(error) = gateway.rehash(&id, &key).await {
                tracing::warn!(id, %error, "a client's key could not be hashed anew");
            }
            gateway.rehashing().remove(&id);
        }));
    }

    async fn rehash(&self, id: &str, key: &Secret) -> Result<()> {
        let store = &self.ports.store;
        let Some(document) = store.get(store::Kind::Client, id).await? else { return Ok(()) };
        let mut client = Client::from_document(&document)?;
        if !client.rehash(key.expose(), &self.state.vault) {
            return Ok(());
        }
        let next = client.to_document(document.version)?;
        let audit = Audit {
            at_ms: self.ports.clock.now(),
            actor: "gateway".to_owned(),
            action: "rehash client key".to_owned(),
            ..Audit::default()
        };
        match store.commit(vec![Change::Put(next)], audit).await {
            // Somebody has changed the client: the next use tries again.
            Err(error) if error.kind == Kind::Conflict => {}
            other => drop(other?),
        }
        self.forget_clients(std::iter::once(id));
        Ok(())
    }

    fn rehashing(&self) -> std::sync::MutexGuard<'_, Rehashing> {
        self.state.people.rehashing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
