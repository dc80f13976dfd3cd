//! Why does a warm answer not wait 43 ms? Because Nagle's algorithm is off on the connections to the Runtime API.
//!
//! The runtime's HTTP client leaves it on and takes no connector. An answer's head and its first piece are two small
//! writes, and the second waits for the other side's delayed acknowledgement. So this process looks through its own
//! descriptors, has the kernel duplicate those that are sockets, and sets `TCP_NODELAY` where the peer is the API: the
//! option belongs to the socket, not to the descriptor.

use std::{collections::HashSet, fs, io, net::SocketAddr, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    net::{getpeername, sockopt::set_tcp_nodelay},
    process::{ForeignRawFd, PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

/// The sockets to the Runtime API, found as they appear.
pub struct ApiSockets {
    api: SocketAddr,
    /// This process, as the kernel wants it named; `None` once the kernel refused.
    process: Option<OwnedFd>,
    /// The sockets that were looked at. What is closed is forgotten at each look, so the open ones bound it.
    seen: HashSet<String>,
}

impl ApiSockets {
    /// The sockets whose peer is `api`, as `AWS_LAMBDA_RUNTIME_API` gives it: an address, perhaps with a path. `None`
    /// when that is no address.
    #[must_use]
    pub fn of(api: &str) -> Option<Self> {
        let api = api.split('/').next()?.parse().ok()?;
        let process = pidfd_open(getpid(), PidfdFlags::empty());
        let process = process.inspect_err(|error| warn(*error)).ok();
        Some(Self { api, process, seen: HashSet::new() })
    }

    /// Turns Nagle's algorithm off on the sockets that appeared since the last call. Where the kernel refuses, that is
    /// logged once and answers stay slower.
    pub fn set_nodelay(&mut self) {
        let Some(process) = &self.process else { return };
        let Ok(open) = open_sockets() else { return };
        for (fd, name) in &open {
            if self.seen.contains(name) {
                continue;
            }
            if let Err(error) = set_nodelay_toward(self.api, process, *fd) {
                warn(error);
                self.process = None;
                return;
            }
        }
        self.seen = open.into_iter().map(|(_, name)| name).collect();
    }
}

/// Number and name of every open socket. The name holds the inode, which no other socket has while this one lives.
fn open_sockets() -> io::Result<Vec<(ForeignRawFd, String)>> {
    let mut sockets = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let (number, target) = (entry.file_name(), target.to_string_lossy().into_owned());
        if let Some(fd) = number.to_str().and_then(|number| number.parse().ok())
            && target.starts_with("socket:")
        {
            sockets.push((fd, target));
        }
    }
    Ok(sockets)
}

fn set_nodelay_toward(api: SocketAddr, process: &OwnedFd, fd: ForeignRawFd) -> Result<(), Errno> {
    let socket = match pidfd_getfd(process, fd, PidfdGetfdFlags::empty()) {
        Ok(socket) => socket,
        // Closed since it was listed.
        Err(Errno::BADF) => return Ok(()),
        Err(error) => return Err(error),
    };
    let peer = getpeername(&socket).ok().flatten();
    match peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
        Some(peer) if peer == api => set_tcp_nodelay(&socket, true),
        Some(_) | None => Ok(()),
    }
}

fn warn(error: Errno) {
    tracing::warn!(%error, "TCP_NODELAY cannot be set toward the Runtime API: answers take about 40 ms longer");
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn only_sockets_toward_the_api_change_and_later_ones_are_found() {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let first = TcpStream::connect(api.local_addr().unwrap()).unwrap();
        let elsewhere = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        let address = api.local_addr().unwrap();
        let mut sockets = ApiSockets::of(&format!("{address}/path")).unwrap();
        sockets.set_nodelay();
        assert!(first.nodelay().unwrap());
        assert!(!elsewhere.nodelay().unwrap());
        let second = TcpStream::connect(address).unwrap();
        sockets.set_nodelay();
        assert!(second.nodelay().unwrap());
    }

    #[test]
    fn a_name_is_no_address() {
        assert!(ApiSockets::of("localhost:9001").is_none());
    }
}
