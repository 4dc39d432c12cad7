//! What became of a message, shown on the message itself. Advisory: ingestion never waits for it,
//! and what does not get through is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Timing;
use super::rest::{Code, Penalties, Reported, Rest, RestError};

/// How many may wait. Discord takes about four a second and channel.
const QUEUE: usize = 1024;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// A new order is stored.
    Stored,
    /// A known order changed.
    Updated,
    /// A card of it could not be read.
    Unread,
}

impl Reaction {
    /// What people see.
    #[must_use]
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Stored => "✅",
            Self::Updated => "🔄",
            Self::Unread => "⚠️",
        }
    }
}

/// Takes reactions, and lets one task bring them to Discord. A clone is the same queue.
#[derive(Clone, Debug)]
pub struct Reactions {
    queue: mpsc::Sender<Job>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Job {
    channel: i64,
    message: i64,
    reaction: Reaction,
}

impl Reactions {
    /// Starts the task, which ends at once when told to stop.
    #[must_use]
    pub fn start(rest: Rest, timing: &Timing, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let this = Self { queue, dropped: Arc::default() };
        let bringing = bring(rest, jobs, timing.refused, Arc::clone(&this.dropped));
        let work = async move {
            // Nobody misses what is still waiting.
            stop.run_until_cancelled(bringing).await;
        };
        (this, tokio::spawn(work))
    }

    /// Puts a reaction on a message, some time; drops it where too many are waiting.
    pub fn send(&self, channel: i64, message: i64, reaction: Reaction) {
        if self.queue.try_send(Job { channel, message, reaction }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were dropped so far because too many were waiting.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Hands each channel's reactions to a task of its own: a channel that fails holds up no other.
async fn bring(rest: Rest, mut jobs: mpsc::Receiver<Job>, refused: Duration, dropped: Arc<AtomicU64>) {
    let mut tasks = JoinSet::new();
    let mut queues = HashMap::new();
    while let Some(job) = jobs.recv().await {
        let queue = queues.entry(job.channel).or_insert_with(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            tasks.spawn(bring_to_channel(rest.clone(), jobs, Penalties::new(refused)));
            queue
        });
        if queue.try_send(job).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Nobody misses the reactions that a channel refuses.
async fn bring_to_channel(rest: Rest, mut jobs: mpsc::Receiver<Job>, mut penalties: Penalties) {
    let reported = Reported::default();
    while let Some(Job { channel, message, reaction }) = jobs.recv().await {
        if !penalties.is_free(channel) {
            continue;
        }
        match rest.react(channel, message, reaction.emoji()).await {
            Ok(()) => {
                if reported.works(&channel) {
                    info!(channel.id = channel, "reactions get through again");
                }
            }
            // Deleted in the meantime, which is no failure of the channel.
            Err(RestError::NotFound(Code::UNKNOWN_MESSAGE)) => {
                debug!(channel.id = channel, message.id = message, "a message to react to is gone");
            }
            Err(error) => {
                if error.is_final() {
                    penalties.add(channel);
                }
                if reported.fails(channel) {
                    warn!(channel.id = channel, %error, "cannot react to messages of a channel");
                }
            }
        }
    }
}
