//! How does a secret stay out of logs, errors and records? By a type that cannot be printed.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that must not be shown. It has no `Debug`, no `Display` and no serde; it is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Fields whose values nobody is shown, wherever they stand: those with such a name, or with one that ends so.
const SECRETS: [&str; 6] = ["sealed", "hash", "secret", "password", "token", "cookie"];

/// Whether a field of a document holds a secret, by its name.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|secret| name == *secret || name.ends_with(&format!("_{secret}")))
}

/// Compares without telling by its time where two texts differ; only their lengths may show.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
