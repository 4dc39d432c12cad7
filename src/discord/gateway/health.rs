//! The health of one gateway client.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// The health of one gateway client.
#[derive(Clone, Debug)]
pub struct ClientHealth {
    /// IDENTIFYs sent so far.
    pub identifies: u64,
    /// IDENTIFYs that Discord answered with READY.
    pub sessions: u64,
    /// Since when there has been no session: since the start, or since the first reconnect that has
    /// not led to READY or RESUMED yet. `None` while there is a session.
    pub down_since: Option<Instant>,
    /// Time of the last event or heartbeat acknowledgement; at first, the start.
    pub last_sign: Instant,
    /// Time of the last event. UTC.
    pub last_event: Option<DateTime<Utc>>,
    /// Time between the last heartbeat and its acknowledgement.
    pub latency: Option<Duration>,
}

impl ClientHealth {
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

    /// Whether the client has a session.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.down_since.is_none()
    }

    pub(crate) fn record_ready(&mut self) {
        self.sessions += 1;
        self.identifies = self.identifies.max(self.sessions);
        self.down_since = None;
        self.record_event();
    }

    pub(crate) fn record_resumed(&mut self) {
        self.down_since = None;
    }

    pub(crate) fn record_event(&mut self) {
        self.last_sign = Instant::now();
        self.last_event = Some(Utc::now());
    }

    pub(crate) fn record_down(&mut self) {
        self.down_since.get_or_insert_with(Instant::now);
    }

    /// Records the latency that serenity reports. It has nanosecond resolution, so it changes with
    /// every heartbeat acknowledgement.
    pub(crate) fn record_latency(&mut self, latency: Option<Duration>) {
        if latency.is_some() && latency != self.latency {
            self.latency = latency;
            self.last_sign = Instant::now();
        }
    }
}
