//! Whether the database takes messages, and the two lines that an outage leaves in the log.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::StoreError;

/// How long nothing may have failed before an outage is over: on a disk that is nearly full a small
/// batch finds room where a larger one does not.
const CALM: Duration = Duration::from_secs(5);
/// How long after a failure the database is tried again where no message has been written till then.
const PROBE: Duration = Duration::from_secs(1);

/// What is known of the database by what was written last.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    failing: watch::Sender<bool>,
    /// The last failure since a beginning was told whose end has not been.
    failed_at: Option<Instant>,
}

impl Outage {
    /// Whether the last that was to be written was not.
    pub(crate) fn failing(&self) -> watch::Sender<bool> {
        self.failing.clone()
    }

    pub(crate) fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }

    /// Something was not written. Tells of it where that is new.
    pub(crate) fn failed(&mut self, error: &StoreError) {
        self.becomes(true);
        let is_new = self.failed_at.replace(Instant::now()).is_none();
        if is_new {
            tracing::error!(%error, "the database does not take messages");
        }
    }

    /// Something was written. Gives whether that is new.
    pub(crate) fn went_well(&self) -> bool {
        self.becomes(false)
    }

    /// When the database is to be tried again, or, where it takes messages, when that is to be told.
    pub(crate) fn due(&self) -> Option<Instant> {
        let wait = if self.is_failing() { PROBE } else { CALM };
        self.failed_at.map(|failed_at| failed_at + wait)
    }

    /// Whether its end is still to be told.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_failing() && self.failed_at.is_some()
    }

    pub(crate) fn tell_end(&mut self) {
        self.failed_at = None;
        tracing::info!("the database takes messages again");
    }

    /// Gives whether it was otherwise before.
    fn becomes(&self, failing: bool) -> bool {
        self.failing.send_if_modified(|now| std::mem::replace(now, failing) != failing)
    }
}
