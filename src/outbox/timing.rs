//! Timeouts of the outbox, and the schedule of attempts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Timeouts and intervals. The default suits real receivers; tests use shorter ones.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The delays before the second attempt and each further one. The first attempt has no delay. A delivery whose last
    /// attempt fails is dead.
    pub retry_delays: Vec<Duration>,
    /// A delivery that is older is not tried again. A little longer than the whole schedule: a card waits behind the
    /// earlier cards of its relay, and without this limit each of them would take as long as the schedule to die.
    pub max_age: TimeDelta,
    /// How long an endpoint may take to answer.
    pub event_timeout: Duration,
    /// How long Discord may take to answer. Longer than usual, because an unknown result may mean a card that appears
    /// twice.
    pub relay_timeout: Duration,
    /// How often the sender looks for deliveries that another process has added.
    pub poll_interval: Duration,
    /// An endpoint to which every message has failed for this long is disabled.
    pub max_failing: TimeDelta,
    /// How long ROMS sends no card to a Discord webhook that answered 401 or 404.
    pub refusal_pause: Duration,
    /// How long a shutdown waits for the answers to what was just sent.
    pub stop_timeout: Duration,
}

impl Timing {
    /// When to try again after this many attempts; `None` if it is not worth it. Varied by up to a tenth, so that many
    /// deliveries do not arrive at once.
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
