//! Whether the database takes messages, and the two lines that an outage leaves in the log.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::StoreError;

/// How long nothing may have failed before an outage is over: on a disk that is nearly full a small
/// batch finds room where a larger one does not.
const CALM: Duration = Duration::from_secs(5);

/// What is known of the database by what was written last.
#[derive(Debug, Default)]
pub(super) struct Outage {
    failing: watch::Sender<bool>,
    /// The last failure since a beginning was told whose end has not been.
    failed_at: Option<Instant>,
}

impl Outage {
    /// Whether the last that was to be written was not.
    pub(super) fn failing(&self) -> watch::Sender<bool> {
        self.failing.clone()
    }

    pub(super) fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }

    /// Something was not written. Tells of it where that is new.
    pub(super) fn failed(&mut self, error: &StoreError) {
        self.becomes(true);
        let is_new = self.failed_at.replace(Instant::now()).is_none();
        if is_new {
            tracing::error!(%error, "the database does not take messages");
        }
    }

    /// Something was written. Gives whether that is new.
    pub(super) fn went_well(&self) -> bool {
        self.becomes(false)
    }

    /// When the end of an outage is to be told, if nothing fails until then.
    pub(super) fn calm_at(&self) -> Option<Instant> {
        self.failed_at.filter(|_| !self.is_failing()).map(|failed_at| failed_at + CALM)
    }

    pub(super) fn tell_end(&mut self) {
        self.failed_at = None;
        tracing::info!("the database takes messages again");
    }

    /// Gives whether it was otherwise before.
    fn becomes(&self, failing: bool) -> bool {
        self.failing.send_if_modified(|now| std::mem::replace(now, failing) != failing)
    }
}
