//! Which keys has an older root secret sealed, and what do they look like when the current one has?

use super::{
    SEALED, Said, open,
    owner::{Owner, Owners},
    seal,
};
use crate::{api::document::Stored, error::Result, gateway::Gateway, store::Document};

/// What becomes of a key.
pub(in crate::api) enum Resealed {
    /// The current secret has sealed it already.
    Current,
    /// It is another document now.
    Anew {
        /// What it was.
        before: Box<Document>,
        /// What it is.
        after: Box<Document>,
    },
    /// It does not open.
    Unreadable,
}

/// Seals keys anew that another secret than the current one has sealed. Nothing is kept.
pub(in crate::api) async fn resealed(
    gateway: &Gateway,
    documents: Vec<Document>,
) -> Result<Vec<Resealed>> {
    let mut owners = Owners::default();
    let mut all = Vec::with_capacity(documents.len());
    for document in documents {
        let owner = owners.find(gateway, &document.parent).await?;
        all.push(one(gateway, document, owner.as_ref())?);
    }
    Ok(all)
}

fn one(gateway: &Gateway, before: Document, owner: Option<&Owner>) -> Result<Resealed> {
    let key = Stored::<Said>::read(before.clone())?;
    let sealed = key.extra(SEALED).and_then(|sealed| sealed.as_str());
    if sealed.is_some_and(|sealed| gateway.state.vault.is_current(sealed)) {
        return Ok(Resealed::Current);
    }
    let (Some(secret), Some(owner)) = (open(gateway, &key, owner), owner) else {
        return Ok(Resealed::Unreadable);
    };
    let sealed = seal(gateway, owner, &before.id, &secret)?;
    let after = key.saying_beside(&key.body, SEALED, sealed.into())?;
    Ok(Resealed::Anew { before: Box::new(before), after: Box::new(after) })
}
