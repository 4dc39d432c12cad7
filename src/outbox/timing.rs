//! Timeouts of the outbox, and the schedule of attempts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Timeouts and intervals. The default suits real receivers; tests use shorter ones.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The delays before the second attempt and each further one. The first attempt has no delay. If the last
    /// attempt fails, the delivery is given up.
    pub retry_delays: Vec<Duration>,
    /// An older delivery is not tried again. This is a little longer than the whole schedule. A card waits
    /// for the earlier cards of its relay, and without this limit each of them would use the whole schedule
    /// before it is given up.
    pub max_age: TimeDelta,
    /// Timeout for the answer of an endpoint.
    pub event_timeout: Duration,
    /// Timeout for the answer of Discord. It is long, because a card whose result is unknown is sent again
    /// and may appear twice.
    pub relay_timeout: Duration,
    /// The interval at which the sender looks for deliveries that another process has added.
    pub poll_interval: Duration,
    /// An endpoint to which every message has failed for this long is disabled.
    pub max_failing: TimeDelta,
    /// The time for which ROMS sends no card to a Discord webhook that answered 401 or 404.
    pub refusal_pause: Duration,
    /// The time for which a shutdown waits for the answers to deliveries in flight.
    pub stop_timeout: Duration,
}

impl Timing {
    /// The time of the next attempt after this many; `None` if there is none. It varies by up to a tenth, so
    /// that many deliveries do not arrive at once.
    pub(crate) fn next_attempt(
        &self,
        attempts: i64,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
        let delay = self.retry_delays.get(index)?.mul_f64(0.9 + 0.2 * fastrand::f64());
        self.is_worth_it(created_at, now).then(|| now + TimeDelta::from_std(delay).unwrap_or_default())
    }

    /// Whether a delivery is young enough to be tried again.
    pub(crate) fn is_worth_it(&self, created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - created_at <= self.max_age
    }
}

impl Default for Timing {
    /// The schedule of Svix.
    fn default() -> Self {
        let hours = Duration::from_hours;
        Self {
            retry_delays: vec![
                Duration::from_secs(5),
                Duration::from_mins(5),
                Duration::from_mins(30),
                hours(2),
                hours(5),
                hours(10),
                hours(10),
            ],
            max_age: TimeDelta::hours(36),
            event_timeout: Duration::from_secs(15),
            relay_timeout: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
            max_failing: TimeDelta::days(5),
            refusal_pause: Duration::from_mins(10),
            stop_timeout: Duration::from_secs(4),
        }
    }
}
