//! Maintains the database while ROMS runs: deletes the text of old messages and keeps SQLite's write-ahead
//! log small. Both work in short steps, between which the writer runs.

use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::Retention;
use crate::store::{Store, StoreError};

/// The interval between two searches for messages and deliveries that are past their retention.
const RETENTION_INTERVAL: Duration = Duration::from_hours(1);
/// The pause after a failed search. A busy database may refuse the first search after a start.
const RETENTION_RETRY: Duration = Duration::from_secs(5);
/// Messages emptied per transaction: a few milliseconds of work.
const BATCH_SIZE: u64 = 500;
/// Pause between two of these transactions, for the writer.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// Time between two checks of the write-ahead log.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A log of more bytes than this is checkpointed even while orders arrive.
const MAX_LOG_SIZE: u64 = 16 * 1024 * 1024;
/// After this long without a write, the log is checkpointed at any size.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Time until the next attempt while a long read, such as a backup, keeps the log from shrinking. Each
/// attempt delays the writer for a moment.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Maintains the database until `stop` is cancelled.
pub(crate) async fn run(store: Store, retention: Retention, stop: CancellationToken) {
    tokio::join!(
        stop.run_until_cancelled(empty_old_messages(&store, retention)),
        stop.run_until_cancelled(delete_old_deliveries(&store, retention)),
        checkpoint_log(&store, &stop)
    );
}

/// Deletes the text of messages when they become too old. Returns at once if messages are kept forever.
async fn empty_old_messages(store: &Store, retention: Retention) {
    let Some(age) = retention.raw else { return };
    let empty = move || async move {
        let emptied = empty_all(store, age).await?;
        if emptied > 0 {
            let days = age.num_days();
            tracing::info!(messages = emptied, "deleted the text of messages older than {days} days");
        }
        Ok(())
    };
    repeat("the text of old messages", empty).await;
}

/// Deletes the records of deliveries when they become too old. Returns at once if they are kept forever.
async fn delete_old_deliveries(store: &Store, retention: Retention) {
    let Some(age) = retention.deliveries else { return };
    let delete = move || async move {
        while store.delete_delivered(clock::now() - age, BATCH_SIZE).await? >= BATCH_SIZE {
            sleep(BATCH_PAUSE).await;
        }
        Ok(())
    };
    repeat("the records of old deliveries", delete).await;
}

/// Runs a deletion every hour. After a failure it tries again soon, and logs only the first of several
/// failures in a row.
async fn repeat<F: Future<Output = Result<(), StoreError>>>(what: &str, delete: impl Fn() -> F) {
    let mut failed = false;
    loop {
        let wait = match delete().await {
            Ok(()) => {
                failed = false;
                RETENTION_INTERVAL
            }
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(%error, "cannot delete {what} yet; trying again every 5 seconds");
                }
                RETENTION_RETRY
            }
        };
        sleep(wait).await;
    }
}

/// Empties all messages that are too old now, and returns how many.
async fn empty_all(store: &Store, age: TimeDelta) -> Result<u64, StoreError> {
    let now = clock::now();
    let mut emptied = 0;
    loop {
        let batch = store.empty_old_messages(now - age, now, BATCH_SIZE).await?;
        emptied += batch;
        if batch < BATCH_SIZE {
            return Ok(emptied);
        }
        sleep(BATCH_PAUSE).await;
    }
}

/// Keeps SQLite's write-ahead log small. A checkpoint is not cancelled in the middle: it changes a setting of
/// the writer's connection for its duration.
async fn checkpoint_log(store: &Store, stop: &CancellationToken) {
    let Ok(Some(log)) = store.wal_file().await else { return };
    let mut wait = CHECK_INTERVAL;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = CHECK_INTERVAL;
        if is_due(&log) {
            if let Err(error) = store.checkpoint().await {
                // Nothing is lost. If nothing can be written at all, the writer logs it.
                tracing::debug!(%error, "cannot checkpoint the write-ahead log");
            }
            if is_due(&log) {
                wait = RETRY_INTERVAL;
            }
        }
    }
}

/// Whether the log is large, or not empty and idle.
fn is_due(log: &Path) -> bool {
    let Ok(log) = log.metadata() else { return false };
    let idle = log.modified().ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    log.len() > MAX_LOG_SIZE || log.len() > 0 && idle.is_some_and(|idle| idle > IDLE_TIME)
}
