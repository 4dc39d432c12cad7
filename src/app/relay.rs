//! Live updates of other processes on the same database, for the clients of this one.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use crate::feed::{Feed, OrderChange};
use crate::store::{Changed, Listener, News, Store};

/// Publishes what other processes store, until `stop` is cancelled.
pub(crate) async fn run(mut listener: Listener, store: Store, feed: Feed, stop: CancellationToken) {
    while let Some(news) = stop.run_until_cancelled(listener.next()).await {
        match news {
            News::Missed => feed.interrupt(),
            News::Changed(changed) if feed.has_listeners() => publish(&changed, &store, &feed).await,
            News::Changed(_) => {}
        }
    }
}

async fn publish(changed: &[Changed], store: &Store, feed: &Feed) {
    let ids: Vec<i64> = changed.iter().map(|order| order.id).collect();
    // Why it failed is said where messages are stored: the database is the same.
    let Ok(orders) = store.orders_by_ids(&ids).await else { return feed.interrupt() };
    let mut orders: HashMap<i64, _> = orders.into_iter().map(|order| (order.id, order)).collect();
    for Changed { id, created } in changed {
        if let Some(order) = orders.remove(id) {
            feed.publish(OrderChange { created: *created, order });
        }
    }
}
