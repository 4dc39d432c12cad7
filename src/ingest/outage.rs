//! Tracks database outages: whether a write failed or hangs, since when and why. Logs when an outage starts, when its
//! cause changes, once a minute while it lasts, and when it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock;
use crate::store::StoreError;

/// An outage ends only after this long without a failure. A nearly full disk accepts a small batch and rejects the
/// next larger one, so a single success proves little.
const QUIET_PERIOD: Duration = Duration::from_secs(5);
/// During an outage the writer probes the database this long after the last failure, even if no message arrives.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// A write that takes longer counts as an outage for whoever asks, before it is known how it ends.
const SLOW_WRITE: TimeDelta = TimeDelta::seconds(2);

/// Whether the database accepts writes. Cheap to clone; all clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct OutageTracker {
    /// While an outage lasts, it is logged again this long after the last line.
    reminder_interval: Duration,
    /// Whether the most recent write failed. `/health` and the backfill subscribe to it.
    failing: watch::Sender<bool>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The outage that has not been reported as over; `None` outside an outage.
    outage: Option<Outage>,
    /// When the write that runs now began.
    write_began: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Outage {
    since: DateTime<Utc>,
    last_failure: Instant,
    cause: String,
    logged: Instant,
    /// The causes that were logged since the last reminder: they may alternate.
    logged_causes: Vec<String>,
}

/// Why no orders are accepted, for `/health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageReport {
    /// Since when. UTC.
    pub since: DateTime<Utc>,
    /// The error of the database. It never repeats stored data.
    pub cause: String,
}

/// Marks a write as running until it is dropped.
pub(crate) struct RunningWrite<'a>(&'a OutageTracker);

impl Drop for RunningWrite<'_> {
    fn drop(&mut self) {
        self.0.state().write_began = None;
    }
}

impl OutageTracker {
    pub(crate) fn new(reminder_interval: Duration) -> Self {
        Self { reminder_interval, failing: watch::Sender::default(), state: Arc::default() }
    }

    /// Whether the most recent write failed.
    pub(crate) fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }

    /// The current outage, if the most recent write failed or takes long.
    pub(crate) fn report(&self) -> Option<OutageReport> {
        let state = self.state();
        if let Some(outage) = state.outage.as_ref().filter(|_| self.is_failing()) {
            return Some(OutageReport { since: outage.since, cause: outage.cause.clone() });
        }
        let since = state.write_began.filter(|began| clock::now() - *began > SLOW_WRITE)?;
        Some(OutageReport { since, cause: "the database has not answered a write yet".to_owned() })
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.failing.subscribe()
    }

    /// Notes that a write begins.
    pub(crate) fn begin_write(&self) -> RunningWrite<'_> {
        self.state().write_began = Some(clock::now());
        RunningWrite(self)
    }

    /// Records a failure, and logs it if it starts an outage, has a cause that was not logged yet, or is due for a
    /// reminder.
    pub(crate) fn record_failure(&self, error: &StoreError) {
        let (now, cause) = (Instant::now(), error.to_string());
        let mut state = self.state();
        // A write that hung did not begin to fail when it was given up.
        let since = state.write_began.unwrap_or_else(clock::now);
        if let Some(outage) = &mut state.outage {
            outage.last_failure = now;
            if outage.logged + self.reminder_interval <= now {
                outage.logged_causes.clear();
            }
            if !outage.logged_causes.contains(&cause) {
                let seconds = (clock::now() - outage.since).num_seconds();
                tracing::error!(
                    error = cause,
                    "the database still does not accept messages, after {seconds} s"
                );
                outage.logged = now;
                outage.logged_causes.push(cause.clone());
            }
            outage.cause = cause;
        } else {
            tracing::error!(error = cause, "the database does not accept messages");
            let logged_causes = vec![cause.clone()];
            state.outage = Some(Outage { since, last_failure: now, cause, logged: now, logged_causes });
        }
        drop(state);
        self.set_failing(true);
    }

    /// Records a successful write. Returns whether the previous write had failed.
    pub(crate) fn record_success(&self) -> bool {
        self.set_failing(false)
    }

    /// When to act next: probe the database if it is failing, otherwise report the end of the outage.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let wait = if self.is_failing() { PROBE_INTERVAL } else { QUIET_PERIOD };
        self.state().outage.as_ref().map(|outage| outage.last_failure + wait)
    }

    /// Whether writes succeed again but the end of the outage has not been logged yet.
    pub(crate) fn has_unreported_end(&self) -> bool {
        !self.is_failing() && self.state().outage.is_some()
    }

    /// Logs the end of the outage.
    pub(crate) fn report_end(&self) {
        let Some(outage) = self.state().outage.take() else { return };
        // The last failure was the last moment at which the outage was certain.
        let length = clock::now() - outage.since;
        let quiet = TimeDelta::from_std(outage.last_failure.elapsed()).unwrap_or_default();
        let seconds = (length - quiet).num_seconds().max(0);
        tracing::info!("the database accepts messages again, after {seconds} s");
    }

    /// Returns whether the state changed.
    fn set_failing(&self, failing: bool) -> bool {
        self.failing.send_if_modified(|now| std::mem::replace(now, failing) != failing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each value is replaced as a whole, so that a panic elsewhere cannot leave it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
