//! The pipeline: a message in, a receipt out after the commit is durable.
//!
//! Reading (flatten, parse) happens in the caller's task. One writer takes whatever waits and
//! writes it in one transaction; edges see nothing of that.

mod edit;
mod outage;
mod read;
mod record;
mod replay;
mod seen;
mod settle;
mod work;
mod writer;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::card::message::Message;
use crate::card::outcome::Receipt;
use crate::config::Orders;
use crate::feed::Feed;
use crate::store::Store;

use read::ReadMessage;
use work::{Answer, Done, Job, Work};
use writer::Writer;

pub use crate::card::decode::form::wrapped_payload;
pub use crate::order::{Edit, Guard};
pub use crate::store::ReplayFilter;
pub use edit::{EditError, Edited};
pub use read::{context, not_an_order};
pub use replay::{ReplayError, ReplaySummary};

/// How much the writer takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages that may wait, at least 1.
    pub queue: usize,
    /// Pieces of work in one transaction, at least 1. The queue makes the batches itself: while one is
    /// written, the next one gathers.
    pub batch: usize,
}

impl Default for Bounds {
    /// A queue larger than the number of connections, so that only a writer that stands still
    /// fills it.
    fn default() -> Self {
        Self { queue: 8192, batch: 64 }
    }
}

/// The way in; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Job>,
    store: Store,
    orders: Orders,
    stop: CancellationToken,
    failing: watch::Sender<bool>,
    doubts: mpsc::Sender<oneshot::Sender<bool>>,
}

/// Why a message was not taken. Nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full")]
    Full,
    /// ROMS is shutting down.
    #[error("ROMS is shutting down")]
    Closed,
    /// The database could not take it.
    #[error("the database could not store the message")]
    Storage,
}

impl Ingest {
    /// Starts the writer. It ends, after all that was accepted is written, when [`Self::close`]
    /// is called.
    #[must_use]
    pub fn start(store: Store, feed: Feed, orders: Orders) -> (Self, JoinHandle<()>) {
        Self::start_with(store, feed, orders, Bounds::default())
    }

    /// As [`Self::start`], within other bounds.
    #[must_use]
    pub fn start_with(store: Store, feed: Feed, orders: Orders, bounds: Bounds) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(bounds.queue);
        let stop = CancellationToken::new();
        let (doubts, doubted) = mpsc::channel(1);
        let writer = Writer::new(store.clone(), feed);
        let failing = writer.failing();
        let writer = tokio::spawn(writer.run(jobs, bounds.batch, doubted, stop.clone()));
        (Self { queue, store, orders, stop, failing, doubts }, writer)
    }

    /// Whether the database did not take the last message, nor what the writer has tried since.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }

    /// Where the database failed elsewhere: whether it takes no messages either, of which the writer
    /// tells.
    pub async fn is_outage(&self) -> bool {
        let (asker, answer) = oneshot::channel();
        // A writer that has ended tells of nothing any more.
        self.is_failing() || self.doubts.send(asker).await.is_ok() && answer.await.unwrap_or(false)
    }

    /// Follows [`Self::is_failing`].
    #[must_use]
    pub fn failing(&self) -> watch::Receiver<bool> {
        self.failing.subscribe()
    }

    /// How many messages wait to be written.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.queue.max_capacity().saturating_sub(self.queue.capacity()) as u64
    }

    /// Takes no more messages; what was accepted is still written.
    pub fn close(&self) {
        self.stop.cancel();
    }

    /// Stores a message; answers after the commit is durable. Waits for a place in the queue.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] while shutting down, [`SubmitError::Storage`] where the database
    /// fails.
    pub async fn submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        self.enqueue(message).await?.receipt().await
    }

    /// As [`Self::submit`], but a full queue is [`SubmitError::Full`] at once.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn try_submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        let place = self.queue.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => SubmitError::Full,
            mpsc::error::TrySendError::Closed(()) => SubmitError::Closed,
        })?;
        let (job, pending) = job(read::read(message, &self.orders));
        place.send(job);
        pending.receipt().await
    }

    /// Waits for a place in the queue and takes it: messages are merged in the order of these
    /// calls. The receipt can be waited for later.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] while shutting down.
    pub async fn enqueue(&self, message: Message) -> Result<Pending, SubmitError> {
        let message = read::read(message, &self.orders);
        // What holds no card has nothing to store.
        let holds_nothing = message.cards.is_empty();
        let (job, pending) = job(message);
        if holds_nothing {
            job.answer.send(Ok(Done::Message(Receipt { log_id: None, cards: Vec::new() })));
        } else {
            self.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
        }
        Ok(pending)
    }
}

fn job(message: ReadMessage) -> (Job, Pending) {
    let (answer, receipt) = oneshot::channel();
    (Job { work: Work::Message(Box::new(message)), answer: Answer::Message(answer) }, Pending(receipt))
}

/// A message in the queue.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Receipt, SubmitError>>);

impl Pending {
    /// What became of the message, after the commit is durable.
    ///
    /// # Errors
    /// As [`Ingest::submit`].
    pub async fn receipt(self) -> Result<Receipt, SubmitError> {
        self.0.await.unwrap_or(Err(SubmitError::Closed))
    }
}
