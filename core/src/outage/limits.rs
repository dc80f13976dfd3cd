//! How long is a storage waited for that may be away, and how much is kept meanwhile?

use std::time::Duration;

use crate::limits::QUEUE_RECORDS_MAX;

/// While the store is silent, one call in such a span asks it; all others go on with what is known.
pub const OUTAGE_ASK_EVERY: Duration = Duration::from_secs(1);
/// A silence that is younger than this may be none: an unknown key is still looked up.
pub const SILENCE_YOUNG: Duration = Duration::from_secs(1);
/// After so long without an answer to something small the store counts as silent.
pub const STORE_SILENT_AFTER: Duration = Duration::from_secs(1);
/// How long something small is waited for, so that who changes things hears within five seconds that it cannot be done.
pub const STORE_WAIT: Duration = Duration::from_millis(4_500);
/// How often a request that waits for them looks whether the store is silent by now.
pub const ADMISSION_LOOK: Duration = Duration::from_millis(500);
/// After so long a silence of the store nobody waits for counters in it.
pub const ADMISSION_SILENCE: Duration = Duration::from_millis(2_500);
/// How long the one request waits that asks whether silent counters answer again.
pub const ADMISSION_RETRY_WAIT: Duration = Duration::from_secs(1);
/// So many records wait that they are kept aside, where there are files, before the queue is full.
pub const SPILL_CROWD: usize = QUEUE_RECORDS_MAX / 2;
/// All records that a server keeps aside: some 400,000, more than an hour of 100 requests a second.
pub const SPILL_BYTES_MAX: u64 = 256 << 20;
/// One file of them, which goes as soon as all in it is in the store.
pub const SPILL_FILE_BYTES_MAX: u64 = 4 << 20;
/// One record in such a file.
pub const SPILL_RECORD_BYTES_MAX: usize = 256 << 10;
/// How long a start waits for records of before to reach the store, which counters begin from.
pub const SPILL_START_WAIT: Duration = Duration::from_secs(5);
