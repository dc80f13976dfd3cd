//! How much is too much of a move? Its bounds, with their reasons.

use std::time::Duration;

use crate::identity::Cost;

/// How the passphrase of an export is stretched: longer than a password, for whoever has the file can try as long as they
/// like.
pub const MOVING_COST: Cost = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };
/// What a file may ask for to be stretched.
pub const MOVING_COST_MAX: Cost = Cost { memory_kib: 262_144, passes: 16, lanes: 16 };
/// A line of an export: a document with a catalogue of prices is the longest.
pub const MOVING_LINE_BYTES_MAX: usize = 64 << 20;
/// Rows that an export reads at a time.
pub const MOVING_PAGE_ROWS: usize = 1_000;
/// Rows that an import writes at a time.
pub const MOVING_BATCH_ROWS: usize = 256;
/// Documents that an import writes at a time.
pub const MOVING_DOCUMENTS_AT_ONCE: usize = 100;
/// Single things that a move tells of.
pub const MOVING_NOTES_MAX: usize = 200;
/// Documents that are named when an import is refused because they are there.
pub const MOVING_COLLISIONS_TOLD_MAX: usize = 20;
/// How often an export begins again because the configuration was changed under it.
pub const MOVING_TRIES_MAX: u32 = 5;
/// How long a copy of the database waits for the command that asked for it.
pub const BACKUP_KEEP: Duration = Duration::from_hours(1);
