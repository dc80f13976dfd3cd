//! What is written down of every request, and how it is asked for and added up.

use super::Settlement;
use crate::ports::Millis;

/// One row of the request log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else of a request")]
pub struct Record {
    /// Unique, and sorts by time.
    pub id: String,
    /// When the request arrived.
    pub at_ms: Millis,
    /// Public id of the client key; empty when there was no valid one.
    pub client: String,
    /// The client's team; empty when it has none.
    pub team: String,
    /// The path's pattern, such as `/v1/chat/completions`.
    pub endpoint: String,
    /// The client's dialect.
    pub dialect: String,
    /// The model the client asked for.
    pub requested_model: String,
    /// The provider that answered, or was tried last.
    pub provider: String,
    /// The model the provider was asked for.
    pub model: String,
    /// Id of the upstream key.
    pub key_id: String,
    /// The HTTP status the client got.
    pub status: u16,
    /// The kind of the error; empty when there was none.
    pub error: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// What was used.
    pub usage: Usage,
    /// Whether the provider did not tell the usage and it was estimated.
    pub estimated: bool,
    /// Nano-dollars, with those of what was asked beside it.
    pub cost_nano: i64,
    /// Which prices the cost was computed with; `provider` when the provider told it, empty while nothing is priced.
    pub price_id: String,
    /// Quality and size of pictures that are paid by the piece, such as `hd/1024x1792`.
    pub grade: String,
    /// From arrival to the first byte for the client; 0 when there was none.
    pub first_byte_ms: i64,
    /// From arrival to the end.
    pub total_ms: i64,
    /// Calls to providers.
    pub attempts: u32,
    /// Bytes of the request body.
    pub bytes_in: u64,
    /// Bytes of the response body.
    pub bytes_out: u64,
    /// What could not cross dialects, comma-separated.
    pub dropped: String,
    /// What the provider was told that the client did not say, comma-separated.
    pub added: String,
    /// Whether configuration was older than it should be.
    pub stale: bool,
    /// Whether it was let in although nobody could say what was left of its limits.
    pub unchecked: bool,
    /// Whether it was answered with what the client had been given before, and nobody was asked.
    pub recalled: bool,
    /// How it ended.
    pub ended: Ended,
    /// What was asked beside it, to find out where it goes.
    pub side: Side,
    /// Who was asked, one after another, and why, as JSON; empty where nothing was picked and nobody was asked twice.
    pub tried: String,
    /// What is written with it, in one transaction: no column, and gone when it is read back.
    pub settlement: Option<Box<Settlement>>,
}

impl Record {
    /// Whether the client did not get a whole answer, whoever is to blame.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.ended != Ended::Done
    }
}

/// What a request had asked beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Who was asked, as `provider/model`; empty when nobody was.
    pub model: String,
    /// Tokens read.
    pub prompt: i64,
    /// Tokens written.
    pub completion: i64,
    /// Nano-dollars.
    pub cost_nano: i64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// The client got a whole answer.
    #[default]
    Done,
    /// The client got an error instead of an answer.
    Refused,
    /// The client left first.
    ClientGone,
    /// The upstream broke off in mid-answer.
    UpstreamBroke,
    /// A budget was used up in mid-answer.
    Cut,
}

impl Ended {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Done, Self::Refused, Self::ClientGone, Self::UpstreamBroke, Self::Cut];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::ClientGone => "client_gone",
            Self::UpstreamBroke => "upstream_broke",
            Self::Cut => "cut",
        }
    }
}

/// With which tariff a provider answered; each may have a price of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tariff {
    /// The usual one.
    #[default]
    Standard,
    /// Slower and cheaper.
    Flex,
    /// Faster and dearer.
    Priority,
    /// Some time within a day.
    Batch,
    /// A model that writes faster.
    Fast,
}

impl Tariff {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Standard, Self::Flex, Self::Priority, Self::Batch, Self::Fast];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Batch => "batch",
            Self::Fast => "fast",
        }
    }

    /// What an answer calls it. A word that is none of ours has no price of its own either.
    #[must_use]
    pub fn told(word: &str) -> Self {
        let fits = |tariff: &Self| tariff.name().eq_ignore_ascii_case(word);
        Self::ALL.into_iter().find(fits).unwrap_or_default()
    }
}

/// Tokens by what they cost. `prompt` holds everything read, `cached` and the cache writes included; `completion`
/// everything written, `reasoning` included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input.
    pub prompt: i64,
    /// Input read from a cache.
    pub cached: i64,
    /// Input written to a short-lived cache.
    pub cache_write_5m: i64,
    /// Input written to a long-lived cache.
    pub cache_write_1h: i64,
    /// All output.
    pub completion: i64,
    /// Output that was reasoning.
    pub reasoning: i64,
    /// Input that was audio.
    pub audio_in: i64,
    /// Output that was audio.
    pub audio_out: i64,
    /// Input that was images.
    pub image_in: i64,
    /// Output that was images.
    pub image_out: i64,
    /// Calls of the provider's own tools that are paid by the call.
    pub calls: i64,
    /// Input that was audio and read from a cache: a part of both.
    pub cached_audio: i64,
    /// Pictures that were made, where they are not counted in tokens.
    pub images: i64,
    /// With which tariff the answer came.
    pub tariff: Tariff,
    /// What the provider itself says that the answer cost, in nano-dollars.
    pub told_nano: Option<i64>,
}

impl Usage {
    /// The sum of both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            cached: self.cached.saturating_add(other.cached),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            completion: self.completion.saturating_add(other.completion),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_in: self.audio_in.saturating_add(other.audio_in),
            audio_out: self.audio_out.saturating_add(other.audio_out),
            image_in: self.image_in.saturating_add(other.image_in),
            image_out: self.image_out.saturating_add(other.image_out),
            calls: self.calls.saturating_add(other.calls),
            cached_audio: self.cached_audio.saturating_add(other.cached_audio),
            images: self.images.saturating_add(other.images),
            tariff: self.tariff,
            told_nano: match (self.told_nano, other.told_nano) {
                (Some(one), Some(more)) => Some(one.saturating_add(more)),
                (one, more) => one.or(more),
            },
        }
    }
}

/// Which records.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Not before.
    pub from_ms: Option<Millis>,
    /// Before.
    pub to_ms: Option<Millis>,
    /// Of this client.
    pub client: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Answered by this provider.
    pub provider: Option<String>,
    /// Answered by this model.
    pub model: Option<String>,
    /// Answered with this status.
    pub status: Option<u16>,
    /// Only failures, or only successes.
    pub failed: Option<bool>,
    /// Only streams, or only whole answers.
    pub stream: Option<bool>,
    /// Older than this record: time and id of the last row of the page before.
    pub before: Option<(Millis, String)>,
    /// At most so many; bounded by [`PAGE_ROWS_MAX`](crate::limits::PAGE_ROWS_MAX).
    pub limit: u32,
}

/// What sums are kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// One sum for all.
    Nothing,
    /// By client.
    Client,
    /// By team.
    Team,
    /// By provider.
    Provider,
    /// By provider and model, joined by a slash.
    Model,
}

/// Which sums over the rollups.
#[derive(Clone, Debug)]
pub struct StatsQuery {
    /// Not before; whole hours.
    pub from_ms: Millis,
    /// Before; whole hours.
    pub to_ms: Millis,
    /// Width of a bucket, a multiple of an hour; 0 for one bucket over all.
    pub bucket_ms: i64,
    /// What is kept apart.
    pub group_by: GroupBy,
}

/// One sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Where the bucket starts.
    pub at_ms: Millis,
    /// What it was grouped by; empty for [`GroupBy::Nothing`].
    pub group: String,
    /// Requests.
    pub requests: i64,
    /// Requests that failed.
    pub failed: i64,
    /// What was used.
    pub usage: Usage,
    /// Nano-dollars.
    pub cost_nano: i64,
    /// Sum of the total times.
    pub total_ms: i64,
    /// How many requests took how long: see [`LATENCY_BOUNDS_MS`].
    pub latency: [i64; LATENCY_BUCKETS],
}

/// How many latency buckets there are.
pub const LATENCY_BUCKETS: usize = 24;

/// Upper bounds of the latency buckets; the last one takes everything above. They grow by about a half each, so
/// that hours can be added up and a percentile is never off by more than that.
pub const LATENCY_BOUNDS_MS: [i64; LATENCY_BUCKETS] = [
    1,
    2,
    4,
    8,
    15,
    25,
    40,
    65,
    100,
    160,
    250,
    400,
    650,
    1_000,
    1_600,
    2_500,
    4_000,
    6_500,
    10_000,
    16_000,
    30_000,
    60_000,
    180_000,
    i64::MAX,
];
