//! The Discord edge: receives messages from the gateway, reads missed ones from the channel history,
//! and submits all of them to the pipeline. It also answers slash commands.
//!
//! | module | purpose |
//! |---|---|
//! | `gateway` | the connection: one serenity client on its own thread, its supervision, and the events of each channel |
//! | `history` | backfill: reads the channel history after each new session and every minute |
//! | `rest` | Discord's REST API with timeouts and retries |
//! | `check` | which permissions and settings are missing, and how to fix them |
//! | `reactions`, `notices` | feedback in Discord about what happened to a card |
//! | `reply`, `commands` | slash commands, menus, buttons and modals |
//! | `channels` | which channels and threads ROMS reads |
//! | `sign_in` | signs people in to the web page, and reads their roles |
//! | `services`, `missed` | what these modules share |
//!
//! This module does not decide what a card is or what it changes, and knows nothing of HTTP.

mod channels;
pub mod check;
mod commands;
mod filter;
pub mod gateway;
pub mod history;
mod missed;
pub mod notices;
pub mod reactions;
mod reply;
pub mod rest;
mod restart;
mod services;
pub mod setup;
pub mod sign_in;
mod timing;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config;
use crate::feed::Feed;
use crate::ingest::Ingest;
use crate::status::{ChannelStatus, StatusBoard};
use crate::store::Store;

use channels::Channels;
pub use channels::WatchedChannel;
use commands::{Commands, keep_registered};
pub use gateway::events::{Event, EventHandler, IncomingInteraction};
use gateway::{FatalError, Router, Supervisor};
use history::{BackfillError, BackfillSummary};
use rest::{Rest, RestError};
use services::Services;
pub use timing::Timing;

/// Interactions that may wait to be answered. More than a group of people can send at once.
const INTERACTION_QUEUE: usize = 256;

/// Why ROMS stopped watching Discord. Retrying does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// Discord refused the bot.
    #[error(transparent)]
    Refused(#[from] FatalError),
    /// No REST client can be built from the configuration.
    #[error(transparent)]
    Client(#[from] RestError),
}

/// Watches Discord until `stop` is cancelled and everything received so far is in the pipeline.
///
/// # Errors
/// When Discord refuses the bot for good, so that a person has to change something.
pub async fn run(
    config: &config::Config,
    discord: &config::Discord,
    ingest: Ingest,
    store: Store,
    board: StatusBoard,
    timing: Timing,
    stop: CancellationToken,
) -> Result<(), DiscordError> {
    board.update(|status| status.channels = discord.channels.iter().map(initial_status).collect());
    let stop_feedback = CancellationToken::new();
    let (services, feedback_tasks) =
        Services::start(discord, ingest, store, board, timing, stop_feedback.clone())?;

    // Read first, so that it holds nothing that this run stores.
    let due_reactions = services.due_reactions().await;

    let submissions = services.submissions.clone();
    // A fatal error of the gateway stops the other tasks too.
    let stop = stop.child_token();
    let tasks = TaskTracker::new();
    tasks.spawn(check::run(services.clone(), discord.clone(), stop.clone()));
    tasks.spawn(history::run(services.clone(), stop.clone()));
    tasks.spawn(history::threads::run(services.clone(), stop.clone()));
    tasks.spawn(pass_notices_on(services.clone(), stop.clone()));
    tasks.spawn(history::recheck::run(services.clone(), stop.clone()));
    let (reacting, stop_reacting) = (services.clone(), stop.clone());
    tasks.spawn(async move {
        stop_reacting.run_until_cancelled(reacting.send_due_reactions(due_reactions)).await;
    });
    let mut queues = HashMap::new();
    for channel in services.channels.configured() {
        let (queue, events) = mpsc::channel(gateway::CHANNEL_QUEUE);
        queues.insert(channel.id, queue);
        tasks.spawn(gateway::run_channel(services.clone(), channel.settings, events, stop.clone()));
    }
    let commands = Arc::new(Commands::new(services.clone(), config, discord, stop.clone()));
    let (interactions, received) = mpsc::channel(INTERACTION_QUEUE);
    tasks.spawn(Arc::clone(&commands).run(received, services.timing.close_timeout, stop.clone()));
    tasks.spawn(keep_registered(commands, discord.guilds.clone(), stop.clone()));
    let (router, lookups) = Router::new(discord.guilds.clone(), queues, interactions, services.clone());
    tasks.spawn(Arc::clone(&router).run_lookups(lookups, stop.clone()));
    let supervisor = Supervisor {
        timing: Timing::clone(&services.timing),
        rest: services.rest.clone(),
        store: services.store.clone(),
        ingest: services.ingest.clone(),
        status: services.board.clone(),
        on_event: Arc::new(move |event| router.route(event)),
        config: discord.clone(),
    };
    let ended = supervisor.run(stop.clone()).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    submissions.close();
    submissions.wait().await;
    stop_feedback.cancel();
    feedback_tasks.close();
    feedback_tasks.wait().await;
    Ok(ended?)
}

/// The watched channel or thread with this id. Asks Discord only about a thread.
pub async fn find_channel(discord: &config::Discord, id: i64) -> Result<Option<WatchedChannel>, RestError> {
    Channels::new(discord, Rest::for_command(discord)?).find(id).await
}

/// Reads the history of one channel and its threads, or of one thread, since a given time, for
/// `roms discord backfill`. Stored messages stay as they are.
///
/// # Errors
/// When Discord or the database fails. Everything read before that is stored.
pub async fn backfill(
    config: &config::Config,
    discord: &config::Discord,
    channel: &WatchedChannel,
    since: DateTime<Utc>,
    progress: impl FnMut(&BackfillSummary),
) -> Result<BackfillSummary, BackfillError> {
    let store = Store::open(&config.database.url).await?;
    let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), config.orders.clone());
    let stop_feedback = CancellationToken::new();
    let (services, feedback_tasks) = Services::start(
        discord,
        ingest.clone(),
        store.clone(),
        StatusBoard::default(),
        Timing::default(),
        stop_feedback.clone(),
    )?;
    let summary = history::read_since(&services, &channel.without_reactions(), since, progress).await;
    stop_feedback.cancel();
    feedback_tasks.close();
    feedback_tasks.wait().await;
    ingest.close();
    // If the writer failed, the submitted messages have already returned errors.
    drop(writer.await);
    store.close().await?;
    summary
}

/// Posts the notices of the outbox in the notice channel.
async fn pass_notices_on(services: Services, stop: CancellationToken) {
    let mut notices = services.ingest.outbox().notices();
    loop {
        match stop.run_until_cancelled(notices.recv()).await {
            Some(Ok(notice)) => services.notices.text(notice),
            Some(Err(broadcast::error::RecvError::Lagged(_))) => {}
            Some(Err(broadcast::error::RecvError::Closed)) | None => return,
        }
    }
}

fn initial_status(channel: &config::Channel) -> ChannelStatus {
    ChannelStatus { id: channel.id, name: channel.name.clone(), ..ChannelStatus::default() }
}
