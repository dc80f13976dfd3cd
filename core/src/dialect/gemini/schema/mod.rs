//! How does a JSON Schema become this API's subset of it, and back?

mod lower;
mod raise;

pub(super) use lower::lower;
pub(super) use raise::raise;

#[cfg(test)]
mod tests;
