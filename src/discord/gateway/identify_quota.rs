//! Limits how often the bot identifies itself: fewer than 20 times an hour, across restarts.
//!
//! Discord resets the token of a bot that sends 1000 IDENTIFYs in a day.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::time::sleep;

use crate::store::{Store, StoreError};

/// Most IDENTIFYs within [`WINDOW`].
const MAX_IDENTIFIES: u64 = 19;

const WINDOW: TimeDelta = TimeDelta::hours(1);

/// The IDENTIFYs of one client, counted in the database.
pub(crate) struct IdentifyQuota<'a> {
    store: &'a Store,
    /// IDENTIFYs of this client that are counted already.
    counted: u64,
}

impl<'a> IdentifyQuota<'a> {
    /// Creates the quota of a client that has not started yet.
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, counted: 0 }
    }

    /// Waits until another IDENTIFY is allowed, and checks that every `poll_interval`.
    pub(crate) async fn until_available(&self, poll_interval: Duration) -> Result<(), StoreError> {
        let mut is_logged = false;
        while self.left().await? == 0 {
            if !is_logged {
                tracing::warn!(
                    "{MAX_IDENTIFIES} Discord sessions were started within the last hour; waiting before the next"
                );
                is_logged = true;
            }
            sleep(poll_interval).await;
        }
        Ok(())
    }

    /// Counts IDENTIFYs until `sent` of this client are counted. Returns how many the client may
    /// send in total.
    pub(crate) async fn count(&mut self, sent: u64) -> Result<u64, StoreError> {
        while self.counted < sent {
            let now = Utc::now();
            self.store.note_identify(now, now - WINDOW).await?;
            self.counted += 1;
        }
        Ok(self.counted + self.left().await?)
    }

    async fn left(&self) -> Result<u64, StoreError> {
        Ok(MAX_IDENTIFIES.saturating_sub(self.store.identifies_since(Utc::now() - WINDOW).await?))
    }
}
