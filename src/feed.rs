//! The broadcast of order changes, after each commit, to whoever listens.
//!
//! Does not keep history: a listener that falls behind is told so and must read again.

use std::sync::Arc;

use tokio::sync::broadcast;

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
pub struct Feed(broadcast::Sender<Arc<OrderChange>>);

impl Feed {
    /// A feed whose listeners may fall at most `capacity` changes behind.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity))
    }

    /// Tells every listener. Nobody listening is no error.
    pub fn publish(&self, change: OrderChange) {
        // The only error is that nobody listens.
        drop(self.0.send(Arc::new(change)));
    }

    /// A listener that hears every change from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<OrderChange>> {
        self.0.subscribe()
    }
}
