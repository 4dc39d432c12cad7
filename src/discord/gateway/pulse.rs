//! How a client fares, as far as can be seen.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// How a client fares.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// How many IDENTIFYs it has sent.
    pub identifies: u64,
    /// How many of them were answered with READY.
    pub sessions: u64,
    /// Since when it has no session: from its start, or from its first try to connect again that
    /// no READY or RESUMED has followed so far. `None` while it has one.
    pub down_since: Option<Instant>,
    /// When the last event or the last answer to a heartbeat came; at first, the start.
    pub last_sign: Instant,
    /// When the last event came. UTC.
    pub last_event: Option<DateTime<Utc>>,
    /// Time between the last heartbeat and its answer.
    pub latency: Option<Duration>,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            identifies: 0,
            sessions: 0,
            down_since: Some(now),
            last_sign: now,
            last_event: None,
            latency: None,
        }
    }

    /// Whether there is a session, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.down_since.is_none()
    }

    pub(crate) fn ready(&mut self) {
        self.sessions += 1;
        self.identifies = self.identifies.max(self.sessions);
        self.down_since = None;
        self.event();
    }

    pub(crate) fn resumed(&mut self) {
        self.down_since = None;
    }

    pub(crate) fn event(&mut self) {
        self.last_sign = Instant::now();
        self.last_event = Some(Utc::now());
    }

    pub(crate) fn down(&mut self) {
        self.down_since.get_or_insert_with(Instant::now);
    }

    /// An answer to a heartbeat changes the latency, which has nanoseconds.
    pub(crate) fn heard(&mut self, latency: Option<Duration>) {
        if latency.is_some() && latency != self.latency {
            self.latency = latency;
            self.last_sign = Instant::now();
        }
    }
}
