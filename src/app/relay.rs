//! Keeps the feed complete: reads the changes that other processes have committed from the database.

use std::time::Duration;

use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::feed::{Feed, stored_changes};
use crate::store::{Listener, Store, StoreError};

/// Time between two looks at the database without a notification: another program on the same SQLite file, such as
/// `roms replay`, sends no notification.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Pause after a failed read.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Changes that are read at once.
const PAGE_SIZE: u64 = 200;

/// Publishes the changes of other processes until `stop` is cancelled.
pub(crate) async fn run(mut listener: Listener, store: Store, feed: Feed, stop: CancellationToken) {
    let mut polls = interval(POLL_INTERVAL);
    loop {
        let is_poll = tokio::select! {
            () = stop.cancelled() => return,
            // Each notification, also one about missed notifications, means that there may be changes.
            () = listener.next() => false,
            () = feed.behind() => false,
            _ = polls.tick() => true,
        };
        let read = async {
            if feed.has_listeners() {
                publish_missing(&store, &feed).await
            } else if is_poll {
                // The first listener must not wait for everything that was stored before.
                store.last_event_id().await.map(|newest| feed.skip_to(newest))
            } else {
                Ok(())
            }
        };
        match stop.run_until_cancelled(read).await {
            Some(Ok(())) => {}
            None => return,
            Some(Err(_)) => {
                // The writer uses the same database and logs its failures.
                feed.mark_behind();
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

async fn publish_missing(store: &Store, feed: &Feed) -> Result<(), StoreError> {
    loop {
        let stored = stored_changes(store, feed.last(), PAGE_SIZE).await?;
        let has_more = stored.has_more;
        feed.publish_stored(stored);
        if !has_more {
            return Ok(());
        }
    }
}
