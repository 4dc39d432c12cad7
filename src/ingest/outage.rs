//! Tracks database outages, and logs one line when an outage starts and one when it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::StoreError;

/// An outage ends only after this long without a failure. A nearly full disk accepts a small batch and rejects the
/// next larger one, so a single success proves little.
const QUIET_PERIOD: Duration = Duration::from_secs(5);
/// During an outage the writer probes the database this long after the last failure, even if no message arrives.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the database accepts writes. Cheap to clone; all clones share one state.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutageTracker {
    /// Whether the most recent write failed. `/health` and the backfill subscribe to it.
    failing: watch::Sender<bool>,
    /// The most recent failure of the current outage; `None` outside an outage.
    last_failure: Arc<Mutex<Option<Instant>>>,
}

impl OutageTracker {
    pub(crate) fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.failing.subscribe()
    }

    /// Records a failure, and logs it if it starts an outage.
    pub(crate) fn record_failure(&self, error: &StoreError) {
        let starts_outage = self.last_failure().replace(Instant::now()).is_none();
        if starts_outage {
            tracing::error!(%error, "the database does not accept messages");
        }
        self.set_failing(true);
    }

    /// Records a successful write. Returns whether the previous write had failed.
    pub(crate) fn record_success(&self) -> bool {
        self.set_failing(false)
    }

    /// When to act next: probe the database if it is failing, otherwise report the end of the outage.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let wait = if self.is_failing() { PROBE_INTERVAL } else { QUIET_PERIOD };
        self.last_failure().map(|failure| failure + wait)
    }

    /// Whether writes succeed again but the end of the outage has not been logged yet.
    pub(crate) fn has_unreported_end(&self) -> bool {
        !self.is_failing() && self.last_failure().is_some()
    }

    /// Logs the end of the outage.
    pub(crate) fn report_end(&self) {
        *self.last_failure() = None;
        tracing::info!("the database accepts messages again");
    }

    /// Returns whether the state changed.
    fn set_failing(&self, failing: bool) -> bool {
        self.failing.send_if_modified(|now| std::mem::replace(now, failing) != failing)
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<Instant>> {
        // The value is replaced as a whole, so that a panic elsewhere cannot leave it half written.
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
