//! Runs work that may take longer than Discord waits for an answer, and shows its progress meanwhile.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::context::{CommandResult, Data};
use crate::discord::reply::Reply;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;

const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);
/// How long the caller sees the progress: less than the 15 minutes that Discord allows.
const MAX_WAIT: Duration = Duration::from_mins(13);

/// Runs the work, and then shows its result. Each text that the work sends is shown to the caller
/// meanwhile. After [`MAX_WAIT`] the work continues in the background, and the caller reads `hint`. When ROMS stops, the
/// work is dropped.
pub(crate) async fn run_with_progress<W>(
    data: &Data,
    responder: &Responder<'_>,
    hint: &str,
    work: impl FnOnce(watch::Sender<String>) -> W,
) -> CommandResult
where
    W: Future<Output = Result<String, CommandError>> + Send + 'static,
{
    let stop = data.stop.clone();
    let stopped = || CommandError::user("ROMS is restarting. Please run the command again in a moment.");
    let until_stopped = |sender| {
        let work = work(sender);
        async move { stop.run_until_cancelled(work).await.ok_or_else(stopped)? }
    };
    run_to_end(data, responder, hint, until_stopped).await
}

/// Like [`run_with_progress`], for work that ends by itself when ROMS stops. The shutdown waits for it.
pub(crate) async fn run_to_end<W>(
    data: &Data,
    responder: &Responder<'_>,
    hint: &str,
    work: impl FnOnce(watch::Sender<String>) -> W,
) -> CommandResult
where
    W: Future<Output = Result<String, CommandError>> + Send + 'static,
{
    let (sender, mut progress) = watch::channel(String::new());
    let mut running = data.services.submissions.spawn(work(sender));
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let deadline = sleep(MAX_WAIT);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            result = &mut running => {
                let text = result.map_err(|_| CommandError::Panic)??;
                return responder.show(Reply::text(text)).await;
            }
            () = &mut deadline => {
                let text = "This takes longer than Discord waits. It continues in the background; ";
                return responder.show(Reply::text(format!("{text}{hint}."))).await;
            }
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
