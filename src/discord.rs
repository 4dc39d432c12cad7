//! The Discord edge: watches channels over the gateway, reads what was missed from the history,
//! and hands every message to the pipeline.
//!
//! | part | does |
//! |---|---|
//! | `gateway` | one serenity client on a thread and runtime of its own |
//! | `supervise` | keeps one such client alive, within the budget of IDENTIFYs |
//! | `route`, `channel` | events to one bounded queue per channel, in order, and from there to the pipeline |
//! | `backfill` | reads the history: after each new session and every minute |
//! | `rest` | the bounded, patient way to Discord's REST API |
//! | `reactions`, `notices` | what people see of it in Discord |
//! | `check`, `permissions` | what is missing for it to work, and which switch mends it |
//! | `invite` | the link that asks for just that |
//! | `chart` | bars as a picture |
//! | `commands` | what people ask and do in Discord: commands, menus, buttons |
//!
//! Does not decide what a card is or what it changes, and knows nothing of HTTP.

pub mod check;
mod commands;
mod deps;
mod filter;
pub mod gateway;
pub mod history;
pub mod notices;
pub mod reactions;
mod reply;
pub mod rest;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config;
use crate::feed::Feed;
use crate::ingest::Ingest;
use crate::status::{ChannelStatus, StatusBoard};
use crate::store::Store;

pub use commands::Call;
use commands::{Commands, keep_registered};
use deps::Deps;
use gateway::Fatal;
use gateway::channel::Worker;
use gateway::dispatch::Router;
use gateway::supervise::Supervisor;
use history::{BackfillError, Summary};
use rest::RestError;

/// Readings of the history between two checks of what is missing.
const CHECK_EVERY: u32 = 10;

/// Interactions that may wait: more than a group of people can make at once.
const CALLS: usize = 256;

/// How long things may take. The default is for Discord itself; tests shorten it.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From the start of a client to its first READY.
    pub ready: Duration,
    /// Without any sign of life (an event, a heartbeat's answer) until a client counts as dead:
    /// two and a half of Discord's heartbeats.
    pub alive: Duration,
    /// Between two looks at a client.
    pub look: Duration,
    /// Before a dead client is replaced the first time; doubles up to `back_off_max`.
    pub back_off: Duration,
    /// Longest time before a dead client is replaced.
    pub back_off_max: Duration,
    /// Between two readings of the history.
    pub reconcile: Duration,
    /// Between two readings of the history while the database takes nothing.
    pub unstored: Duration,
    /// Before an empty message is fetched again.
    pub refetch: Duration,
    /// How long cards that could not be read are gathered for one notice.
    pub notice: Duration,
    /// First pause after a REST call that failed; doubles, with jitter.
    pub retry: Duration,
    /// How long one REST call may take, all tries and waits included.
    pub rest: Duration,
    /// How long a target that refuses (401, 403, 404) is left alone.
    pub refused: Duration,
    /// How long closing the session may take.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(90),
            alive: Duration::from_secs(105),
            look: Duration::from_secs(5),
            back_off: Duration::from_secs(5),
            back_off_max: Duration::from_mins(5),
            reconcile: Duration::from_mins(1),
            unstored: Duration::from_secs(5),
            refetch: Duration::from_secs(2),
            notice: Duration::from_secs(10),
            retry: Duration::from_millis(500),
            rest: Duration::from_mins(1),
            refused: Duration::from_mins(10),
            close: Duration::from_secs(3),
        }
    }
}

/// Takes what the gateway brings. It is called on serenity's own thread, between two frames: it must
/// neither wait nor panic.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// What the gateway brings. Messages are Discord's own JSON; an interaction is serenity's, as poise
/// takes it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new session: what came before it was not replayed.
    Ready,
    /// A session goes on: what was missed is replayed.
    Resumed,
    /// `MESSAGE_CREATE`.
    Created(Value),
    /// `MESSAGE_UPDATE`, whole or partial.
    Updated(Value),
    /// `MESSAGE_DELETE` or `MESSAGE_DELETE_BULK`.
    Deleted {
        /// The channel.
        channel: i64,
        /// The messages.
        messages: Vec<i64>,
    },
    /// `INTERACTION_CREATE`: somebody uses a command, a button, a select or a modal.
    Asked(Box<Call>),
}

/// Why Discord is not watched any more. Trying again is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// Discord refused the bot.
    #[error(transparent)]
    Refused(#[from] Fatal),
    /// The configuration makes no client.
    #[error(transparent)]
    Client(#[from] RestError),
}

/// What of the configuration concerns Discord.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The connection.
    pub discord: config::Discord,
    /// Who may use the commands.
    pub access: config::Access,
    /// How orders are read.
    pub orders: config::Orders,
}

/// Watches Discord until `stop` is cancelled and all that came in is handed to the pipeline.
///
/// # Errors
/// Where Discord refuses the bot for good: only a person can mend that.
pub async fn run(
    settings: Settings,
    ingest: Ingest,
    store: Store,
    board: StatusBoard,
    timing: Timing,
    stop: CancellationToken,
) -> Result<(), DiscordError> {
    let config = &settings.discord;
    board.update(|status| status.channels = config.channels.iter().map(unread).collect());
    let feedback = CancellationToken::new();
    let (deps, feeding_back) = Deps::assemble(config, ingest, store, board, timing, feedback.clone())?;

    // Where the gateway is refused for good, the rest of Discord is too.
    let stop = stop.child_token();
    let tasks = TaskTracker::new();
    tasks.spawn(look_around(deps.clone(), config.clone(), stop.clone()));
    tasks.spawn(history::run(deps.clone(), config.channels.clone(), stop.clone()));
    let mut queues = HashMap::new();
    for channel in &config.channels {
        let (queue, events) = mpsc::channel(gateway::dispatch::QUEUE);
        queues.insert(channel.id, queue);
        tasks.spawn(Worker::new(deps.clone(), channel.clone()).run(events, stop.clone()));
    }
    let commands = Arc::new(Commands::new(deps.clone(), &settings, stop.clone()));
    let (calls, called) = mpsc::channel(CALLS);
    tasks.spawn(Arc::clone(&commands).run(called, deps.timing.close, stop.clone()));
    tasks.spawn(keep_registered(commands, config.guilds.clone(), stop.clone()));
    let router = Router::new(config.guilds.clone(), queues, calls, Arc::clone(&deps.history));
    let supervisor = Supervisor {
        timing: Timing::clone(&deps.timing),
        rest: deps.rest.clone(),
        store: deps.store.clone(),
        ingest: deps.ingest.clone(),
        status: deps.board.clone(),
        on_event: Arc::new(move |event| router.route(event)),
        config: config.clone(),
    };
    let ended = supervisor.run(stop.clone()).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    feedback.cancel();
    feeding_back.close();
    feeding_back.wait().await;
    Ok(ended?)
}

/// Reads the history of one channel again, by hand: what is stored already stays as it is.
///
/// # Errors
/// When Discord or the database refuses; what was read till then is stored.
pub async fn backfill_by_hand(
    config: &config::Config,
    discord: &config::Discord,
    channel: &config::Channel,
    since: DateTime<Utc>,
    progress: impl FnMut(&Summary),
) -> Result<Summary, BackfillError> {
    let store = Store::open(&config.database.url).await?;
    let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), config.orders.clone());
    let timing = Timing::default();
    let feedback = CancellationToken::new();
    let (deps, feeding_back) = Deps::assemble(
        discord,
        ingest.clone(),
        store.clone(),
        StatusBoard::default(),
        timing,
        feedback.clone(),
    )?;
    // Old messages are not marked again.
    let channel = config::Channel { react: false, ..channel.clone() };
    let summary = history::read_since(&deps, &channel, since, progress).await;
    feedback.cancel();
    feeding_back.close();
    feeding_back.wait().await;
    ingest.close();
    // A writer that broke off has answered with errors already.
    drop(writer.await);
    store.close().await?;
    summary
}

fn unread(channel: &config::Channel) -> ChannelStatus {
    ChannelStatus { id: channel.id, name: channel.name.clone(), ..ChannelStatus::default() }
}

/// Checks now and then that nothing is missing. A thing that is missing is warned of when it begins
/// to be.
async fn look_around(deps: Deps, config: config::Discord, stop: CancellationToken) {
    let looking = async {
        let mut known_report = None;
        loop {
            let report = check::check(&config, &deps.rest).await;
            report.show(&deps.board);
            if known_report.as_ref() != Some(&report) {
                report.warn();
                known_report = Some(report);
            }
            tokio::time::sleep(deps.timing.reconcile * CHECK_EVERY).await;
        }
    };
    stop.run_until_cancelled(looking).await;
}
