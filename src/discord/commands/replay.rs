//! `/replay`: reads again what could not be read, after a fix of the reading.

use tokio::sync::watch;

use super::attended::attend;
use super::data::{Ctx, Done};
use super::failure::Failure;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::ingest::{ReplayError, ReplayFilter, ReplaySummary};

/// Read again the messages that could not be read
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn replay(ctx: Ctx<'_>) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let (ingest, actor) = (turn.data.deps.ingest.clone(), turn.actor());
    let (progress, shown) = watch::channel(String::new());
    let work = async move {
        let filter = ReplayFilter { outcome: Some("rejected".to_owned()), ..ReplayFilter::default() };
        let show = |so_far: &ReplaySummary| {
            progress
                .send_replace(format!("Reading again: {} of {} messages so far.", so_far.read, so_far.total));
        };
        ingest.replay(&filter, false, &actor, show).await
    };
    let text = match attend(&turn, work, shown).await? {
        Some(summary) => told(&summary?),
        None => "It takes longer than Discord waits, and goes on by itself. /logs shows what came of it."
            .to_owned(),
    };
    turn.show(Screen::text(text)).await
}

fn told(summary: &ReplaySummary) -> String {
    let ReplaySummary { read, created, updated, unchanged, ignored, rejected, .. } = summary;
    if *read == 0 {
        return "Nothing to read again: the log holds no rejected message.".to_owned();
    }
    format!(
        "Read again: {read} messages. Orders created: {created}, updated: {updated}; cards that said nothing \
         new: {unchanged}, that are no orders: {ignored}, that still cannot be read: {rejected}."
    )
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Repeat | ReplayError::Emptied => {
                Self::told(format!("It cannot be read again: {error}."))
            }
            ReplayError::Submit(error) => error.into(),
            ReplayError::Store(error) => error.into(),
        }
    }
}
