//! Which models may a name stand for, best first, and why? Groups pick; everything else is a model of a provider.
//!
//! Read in this order: [`group`] (what a group says), [`groups`] (all of them, by name), [`walk`] (from a name to
//! models), [`pick`] (the strategies, and each in a file of its own where it is more than a few lines).

mod circle;
mod group;
mod groups;
mod heuristic;
mod latency;
mod look;
mod pick;
mod rating;
mod reason;
mod seed;
mod walk;

#[cfg(test)]
mod tests;

pub use group::Group;
pub use groups::Entry;

pub(crate) use circle::refuse as refuse_circles;
pub(crate) use group::{Classifier, Hedge, Rule, StickyBy, Strategy, Target, is_id};
pub(crate) use groups::Groups;
pub(crate) use latency::{Latencies, Sample};
pub(crate) use look::Look;
pub(crate) use pick::Mix;
pub(crate) use rating::{Rated, Ratings, Unrated, prompt as rating_prompt, read as read_rating};
pub(crate) use reason::Step;
pub(crate) use seed::SEEDED;
pub(crate) use walk::{Found, Instead, Leaf, Lore, Skipped, find, instead, pinned, serves};
