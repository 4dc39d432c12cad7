//! Broadcasts order changes after each commit: to `WebSockets`, event streams and Discord.
//!
//! The feed keeps no history. A listener that falls behind, or receives an interruption, must read the orders
//! from the database again.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::order::Order;

/// One order as it stands after a commit.
#[derive(Debug)]
pub struct OrderChange {
    /// Whether the order is new.
    pub created: bool,
    /// The whole order.
    pub order: Order,
}

/// Sends changes to all listeners; cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    changes: broadcast::Sender<Arc<OrderChange>>,
    interruptions: watch::Sender<()>,
}

impl Feed {
    /// A feed whose listeners may fall behind by at most `capacity` changes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { changes: broadcast::Sender::new(capacity), interruptions: watch::Sender::new(()) }
    }

    /// Sends a change to every listener. It is not an error if there is none.
    pub fn publish(&self, change: OrderChange) {
        // Sending fails only if there is no listener.
        drop(self.changes.send(Arc::new(change)));
    }

    /// Whether there is a listener.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Tells every listener that changes may be missing from the feed.
    pub fn interrupt(&self) {
        self.interruptions.send_replace(());
    }

    /// Notified when changes may be missing from the feed.
    #[must_use]
    pub fn interruptions(&self) -> watch::Receiver<()> {
        self.interruptions.subscribe()
    }

    /// A listener for all changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<OrderChange>> {
        self.changes.subscribe()
    }
}
