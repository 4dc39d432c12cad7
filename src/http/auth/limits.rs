//! Limits how often one client and one token may send requests.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::http::AppState;
use crate::http::error::ApiError;
use crate::http::peer::Peer;

/// This many times the requests of one second are accepted at once.
const BURST: u32 = 10;
/// How often the clients and tokens are forgotten that have made no request for a while.
const FORGET_INTERVAL: Duration = Duration::from_mins(1);

/// Maximum attempts to sign in per client and minute.
const ATTEMPTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// How many requests each client and each token may still make; without limits, none is counted.
#[derive(Debug, Default)]
pub(crate) struct Limits(Option<Buckets>);

#[derive(Debug)]
struct Buckets {
    peers: DefaultKeyedRateLimiter<IpAddr>,
    tokens: DefaultKeyedRateLimiter<i64>,
    clock: DefaultClock,
}

impl Limits {
    /// At most this many requests a second on average; 0 for no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1));
            Quota::per_second(rate).allow_burst(burst)
        });
        Self(quota.map(|quota| Buckets {
            peers: DefaultKeyedRateLimiter::keyed(quota),
            tokens: DefaultKeyedRateLimiter::keyed(quota),
            clock: DefaultClock::default(),
        }))
    }

    /// Counts a request of a client. This machine has no limit: a proxy that is not in `trusted_proxies` sends the
    /// requests of all clients from here.
    fn admit_peer(&self, peer: IpAddr) -> Result<(), ApiError> {
        let Some(buckets) = self.0.as_ref().filter(|_| !peer.is_loopback()) else { return Ok(()) };
        let checked = buckets.peers.check_key(&network(peer));
        checked.map_err(|refused| ApiError::RateLimited(refused.wait_time_from(buckets.clock.now())))
    }

    /// Counts a request with a token.
    pub(crate) fn admit_token(&self, token: i64) -> Result<(), ApiError> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        let checked = buckets.tokens.check_key(&token);
        checked.map_err(|refused| ApiError::RateLimited(refused.wait_time_from(buckets.clock.now())))
    }

    /// Forgets unused clients and tokens until `closing` is cancelled.
    pub(crate) async fn forget_unused(&self, closing: &CancellationToken) {
        let Some(buckets) = &self.0 else { return };
        while closing.run_until_cancelled(sleep(FORGET_INTERVAL)).await.is_some() {
            buckets.peers.retain_recent();
            buckets.peers.shrink_to_fit();
            buckets.tokens.retain_recent();
        }
    }
}

/// Limits the attempts to sign in per client, including clients on this machine. A token cannot be guessed,
/// but each attempt costs a query or a request to Discord.
#[derive(Debug)]
pub(crate) struct AttemptLimit {
    peers: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Default for AttemptLimit {
    fn default() -> Self {
        let quota = Quota::per_minute(ATTEMPTS_PER_MINUTE);
        Self { peers: DefaultKeyedRateLimiter::keyed(quota), clock: DefaultClock::default() }
    }
}

impl AttemptLimit {
    /// Counts an attempt of a client.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<(), ApiError> {
        let checked = self.peers.check_key(&network(peer));
        checked.map_err(|refused| ApiError::RateLimited(refused.wait_time_from(self.clock.now())))
    }

    /// Forgets old attempts until `closing` is cancelled.
    pub(crate) async fn forget_unused(&self, closing: &CancellationToken) {
        while closing.run_until_cancelled(sleep(FORGET_INTERVAL)).await.is_some() {
            self.peers.retain_recent();
            self.peers.shrink_to_fit();
        }
    }
}

/// The addresses that count as one client: one customer has a whole /64 network of IPv6 addresses.
pub(crate) fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Refuses a request of a client above its limit.
pub(crate) fn limit_peers(state: &Arc<AppState>, parts: &Parts) -> Result<(), ApiError> {
    let Peer(peer) = Peer::of(&parts.extensions);
    state.auth.limits.admit_peer(peer).inspect_err(|error| {
        state.auth.report_refusal(state, parts, None, None, error.status().1);
    })
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn a_burst_is_accepted_and_networks_are_counted_as_one() {
        let limits = Limits::new(1);
        let admitted =
            |peer: &str| (0..15).filter(|_| limits.admit_peer(peer.parse().unwrap()).is_ok()).count();
        assert_eq!(admitted("203.0.113.9"), 10);
        assert_eq!(admitted("203.0.113.10"), 10, "each client has its own limit");
        assert_eq!(admitted("2001:db8::1"), 10);
        assert_eq!(admitted("2001:db8::2"), 0);
        assert_eq!(admitted("127.0.0.1"), 15);
        assert_eq!((0..15).filter(|_| limits.admit_token(1).is_ok()).count(), 10);
        assert!((0..15).all(|_| Limits::new(0).admit_token(1).is_ok()));
    }
}
