//! `/replay`: reads all rejected messages again, after the parser has improved.

use tokio::sync::watch;

use super::context::{CommandResult, Context, begin_deferred};
use super::progress::run_with_progress;
use crate::ingest::{ReplayFilter, ReplaySummary};

/// Read the messages again that could not be read
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn replay(ctx: Context<'_>) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let (ingest, actor) = (data.services.ingest.clone(), responder.actor());
    let work = async move |progress: watch::Sender<String>| {
        let filter = ReplayFilter { outcome: Some("rejected".to_owned()), ..ReplayFilter::default() };
        let report = |so_far: &ReplaySummary| {
            let text = format!("Reading again: {} of {} messages so far.", so_far.read, so_far.total);
            progress.send_replace(text);
        };
        Ok(describe(&ingest.replay(&filter, false, &actor, report).await?))
    };
    run_with_progress(data, &responder, "/logs shows the results", work).await
}

fn describe(summary: &ReplaySummary) -> String {
    let ReplaySummary { read, created, updated, unchanged, ignored, rejected, cancelled, .. } = summary;
    if *read == 0 {
        return "There are no rejected messages to read again.".to_owned();
    }
    let mut text = format!(
        "Read again: {read} messages. Orders created: {created}, updated: {updated}, unchanged: {unchanged}. \
         Cards that are not orders: {ignored}, still not readable: {rejected}."
    );
    if !cancelled.is_empty() {
        let count = cancelled.len();
        text = format!("{text} Orders cancelled, because no message reads as the order any more: {count}.");
    }
    text
}
