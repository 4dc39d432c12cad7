//! The writer: takes whatever waits, up to a bound, and writes it in one transaction.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::SubmitError;
use super::outage::Outage;
use super::read::ReadMessage;
use super::record::{self, Ids};
use super::settle::{Settled, SettledWork, Stored, Trace, settle};
use super::work::{Done, Job, Work};
use crate::card::outcome::{Outcome, Rejection, RejectionCode};
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::feed::{Feed, OrderChange};
use crate::store::{Batch, ChangedOrder, Store, StoreError};

/// How long a transaction may take: longer than it waits for a lock.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may take to begin: a little longer than the wait for a lock, but not twice as long,
/// where the upkeep was the first to wait. Those whose requests end with the process are told in time.
/// Finding out whether the database fails may take no longer.
const PATIENCE_TO_BEGIN: Duration = Duration::from_secs(6);
/// Writes that must go well before it is said that the database takes messages: together they need as
/// much room as one.
const PROOFS: usize = 32;
/// How often a batch gives way to other processes.
const RACES: usize = 5;

/// What writes.
pub(crate) struct Writer {
    store: Store,
    feed: Feed,
    outage: Outage,
}

impl Writer {
    pub(crate) fn new(store: Store, feed: Feed) -> Self {
        Self { store, feed, outage: Outage::default() }
    }

    /// Whether the database did not take what was to be written last.
    pub(crate) fn failing(&self) -> watch::Sender<bool> {
        self.outage.failing()
    }

    /// Writes until `stop` is cancelled and the queue is empty, at most so many pieces of work in
    /// one transaction. Tells those who doubt the database whether it fails.
    pub(crate) async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        most: usize,
        mut doubted: mpsc::Receiver<oneshot::Sender<bool>>,
        stop: CancellationToken,
    ) {
        let mut batch = Vec::new();
        loop {
            let due = self.outage.due();
            let wait = sleep_until(due.unwrap_or_else(Instant::now));
            tokio::select! {
                taken = jobs.recv_many(&mut batch, most) => if taken == 0 { break },
                () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
                () = wait, if due.is_some() => self.look_after_outage(&stop).await,
                Some(asker) = doubted.recv() => {
                    self.probe(&stop).await;
                    // They may be gone.
                    _ = asker.send(self.outage.is_failing());
                }
            }
            if !batch.is_empty() {
                self.answer(std::mem::take(&mut batch)).await;
            }
            // What waited behind a batch that failed would wait as long again, to fail as well.
            while self.outage.is_failing()
                && let Ok(job) = jobs.try_recv()
            {
                job.answer.send(Err(SubmitError::Storage));
            }
        }
        if self.outage.is_over() {
            self.outage.tell_end();
        }
    }

    /// Writes a batch and answers each of those who wait for it.
    async fn answer(&mut self, jobs: Vec<Job>) {
        let (works, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.work, job.answer)).unzip();
        let results = match self.write(&works).await {
            // In a large batch something may be in the way of another process each time.
            Err(error) if error.is_fault_of_data() || error.is_race() && works.len() > 1 => {
                self.write_each(works).await
            }
            Err(error) => {
                self.outage.failed(&error);
                answers.iter().map(|_| Err(SubmitError::Storage)).collect()
            }
            Ok(done) => done.into_iter().map(Ok).collect(),
        };
        for (answer, result) in answers.into_iter().zip(results) {
            answer.send(result);
        }
    }

    /// After a batch that cannot be written as one: each alone, so that only a bad one fails. Where
    /// the database fails, the rest would wait as long, one after the other.
    async fn write_each(&mut self, works: Vec<Work>) -> Vec<Result<Done, SubmitError>> {
        let count = works.len();
        let (mut results, mut is_gone) = (Vec::with_capacity(count), false);
        for work in works {
            let written = match self.write(std::slice::from_ref(&work)).await {
                Err(error) if error.is_fault_of_data() => self.write_refused(work, &error).await,
                Err(error) => {
                    is_gone = !error.is_race();
                    self.outage.failed(&error);
                    Err(SubmitError::Storage)
                }
                Ok(done) => Ok(done),
            };
            results.push(written.and_then(|done| done.into_iter().next().ok_or(SubmitError::Storage)));
            if is_gone {
                break;
            }
        }
        results.resize_with(count, || Err(SubmitError::Storage));
        results
    }

    /// A message that the database refused leaves its log row, from which it can be replayed.
    async fn write_refused(&mut self, work: Work, error: &StoreError) -> Result<Vec<Done>, SubmitError> {
        match work {
            Work::Message(message) => {
                tracing::error!(message.endpoint, %error, "the database refused a message; it is kept in the log");
                let written = self.write(&[Work::Message(Box::new(refused(*message)))]).await;
                written.inspect_err(|error| self.outage.failed(error)).map_err(|_| SubmitError::Storage)
            }
            Work::Edit(edit) => {
                tracing::error!(order.id = edit.order, %error, "the database refused an edit");
                Err(SubmitError::Storage)
            }
        }
    }

    /// One transaction, begun again where another process came in between: one answer for each
    /// piece of work, after the commit.
    async fn write(&mut self, works: &[Work]) -> Result<Vec<Done>, StoreError> {
        let mut races = 0;
        loop {
            // A server that is gone may leave its connections open. Whether it has committed is
            // then not known; a sender that tries again is recognised.
            match timeout(PATIENCE, self.transact(works)).await.unwrap_or(Err(StoreError::Silent)) {
                Err(error) if error.is_race() && races < RACES => races += 1,
                written => return written,
            }
        }
    }

    async fn transact(&mut self, works: &[Work]) -> Result<Vec<Done>, StoreError> {
        let begun = timeout(PATIENCE_TO_BEGIN, self.store.begin()).await;
        let mut batch = begun.unwrap_or(Err(StoreError::Silent))?;
        let mut settled = settle(works, stored(&mut batch, works).await?, clock::now());

        batch.release_keys(&settled.released).await?;
        let dirty: Vec<_> =
            settled.in_turn().into_iter().filter(|working| working.dirty).map(|w| &w.order).collect();
        for (number, id) in batch.save_orders(&dirty).await? {
            if let Some(working) = settled.orders.get_mut(&number) {
                working.order.id = id;
            }
        }
        let ids: Ids =
            settled.orders.iter().map(|(number, working)| (number.clone(), working.order.id)).collect();
        let log_ids = save_logs(&batch, works, &settled, &ids).await?;
        batch.save_events(record::events(&settled, &log_ids, &ids)).await?;
        batch.notify(&changed(&settled)).await?;
        batch.commit().await?;

        // What is known already goes well on a full disk too.
        if settled.is_to_be_written() {
            self.went_well();
        }
        self.publish(&settled);
        let works = settled.works.into_iter().zip(log_ids);
        Ok(works.map(|(work, log_id)| record::done(work, log_id, &ids)).collect())
    }

    fn publish(&self, settled: &Settled) {
        if !self.feed.has_listeners() {
            return;
        }
        for working in settled.in_turn().into_iter().filter(|working| working.changed) {
            self.feed.publish(OrderChange { created: working.created, order: working.order.clone() });
        }
    }

    /// An outage goes on, or is over.
    async fn look_after_outage(&mut self, stop: &CancellationToken) {
        if self.outage.is_over() {
            self.outage.tell_end();
        } else {
            self.probe(stop).await;
        }
    }

    /// Finds out whether the database fails, unless `stop` comes in between.
    async fn probe(&mut self, stop: &CancellationToken) {
        let probing = async {
            for _ in 0..PROOFS {
                self.store.ping_writer().await?;
            }
            Ok(())
        };
        let probed = stop.run_until_cancelled(timeout(PATIENCE_TO_BEGIN, probing)).await;
        match probed.map(|probed| probed.unwrap_or(Err(StoreError::Silent))) {
            Some(Ok(())) => self.went_well(),
            Some(Err(error)) => self.outage.failed(&error),
            None => {}
        }
    }

    fn went_well(&self) {
        if self.outage.went_well() {
            // What was committed while its answers were lost has been told to nobody here.
            self.feed.interrupt();
        }
    }
}

/// What the database knows of the messages and orders concerned.
pub(crate) async fn stored(batch: &mut Batch, works: &[Work]) -> Result<Stored, StoreError> {
    let messages: Vec<&ReadMessage> = works.iter().filter_map(Work::message).collect();
    let keys: Vec<String> = messages.iter().filter_map(|message| message.key.clone()).collect();
    let replayed: Vec<i64> =
        messages.iter().filter_map(|message| message.replay).map(|replay| replay.log_id).collect();
    let edited: Vec<i64> = works.iter().filter_map(Work::edit).map(|edit| edit.order).collect();
    let mut numbers = batch.order_numbers(&edited).await?;
    numbers.extend(messages.iter().flat_map(|message| &message.cards).filter_map(|card| match card {
        ParsedCard::Order { patch, .. } => Some(patch.number.clone()),
        ParsedCard::NoOrder(_) => None,
    }));
    numbers.sort_unstable();
    numbers.dedup();
    // Orders before log rows, as they are written: two writers must lock in the same order.
    Ok(Stored {
        orders: batch.orders(&numbers).await?,
        known: batch.known_messages(&keys).await?,
        outcomes: batch.outcomes(&replayed).await?,
    })
}

/// Writes the log rows, and gives that of each piece of work, where it has one. Rows that were
/// read again go first: they may give up a key that a new one takes.
async fn save_logs(
    batch: &Batch,
    works: &[Work],
    settled: &Settled,
    ids: &Ids,
) -> Result<Vec<Option<i64>>, StoreError> {
    let (mut changed, mut new) = (Vec::new(), Vec::new());
    let mut traces = Vec::with_capacity(works.len());
    for (work, done) in works.iter().zip(&settled.works) {
        let (Work::Message(read), SettledWork::Message(done)) = (work, done) else {
            traces.push(&Trace::None);
            continue;
        };
        match &done.trace {
            Trace::None => {}
            Trace::New => new.push(record::log(read, done, ids)),
            Trace::Row(log_id, _) => changed.push((*log_id, record::log(read, done, ids))),
        }
        traces.push(&done.trace);
    }
    batch.update_logs(changed).await?;
    let mut new_ids = batch.save_logs(new).await?.into_iter();
    let log_id = |trace: &Trace| match trace {
        Trace::None => None,
        Trace::New => new_ids.next(),
        Trace::Row(log_id, _) => Some(*log_id),
    };
    Ok(traces.into_iter().map(log_id).collect())
}

/// The orders that other processes must hear of.
fn changed(settled: &Settled) -> Vec<ChangedOrder> {
    let changed = settled.in_turn().into_iter().filter(|working| working.changed);
    changed.map(|working| ChangedOrder { id: working.order.id, created: working.created }).collect()
}

/// The message as one that the database refused.
fn refused(message: ReadMessage) -> ReadMessage {
    let detail = "the database refused this message; it is kept in the log".to_owned();
    let rejection = Rejection { code: RejectionCode::NotStored, detail };
    ReadMessage { key: None, cards: vec![ParsedCard::NoOrder(Outcome::Rejected(rejection))], ..message }
}
