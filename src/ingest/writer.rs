//! The writer: takes whatever waits, up to a bound, and writes it in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::read::{ReadCard, ReadMessage};
use super::settle::{Settled, SettledMessage, settle};
use super::{Job, SubmitError};
use crate::feed::{Feed, OrderChange};
use crate::order::OrderNumber;
use crate::outcome::{CardOutcome, Outcome, Receipt, Rejection, RejectionCode};
use crate::store::{NewEvent, NewLog, Store, StoreError};

/// Messages in one transaction. The queue makes the batches itself: while one is written, the
/// next one gathers.
const BATCH: usize = 64;

/// How long a transaction may take: longer than it waits for a lock.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a batch gives way to other processes before its senders are told to come again.
const RACES: usize = 10;

/// Writes until `stop` is cancelled and the queue is empty.
pub(super) async fn run(
    store: Store,
    feed: Feed,
    mut jobs: mpsc::Receiver<Job>,
    stop: CancellationToken,
    failing: Arc<AtomicBool>,
) {
    let writer = Writer { store, feed, failing };
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            taken = jobs.recv_many(&mut batch, BATCH) => if taken == 0 { return },
            () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
        }
        if !batch.is_empty() {
            writer.answer(std::mem::take(&mut batch)).await;
        }
        // What waited behind a batch that failed would wait as long again, to fail as well.
        while writer.is_failing()
            && let Ok(job) = jobs.try_recv()
        {
            drop(job.receipt.send(Err(SubmitError::Storage)));
        }
    }
}

struct Writer {
    store: Store,
    feed: Feed,
    failing: Arc<AtomicBool>,
}

impl Writer {
    /// Writes a batch and answers each of its senders, who may be gone.
    async fn answer(&self, jobs: Vec<Job>) {
        let (messages, senders): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.message, job.receipt)).unzip();
        let receipts = match self.write(&messages).await {
            Err(error) if error.is_fault_of_data() => self.write_each(messages).await,
            Err(error) => {
                self.report(Some(&error));
                vec![Err(SubmitError::Storage); senders.len()]
            }
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
        };
        if receipts.iter().any(Result::is_ok) {
            self.report(None);
        }
        for (sender, receipt) in senders.into_iter().zip(receipts) {
            drop(sender.send(receipt));
        }
    }

    /// After a batch that holds a bad message: each alone, so that only the bad one fails. That
    /// one leaves its log row, from which it can be replayed.
    async fn write_each(&self, messages: Vec<ReadMessage>) -> Vec<Result<Receipt, SubmitError>> {
        let mut receipts = Vec::with_capacity(messages.len());
        for message in messages {
            let written = match self.write(std::slice::from_ref(&message)).await {
                Err(error) if error.is_fault_of_data() => {
                    tracing::error!(message.endpoint, %error, "the database refused a message; it is kept in the log");
                    self.write(&[refused(message)]).await
                }
                written => written,
            };
            receipts.push(
                written
                    .map_err(|error| {
                        self.report(Some(&error));
                        SubmitError::Storage
                    })
                    .and_then(|receipts| receipts.into_iter().next().ok_or(SubmitError::Storage)),
            );
        }
        receipts
    }

    /// One transaction, begun again where another process came in between: one receipt for each
    /// message, after the commit.
    async fn write(&self, messages: &[ReadMessage]) -> Result<Vec<Receipt>, StoreError> {
        let mut races = 0;
        loop {
            // A server that is gone may leave its connections open. Whether it has committed is
            // then not known; a sender that tries again is recognised.
            match timeout(PATIENCE, self.transact(messages)).await.unwrap_or(Err(StoreError::Silent)) {
                Err(error) if error.is_race() && races < RACES => races += 1,
                written => return written,
            }
        }
    }

    async fn transact(&self, messages: &[ReadMessage]) -> Result<Vec<Receipt>, StoreError> {
        let batch = self.store.begin().await?;
        let keys: Vec<String> = messages.iter().filter_map(|message| message.key.clone()).collect();
        let known = batch.known_messages(&keys).await?;
        let stored = batch.orders(&numbers(messages)).await?;
        let mut settled = settle(messages, stored, known);

        batch.release_keys(&settled.released).await?;
        let dirty: Vec<_> =
            settled.in_turn().into_iter().filter(|working| working.dirty).map(|w| &w.order).collect();
        for (number, id) in batch.save_orders(&dirty).await? {
            if let Some(working) = settled.orders.get_mut(&number) {
                working.order.id = id;
            }
        }
        let ids: HashMap<_, _> =
            settled.orders.iter().map(|(number, working)| (number.clone(), working.order.id)).collect();
        let logged = messages.iter().zip(&settled.messages).filter(|(_, done)| done.logged);
        let new_ids = batch.save_logs(logged.map(|(read, done)| log(read, done, &ids)).collect()).await?;
        let mut new_ids = new_ids.into_iter();
        let log_ids: Vec<Option<i64>> =
            settled.messages.iter().map(|done| if done.logged { new_ids.next() } else { None }).collect();
        batch.save_events(events(messages, &settled, &log_ids)).await?;
        batch.commit().await?;

        self.publish(&settled);
        Ok(settled
            .messages
            .into_iter()
            .zip(log_ids)
            .map(|(done, log_id)| receipt(done, log_id, &ids))
            .collect())
    }

    fn publish(&self, settled: &Settled) {
        for working in settled.in_turn().into_iter().filter(|working| working.changed) {
            self.feed.publish(OrderChange { created: working.created, order: working.order.clone() });
        }
    }

    /// One line when the database begins to fail, one when it is back.
    fn report(&self, error: Option<&StoreError>) {
        match (error, self.failing.swap(error.is_some(), Ordering::Relaxed)) {
            (Some(error), false) => tracing::error!(%error, "the database does not take messages"),
            (None, true) => tracing::info!("the database takes messages again"),
            _ => {}
        }
    }

    fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

/// The numbers of all orders concerned, each once.
fn numbers(messages: &[ReadMessage]) -> Vec<OrderNumber> {
    let cards = messages.iter().flat_map(|message| &message.cards);
    let mut numbers: Vec<OrderNumber> = cards
        .filter_map(|card| match card {
            ReadCard::Order { patch, .. } => Some(patch.number.clone()),
            ReadCard::Settled(_) => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The message as one that the database refused.
fn refused(message: ReadMessage) -> ReadMessage {
    let detail = "the database refused this message; it is kept in the log".to_owned();
    let rejection = Rejection { code: RejectionCode::NotStored, detail };
    ReadMessage { key: None, cards: vec![ReadCard::Settled(Outcome::Rejected(rejection))], ..message }
}

fn log(read: &ReadMessage, done: &SettledMessage, ids: &HashMap<OrderNumber, i64>) -> NewLog {
    let outcome = done.cards.iter().map(|card| &card.outcome).min_by_key(|outcome| rank(outcome));
    let why =
        done.cards.iter().map(|card| &card.outcome).filter(|o| o.code().is_some()).min_by_key(|o| rank(o));
    let numbers = done.cards.iter().filter_map(|card| card.number.as_ref());
    let mut named = HashSet::new();
    let order_ids =
        numbers.filter_map(|number| ids.get(number).copied()).filter(|id| named.insert(*id)).collect();
    NewLog {
        source: read.source,
        source_key: done.key.clone(),
        endpoint: read.endpoint.clone(),
        message_id: read.message_id,
        content_hash: read.content_hash.clone(),
        outcome: outcome.map_or("rejected", Outcome::as_str),
        code: why.and_then(Outcome::code),
        error_message: why.and_then(|outcome| match outcome {
            Outcome::Ignored(ignored) => Some(ignored.to_string()),
            Outcome::Rejected(rejection) => Some(rejection.to_string()),
            _ => None,
        }),
        warnings: done.cards.iter().flat_map(|card| card.warnings.clone()).collect(),
        order_ids,
        payload: read.payload.clone(),
        flattened: read.flattened.clone(),
        sent_at: read.at,
        created_at: read.received_at,
    }
}

/// Which of several cards' outcomes stands for their message: what was stored first.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Created => 0,
        Outcome::Updated => 1,
        Outcome::Unchanged => 2,
        Outcome::Duplicate => 3,
        Outcome::Rejected(_) => 4,
        Outcome::Ignored(_) => 5,
    }
}

fn events(messages: &[ReadMessage], settled: &Settled, log_ids: &[Option<i64>]) -> Vec<NewEvent> {
    let mut events = Vec::new();
    for ((read, done), log_id) in messages.iter().zip(&settled.messages).zip(log_ids) {
        let Some(log_id) = log_id else { continue };
        events.extend(done.events.iter().map(|event| NewEvent {
            order_id: settled.orders.get(&event.number).map_or(0, |working| working.order.id),
            event_type: if event.created { "created" } else { "updated" },
            changes: event.changes.clone(),
            source: read.source,
            log_id: *log_id,
            created_at: read.received_at,
        }));
    }
    events
}

fn receipt(done: SettledMessage, log_id: Option<i64>, ids: &HashMap<OrderNumber, i64>) -> Receipt {
    let cards = done.cards.into_iter().map(|card| CardOutcome {
        order: card.number.and_then(|number| ids.get(&number).map(|id| (*id, number))),
        outcome: card.outcome,
        warnings: card.warnings,
    });
    Receipt { log_id, cards: cards.collect() }
}
