//! What may a group go by? The request, each part of it read when the first group wants to know it, and once.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};

use super::{group::StickyBy, pick::Mix};
use crate::{
    budget::estimate::Size,
    dialect::{Dialect, Glimpse},
    operation::Operation,
};

/// Headers in which clients name their session.
const SESSION_HEADERS: [&str; 4] =
    ["x-tidegate-session", "x-session-id", "session-id", "session_id"];

/// A request as groups see it.
pub(crate) struct Look<'a> {
    /// What is to be done.
    pub(crate) operation: Operation,
    /// What the client speaks.
    pub(crate) dialect: Dialect,
    /// Whether the answer is to be streamed.
    pub(crate) streams: bool,
    /// The body.
    pub(crate) body: &'a [u8],
    /// The head.
    pub(crate) headers: &'a HeaderMap,
    /// The size, once somebody has asked for it.
    pub(crate) size: &'a OnceLock<Size>,
    glimpse: OnceLock<Glimpse<'a>>,
    lowered: OnceLock<String>,
}

impl<'a> Look<'a> {
    /// A request that nobody has looked at.
    pub(crate) fn new(
        (operation, dialect, streams): (Operation, Dialect, bool),
        body: &'a [u8],
        headers: &'a HeaderMap,
        size: &'a OnceLock<Size>,
    ) -> Self {
        let (glimpse, lowered) = (OnceLock::new(), OnceLock::new());
        Self { operation, dialect, streams, body, headers, size, glimpse, lowered }
    }

    /// How long it is.
    pub(crate) fn size(&self) -> Size {
        *self.size.get_or_init(|| Size::of(self.operation, self.dialect, self.body))
    }

    /// What the user said last.
    pub(crate) fn last(&self) -> String {
        self.glimpse().last()
    }

    /// The same in small letters.
    pub(super) fn lowered(&self) -> &str {
        self.lowered.get_or_init(|| self.last().to_lowercase())
    }

    /// Whether tools are offered.
    pub(super) fn has_tools(&self) -> bool {
        self.glimpse().has_tools()
    }

    /// Whether there are pictures in it.
    pub(super) fn has_images(&self) -> bool {
        self.glimpse().has_images()
    }

    /// Whom it is like: requests with the same answer go to the same target. A session that is not named is the user's,
    /// and a user that is not named is known by how the prompt begins.
    pub(super) fn likeness(&self, by: StickyBy) -> (StickyBy, Mix) {
        let session = || {
            let header = SESSION_HEADERS.iter().find_map(|name| self.headers.get(*name));
            let header = header.map(HeaderValue::as_bytes);
            header.or_else(|| self.glimpse().session().map(str::as_bytes)).map(Mix::of)
        };
        let user = || self.glimpse().user().map(|user| Mix::of(user.as_bytes()));
        let prefix = || {
            let pieces = self.glimpse().beginning();
            pieces.iter().fold(Mix::of(b""), |mix, piece| mix.and(piece.as_bytes()))
        };
        let found = match by {
            StickyBy::Session => session()
                .map(|mix| (StickyBy::Session, mix))
                .or_else(|| Some((StickyBy::User, user()?))),
            StickyBy::User => user().map(|mix| (StickyBy::User, mix)),
            StickyBy::Prefix => None,
        };
        found.unwrap_or_else(|| (StickyBy::Prefix, prefix()))
    }

    fn glimpse(&self) -> &Glimpse<'a> {
        self.glimpse.get_or_init(|| self.dialect.glimpse(self.body))
    }
}
