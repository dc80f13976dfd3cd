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

/// Compares without telling by its time where two texts differ; only their lengths may show.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
