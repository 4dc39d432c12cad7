//! The outbox: sends order events to webhook endpoints, and passes cards on to Discord webhooks.
//!
//! The writer adds a row for each delivery in the transaction of the card or order. One sender reads the rows, also
//! after a restart; with several processes on one database, only the one that holds the outbox's lease sends.
//!
//! | module | what it does |
//! |---|---|
//! | `sender` | claims due deliveries, sends them, and decides what to do after each answer |
//! | `event` | the message to an endpoint, with its signature |
//! | `relay` | the message to a Discord webhook, and Discord's rate limits |
//! | `client` | the HTTP client, which refuses private addresses |
//! | `timing` | timeouts, and the schedule of attempts |
//!
//! # How often a delivery arrives
//!
//! The sender marks a row as being sent before it sends, and records the result afterwards. If the process
//! dies in between, it is not known whether the delivery arrived, and the next sender sends it again. An
//! endpoint recognizes the repetition by `webhook-id`. Discord's webhooks have no such id (`nonce` is only
//! for bots), so a card may appear twice. A relay sends one card at a time, so this affects at most one card
//! of each relay. After a second attempt with an unknown result, ROMS gives the delivery up, so no card
//! appears a third time.

mod client;
mod event;
mod relay;
mod sender;
mod timing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::Webhooks;
use crate::store::{Batch, Store, StoreError};
use crate::webhook::EventTypes;

pub use client::{PrivateAddress, PrivateRelay, check_address, check_relay};
pub use event::TEST;
pub use sender::{Render, run};
pub use timing::Timing;

/// Maximum notices that wait for the Discord edge.
const NOTICES: usize = 64;

/// The outbox as other parts of ROMS see it. Clones share their state.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The enabled endpoints, with their event types.
    endpoints: Mutex<Arc<[(i64, EventTypes)]>>,
    /// Whether a URL token has a relay. Cached forever, because it never changes.
    relays: Mutex<HashMap<i64, bool>>,
    settings: Webhooks,
    /// Wakes the sender when a delivery was added.
    added: Notify,
    notices: broadcast::Sender<String>,
}

impl Default for Outbox {
    /// An outbox without endpoints.
    fn default() -> Self {
        Self::new(Webhooks { allow_private: false, max_age: TimeDelta::days(1) })
    }
}

impl Outbox {
    /// An outbox with these settings.
    #[must_use]
    pub fn new(settings: Webhooks) -> Self {
        Self(Arc::new(Shared {
            endpoints: Mutex::default(),
            relays: Mutex::default(),
            settings,
            added: Notify::new(),
            notices: broadcast::Sender::new(NOTICES),
        }))
    }

    /// Rereads the endpoints from the database until `stop` is cancelled. While the database fails, the known
    /// endpoints stay in use.
    pub async fn follow(&self, store: &Store, timing: &Timing, stop: &CancellationToken) {
        let follow = async {
            loop {
                // The writer uses the same database and logs its failures.
                drop(self.refresh(store).await);
                tokio::time::sleep(timing.poll_interval).await;
            }
        };
        stop.run_until_cancelled(follow).await;
    }

    /// Reads the endpoints from the database, so that a change takes effect at once in this process.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let endpoints = store.endpoints(clock::now()).await?;
        let enabled = endpoints.into_iter().filter(|endpoint| endpoint.disabled_at.is_none());
        let enabled = enabled.map(|endpoint| (endpoint.id, endpoint.settings.event_types)).collect();
        *self.0.endpoints.lock().unwrap_or_else(PoisonError::into_inner) = enabled;
        Ok(())
    }

    /// The enabled endpoints.
    pub(crate) fn endpoints(&self) -> Arc<[(i64, EventTypes)]> {
        Arc::clone(&self.0.endpoints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the cards of this URL token are passed on. Reads the database once for each token.
    pub(crate) async fn has_relay(&self, batch: &Batch, token: i64) -> Result<bool, StoreError> {
        let known = self.0.relays.lock().unwrap_or_else(PoisonError::into_inner).get(&token).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let has_relay = batch.has_relay(token).await?;
        self.0.relays.lock().unwrap_or_else(PoisonError::into_inner).insert(token, has_relay);
        Ok(has_relay)
    }

    /// Whether a message is too old for its events to be sent.
    pub(crate) fn is_too_old(&self, sent_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - sent_at > self.0.settings.max_age
    }

    /// Whether every endpoint and relay may have a private address.
    #[must_use]
    pub fn allows_private(&self) -> bool {
        self.0.settings.allow_private
    }

    /// Wakes the sender, because a delivery was added.
    pub fn wake(&self) {
        self.0.added.notify_one();
    }

    /// Notices for the group's notice channel. They contain no secret and no text of a card.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<String> {
        self.0.notices.subscribe()
    }

    fn notify(&self, notice: String) {
        tracing::warn!("{notice}");
        // Without Discord there is no receiver; the log has the notice.
        drop(self.0.notices.send(notice));
    }
}
