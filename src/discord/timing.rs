//! Timeouts and intervals of the Discord edge.

use std::time::Duration;

/// Timeouts and intervals. The default suits the real Discord; tests use shorter ones.
#[derive(Clone, Debug)]
pub struct Timing {
    /// How long a new gateway client may take to its first session.
    pub ready_timeout: Duration,
    /// A gateway client that has received nothing for this long (no event, no heartbeat
    /// acknowledgement) counts as dead. Two and a half of Discord's heartbeat intervals.
    pub silence_timeout: Duration,
    /// How often the supervisor checks the gateway client.
    pub poll_interval: Duration,
    /// Delay before a dead client is replaced. Doubles up to `max_reconnect_delay`.
    pub reconnect_delay: Duration,
    /// Longest delay before a dead client is replaced.
    pub max_reconnect_delay: Duration,
    /// How often the history is read.
    pub history_interval: Duration,
    /// How often the history is read during a database outage.
    pub outage_interval: Duration,
    /// How often the history is read while there is no gateway session.
    pub disconnected_interval: Duration,
    /// Delay before a message that arrived empty is fetched over REST.
    pub refetch_delay: Duration,
    /// How long notices are collected before they are posted as one message.
    pub notice_delay: Duration,
    /// Delay before a failed REST call is repeated. Doubles, with jitter.
    pub retry_delay: Duration,
    /// Upper bound for one REST call, including its retries and rate-limit waits.
    pub request_timeout: Duration,
    /// How long ROMS first stops asking for a target that answered 401, 403 or 404. Doubles with each
    /// refusal up to `max_refusal_pause`, and ends when permissions change.
    pub refusal_pause: Duration,
    /// Longest time for which ROMS stops asking for such a target.
    pub max_refusal_pause: Duration,
    /// How long closing the gateway session may take.
    pub close_timeout: Duration,
}

impl Timing {
    /// How often ROMS checks what it is missing in Discord, and whether its commands are registered.
    #[must_use]
    pub fn check_interval(&self) -> Duration {
        self.history_interval * 10
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ready_timeout: Duration::from_secs(90),
            silence_timeout: Duration::from_secs(105),
            poll_interval: Duration::from_secs(5),
            reconnect_delay: Duration::from_secs(5),
            max_reconnect_delay: Duration::from_mins(5),
            history_interval: Duration::from_mins(1),
            outage_interval: Duration::from_secs(5),
            disconnected_interval: Duration::from_secs(7),
            refetch_delay: Duration::from_secs(2),
            notice_delay: Duration::from_secs(10),
            retry_delay: Duration::from_millis(500),
            request_timeout: Duration::from_mins(1),
            refusal_pause: Duration::from_secs(30),
            max_refusal_pause: Duration::from_mins(10),
            close_timeout: Duration::from_secs(3),
        }
    }
}
