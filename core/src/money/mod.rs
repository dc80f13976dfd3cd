//! What does a request cost? Prices from one named state of the catalogue, and whole nano-dollars.

mod cost;
pub mod decimal;
pub mod estimate;
mod grade;
mod listing;
mod names;
mod overrides;
mod price;
mod prices;
mod recompute;
mod refresh;

pub use cost::{ceiling, cost};
pub(crate) use grade::grade;
pub(crate) use listing::Listing;
pub use overrides::{Override, amount, is_model_name, read_price};
pub use price::{Price, Rates, Tier, Unit};
pub use prices::{Prices, TOLD};
pub(crate) use recompute::Again;
pub(crate) use refresh::InForce;
