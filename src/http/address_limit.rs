//! Limits how many connections one client address may have open, so that one client cannot take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::auth::network;

/// A closed connection is logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// The open connections of each address.
#[derive(Debug, Default)]
pub(crate) struct AddressLimit {
    /// 0 for no limit.
    limit: usize,
    /// A proxy holds the connections of many clients.
    trusted_proxies: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, usize>>,
    /// When a closed connection was logged last.
    logged: Mutex<Option<Instant>>,
}

/// An open connection, which counts until it is dropped. The default one does not count.
#[derive(Debug, Default)]
pub(crate) struct OpenConnection(Option<(Arc<AddressLimit>, IpAddr)>);

impl AddressLimit {
    pub(crate) fn new(limit: usize, trusted_proxies: &[IpNet]) -> Self {
        Self { limit, trusted_proxies: trusted_proxies.to_vec(), ..Self::default() }
    }

    /// Counts a connection; `None` if its address has too many. This machine has no limit: a proxy that is not in
    /// `trusted_proxies` connects from here.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<OpenConnection> {
        let peer = peer.to_canonical();
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(&peer));
        if self.limit == 0 || peer.is_loopback() || is_proxy {
            return Some(OpenConnection::default());
        }
        let address = network(peer);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.limit {
            self.log(peer);
            return None;
        }
        *count += 1;
        Some(OpenConnection(Some((Arc::clone(self), address))))
    }

    /// Logs a closed connection, at most once a minute.
    fn log(&self, peer: IpAddr) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_some_and(|logged| logged.elapsed() < LOG_INTERVAL) {
            return;
        }
        *logged = Some(Instant::now());
        tracing::warn!(
            %peer,
            "closed a new connection, because its address has as many open as [http] connection_limit permits; if it is \
             a reverse proxy, add it to [http] trusted_proxies"
        );
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Each count is changed as a whole, so that a panic elsewhere cannot leave it half written.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let Some((limit, address)) = self.0.take() else { return };
        let mut open = limit.open();
        match open.get_mut(&address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{AddressLimit, OpenConnection};

    #[test]
    fn each_address_has_its_connections_and_a_proxy_has_no_limit() {
        let limit = Arc::new(AddressLimit::new(2, &["10.0.0.0/8".parse().unwrap()]));
        let admitted = |peer: &str| -> Vec<OpenConnection> {
            (0..3).filter_map(|_| limit.admit(peer.parse().unwrap())).collect()
        };
        let first = admitted("203.0.113.9");
        assert_eq!(first.len(), 2);
        assert!(admitted("::ffff:203.0.113.9").is_empty(), "the same address in another form");
        let network = admitted("2001:db8::1");
        assert_eq!((network.len(), admitted("2001:db8::2").len()), (2, 0), "one client has a whole network");
        for unlimited in ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"] {
            assert_eq!(admitted(unlimited).len(), 3, "{unlimited}");
        }
        drop(first);
        assert_eq!(admitted("203.0.113.9").len(), 2);
        drop(network);
        assert!(limit.open().is_empty(), "addresses without connections are forgotten");
        assert_eq!(
            Arc::new(AddressLimit::new(0, &[])).admit("203.0.113.9".parse().unwrap()).iter().count(),
            1
        );
    }
}
