//! Shows the outcome of a card as a reaction on its message. Reactions never delay ingestion. The webhook
//! log records which were sent, so that the others are sent after a restart.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::rest::{ErrorCode, FailureLog, Pauses, Rest, RestError};
use super::restart::restart_on_panic;
use super::timing::Timing;
use crate::clock;
use crate::store::Store;

/// Reactions that may wait for one channel. Discord accepts about four a second.
const QUEUE: usize = 1024;

/// Most sent reactions that are not recorded yet.
const MAX_UNRECORDED: usize = 100;

/// A reaction that stands for an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// An order was created.
    Created,
    /// An order was updated.
    Updated,
    /// A card was rejected.
    Rejected,
}

impl Reaction {
    /// The reaction to a message with this outcome in the webhook log.
    #[must_use]
    pub fn to_outcome(outcome: &str) -> Option<Self> {
        match outcome {
            "created" => Some(Self::Created),
            "updated" => Some(Self::Updated),
            "rejected" => Some(Self::Rejected),
            _ => None,
        }
    }

    /// The emoji.
    #[must_use]
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Created => "✅",
            Self::Updated => "🔄",
            Self::Rejected => "⚠️",
        }
    }
}

/// Queues reactions for a task that sends them. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Reactions {
    queue: mpsc::Sender<QueuedReaction>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct QueuedReaction {
    /// The configured channel. Its threads share its queue.
    watched: i64,
    channel: i64,
    message: i64,
    reaction: Reaction,
    /// The message's row in the webhook log.
    log_id: Option<i64>,
}

impl Reactions {
    /// Starts the task. It ends at once when `stop` is cancelled. Without a store, it does not record
    /// which reactions were sent.
    #[must_use]
    pub fn start(
        rest: Rest,
        store: Option<Store>,
        timing: &Timing,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let this = Self { queue, dropped: Arc::default() };
        let send = send_all(rest, store, receiver, timing.clone(), Arc::clone(&this.dropped));
        let task = tokio::spawn(async move {
            stop.run_until_cancelled(send).await;
        });
        (this, task)
    }

    /// Queues a reaction in a channel, or in a thread of the configured channel `watched`. Drops it if the
    /// queue is full.
    pub fn send(&self, watched: i64, channel: i64, message: i64, reaction: Reaction, log_id: Option<i64>) {
        if self.queue.try_send(QueuedReaction { watched, channel, message, reaction, log_id }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many reactions were dropped because a queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Passes the reactions of each configured channel to a task of its own, so that a channel that fails does not
/// delay the others.
async fn send_all(
    rest: Rest,
    store: Option<Store>,
    mut reactions: mpsc::Receiver<QueuedReaction>,
    timing: Timing,
    dropped: Arc<AtomicU64>,
) {
    let mut tasks = JoinSet::new();
    let mut queues = HashMap::new();
    while let Some(reaction) = reactions.recv().await {
        let queue = queues.entry(reaction.watched).or_insert_with(|| {
            let (queue, receiver) = mpsc::channel(QUEUE);
            let (rest, store, timing) = (rest.clone(), store.clone(), timing.clone());
            let receiver = Arc::new(Mutex::new(receiver));
            tasks.spawn(async move {
                let start =
                    || send_to_channel(rest.clone(), store.clone(), Arc::clone(&receiver), timing.clone());
                restart_on_panic("reactions", start).await;
            });
            queue
        });
        if queue.try_send(reaction).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Records which reactions were sent. If that fails, they are sent once more after the next start, which
/// changes nothing in Discord.
async fn record(store: Option<&Store>, sent: &mut Vec<i64>) {
    if let Some(store) = store
        && let Err(error) = store.mark_reacted(sent, clock::now()).await
    {
        debug!(%error, "cannot record the reactions that were sent");
    }
    sent.clear();
}

/// Whether an error concerns all messages of a channel. Others concern one message: it was deleted, its
/// author blocked the bot, or it has too many reactions.
fn concerns_channel(error: RestError) -> bool {
    match error {
        RestError::Unauthorized | RestError::Token | RestError::ApiUrl | RestError::Client => true,
        RestError::Forbidden(code) => {
            matches!(code, ErrorCode::MISSING_ACCESS | ErrorCode::MISSING_PERMISSIONS | ErrorCode::NONE)
        }
        RestError::NotFound(code) => code == ErrorCode::UNKNOWN_CHANNEL,
        _ => false,
    }
}

async fn send_to_channel(
    rest: Rest,
    store: Option<Store>,
    reactions: Arc<Mutex<mpsc::Receiver<QueuedReaction>>>,
    timing: Timing,
) {
    let mut reactions = reactions.lock().await;
    let mut pauses = Pauses::new(&timing);
    let failures = FailureLog::default();
    let mut sent = Vec::new();
    loop {
        if (reactions.is_empty() && !sent.is_empty()) || sent.len() >= MAX_UNRECORDED {
            record(store.as_ref(), &mut sent).await;
        }
        let Some(QueuedReaction { channel, message, reaction, log_id, .. }) = reactions.recv().await else {
            return;
        };
        if pauses.is_paused(channel) {
            continue;
        }
        match rest.react(channel, message, reaction.emoji()).await {
            Ok(()) => {
                sent.extend(log_id);
                pauses.end(channel);
                if failures.is_recovery(&channel) {
                    info!(channel.id = channel, "reactions work again");
                }
            }
            Err(error) if error.is_final() && !concerns_channel(error) => {
                debug!(channel.id = channel, message.id = message, %error, "no reaction to this message");
                sent.extend(log_id);
            }
            Err(error) => {
                if error.is_final() {
                    pauses.start(channel);
                }
                if failures.is_first_failure(channel) {
                    warn!(channel.id = channel, %error, "cannot react to the messages of a channel");
                }
            }
        }
    }
}
