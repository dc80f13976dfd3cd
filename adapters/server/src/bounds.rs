//! How patient and how generous is the server? The bounds of one process, as values.

use std::time::Duration;

use tidegate_core::{limits, network::Network};

/// What [`limits`] says about clients. A value rather than constants, so that tests need not wait for minutes.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// From accept to the first byte.
    pub(crate) first_byte: Duration,
    /// From a request's first byte to the end of its head.
    pub(crate) header: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// A body in all.
    pub(crate) body: Duration,
    /// The span in which a body must bring [`progress_bytes`](Self::progress_bytes).
    pub(crate) progress: Duration,
    /// What a body must bring in each span.
    pub(crate) progress_bytes: u64,
    /// A client that takes nothing of an answer.
    pub(crate) write_stall: Duration,
    /// An HTTP/2 stream on which nothing moves. An upstream may be silent for so long and no longer.
    pub(crate) stream_stall: Duration,
    /// Reading on after a refusal.
    pub(crate) linger: Duration,
    /// Open connections.
    pub(crate) connections: usize,
    /// Open connections of one address.
    pub(crate) connections_per_peer: usize,
    /// Peers that stand for many clients.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Bytes of request bodies in flight.
    pub(crate) bodies_in_flight_bytes: u64,
}

impl Bounds {
    /// The bounds of a real server whose upstreams may be silent for `upstream_silence`.
    pub(crate) fn of_server(upstream_silence: Duration) -> Self {
        Self {
            first_byte: limits::FIRST_BYTE_WAIT,
            header: limits::HEADER_WAIT,
            idle: limits::IDLE_WAIT,
            body: limits::BODY_WAIT,
            progress: limits::BODY_PROGRESS_WAIT,
            progress_bytes: limits::BODY_PROGRESS_BYTES,
            write_stall: limits::WRITE_STALL_WAIT,
            stream_stall: upstream_silence + limits::WRITE_STALL_WAIT,
            linger: limits::LINGER_WAIT,
            connections: limits::CONNECTIONS_MAX,
            connections_per_peer: limits::CONNECTIONS_PER_PEER_MAX,
            trusted_proxies: Vec::new(),
            bodies_in_flight_bytes: limits::BODIES_IN_FLIGHT_BYTES_MAX.min(memory_bytes() / 4),
        }
    }
}

/// The memory this process may use: the container's when there is a bound, else the machine's.
fn memory_bytes() -> u64 {
    // Where the system does not tell, the fixed bound alone holds.
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    system.cgroup_limits().map_or_else(|| system.total_memory(), |limits| limits.total_memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_take_at_most_a_quarter_of_the_memory() {
        let bytes = Bounds::of_server(Duration::ZERO).bodies_in_flight_bytes;
        assert!(bytes > 0);
        assert!(bytes <= memory_bytes() / 4);
    }
}
