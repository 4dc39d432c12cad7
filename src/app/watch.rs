//! Watches Discord in one process. If several processes share a database, only the leader watches.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::discord::{self, DiscordError, Timing};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::{Leadership, Store};

/// How long the Discord edge may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(7);
/// How long the Discord edge may take to stop after this process lost the lead. It is shorter because
/// another process may already be watching Discord.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(4);

/// Watches Discord until `stop` is cancelled, if Discord is configured. If Discord refuses the bot
/// for good, ROMS stops or continues with HTTP only, depending on `discord.required`.
pub(crate) async fn run(
    config: &Config,
    ingest: Ingest,
    store: Store,
    board: StatusBoard,
    timing: Timing,
    stop: &CancellationToken,
) -> Result<()> {
    let Some(discord) = config.discord() else { return Ok(()) };
    loop {
        let Some(lead) = stop.run_until_cancelled(until_leading(&store, &board)).await else {
            return Ok(());
        };
        let stop_leading = stop.child_token();
        let watch = discord::run(
            config,
            discord,
            ingest.clone(),
            store.clone(),
            board.clone(),
            timing.clone(),
            stop_leading.clone(),
        );
        tokio::pin!(watch);
        let watched = tokio::select! {
            watched = &mut watch => watched,
            () = until_too_late(stop) => return Ok(()),
            () = lead.lost() => {
                board.update(|status| status.leads = false);
                // This also happens in a database outage, which the writer logs.
                tracing::info!("leaving Discord: this process is no longer the leader");
                stop_leading.cancel();
                // The next leader finds unfinished messages in the history.
                drop(timeout(HANDOVER_TIMEOUT, watch).await);
                continue;
            }
        };
        return watched.or_else(|error| handle_fatal_error(error, discord.required, &board, stop));
    }
}

/// Waits until this process is the leader.
async fn until_leading(store: &Store, board: &StatusBoard) -> Leadership {
    let mut stood_by = false;
    let on_standby = || {
        tracing::info!("standing by: another process watches Discord");
        stood_by = true;
    };
    let lead = store.acquire_leadership(on_standby).await;
    if stood_by {
        tracing::info!("this process is the leader and watches Discord now");
    }
    board.update(|status| status.leads = true);
    lead
}

/// Returns when the program has waited long enough for Discord after `stop`.
async fn until_too_late(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(STOP_TIMEOUT).await;
    tracing::warn!("stopped before all messages from Discord were stored; the next start reads them");
}

fn handle_fatal_error(
    error: DiscordError,
    required: bool,
    board: &StatusBoard,
    stop: &CancellationToken,
) -> Result<()> {
    if required {
        stop.cancel();
        return Err(error.into());
    }
    tracing::error!("{error}; continuing with HTTP only");
    board.update(|status| status.given_up = Some(error.to_string()));
    Ok(())
}
