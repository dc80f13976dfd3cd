//! What may a client still spend? Teams and clients with their limits, and what one request holds of them.
//!
//! Read in this order: [`limit`] (one limit), [`window`] (how long it counts), [`policy`] (all that a team or a client is
//! held to), [`team`] (the tree), [`claim`] (what a request takes of each limit on its path, and gives back).

mod claim;
pub(crate) mod estimate;
mod limit;
mod policy;
mod range;
mod team;
mod window;

pub(crate) use claim::{Amounts, Claim, Hold, Tally};
pub(crate) use limit::Form as LimitForm;
pub use limit::{Limit, Measure};
pub use policy::{Exhausted, Ledger, Policy, Unchecked, fits};
pub use range::Range;
pub(crate) use team::{Path, Teams};
pub use team::{Team, is_id};
pub(crate) use window::rfc3339;
pub use window::{Period, Span, Window};
