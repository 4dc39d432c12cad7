//! The writer: takes whatever waits, up to a bound, and writes it in one transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::SubmitError;
use super::read::{ReadCard, ReadMessage};
use super::record::{self, Ids};
use super::settle::{Settled, SettledWork, Stored, Trace, settle};
use super::work::{Done, Job, Work};
use crate::feed::{Feed, OrderChange};
use crate::outcome::{Outcome, Rejection, RejectionCode};
use crate::parse::dates::micros;
use crate::store::{Batch, Changed, Store, StoreError};

/// How long a transaction may take: longer than it waits for a lock.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may take to begin: a little longer than the wait for a lock, but not twice as long,
/// where the upkeep was the first to wait. Those whose requests end with the process are told in time.
const PATIENCE_TO_BEGIN: Duration = Duration::from_secs(6);
/// How long it must go well before an outage is over: on a disk that is nearly full a small batch
/// finds room where a larger one does not.
const CALM: Duration = Duration::from_secs(5);
/// How often a database that failed is tried again where no message does it.
const PROBE: Duration = Duration::from_secs(5);
/// How often a batch gives way to other processes.
const RACES: usize = 5;

/// Writes until `stop` is cancelled and the queue is empty, at most so many pieces of work in
/// one transaction.
pub(super) async fn run(
    store: Store,
    feed: Feed,
    mut jobs: mpsc::Receiver<Job>,
    most: usize,
    stop: CancellationToken,
    failing: watch::Sender<bool>,
) {
    let writer = Writer { store, feed, failing, is_told: AtomicBool::new(false) };
    let mut batch = Vec::new();
    let mut well_since = None;
    loop {
        let calm = well_since.unwrap_or_else(Instant::now) + CALM;
        tokio::select! {
            taken = jobs.recv_many(&mut batch, most) => if taken == 0 { break },
            () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
            () = sleep_until(calm), if well_since.is_some() => writer.tell_end(),
            () = sleep(PROBE), if writer.is_failing() => writer.probe().await,
        }
        if !batch.is_empty() {
            writer.answer(std::mem::take(&mut batch)).await;
        }
        // What waited behind a batch that failed would wait as long again, to fail as well.
        while writer.is_failing()
            && let Ok(job) = jobs.try_recv()
        {
            job.answer.send(Err(SubmitError::Storage));
        }
        well_since = writer.is_well_again().then(|| well_since.unwrap_or_else(Instant::now));
    }
    if writer.is_well_again() {
        writer.tell_end();
    }
}

struct Writer {
    store: Store,
    feed: Feed,
    failing: watch::Sender<bool>,
    /// Whether an outage has been told whose end has not.
    is_told: AtomicBool,
}

impl Writer {
    /// Writes a batch and answers each of those who wait for it.
    async fn answer(&self, jobs: Vec<Job>) {
        let (works, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.work, job.answer)).unzip();
        let results = match self.write(&works).await {
            // In a large batch something may be in the way of another process each time.
            Err(error) if error.is_fault_of_data() || error.is_race() && works.len() > 1 => {
                self.write_each(works).await
            }
            Err(error) => {
                self.report(Some(&error));
                answers.iter().map(|_| Err(SubmitError::Storage)).collect()
            }
            Ok(done) => done.into_iter().map(Ok).collect(),
        };
        if results.iter().any(Result::is_ok) {
            self.report(None);
        }
        for (answer, result) in answers.into_iter().zip(results) {
            answer.send(result);
        }
    }

    /// After a batch that cannot be written as one: each alone, so that only a bad one fails.
    async fn write_each(&self, works: Vec<Work>) -> Vec<Result<Done, SubmitError>> {
        let mut results = Vec::with_capacity(works.len());
        for work in works {
            let written = match self.write(std::slice::from_ref(&work)).await {
                Err(error) if error.is_fault_of_data() => self.write_refused(work, &error).await,
                written => {
                    written.inspect_err(|error| self.report(Some(error))).map_err(|_| SubmitError::Storage)
                }
            };
            results.push(written.and_then(|done| done.into_iter().next().ok_or(SubmitError::Storage)));
        }
        results
    }

    /// A message that the database refused leaves its log row, from which it can be replayed.
    async fn write_refused(&self, work: Work, error: &StoreError) -> Result<Vec<Done>, SubmitError> {
        match work {
            Work::Message(message) => {
                tracing::error!(message.endpoint, %error, "the database refused a message; it is kept in the log");
                let written = self.write(&[Work::Message(Box::new(refused(*message)))]).await;
                written.inspect_err(|error| self.report(Some(error))).map_err(|_| SubmitError::Storage)
            }
            Work::Edit(edit) => {
                tracing::error!(order.id = edit.order, %error, "the database refused an edit");
                Err(SubmitError::Storage)
            }
        }
    }

    /// One transaction, begun again where another process came in between: one answer for each
    /// piece of work, after the commit.
    async fn write(&self, works: &[Work]) -> Result<Vec<Done>, StoreError> {
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

    async fn transact(&self, works: &[Work]) -> Result<Vec<Done>, StoreError> {
        let begun = timeout(PATIENCE_TO_BEGIN, self.store.begin()).await;
        let mut batch = begun.unwrap_or(Err(StoreError::Silent))?;
        let mut settled = settle(works, stored(&mut batch, works).await?, micros(Utc::now()));

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
        batch.announce(&changed(&settled)).await?;
        if self.is_failing() {
            // What is known already would go well on a full disk too.
            batch.touch().await?;
        }
        batch.commit().await?;

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

    /// Finds out whether the database still fails.
    async fn probe(&self) {
        let probed = timeout(PATIENCE_TO_BEGIN, self.store.ping_writer()).await;
        self.report(probed.unwrap_or(Err(StoreError::Silent)).err().as_ref());
    }

    /// One line when the database begins to fail; [`Self::tell_end`] has the one when it is back.
    fn report(&self, error: Option<&StoreError>) {
        let changed = self
            .failing
            .send_if_modified(|failing| std::mem::replace(failing, error.is_some()) != error.is_some());
        match error {
            Some(error) if !self.is_told.swap(true, Ordering::Relaxed) => {
                tracing::error!(%error, "the database does not take messages");
            }
            // What was committed while its answers were lost has been told to nobody here.
            None if changed => self.feed.interrupt(),
            _ => {}
        }
    }

    /// Whether the end of an outage is still to be told.
    fn is_well_again(&self) -> bool {
        !self.is_failing() && self.is_told.load(Ordering::Relaxed)
    }

    fn tell_end(&self) {
        self.is_told.store(false, Ordering::Relaxed);
        tracing::info!("the database takes messages again");
    }

    fn is_failing(&self) -> bool {
        *self.failing.borrow()
    }
}

/// What the database knows of the messages and orders concerned.
pub(super) async fn stored(batch: &mut Batch, works: &[Work]) -> Result<Stored, StoreError> {
    let messages: Vec<&ReadMessage> = works.iter().filter_map(Work::message).collect();
    let keys: Vec<String> = messages.iter().filter_map(|message| message.key.clone()).collect();
    let replayed: Vec<i64> =
        messages.iter().filter_map(|message| message.replay).map(|replay| replay.log_id).collect();
    let edited: Vec<i64> = works.iter().filter_map(Work::edit).map(|edit| edit.order).collect();
    let mut numbers = batch.order_numbers(&edited).await?;
    numbers.extend(messages.iter().flat_map(|message| &message.cards).filter_map(|card| match card {
        ReadCard::Order { patch, .. } => Some(patch.number.clone()),
        ReadCard::Settled(_) => None,
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
fn changed(settled: &Settled) -> Vec<Changed> {
    let changed = settled.in_turn().into_iter().filter(|working| working.changed);
    changed.map(|working| Changed { id: working.order.id, created: working.created }).collect()
}

/// The message as one that the database refused.
fn refused(message: ReadMessage) -> ReadMessage {
    let detail = "the database refused this message; it is kept in the log".to_owned();
    let rejection = Rejection { code: RejectionCode::NotStored, detail };
    ReadMessage { key: None, cards: vec![ReadCard::Settled(Outcome::Rejected(rejection))], ..message }
}
