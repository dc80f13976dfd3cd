//! How many connections are open, in all and from one address?

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidegate_core::network::Network;

use crate::bounds::Bounds;

/// Counts connections.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// The right to one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    peer: IpAddr,
}

impl Crowd {
    /// A place for a connection from `peer`, while there is one.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr, bounds: &Bounds) -> Option<Place> {
        // A proxy stands for all of its clients.
        let proxy = bounds.trusted_proxies.iter().any(|network| network.contains(peer));
        let peer = Network::of_subscriber(peer);
        let mut counts = self.lock();
        if counts.all >= bounds.connections {
            return None;
        }
        let own = counts.by_peer.entry(peer).or_default();
        if *own >= bounds.connections_per_peer && !proxy && !peer.is_loopback() {
            return None;
        }
        *own += 1;
        counts.all += 1;
        Some(Place { crowd: Arc::clone(self), peer })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counts are changed together and nothing between them panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        counts.all -= 1;
        let Some(own) = counts.by_peer.get_mut(&self.peer) else { return };
        *own -= 1;
        if *own == 0 {
            counts.by_peer.remove(&self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn bounds(connections: usize, connections_per_peer: usize) -> Bounds {
        Bounds { connections, connections_per_peer, ..Bounds::of_server(Duration::ZERO) }
    }

    #[test]
    fn one_address_has_its_bound_and_leaves_room_for_others() {
        let crowd = Arc::new(Crowd::default());
        let bounds = bounds(10, 2);
        let peer = "192.0.2.1".parse().unwrap();
        let first = crowd.enter(peer, &bounds).unwrap();
        let _second = crowd.enter("::ffff:192.0.2.1".parse().unwrap(), &bounds).unwrap();
        assert!(crowd.enter(peer, &bounds).is_none());
        assert!(crowd.enter("192.0.2.2".parse().unwrap(), &bounds).is_some());
        drop(first);
        assert!(crowd.enter(peer, &bounds).is_some());
    }

    #[test]
    fn a_network_is_one_peer() {
        let crowd = Arc::new(Crowd::default());
        let bounds = bounds(10, 1);
        let _one = crowd.enter("2001:db8::1".parse().unwrap(), &bounds).unwrap();
        assert!(crowd.enter("2001:db8::2".parse().unwrap(), &bounds).is_none());
        assert!(crowd.enter("2001:db8:1::1".parse().unwrap(), &bounds).is_some());
    }

    #[test]
    fn a_trusted_proxy_is_bounded_by_the_whole_only() {
        let crowd = Arc::new(Crowd::default());
        let trusted_proxies = vec![Network::parse("10.0.0.0/8").unwrap()];
        let bounds = Bounds { trusted_proxies, ..bounds(2, 1) };
        let proxy = "10.1.1.1".parse().unwrap();
        let _one = crowd.enter(proxy, &bounds).unwrap();
        let _two = crowd.enter(proxy, &bounds).unwrap();
        assert!(crowd.enter(proxy, &bounds).is_none());
    }

    #[test]
    fn loopback_is_bounded_by_the_whole_only() {
        let crowd = Arc::new(Crowd::default());
        let bounds = bounds(2, 1);
        let _one = crowd.enter(IpAddr::from([127, 0, 0, 1]), &bounds).unwrap();
        let _two = crowd.enter(IpAddr::from([127, 0, 0, 1]), &bounds).unwrap();
        assert!(crowd.enter(IpAddr::from([127, 0, 0, 1]), &bounds).is_none());
    }
}
