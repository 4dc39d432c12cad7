//! The pipeline: takes messages and edits, applies them to the orders, and answers once they are stored.
//!
//! Parsing happens in the caller's task. One writer task collects whatever waits in the queue and writes it in one
//! transaction, so that many messages share one commit.
//!
//! # Writes that do not pass through this writer
//!
//! Everything that comes from a message or an edit passes through the writer. These writes do not:
//!
//! | write | what it changes |
//! |---|---|
//! | the Discord edge: cursors, gateway identifies, list filters | tables that the writer never touches |
//! | the Discord edge: a message was deleted, a reaction was given | `webhook_logs.deleted_at` and `reacted_at`, which the writer never sets |
//! | webhook endpoints, and the sender of the outbox: attempts and results | `webhook_endpoints`, and rows of `outbox` that the writer has added |
//! | API tokens: creation, revocation, last use, the access log | tables that the writer never touches |
//! | retention | payload, text form and `emptied_at` of old rows in `webhook_logs` |
//! | purge, and deleting a test order | orders, items, events, log rows and list filters that name a person or the order |
//! | imports of files | `imports` and `import_mappings`; the writer itself records how far an import has come |
//! | `roms import-legacy` | history that the old system wrote, as steps of the type `legacy` |
//! | the leader of several processes | its lease, in a table of its own |
//! | opening the database: migrations, recalculated totals | anything, before the writer starts |
//! | another process: `roms replay`, `roms purge`, a second ROMS on PostgreSQL | anything, through its own writer |
//!
//! This is safe because the writer keeps nothing in memory between two transactions. It reads each order and log row
//! that it changes inside the transaction that changes it. SQLite allows one write transaction at a time and the
//! writer's begins with `BEGIN IMMEDIATE`; on PostgreSQL the rows are read `FOR UPDATE`. Another write therefore
//! happens entirely before or entirely after a batch. Purge and other processes use the same [`Batch`], and a replay
//! skips a row whose payload retention has emptied.
//!
//! [`Batch`]: crate::store::Batch

mod dedup;
mod false_orders;
mod import_row;
mod imports;
mod legacy;
mod merge_batch;
mod outage;
mod outgoing;
mod parse;
mod replay;
mod versions;
mod writer;

use std::time::Duration;

use iso_currency::Currency;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::config::Orders;
use crate::feed::Feed;
use crate::files::RowResult;
use crate::metrics::Metrics;
use crate::order::dates::to_micros;
use crate::order::{FieldChange, Order};
use crate::outbox::Outbox;
use crate::store::{Store, StoreError};

use import_row::ImportRow;
use outage::OutageTracker;
use parse::ParsedMessage;
use writer::Writer;

pub(crate) use crate::card::decode::form::multipart_payload;
pub use crate::card::decode::form::wrapped_payload;
pub use crate::order::{Edit, Guard};
pub use crate::store::ReplayFilter;
pub use false_orders::NO_ORDER_IN_CARD;
pub use imports::{ClaimedImport, ImportError, ImportPlan, Offered, OfferedFile, ReadImport};
pub use legacy::{LegacyError, LegacyReport};
pub use outage::OutageReport;
pub use parse::{context, not_an_order};
pub use replay::{ReplayError, ReplaySummary};

/// Limits of the queue, of a batch and of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages and edits that may wait, at least 1.
    pub queue: usize,
    /// Messages and edits per transaction, at least 1. There is no timer: while one batch is written, the next one
    /// collects in the queue.
    pub batch: usize,
    /// How often the log mentions an outage that lasts.
    pub reminder_interval: Duration,
}

impl Default for Bounds {
    /// The queue is larger than the number of connections, so that it fills only if the writer stands still.
    fn default() -> Self {
        Self { queue: 8192, batch: 64, reminder_interval: Duration::from_mins(1) }
    }
}

/// The way into the pipeline; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Job>,
    store: Store,
    orders: Orders,
    stop: CancellationToken,
    outage: OutageTracker,
    outbox: Outbox,
}

/// Why a message was not accepted. Nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full")]
    Full,
    /// ROMS is shutting down.
    #[error("ROMS is shutting down")]
    Closed,
    /// The database could not store the message.
    #[error("the database could not store the message")]
    Storage,
}

/// Why an edit was not made. Nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such order.
    #[error("there is no such order")]
    NotFound,
    /// The order no longer meets the edit's guard.
    #[error("the order has changed since")]
    Changed,
    /// ROMS is shutting down.
    #[error("ROMS is shutting down")]
    Closed,
    /// The database could not store the edit.
    #[error("the database could not store the edit")]
    Storage,
}

impl From<SubmitError> for EditError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Full | SubmitError::Storage => Self::Storage,
            SubmitError::Closed => Self::Closed,
        }
    }
}

/// The result of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The order before the edit.
    pub before: Order,
    /// The order after the edit.
    pub after: Order,
    /// The differences; empty if the edit changed nothing.
    pub changes: Vec<FieldChange>,
}

/// An entry of the queue, with the channel for its answer. Whoever waits for the answer may be gone.
#[derive(Debug)]
pub(crate) enum Job {
    /// Store a message, or replay one from the log.
    Message { message: Box<ParsedMessage>, answer: oneshot::Sender<Result<Receipt, SubmitError>> },
    /// Change an order by hand. An amount is in the `currency` if neither the edit, the order nor its store names one.
    Edit { edit: Box<Edit>, currency: Currency, answer: oneshot::Sender<Result<Box<Edited>, EditError>> },
    /// Merge a row of an imported file.
    Import { row: Box<ImportRow>, answer: oneshot::Sender<Result<RowResult, ImportError>> },
}

impl Job {
    pub(crate) fn message(&self) -> Option<&ParsedMessage> {
        match self {
            Self::Message { message, .. } => Some(message),
            Self::Edit { .. } | Self::Import { .. } => None,
        }
    }

    pub(crate) fn edit(&self) -> Option<&Edit> {
        match self {
            Self::Edit { edit, .. } => Some(edit),
            Self::Message { .. } | Self::Import { .. } => None,
        }
    }

    pub(crate) fn import(&self) -> Option<&ImportRow> {
        match self {
            Self::Import { row, .. } => Some(row),
            Self::Message { .. } | Self::Edit { .. } => None,
        }
    }

    /// Answers that nothing was stored.
    pub(crate) fn fail(self, error: SubmitError) {
        match self {
            Self::Message { message, answer } => {
                let Message { request_id, discord_id, .. } = &message.message;
                let (request_id, message_id) = (request_id.as_deref(), *discord_id);
                tracing::debug!(request.id = request_id, message.id = message_id, %error, "message not stored");
                drop(answer.send(Err(error)));
            }
            Self::Edit { answer, .. } => drop(answer.send(Err(error.into()))),
            Self::Import { answer, .. } => drop(answer.send(Err(error.into()))),
        }
    }
}

/// Logs that a message arrived. Later lines about it have the same ids.
fn log_arrival(Message { request_id, discord_id, endpoint, raw, .. }: &Message) {
    let (request_id, message_id, bytes) = (request_id.as_deref(), *discord_id, raw.len());
    tracing::debug!(
        request.id = request_id,
        message.id = message_id,
        message.endpoint = endpoint,
        bytes,
        "message received"
    );
}

/// A queue entry for a message, and the other end of its answer.
fn message_job(message: ParsedMessage) -> (Job, Pending) {
    let (answer, receipt) = oneshot::channel();
    (Job::Message { message: Box::new(message), answer }, Pending(receipt))
}

impl Ingest {
    /// Starts the writer. It ends once [`Self::close`] was called and every accepted message is written.
    #[must_use]
    pub fn start(store: Store, feed: Feed, orders: Orders) -> (Self, JoinHandle<()>) {
        Self::start_sending(store, feed, orders, Outbox::default())
    }

    /// Like [`Self::start`], with events for the endpoints of an outbox.
    #[must_use]
    pub fn start_sending(store: Store, feed: Feed, orders: Orders, outbox: Outbox) -> (Self, JoinHandle<()>) {
        Self::start_measured(store, feed, orders, outbox, Metrics::default())
    }

    /// Like [`Self::start_sending`], and measures the work.
    #[must_use]
    pub fn start_measured(
        store: Store,
        feed: Feed,
        orders: Orders,
        outbox: Outbox,
        metrics: Metrics,
    ) -> (Self, JoinHandle<()>) {
        Self::start_all(store, feed, orders, Bounds::default(), outbox, metrics)
    }

    /// Like [`Self::start`], with other limits.
    #[must_use]
    pub fn start_with(store: Store, feed: Feed, orders: Orders, bounds: Bounds) -> (Self, JoinHandle<()>) {
        Self::start_all(store, feed, orders, bounds, Outbox::default(), Metrics::default())
    }

    fn start_all(
        store: Store,
        feed: Feed,
        orders: Orders,
        bounds: Bounds,
        outbox: Outbox,
        metrics: Metrics,
    ) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(bounds.queue);
        let stop = CancellationToken::new();
        let outage = OutageTracker::new(bounds.reminder_interval);
        let writer = Writer::new(store.clone(), feed, outage.clone(), outbox.clone(), metrics);
        let writer = tokio::spawn(writer.run(jobs, bounds.batch, stop.clone()));
        (Self { queue, store, orders, stop, outage, outbox }, writer)
    }

    /// The outbox that the writer fills.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether the most recent write to the database failed. During an outage the writer probes the database every
    /// second, so this becomes false without a new message.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.outage.is_failing()
    }

    /// Why no message is stored now: the most recent write failed, or one has been running for more than two seconds.
    #[must_use]
    pub fn outage(&self) -> Option<OutageReport> {
        self.outage.report()
    }

    /// Follows [`Self::is_failing`].
    #[must_use]
    pub fn failing(&self) -> watch::Receiver<bool> {
        self.outage.subscribe()
    }

    /// Reports a database error that happened outside the pipeline. Returns whether the error belongs to an outage,
    /// which is logged here once; the caller logs any other error itself.
    pub fn report_storage_error(&self, error: &StoreError) -> bool {
        let is_outage = !error.is_fault_of_data() && !matches!(error, StoreError::NotLeader);
        if is_outage {
            self.outage.record_failure(error);
        }
        is_outage
    }

    /// How many messages and edits may wait.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.queue.max_capacity() as u64
    }

    /// How many messages and edits wait to be written.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.queue.max_capacity().saturating_sub(self.queue.capacity()) as u64
    }

    /// Whether a message holds a card of an order, readable or not. Stores nothing.
    #[must_use]
    pub fn holds_order(&self, message: &Message) -> bool {
        let is_order = |card: &ParsedCard| {
            matches!(card, ParsedCard::Order { .. } | ParsedCard::NoOrder(Outcome::Rejected(_)))
        };
        parse::parse(message.clone(), &self.orders).cards.iter().any(is_order)
    }

    /// Accepts no more messages. Those accepted so far are still written.
    pub fn close(&self) {
        self.stop.cancel();
    }

    /// Stores a message and answers after the commit is durable. Waits if the queue is full.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] while shutting down, [`SubmitError::Storage`] if the database fails.
    pub async fn submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        self.enqueue(message).await?.receipt().await
    }

    /// Like [`Self::submit`], but returns [`SubmitError::Full`] at once if the queue is full.
    pub async fn try_submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        let slot = self.queue.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => SubmitError::Full,
            mpsc::error::TrySendError::Closed(()) => SubmitError::Closed,
        })?;
        log_arrival(&message);
        let (job, pending) = message_job(parse::parse(message, &self.orders));
        slot.send(job);
        pending.receipt().await
    }

    /// Puts a message into the queue, waiting if it is full. Messages are merged in the order of these calls; the
    /// receipt can be awaited later.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] while shutting down.
    pub async fn enqueue(&self, message: Message) -> Result<Pending, SubmitError> {
        log_arrival(&message);
        let message = parse::parse(message, &self.orders);
        let is_empty = message.cards.is_empty();
        let (job, pending) = message_job(message);
        match job {
            // A message without a card leaves nothing to store.
            Job::Message { answer, .. } if is_empty => {
                drop(answer.send(Ok(Receipt { log_id: None, cards: Vec::new() })));
            }
            job => self.queue.send(job).await.map_err(|_| SubmitError::Closed)?,
        }
        Ok(pending)
    }

    /// Changes an order by hand and answers after the commit is durable. Waits if the queue is full. Edits and
    /// messages are merged in the order in which they were queued.
    ///
    /// # Errors
    /// If there is no such order or its guard does not hold, while shutting down, and if the database fails.
    pub async fn edit(&self, edit: Edit) -> Result<Edited, EditError> {
        // An edit dated in the future would make the next cards count as old.
        let edit = Edit { at: to_micros(edit.at).min(clock::now()), ..edit };
        let (answer, edited) = oneshot::channel();
        let job = Job::Edit { edit: Box::new(edit), currency: self.orders.currency, answer };
        self.queue.send(job).await.map_err(|_| EditError::Closed)?;
        edited.await.unwrap_or(Err(EditError::Closed)).map(|edited| *edited)
    }
}

/// A message in the queue.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Receipt, SubmitError>>);

impl Pending {
    /// The receipt of the message, after the commit is durable.
    pub async fn receipt(self) -> Result<Receipt, SubmitError> {
        self.0.await.unwrap_or(Err(SubmitError::Closed))
    }
}
