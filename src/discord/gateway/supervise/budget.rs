//! How often the bot may identify itself: fewer than 20 times in any hour, however often the
//! process is started. Discord resets the token of a bot that does it 1000 times in a day.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::time::sleep;

use crate::store::{Store, StoreError};

/// Most IDENTIFYs in a [`WINDOW`].
const LIMIT: u64 = 19;

const WINDOW: TimeDelta = TimeDelta::hours(1);

/// What is left of the hour's IDENTIFYs, and how many of one client are counted.
pub(crate) struct Budget<'a> {
    store: &'a Store,
    counted: u64,
}

impl<'a> Budget<'a> {
    /// For one client, whose first IDENTIFY is [counted](Self::charge_first) before it is started.
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, counted: 1 }
    }

    /// Waits until another IDENTIFY is allowed.
    pub(crate) async fn wait(&self, look: Duration) -> Result<(), StoreError> {
        let mut is_said = false;
        while self.left().await? == 0 {
            if !is_said {
                tracing::warn!("{LIMIT} sessions with Discord were started within the hour; waiting");
                is_said = true;
            }
            sleep(look).await;
        }
        Ok(())
    }

    /// Counts the first IDENTIFY, and gives how many the client may send in all.
    pub(crate) async fn charge_first(&self) -> Result<u64, StoreError> {
        self.note().await?;
        Ok(self.counted + self.left().await?)
    }

    /// Counts what the client has sent, and gives how many it may send in all.
    pub(crate) async fn charge(&mut self, sent: u64) -> Result<u64, StoreError> {
        while self.counted < sent {
            self.note().await?;
            self.counted += 1;
        }
        Ok(self.counted + self.left().await?)
    }

    async fn left(&self) -> Result<u64, StoreError> {
        Ok(LIMIT.saturating_sub(self.store.identifies_since(Utc::now() - WINDOW).await?))
    }

    async fn note(&self) -> Result<(), StoreError> {
        let now = Utc::now();
        self.store.note_identify(now, now - WINDOW).await
    }
}
