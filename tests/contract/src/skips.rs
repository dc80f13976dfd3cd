//! Which promises cannot be kept where, and why?

use crate::adapters::Adapter;

/// A case that an adapter cannot pass, or has no need to.
pub struct Skip {
    /// Where.
    pub adapter: Adapter,
    /// Which case.
    pub case: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// All of them. One that names no case fails the run.
pub const SKIPS: &[Skip] = &[
    lambda("hang_up_before_head", NOT_TOLD),
    lambda("hang_up_before_head_by_reset", NOT_TOLD),
    lambda("hang_up_in_stream", NOT_TOLD),
    lambda("hang_up_in_stream_by_reset", NOT_TOLD),
    lambda("hang_up_in_silence_of_stream", NOT_TOLD),
    lambda("hang_up_of_many", NOT_TOLD),
    lambda("request_of_20_mib", SIX_MB),
    lambda("request_too_large", SIX_MB),
    lambda("request_too_large_chunked", SIX_MB),
    lambda("proxy_upload_flows", WHOLE),
    lambda("proxy_upload_of_100_mb", SIX_MB),
    lambda("proxy_download_of_100_mb", SIX_MB),
    worker("whole_answer_not_compressed", EDGE_COMPRESSES),
    worker("state_outlives_its_process", IN_MEMORY),
    lambda("live_tells_what_has_ended", NO_SOCKETS),
    lambda("live_ends_with_its_session", NO_SOCKETS),
    lambda("operator_resets_admin", NO_COMMANDS),
    worker("operator_resets_admin", NO_COMMANDS),
    lambda("operator_trusts_a_proxy", NO_PROXY),
    worker("operator_trusts_a_proxy", NO_PROXY),
    lambda("operator_rotates_secret", NO_COMMANDS),
    worker("operator_rotates_secret", NO_COMMANDS),
    server("prices_refreshed_beside_requests", BY_TIME),
    worker("prices_refreshed_beside_requests", BY_TIME),
];

/// Routes that are only refused where they are, because the platform has no use for them.
pub const REFUSED: &[(Adapter, &str)] = &[
    (Adapter::Lambda, "/api/live"),
    (Adapter::Lambda, "/api/backup"),
    (Adapter::Worker, "/api/backup"),
];

const NOT_TOLD: &str = "a function URL does not tell the function that the client has left";
const SIX_MB: &str = "the platform takes at most 6 MB and refuses more by itself";
const WHOLE: &str = "the platform hands a request over when all of it is there";
const NO_SOCKETS: &str = "a function URL opens no WebSocket: the page asks again and again";
const IN_MEMORY: &str = "the Worker's database under test lives and dies with its process";
const NO_PROXY: &str = "the platform says who the client is";
const NO_COMMANDS: &str = "commands act through a server's data folder, or on a store directly";
const EDGE_COMPRESSES: &str = "the platform's edge compresses JSON for clients that accept it";

const BY_TIME: &str = "a timer or the cron trigger sees to it, so no request has to";

const fn server(case: &'static str, reason: &'static str) -> Skip {
    Skip { adapter: Adapter::Server, case, reason }
}

const fn lambda(case: &'static str, reason: &'static str) -> Skip {
    Skip { adapter: Adapter::Lambda, case, reason }
}

const fn worker(case: &'static str, reason: &'static str) -> Skip {
    Skip { adapter: Adapter::Worker, case, reason }
}
