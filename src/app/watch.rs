//! Discord, watched by one process: where several share a database, by the one that leads.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::discord::{self, DiscordError, Timing};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::{Lead, Store};

/// How long the Discord edge may take to end.
const GOODBYE_TIME: Duration = Duration::from_secs(7);
/// The same when another process may have taken over: its session with the gateway ends first.
const LEAVE_TIME: Duration = Duration::from_secs(4);

/// Watches Discord where it is configured, until `stop` is cancelled. Where Discord refuses the
/// bot for good, that stops the program or leaves HTTP alone, as the configuration says.
pub(crate) async fn run(
    config: &Config,
    ingest: Ingest,
    store: Store,
    board: StatusBoard,
    timing: Timing,
    stop: &CancellationToken,
) -> Result<()> {
    let Some(discord) = config.discord() else { return Ok(()) };
    let settings = discord::Settings {
        discord: discord.clone(),
        access: config.access.clone(),
        orders: config.orders.clone(),
    };
    loop {
        let Some(lead) = stop.run_until_cancelled(lead(&store, &board)).await else { return Ok(()) };
        let term = stop.child_token();
        let (ingest, store, told) = (ingest.clone(), store.clone(), board.clone());
        let watching = discord::run(settings.clone(), ingest, store, told, timing.clone(), term.clone());
        tokio::pin!(watching);
        let watched = tokio::select! {
            watched = &mut watching => watched,
            () = too_late(stop) => return Ok(()),
            () = lead.lost() => {
                // Also where the database is away, of which the writer tells.
                tracing::info!("leaving Discord: another process may watch it now");
                term.cancel();
                // What it had in hand is read by whoever leads next.
                drop(timeout(LEAVE_TIME, watching).await);
                continue;
            }
        };
        return watched.or_else(|error| give_up(&error, discord.required, &board, stop));
    }
}

/// Waits for the lead.
async fn lead(store: &Store, board: &StatusBoard) -> Lead {
    let stand_by = || {
        tracing::info!("standing by: another process watches Discord");
        board.update(|status| status.standby = true);
    };
    let lead = store.lead(stand_by).await;
    board.update(|status| {
        if std::mem::take(&mut status.standby) {
            tracing::info!("leading: this process watches Discord now");
        }
    });
    lead
}

/// Comes when the program has waited long enough for Discord after it was told to stop.
async fn too_late(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(GOODBYE_TIME).await;
    // The history has what is left.
    tracing::warn!("gave up waiting for what came from Discord; it is read at the next start");
}

fn give_up(
    error: &DiscordError,
    required: bool,
    board: &StatusBoard,
    stop: &CancellationToken,
) -> Result<()> {
    if required {
        stop.cancel();
        return Err((*error).into());
    }
    tracing::error!("{error}; going on with HTTP alone");
    board.update(|status| status.given_up = Some(error.to_string()));
    Ok(())
}
