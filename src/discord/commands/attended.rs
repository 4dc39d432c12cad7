//! Work that may take longer than Discord waits for an answer: it runs on by itself, and the caller
//! sees how far it is for as long as Discord lets the answer be changed.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::failure::Failure;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;

/// Between two signs of life.
const EVERY: Duration = Duration::from_secs(2);
/// How long the caller is told: less than the quarter of an hour that Discord allows.
const PATIENCE: Duration = Duration::from_mins(13);

/// Runs the work, and gives what came of it; `None` where it goes on without the caller. What the
/// work sends is shown to the caller meanwhile.
pub(crate) async fn attend<T: Send + 'static>(
    turn: &Turn<'_>,
    work: impl Future<Output = T> + Send + 'static,
    mut progress: watch::Receiver<String>,
) -> Result<Option<T>, Failure> {
    let stop = turn.data.stop.clone();
    let mut running = tokio::spawn(async move { stop.run_until_cancelled(work).await });
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let patience = sleep(PATIENCE);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            done = &mut running => {
                let stopped = || Failure::told("ROMS is being restarted. Ask again in a moment.");
                return done.map_err(|_| Failure::Panic)?.ok_or_else(stopped).map(Some);
            }
            () = &mut patience => return Ok(None),
            _ = ticks.tick() => {
                if progress.has_changed().unwrap_or_default() {
                    let text = progress.borrow_and_update().clone();
                    // The work goes on, and so does the waiting for it.
                    if let Err(error) = turn.show(Screen::text(text)).await {
                        tracing::debug!(%error, "a sign of progress was not shown");
                    }
                }
            }
        }
    }
}
