//! How much is too much? Every bound of the gateway stands here, with its reason.

use std::time::Duration;

/// JSON body of a request: base64 images need room.
pub const BODY_BYTES_MAX: usize = 20 << 20;
/// Request bodies in flight in one process; the server takes a quarter of its memory when that is less.
pub const BODIES_IN_FLIGHT_BYTES_MAX: u64 = 256 << 20;
/// A whole (not streamed) upstream answer.
pub const REPLY_BYTES_MAX: usize = 64 << 20;
/// An upstream error body; more is cut, it is only read for its message.
pub const ERROR_BODY_BYTES_MAX: usize = 64 << 10;
/// One server-sent event; image events are large.
pub const FRAME_BYTES_MAX: usize = 4 << 20;
/// All events of one stream.
pub const STREAM_BYTES_MAX: u64 = 64 << 20;
/// Requests that one process relays at a time.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 8_192;
/// A body sent to `/api`.
pub const CONTROL_BODY_BYTES_MAX: usize = 1 << 20;
/// A name that people give.
pub const NAME_BYTES_MAX: usize = 200;
/// Nesting of JSON that becomes a tree.
pub const JSON_DEPTH_MAX: usize = 64;
/// A model name.
pub const MODEL_BYTES_MAX: usize = 256;
/// Values of a tool's or an answer's schema.
pub const SCHEMA_NODES_MAX: usize = 20_000;
/// Parts of one answer: far more than any model writes, and few enough to be looked through for each event.
pub const PARTS_MAX: usize = 4_096;
/// Sources of one answer; each is looked for in its text.
pub const CITATIONS_MAX: usize = 500;
/// The address or the title of such a source; one source may stand for many words.
pub const SOURCE_BYTES_MAX: usize = 2 << 10;
/// Request fields without a meaning elsewhere that are told by name.
pub const FOREIGN_FIELDS_MAX: usize = 100;
/// The tokens of an answer where the dialect needs a limit, the client set none, and the model could write more.
pub const OUTPUT_TOKENS_DEFAULT: u64 = 32_000;
/// The same where it is not known how much the model can write: what the oldest ones can.
pub const OUTPUT_TOKENS_UNKNOWN: u64 = 4_096;

/// The beginning of a picture that is read for its size.
pub const PICTURE_HEAD_BYTES_MAX: usize = 64 << 10;
/// Models whose price is kept looked up.
pub const PRICES_FOUND_MAX: usize = 2_048;
/// How often newer prices are asked for.
pub const PRICES_EVERY: Duration = Duration::from_hours(24);
/// Between two tries, over all instances.
pub const PRICES_RETRY: Duration = Duration::from_hours(1);
/// How long their source may take.
pub const PRICES_WAIT: Duration = Duration::from_secs(30);
/// The source of prices; it has 2.4 MB.
pub const PRICES_BYTES_MAX: usize = 16 << 20;
/// How long a catalogue is kept beyond the records that were priced with it.
pub const PRICES_KEEP: Duration = Duration::from_hours(35 * 24);
/// By how much a price may change before it counts as strange.
pub const PRICES_FACTOR_MAX: u64 = 10;
/// Records that one call prices again.
pub const RECOMPUTE_ROWS_MAX: usize = 5_000;
/// The highest price, in nano-dollars for a million: a dollar apiece is far above any token, and a picture may cost it.
pub const PRICE_NANO_MAX: u64 = 1_000_000 * 1_000_000_000;
/// Bytes of text that an estimate takes for one token.
pub const BYTES_PER_TOKEN: u64 = 4;
/// Tokens that an estimate takes for one picture or file.
pub const TOKENS_PER_MEDIA: u64 = 1_000;
/// Texts of one request for vectors that Gemini takes; more go in several.
pub const GEMINI_EMBEDDINGS_MAX: usize = 100;
/// Pictures of one request that Imagen makes; more take several.
pub const IMAGEN_PICTURES_MAX: u32 = 4;
/// Pictures that one client request may ask another dialect's provider for.
pub const PICTURES_MAX: u32 = 10;
/// Requests to a provider at a time, of one client request that takes several.
pub const ERRANDS_AT_ONCE_MAX: usize = 4;

/// All media that one request has fetched, and all that is put in its place: as much as it could have brought itself in
/// base64.
pub const MEDIA_BYTES_MAX: usize = BODY_BYTES_MAX / 4 * 3;
/// Fetched media of all requests in one process; the smallest platform gives 128 MiB in all.
pub const MEDIA_IN_FLIGHT_BYTES_MAX: u64 = 64 << 20;
/// Media that one request may have fetched.
pub const MEDIA_URLS_MAX: usize = 16;
/// The address of such media.
pub const MEDIA_URL_BYTES_MAX: usize = 8 << 10;
/// Fetches of one request at a time: a Worker has six connections.
pub const MEDIA_AT_ONCE_MAX: usize = 4;
/// Redirects of one fetch.
pub const MEDIA_REDIRECTS_MAX: usize = 3;
/// One fetch in all.
pub const MEDIA_WAIT: Duration = Duration::from_secs(10);

/// From accept to the first byte.
pub const FIRST_BYTE_WAIT: Duration = Duration::from_secs(10);
/// From the first byte to the end of the headers.
pub const HEADER_WAIT: Duration = Duration::from_secs(10);
/// A kept-alive connection without a request.
pub const IDLE_WAIT: Duration = Duration::from_secs(75);
/// A request body in all.
pub const BODY_WAIT: Duration = Duration::from_secs(120);
/// A body must bring [`BODY_PROGRESS_BYTES`] in each such span.
pub const BODY_PROGRESS_WAIT: Duration = Duration::from_secs(15);
/// 1 KiB/s averaged over [`BODY_PROGRESS_WAIT`].
pub const BODY_PROGRESS_BYTES: u64 = 15 << 10;
/// A client that takes none of the answer.
pub const WRITE_STALL_WAIT: Duration = Duration::from_secs(60);
/// How long the rest of a refused body is read and thrown away, so that the client gets to see the refusal.
pub const LINGER_WAIT: Duration = Duration::from_secs(2);
/// How much of a refused body is read and thrown away.
pub const LINGER_BYTES_MAX: usize = 2 * BODY_BYTES_MAX;
/// Header fields of a request.
pub const HEADERS_MAX: usize = 100;
/// All header bytes of a request.
pub const HEADER_BYTES_MAX: usize = 32 << 10;
/// The request target.
pub const URI_BYTES_MAX: usize = 8 << 10;
/// How long accepting rests when the process has no file descriptor left.
pub const ACCEPT_RETRY_WAIT: Duration = Duration::from_millis(100);
/// Open connections.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Open connections from one address.
pub const CONNECTIONS_PER_PEER_MAX: usize = 256;
/// HTTP/2 streams of one connection.
pub const H2_STREAMS_MAX: u32 = 100;
/// How long streams may go on after SIGTERM.
pub const DRAIN_WAIT: Duration = Duration::from_secs(30);

/// TCP and TLS to a provider.
pub const UPSTREAM_CONNECT_WAIT: Duration = Duration::from_secs(5);
/// From the request to the response's head, and on to the first event.
pub const UPSTREAM_FIRST_BYTE_WAIT: Duration = Duration::from_secs(120);
/// Between two pieces of an answer.
pub const UPSTREAM_IDLE_WAIT: Duration = Duration::from_secs(120);
/// One answer in all.
pub const UPSTREAM_TOTAL_WAIT: Duration = Duration::from_secs(30 * 60);
/// How long a complete stream waits for its connection to end well, so that the connection can be used again.
pub const END_LINGER: Duration = Duration::from_millis(500);
/// Idle connections kept for one provider.
pub const UPSTREAM_IDLE_CONNECTIONS_MAX: usize = 256;
/// How long an idle upstream connection is kept.
pub const UPSTREAM_POOL_IDLE_WAIT: Duration = Duration::from_secs(60);
/// After so long without a word, and as often again, an open connection to a provider is asked whether it still stands.
pub const UPSTREAM_PROBE_WAIT: Duration = Duration::from_secs(15);
/// How many of these questions may go unanswered.
pub const UPSTREAM_PROBES_MAX: u32 = 3;
/// How long a provider's machine may not acknowledge what it was sent.
pub const UPSTREAM_SILENT_WAIT: Duration = Duration::from_secs(30);
/// Attempts of one client request, over all keys and targets.
pub const ATTEMPTS_MAX: u32 = 3;
/// What a record tells of the attempts of its request, in bytes: the width of its column.
pub const RECORD_TRIED_BYTES_MAX: usize = 2_000;
/// Turns of weighted keys that may lie before the first one of a process.
pub const FIRST_TURNS_MAX: u64 = 64;
/// The longest pause before a provider that failed is asked again for the same request; it doubles with each try, and
/// how much of it is waited is a lot.
pub const BACKOFF: Duration = Duration::from_millis(100);
/// The same, however many tries there were.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// The span over which a provider's requests and the retries among them are counted, in seconds.
pub const RETRY_WINDOW_SECONDS: usize = 10;
/// Of a hundred requests to a provider in that span, so many more may be retries.
pub const RETRY_PERCENT: u32 = 20;
/// Retries in that span that are always allowed.
pub const RETRIES_FLOOR: u32 = 3;
/// Failures of a provider in a row that make it rest.
pub const BREAKER_FAILURES: u32 = 5;
/// Failures that lie further apart than this are not in a row.
pub const BREAKER_WINDOW: Duration = Duration::from_secs(30);
/// How long a provider rests at first; twice as long after each probe that fails.
pub const BREAKER_REST: Duration = Duration::from_secs(1);
/// The longest such rest: a provider that is well again serves within five seconds.
pub const BREAKER_REST_MAX: Duration = Duration::from_secs(4);
/// How long a refused key rests at first; twice as long after each probe that fails.
pub const BENCH_REST: Duration = Duration::from_secs(10);
/// The longest such rest.
pub const BENCH_REST_MAX: Duration = Duration::from_mins(10);
/// A probe that has told nothing for so long lets another one begin: an answer may take long and be a good one.
pub const PROBE_WAIT: Duration = Duration::from_secs(2);
/// How often a server looks which providers are to be asked for their models.
pub const PROBES_POLL: Duration = Duration::from_secs(2);
/// A provider that nobody has asked for so long is asked for its models.
pub const PROBE_EVERY: Duration = Duration::from_mins(5);
/// How long such a list may take.
pub const PROBE_ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Providers that are asked for it at a time: a Worker has six connections.
pub const PROBES_AT_ONCE_MAX: usize = 4;
/// How long a key rests at first that has reached a limit, where the provider does not say; twice as long each time.
pub const COOL_REST: Duration = Duration::from_secs(1);
/// The longest such rest.
pub const COOL_REST_MAX: Duration = Duration::from_secs(4);
/// The longest rest that a provider may ask for: a day has a limit of its own at some.
pub const COOL_ASKED_MAX: Duration = Duration::from_hours(24);
/// How long a key without credit rests, where the provider does not say.
pub const CREDIT_REST: Duration = Duration::from_hours(1);
/// How often other instances are asked which keys rest: what one learns, all know within two seconds.
pub const RESTS_POLL: Duration = Duration::from_secs(1);
/// Rests that are taken over from other instances at a time.
pub const RESTS_MAX: u32 = 1_000;
/// How long telling or asking other instances may take.
pub const RESTS_WAIT: Duration = Duration::from_secs(5);

/// A snapshot older than this is refreshed beside the request.
pub const SNAPSHOT_FRESH: Duration = Duration::from_secs(5);
/// A snapshot older than this makes the request wait, at most [`SNAPSHOT_WAIT`].
pub const SNAPSHOT_STALE: Duration = Duration::from_secs(15);
/// How long a request waits for configuration before it goes on with the last good one.
pub const SNAPSHOT_WAIT: Duration = Duration::from_millis(250);
/// How long the first request of all waits: there is no last good one.
pub const SNAPSHOT_FIRST_WAIT: Duration = Duration::from_secs(5);
/// How often a server asks for the revision.
pub const REVISION_POLL: Duration = Duration::from_secs(2);
/// A known key is accepted this long after the store has last confirmed it: a minute of silence, and what passes before
/// the silence is noticed.
pub const CLIENT_TRUST: Duration = Duration::from_secs(75);
/// Clients in the look-up cache.
pub const CLIENTS_CACHED_MAX: usize = 10_000;
/// A look-up of an unknown key.
pub const CLIENT_LOOKUP_WAIT: Duration = Duration::from_millis(2500);

/// Rows of one flush.
pub const FLUSH_ROWS_MAX: usize = 256;
/// The longest a finished record waits for its flush. The commit comes on top, and both together stay below the 100 ms
/// that a kill may cost.
pub const FLUSH_WAIT: Duration = Duration::from_millis(40);
/// Records waiting for the writer.
pub const QUEUE_RECORDS_MAX: usize = 8192;
/// Tries of a flush that the store refuses before its records count as dropped. While the store does not answer at
/// all, the flush is tried on: the queue is the bound.
pub const FLUSH_TRIES_MAX: u32 = 5;
/// How long a flush may take, or fail, before its records are kept aside in files and those behind it with them.
pub const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
/// The longest pause between two tries of a flush; the first one is [`FLUSH_WAIT`].
pub const FLUSH_RETRY_WAIT_MAX: Duration = Duration::from_secs(2);
/// Sockets that watch one process, each with what waits for it.
pub const LIVE_SOCKETS_MAX: usize = 64;
/// Records of one message to those who watch; what has no room in it is counted. A page shows fewer.
pub const LIVE_RECORDS_MAX: usize = 256;
/// Between two messages to one socket.
pub const LIVE_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether somebody may still watch.
pub const LIVE_CHECK_EVERY: Duration = Duration::from_secs(5);
/// How often a socket is asked whether it is still there. One that does not say so until the next time is not.
pub const LIVE_PING_EVERY: Duration = Duration::from_secs(20);
/// How long a socket may take for a message or for its end.
pub const LIVE_SEND_WAIT: Duration = Duration::from_secs(10);
/// What a socket may say: it has nothing to say.
pub const LIVE_HEARD_BYTES_MAX: usize = 4 << 10;
/// How long the queue may take to empty at the end.
pub const QUEUE_DRAIN_WAIT: Duration = Duration::from_secs(20);
/// Rows of one page of a list, unless asked for.
pub const PAGE_ROWS: u32 = 100;
/// Rows of one page of a list.
pub const PAGE_ROWS_MAX: u32 = 500;
/// Rows of one prune batch, so that pruning never holds the writer long.
pub const PRUNE_ROWS_MAX: u32 = 5_000;
/// How long what a provider wants back with a call is kept for a client that drops it.
pub const MEMORY_KEEP: Duration = Duration::from_hours(1);
/// The same, of one call.
pub const MEMORY_BYTES_MAX: usize = 256 << 10;
/// The same, of all calls.
pub const MEMORIES_BYTES_MAX: usize = 16 << 20;
/// Turns of one conversation whose state is asked of other instances: more calls in a row than most conversations have.
pub const STATES_FETCHED_MAX: usize = 16;
/// Questions for such state at a time; a Worker has six connections.
pub const STATES_AT_ONCE_MAX: usize = 4;
/// How long a request waits for such state before it goes on without.
pub const STATE_FETCH_WAIT: Duration = Duration::from_millis(250);
/// How long such state may take to be stored, after the response.
pub const STATE_STORE_WAIT: Duration = Duration::from_secs(5);
/// Turns of one conversation that responses refer to.
pub const TURNS_MAX: usize = 100;
/// How long a stored response can be referred to.
pub const TURN_KEEP: Duration = Duration::from_hours(24);
/// A stored response with its request.
pub const TURN_BYTES_MAX: usize = 8 << 20;
/// The id of a stored response.
pub const TURN_ID_BYTES_MAX: usize = 128;
/// How long the end of an answer waits until it is stored.
pub const TURN_STORE_WAIT: Duration = Duration::from_secs(2);
/// How long records are kept unless configured.
pub const RETENTION_DAYS: u32 = 30;
/// Prune batches of one upkeep; the rest goes with the next.
pub const PRUNE_ROUNDS_MAX: u32 = 200;
/// How long one process has upkeep for itself.
pub const UPKEEP_LEASE: Duration = Duration::from_secs(10 * 60);
/// How often upkeep runs.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// A remote database's answer.
pub const DATABASE_WAIT: Duration = Duration::from_secs(10);
/// A remote database's answer, in bytes.
pub const DATABASE_BYTES_MAX: usize = 32 << 20;
/// The stack of a thread of the embedded engine, which keeps its pages elsewhere.
pub const DATABASE_STACK_BYTES: usize = 512 << 10;
/// Tries of a batch that a database refused for a deadlock.
pub const DATABASE_TRIES_MAX: u32 = 3;
/// Between two tries of such a batch; doubled each time.
pub const DATABASE_RETRY_WAIT: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
pub const DATABASE_RETRY_WAIT_MAX: Duration = Duration::from_millis(400);
/// How long a batch is tried again while the database takes no more requests.
pub const DATABASE_CROWDED_WAIT: Duration = Duration::from_secs(8);
/// How long a local database waits for a lock that only another process can hold.
pub const DATABASE_BUSY_WAIT: Duration = Duration::from_secs(5);
/// Batches waiting for one connection of a local database, or for their turn to write to a remote one.
pub const DATABASE_QUEUE_MAX: usize = 1024;
/// Tries to change a user while others are changing theirs.
pub const ROSTER_TRIES_MAX: u32 = 8;
/// Statements that are written to a remote database at once, beside those of one batch.
pub const DATABASE_TOGETHER_MAX: usize = 1024;
/// Connections of a local database that only read: a long question must not keep a key look-up waiting.
pub const DATABASE_READERS: usize = 2;
/// Statements one connection keeps prepared.
pub const STATEMENTS_KEPT_MAX: usize = 64;
/// Groups, each of which is looked at when one is saved.
pub const GROUPS_MAX: usize = 1_000;
/// Groups that one leads to, one after another.
pub const GROUP_DEPTH_MAX: usize = 10;
/// Entries of one list of a group.
pub const GROUP_ENTRIES_MAX: usize = 100;
/// Names that are looked up for one request; groups that lead to more are a mistake.
pub const ROUTE_VISITS_MAX: usize = 1_000;
/// Models that one request may end up with, before policies and keys are looked at.
pub const ROUTE_LEAVES_MAX: usize = 32;
/// Targets that a refusal names.
pub const ROUTE_TOLD_MAX: usize = 5;
/// The tokens of an answer that a comparison of prices goes by where the request does not say.
pub const ANSWER_TOKENS_USUAL: u64 = 1_000;
/// Models whose time to the first byte is kept.
pub const LATENCIES_MAX: usize = 2_048;
/// After so long a measured time counts half: what was slow is tried again.
pub const LATENCY_HALF_LIFE: Duration = Duration::from_secs(30);
/// What a failure counts as where groups go by time: what fails at once is not fast.
pub const LATENCY_OF_FAILURE: Duration = Duration::from_secs(10);
/// Models that may rate one request, when classifiers lead to classifiers.
pub const RATINGS_MAX: usize = 2;
/// How long a rating may take.
pub const RATING_WAIT: Duration = Duration::from_secs(5);
/// What a rating model is shown of a request: its beginning and its end.
pub const RATING_BYTES_MAX: usize = 8 << 10;
/// What it is told about its task, roughly, where the group has no words of its own.
pub const RATING_INSTRUCTIONS_BYTES: usize = 400;
/// What a rating model may write; some think a little first.
pub const RATING_TOKENS_MAX: u64 = 256;
/// A rating model's whole answer.
pub const RATING_REPLY_BYTES_MAX: usize = 256 << 10;
/// What a client sends along through a proxy that is kept for another attempt; what is longer passes once.
pub const PROXY_BODY_KEPT_MAX: usize = 256 << 10;
/// The same in all, as much as most stores take in one piece. It flows, so that this bounds no memory.
pub const PROXY_BODY_BYTES_MAX: u64 = 5 << 30;
/// Paths that a generic proxy lets through.
pub const PROXY_PATHS_MAX: usize = 100;
/// Models that a provider or a key names.
pub const PROVIDER_MODELS_MAX: usize = 2_000;
/// The highest weight of a key, and the most requests or tokens that it may be said to take.
pub const KEY_AMOUNT_MAX: u32 = 1_000_000_000;
/// Keys of one provider that are looked at.
pub const KEYS_MAX: usize = 5_000;
/// The id of a document, as wide as its column.
pub const DOCUMENT_ID_BYTES_MAX: usize = 128;
/// Tokens that can be set as a bound of a model.
pub const MODEL_TOKENS_MAX: u32 = 1_000_000_000;
/// Tiers of one price.
pub const PRICE_TIERS_MAX: usize = 10;
/// How long bodies are kept where they are captured.
pub const CAPTURE_DAYS: u32 = 7;
/// The longest that bodies are kept.
pub const CAPTURE_DAYS_MAX: u32 = 90;
/// What is kept of one body unless set.
pub const CAPTURE_BYTES: u32 = 256 << 10;
/// The most that is kept of one body: sealed and written as text it stays below the 2 MB that D1 takes.
pub const CAPTURE_BYTES_MAX: u32 = 512 << 10;
/// Clients, and teams, whose bodies are captured.
pub const CAPTURE_LISTED_MAX: usize = 1_000;
/// Captured bodies in memory in one process; beyond that new ones are left out.
pub const CAPTURES_IN_FLIGHT_BYTES_MAX: u64 = 64 << 20;
/// Providers that metrics tell apart.
pub const METRIC_NAMES_MAX: usize = 100;
/// The span of statistics unless asked for, a week.
pub const STATS_SPAN_HOURS: i64 = 7 * 24;
/// The longest span of statistics, ten years.
pub const STATS_SPAN_HOURS_MAX: i64 = 3_660 * 24;
/// Records of one export unless asked for.
pub const EXPORT_ROWS: u32 = 100_000;
/// Records of one export.
pub const EXPORT_ROWS_MAX: u32 = 1_000_000;
/// Records that say how providers are.
pub const HEALTH_RECORDS: u32 = 500;
/// How far back those may be.
pub const HEALTH_SPAN: Duration = Duration::from_hours(1);
/// A configuration that comes in as one file.
pub const IMPORT_BYTES_MAX: usize = 4 << 20;
/// Things of one kind in such a file.
pub const IMPORT_ROWS_MAX: usize = 10_000;
/// Mistakes that are told of such a file.
pub const MISTAKES_TOLD_MAX: usize = 50;
/// Changes of one commit.
pub const CHANGES_MAX: usize = 256;
/// Tries of an addition that was refused although there seems to be room.
pub const COUNTER_TRIES_MAX: u32 = 3;
/// How long a key that was replaced may work on.
pub const KEY_GRACE_MAX: Duration = Duration::from_hours(30 * 24);
/// Limits of one team or client.
pub const LIMITS_MAX: usize = 16;
/// Models, providers or address ranges that one team or client names.
pub const PATTERNS_MAX: usize = 100;
/// Teams one above the other.
pub const TEAM_DEPTH_MAX: usize = 8;
/// How much longer than the longest stream a reservation holds before it counts as abandoned.
pub const RESERVATION_SLACK: Duration = Duration::from_mins(15);
/// How many more tokens a stream reserves at a time, when it has used what was reserved.
pub const CUT_STEP_TOKENS: i64 = 1_024;
/// How long an answer waits for its record where that must be safe first.
pub const LEDGER_WAIT: Duration = Duration::from_secs(2);
/// How many counters a process remembers as full.
pub const FULL_COUNTERS_MAX: usize = 4096;
/// How long a request waits for the counters.
pub const ADMISSION_WAIT: Duration = Duration::from_secs(10);
/// Counters that are read at a time when a process starts.
pub const COUNTERS_PAGE_ROWS: u32 = 5_000;
/// Reservations that one statement gives back: two parameters each, of the 100 that D1 takes.
pub const RELEASE_ROWS_MAX: usize = 45;
/// Sums one question may return; more than any chart shows.
pub const STATS_ROWS_MAX: i64 = 20_000;
/// How long it is remembered that a flush was applied; its tries end much sooner.
pub const FLUSH_MARK_KEEP: Duration = Duration::from_hours(24);
/// How long a migration's lease holds without being renewed; each statement renews it.
pub const MIGRATION_LEASE: Duration = Duration::from_mins(1);
/// Between two looks at a lease that somebody else holds.
pub const MIGRATION_POLL: Duration = Duration::from_millis(500);
/// Looks at that lease before giving up: twice as long as an abandoned lease holds, and a minute for the migration itself.
pub const MIGRATION_POLLS_MAX: u32 = 360;
/// What after-response work leaves of a deadline, so that no invocation is killed by its own clean-up.
pub const DEADLINE_RESERVE: Duration = Duration::from_millis(300);
/// How long after-response work may take once the platform has said that the process ends.
pub const FAREWELL_WAIT: Duration = Duration::from_millis(400);

/// The text of the configuration.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;
/// The longest retention, ten years.
pub const RETENTION_DAYS_MAX: u32 = 3_650;
/// The longest configurable wait for an upstream, one day.
pub const UPSTREAM_WAIT_MS_MAX: u32 = 24 * 60 * 60 * 1000;
/// A provider's id.
pub const ID_BYTES_MAX: usize = 64;
/// A client's name.
pub const NAME_CHARS_MAX: usize = 100;
/// A key or token that the configuration holds: some clouds' tokens are long.
pub const CREDENTIAL_BYTES_MAX: usize = 8 << 10;
/// The least that opens `/api`: as much as 16 random bytes in hex.
pub const ADMIN_TOKEN_BYTES_MIN: usize = 32;

/// The shortest password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest: what is hashed is bounded, too.
pub const PASSWORD_BYTES_MAX: usize = 512;
/// A user's name.
pub const USER_NAME_CHARS_MAX: usize = 64;
/// How long a one-time link for a user is good.
pub const TICKET_WAIT: Duration = Duration::from_hours(24);
/// How long the set-up link of a fresh store is good.
pub const SETUP_WAIT: Duration = Duration::from_mins(30);
/// Wrong tries before there is another set-up link.
pub const SETUP_TRIES_MAX: u32 = 5;
/// A session in all, unless configured.
pub const SESSION_MINUTES: u32 = 12 * 60;
/// A session without being used, unless configured.
pub const SESSION_IDLE_MINUTES: u32 = 2 * 60;
/// The longest session that can be configured, thirty days.
pub const SESSION_MINUTES_MAX: u32 = 30 * 24 * 60;
/// Sessions of one user that are listed.
pub const SESSIONS_LISTED_MAX: u32 = 100;
/// Sessions of one user that were ended one by one and could still go on.
pub const SESSIONS_ENDED_MAX: usize = 64;
/// Users in the look-up cache.
pub const USERS_CACHED_MAX: usize = 1_000;
/// A look-up of a user.
pub const USER_LOOKUP_WAIT: Duration = Duration::from_millis(2500);
/// Between two hashes of passwords in one process: four in a second.
pub const HASH_EVERY: Duration = Duration::from_millis(250);
/// The same of addresses that somebody has come in from lately, beside the others: five in a second in all.
pub const HASH_EVERY_OF_KNOWN: Duration = Duration::from_secs(1);
/// How long such an address is remembered.
pub const KNOWN_ADDRESS_KEEP: Duration = Duration::from_hours(30 * 24);
/// Between two attempts to sign in from one address, in the long run.
pub const SIGN_IN_EVERY: Duration = Duration::from_secs(60);
/// Attempts from one address that may come at once.
pub const SIGN_IN_BURST: u32 = 10;
/// Wrong passwords for one name from one address before the next attempt has to wait.
pub const SIGN_IN_FREE_FAILURES: u32 = 5;
/// The longest such wait; the first one is a second, and each is twice the one before.
pub const SIGN_IN_WAIT_MAX: Duration = Duration::from_mins(15);
/// Addresses, and names with addresses, whose attempts are remembered.
pub const SIGN_INS_KEPT_MAX: usize = 10_000;
/// Passwords being hashed at a time: each takes 19 MiB and a processor for some 50 ms.
pub const HASHES_AT_ONCE_MAX: usize = 1;
/// Client keys being hashed anew at a time, after the root secret has changed.
pub const REHASHES_MAX: usize = 16;
/// Documents of one batch of `secret rotate`.
pub const RESEALED_MAX: u32 = 200;
/// Passwords waiting to be hashed.
pub const HASHES_WAITING_MAX: usize = 8;
