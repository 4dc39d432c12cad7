//! Runs work that may take longer than Discord waits for an answer, and shows its progress meanwhile.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::context::Data;
use crate::discord::reply::Reply;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;

const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);
/// How long the caller sees the progress: less than the 15 minutes that Discord allows.
const MAX_WAIT: Duration = Duration::from_mins(13);

/// Runs the work and returns its result. Returns `None` after [`MAX_WAIT`]; the work then continues in
/// the background. Each text that the work sends to `progress` is shown to the caller.
pub(crate) async fn run_with_progress<T: Send + 'static>(
    data: &Data,
    responder: &Responder<'_>,
    work: impl Future<Output = T> + Send + 'static,
    mut progress: watch::Receiver<String>,
) -> Result<Option<T>, CommandError> {
    let stop = data.stop.clone();
    let mut running = tokio::spawn(async move { stop.run_until_cancelled(work).await });
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let deadline = sleep(MAX_WAIT);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            result = &mut running => {
                let stopped = || CommandError::user("ROMS is restarting. Please run the command again in a moment.");
                return result.map_err(|_| CommandError::Panic)?.ok_or_else(stopped).map(Some);
            }
            () = &mut deadline => return Ok(None),
            _ = ticks.tick() => {
                if progress.has_changed().unwrap_or_default() {
                    let text = progress.borrow_and_update().clone();
                    // The next report may succeed, so a failure does not end the work.
                    if let Err(error) = responder.show(Reply::text(text)).await {
                        tracing::debug!(%error, "progress of a command not shown");
                    }
                }
            }
        }
    }
}
