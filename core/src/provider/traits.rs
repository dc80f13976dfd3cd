//! What does a model at a provider understand? Rows of data, the first that fits counts.

use super::Provider;
use crate::dialect::Traits;

/// The traits of a target.
pub(crate) fn of(_provider: &Provider, _model: &str) -> Traits {
    Traits::default()
}
