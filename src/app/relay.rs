//! Publishes changes that other processes on the same database made, for this process's live clients.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use crate::feed::{Feed, OrderChange};
use crate::store::{ChangedOrder, Listener, Notification, Store};

/// Publishes the changes of other processes until `stop` is cancelled.
pub(crate) async fn run(mut listener: Listener, store: Store, feed: Feed, stop: CancellationToken) {
    while let Some(news) = stop.run_until_cancelled(listener.next()).await {
        match news {
            Notification::Missed => feed.interrupt(),
            Notification::OrdersChanged(changed) if feed.has_listeners() => {
                publish(&changed, &store, &feed).await;
            }
            Notification::OrdersChanged(_) => {}
        }
    }
}

async fn publish(changed: &[ChangedOrder], store: &Store, feed: &Feed) {
    let ids: Vec<i64> = changed.iter().map(|order| order.id).collect();
    // The writer uses the same database and logs its failures.
    let Ok(mut orders) = store.orders_by_ids(&ids).await else { return feed.interrupt() };
    if store.load_items(&mut orders).await.is_err() {
        return feed.interrupt();
    }
    let mut orders: HashMap<i64, _> = orders.into_iter().map(|order| (order.id, order)).collect();
    for ChangedOrder { id, created } in changed {
        if let Some(order) = orders.remove(id) {
            feed.publish(OrderChange { created: *created, order });
        }
    }
}
