//! Sends order changes to live clients after each commit, in the order of their event ids and without gaps.
//!
//! The id of a change is the row id of its event in `order_events`. A client that remembers the last id it received
//! can resume from the database at any time, in any process.
//!
//! The writer publishes what it has committed. If other processes have committed something in between, the ids have a
//! gap; then nothing is published from memory, and [`Feed::behind`] wakes the task that reads the missing changes from
//! the database. A gap may also come from a transaction that failed. Ids become visible in ascending order, because
//! each writer holds a lock from reserving them to its commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, broadcast};

use crate::order::Order;
use crate::store::{OrderEvent, Store, StoreError};

/// One step of an order's history, with the order as it stands when the change is sent.
#[derive(Debug)]
pub struct OrderChange {
    /// Row id of the event.
    pub event_id: i64,
    /// Whether the order is new.
    pub created: bool,
    /// The columns that changed, and `extra.` with a label.
    pub changed: Vec<String>,
    /// The import of a file that caused it.
    pub import: Option<i64>,
    /// The whole order.
    pub order: Arc<Order>,
    /// The texts that are sent to clients: with personal data, and masked. The first client's edge fills them, so that
    /// each is made once for all clients.
    pub texts: [OnceLock<Arc<str>>; 2],
}

impl OrderChange {
    /// A change without its text, which is made when the first client needs it.
    #[must_use]
    pub fn new(event_id: i64, created: bool, changed: Vec<String>, order: Arc<Order>) -> Self {
        Self { event_id, created, changed, import: None, order, texts: [OnceLock::new(), OnceLock::new()] }
    }

    fn of_event(event: OrderEvent, order: Arc<Order>) -> Self {
        let changed = event.changes.into_iter().map(|change| change.field).collect();
        Self { import: event.import, ..Self::new(event.id, event.event_type == "created", changed, order) }
    }
}

/// Changes from the database.
#[derive(Debug)]
pub struct StoredChanges {
    /// Oldest first.
    pub changes: Vec<Arc<OrderChange>>,
    /// The id of the last event that was read.
    pub last: i64,
    /// Whether there are more.
    pub has_more: bool,
}

/// Reads at most `limit` changes after the event with the id `after` from the database.
pub async fn stored_changes(store: &Store, after: i64, limit: u64) -> Result<StoredChanges, StoreError> {
    let events = store.events_after(after, limit).await?;
    let last = events.last().map_or(after, |event| event.id);
    let has_more = events.len() as u64 >= limit;
    let mut ids: Vec<i64> = events.iter().map(|event| event.order_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut orders = store.orders_by_ids(&ids).await?;
    store.load_items(&mut orders).await?;
    let orders: HashMap<i64, Arc<Order>> =
        orders.into_iter().map(|order| (order.id, Arc::new(order))).collect();
    // An order that was purged in the meantime has no events any more.
    let with_order = |event: OrderEvent| {
        let order = Arc::clone(orders.get(&event.order_id)?);
        Some(Arc::new(OrderChange::of_event(event, order)))
    };
    Ok(StoredChanges { changes: events.into_iter().filter_map(with_order).collect(), last, has_more })
}

/// Sends changes to all listeners; cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    changes: broadcast::Sender<Arc<OrderChange>>,
    /// The id of the last event that was published, or that was stored while no client listened. `None` until
    /// [`Self::start_after`].
    last: Arc<Mutex<Option<i64>>>,
    behind: Arc<Notify>,
}

impl Feed {
    /// A feed whose listeners may fall behind by at most `capacity` changes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { changes: broadcast::Sender::new(capacity), last: Arc::default(), behind: Arc::default() }
    }

    /// Publishes only changes after this event. Without this call, the first change is published whatever its id.
    pub fn start_after(&self, event_id: i64) {
        *self.lock() = Some(event_id);
    }

    /// Publishes what one transaction committed: ids without a gap, in ascending order. `changes` is only called if
    /// there is a listener.
    pub fn publish(&self, ids: &[i64], changes: impl FnOnce() -> Vec<OrderChange>) {
        let (Some(first), Some(newest)) = (ids.first(), ids.last()) else { return };
        let mut last = self.lock();
        if !self.has_listeners() {
            *last = (*last).max(Some(*newest));
        } else if last.is_none_or(|last| *first <= last.saturating_add(1)) {
            self.send(&mut last, changes().into_iter().map(Arc::new));
            *last = (*last).max(Some(*newest));
        } else {
            self.behind.notify_one();
        }
    }

    /// Publishes changes that were read from the database after [`Self::last`].
    pub fn publish_stored(&self, stored: StoredChanges) {
        let mut last = self.lock();
        self.send(&mut last, stored.changes);
        *last = (*last).max(Some(stored.last));
    }

    /// Leaves out everything up to this event, unless somebody listens.
    pub fn skip_to(&self, event_id: i64) {
        let mut last = self.lock();
        if !self.has_listeners() {
            *last = (*last).max(Some(event_id));
        }
    }

    /// The id of the last event that was published or left out.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.lock().unwrap_or_default()
    }

    /// Whether there is a listener.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Says that the database may have changes that were not published.
    pub fn mark_behind(&self) {
        self.behind.notify_one();
    }

    /// Returns when the database may have changes that were not published.
    pub async fn behind(&self) {
        self.behind.notified().await;
    }

    /// A listener for all changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<OrderChange>> {
        self.changes.subscribe()
    }

    /// Sends the changes that are newer than `last`. The lock keeps them in order.
    fn send(&self, last: &mut Option<i64>, changes: impl IntoIterator<Item = Arc<OrderChange>>) {
        for change in changes {
            if last.is_none_or(|last| change.event_id > last) {
                *last = Some(change.event_id);
                // Sending fails only if there is no listener.
                drop(self.changes.send(change));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<i64>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
