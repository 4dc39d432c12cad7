//! Shows the outcome of a card as a reaction on its message. Reactions never delay ingestion; one
//! that Discord refuses is dropped.

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

/// Reactions that may wait for one channel. Discord accepts about four a second.
const QUEUE: usize = 1024;

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
    channel: i64,
    message: i64,
    reaction: Reaction,
}

impl Reactions {
    /// Starts the task. It ends at once when `stop` is cancelled.
    #[must_use]
    pub fn start(rest: Rest, timing: &Timing, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let this = Self { queue, dropped: Arc::default() };
        let send = send_all(rest, receiver, timing.clone(), Arc::clone(&this.dropped));
        let task = tokio::spawn(async move {
            stop.run_until_cancelled(send).await;
        });
        (this, task)
    }

    /// Queues a reaction. Drops it if the queue is full.
    pub fn send(&self, channel: i64, message: i64, reaction: Reaction) {
        if self.queue.try_send(QueuedReaction { channel, message, reaction }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many reactions were dropped because a queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Passes the reactions of each channel to a task of its own, so that a channel that fails does not
/// delay the others.
async fn send_all(
    rest: Rest,
    mut reactions: mpsc::Receiver<QueuedReaction>,
    timing: Timing,
    dropped: Arc<AtomicU64>,
) {
    let mut tasks = JoinSet::new();
    let mut queues = HashMap::new();
    while let Some(reaction) = reactions.recv().await {
        let queue = queues.entry(reaction.channel).or_insert_with(|| {
            let (queue, receiver) = mpsc::channel(QUEUE);
            let (rest, timing) = (rest.clone(), timing.clone());
            let receiver = Arc::new(Mutex::new(receiver));
            tasks.spawn(async move {
                let start = || send_to_channel(rest.clone(), Arc::clone(&receiver), timing.clone());
                restart_on_panic("reactions", start).await;
            });
            queue
        });
        if queue.try_send(reaction).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
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

async fn send_to_channel(rest: Rest, reactions: Arc<Mutex<mpsc::Receiver<QueuedReaction>>>, timing: Timing) {
    let mut reactions = reactions.lock().await;
    let mut pauses = Pauses::new(&timing);
    let failures = FailureLog::default();
    while let Some(QueuedReaction { channel, message, reaction }) = reactions.recv().await {
        if pauses.is_paused(channel) {
            continue;
        }
        match rest.react(channel, message, reaction.emoji()).await {
            Ok(()) => {
                pauses.end(channel);
                if failures.is_recovery(&channel) {
                    info!(channel.id = channel, "reactions work again");
                }
            }
            Err(error) if error.is_final() && !concerns_channel(error) => {
                debug!(channel.id = channel, message.id = message, %error, "no reaction to this message");
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
