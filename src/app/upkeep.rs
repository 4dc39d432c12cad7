//! What the database needs while ROMS runs: old messages are emptied, SQLite's write-ahead log is
//! kept small. Both work in short turns beside the writer.

use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::Retention;
use crate::store::{Store, StoreError};

/// Between two searches for messages that have become too old.
const SEARCH: Duration = Duration::from_hours(1);
/// Messages emptied in one turn: a few milliseconds of work.
const TURN: u64 = 500;
/// Between two turns, for the writer.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at the write-ahead log.
const LOOK: Duration = Duration::from_secs(1);
/// From this size on, in bytes, the log is folded away although ROMS is at work.
const LARGE: u64 = 16 * 1024 * 1024;
/// After so long without a write, the log is folded away whatever its size.
const IDLE: Duration = Duration::from_secs(30);
/// How long to wait where somebody reads from a large log for long, such as a backup: each try
/// holds the writer up for a moment.
const RETRY: Duration = Duration::from_secs(10);

/// Looks after the database until `stop` is cancelled.
pub(crate) async fn run(store: Store, retention: Retention, stop: CancellationToken) {
    let retired = async {
        tokio::select! {
            () = retire(&store, retention) => {}
            () = stop.cancelled() => {}
        }
    };
    tokio::join!(retired, fold(&store, &stop));
}

/// Empties messages as they become too old. Where they are kept for ever, there is nothing to do.
async fn retire(store: &Store, retention: Retention) {
    let Some(age) = retention.raw else { return };
    loop {
        match retire_all(store, age).await {
            Ok(0) => {}
            Ok(emptied) => {
                tracing::info!(messages = emptied, "emptied what came in before {} days", age.num_days());
            }
            Err(error) => tracing::warn!(%error, "cannot empty old messages; trying again in an hour"),
        }
        sleep(SEARCH).await;
    }
}

/// Empties all that are too old now, in turns, and gives how many.
async fn retire_all(store: &Store, age: TimeDelta) -> Result<u64, StoreError> {
    let now = clock::now();
    let mut emptied = 0;
    loop {
        let turn = store.empty_old_messages(now - age, now, TURN).await?;
        emptied += turn;
        if turn < TURN {
            return Ok(emptied);
        }
        sleep(PAUSE).await;
    }
}

/// Keeps SQLite's write-ahead log small. A turn that has begun is finished: it changes a setting
/// of the writer's connection for a moment.
async fn fold(store: &Store, stop: &CancellationToken) {
    let Ok(Some(log)) = store.wal_file().await else { return };
    let mut wait = LOOK;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = LOOK;
        if is_due(&log) {
            if let Err(error) = store.checkpoint().await {
                // Nothing is lost by it. Where nothing can be written at all, the writer tells.
                tracing::debug!(%error, "cannot fold the write-ahead log away");
            }
            if is_due(&log) {
                wait = RETRY;
            }
        }
    }
}

/// Whether the log is large, or has anything in it that has been there for a while.
fn is_due(log: &Path) -> bool {
    let Ok(log) = log.metadata() else { return false };
    let idle = log.modified().ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    log.len() > LARGE || log.len() > 0 && idle.is_some_and(|idle| idle > IDLE)
}
