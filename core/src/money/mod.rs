//! What does a request cost? Prices from one named state of the catalogue, and whole nano-dollars.

mod cost;
pub(crate) mod decimal;
pub mod estimate;
mod grade;
mod listing;
mod names;
mod overrides;
mod price;
mod prices;

pub use cost::{ceiling, cost};
pub(crate) use grade::grade;
pub use overrides::{Override, read_price};
pub use price::{Price, Rates, Tier, Unit};
pub use prices::{Prices, TOLD};
