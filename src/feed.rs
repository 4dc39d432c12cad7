//! The broadcast of order changes, after each commit, to whoever listens.
//!
//! Does not keep history: a listener that falls behind is told so and must read again. So must all
//! when something may have been missed.

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

/// The sending side; cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    changes: broadcast::Sender<Arc<OrderChange>>,
    interruptions: watch::Sender<()>,
}

impl Feed {
    /// A feed whose listeners may fall at most `capacity` changes behind.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { changes: broadcast::Sender::new(capacity), interruptions: watch::Sender::new(()) }
    }

    /// Tells every listener. Nobody listening is no error.
    pub fn publish(&self, change: OrderChange) {
        // The only error is that nobody listens.
        drop(self.changes.send(Arc::new(change)));
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Tells every listener that changes may have been missed.
    pub fn interrupt(&self) {
        self.interruptions.send_replace(());
    }

    /// Changes whenever changes may have been missed.
    #[must_use]
    pub fn interruptions(&self) -> watch::Receiver<()> {
        self.interruptions.subscribe()
    }

    /// A listener that hears every change from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<OrderChange>> {
        self.changes.subscribe()
    }
}
