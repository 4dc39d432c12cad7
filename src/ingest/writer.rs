//! The writer task: collects whatever waits in the queue, up to a limit, and writes it in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::import_row::{ImportRow, RowChange};
use super::merge_batch::{LogTarget, MergedBatch, merge_batch};
use super::outage::OutageTracker;
use super::outgoing;
use super::parse::ParsedMessage;
use super::{ImportError, Job, SubmitError};
use crate::card::message::Message;
use crate::card::outcome::{CardOutcome, Ignored, Outcome, Rejection, RejectionCode};
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::feed::{Feed, OrderChange};
use crate::files::RowOutcome;
use crate::log_limit::LogLimiter;
use crate::metrics::{self, Metrics};
use crate::order::Order;
use crate::outbox::Outbox;
use crate::store::{Batch, BatchKeys, NewEvent, Store, StoreError};

/// How long a transaction may take. Longer than it may wait for a lock.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a transaction may take to begin. A little longer than the 5 seconds that it waits for a lock, but not
/// twice as long: the upkeep may have waited for the lock before it. A shutdown must be able to answer those who
/// wait. Also limits a probe.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(6);
/// How often a batch starts over because another process interfered.
const MAX_RACES: usize = 5;
/// Characters of a store's name in a log line.
const MAX_STORE_CHARS: usize = 60;

/// The state of the writer task.
pub(crate) struct Writer {
    store: Store,
    feed: Feed,
    outage: OutageTracker,
    outbox: Outbox,
    card_lines: LogLimiter,
    metrics: Metrics,
}

impl Writer {
    pub(crate) fn new(
        store: Store,
        feed: Feed,
        outage: OutageTracker,
        outbox: Outbox,
        metrics: Metrics,
    ) -> Self {
        Self { store, feed, outage, outbox, card_lines: LogLimiter::default(), metrics }
    }

    /// Writes until `stop` is cancelled and the queue is empty, at most `max_batch` jobs per transaction.
    pub(crate) async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        max_batch: usize,
        stop: CancellationToken,
    ) {
        let mut failing = self.outage.subscribe();
        let mut batch = Vec::new();
        loop {
            let deadline = self.next_deadline();
            let wait = sleep_until(deadline.unwrap_or_else(Instant::now));
            tokio::select! {
                taken = jobs.recv_many(&mut batch, max_batch) => if taken == 0 { break },
                () = stop.cancelled(), if !jobs.is_closed() => jobs.close(),
                () = wait, if deadline.is_some() => self.meet_deadline(&stop).await,
                // An outage was reported from outside, so that there is a new deadline.
                Ok(()) = failing.changed() => {}
            }
            if !batch.is_empty() {
                self.process(std::mem::take(&mut batch)).await;
            }
            // The jobs behind a failed batch would wait as long as it did, only to fail as well.
            while self.outage.is_failing()
                && let Ok(job) = jobs.try_recv()
            {
                job.fail(SubmitError::Storage);
            }
        }
        if let Some(due) = self.card_lines.summary_due() {
            self.log_card_summary(due);
        }
        if self.outage.has_unreported_end() {
            self.outage.report_end();
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let summary = self.card_lines.summary_due().map(Instant::from_std);
        [self.outage.next_deadline(), summary].into_iter().flatten().min()
    }

    async fn meet_deadline(&mut self, stop: &CancellationToken) {
        self.log_card_summary(std::time::Instant::now());
        if self.outage.next_deadline().is_none_or(|deadline| deadline > Instant::now()) {
            return;
        }
        if self.outage.has_unreported_end() {
            self.outage.report_end();
        } else {
            self.probe(stop).await;
        }
    }

    /// Finds out whether the database accepts writes, unless `stop` is cancelled first.
    async fn probe(&self, stop: &CancellationToken) {
        let _running = self.outage.begin_write();
        let probing = timeout(BEGIN_TIMEOUT, self.store.probe_writer());
        match stop.run_until_cancelled(probing).await.map(|probed| probed.unwrap_or(Err(StoreError::Silent)))
        {
            Some(Ok(())) => self.record_success(),
            Some(Err(error)) => self.outage.record_failure(&error),
            None => {}
        }
    }

    fn record_success(&self) {
        if self.outage.record_success() {
            // A commit may have succeeded although its confirmation was lost. Its changes were not published.
            self.feed.mark_behind();
        }
    }

    /// Writes a batch and answers each of its jobs.
    async fn process(&mut self, jobs: Vec<Job>) {
        let outage = self.outage.clone();
        let running = outage.begin_write();
        match self.write(&jobs).await {
            Ok(merged) => self.complete(jobs, merged),
            // In a large batch, another process may interfere with a different order each time.
            Err(error) if error.is_fault_of_data() || error.is_race() && jobs.len() > 1 => {
                drop(running);
                self.process_each(jobs).await;
            }
            Err(error) => {
                self.outage.record_failure(&error);
                fail_all(jobs);
            }
        }
    }

    /// Writes the jobs of a failed batch one by one, so that only a bad one fails. If the database itself fails, all
    /// remaining jobs fail at once; otherwise each of them would wait for its own timeout.
    async fn process_each(&mut self, jobs: Vec<Job>) {
        let (mut jobs, outage) = (jobs.into_iter(), self.outage.clone());
        while let Some(job) = jobs.next() {
            let _running = outage.begin_write();
            match self.write(std::slice::from_ref(&job)).await {
                Ok(merged) => self.complete(vec![job], merged),
                Err(error) if error.is_fault_of_data() => self.keep_refused(job, &error).await,
                Err(error) => {
                    self.outage.record_failure(&error);
                    job.fail(SubmitError::Storage);
                    if !error.is_race() {
                        return fail_all(jobs);
                    }
                }
            }
        }
    }

    /// A message that the database refused still leaves its log row, so that it can be replayed.
    async fn keep_refused(&mut self, job: Job, error: &StoreError) {
        let job = match job {
            Job::Message { message, answer } => {
                let Message { endpoint, request_id, discord_id, .. } = &message.message;
                tracing::error!(
                    request.id = request_id.as_deref(),
                    message.id = *discord_id,
                    message.endpoint = endpoint,
                    %error,
                    "the database refused a message; it is kept in the log"
                );
                let detail = "the database refused this message; it is kept in the log".to_owned();
                let rejection = Rejection { code: RejectionCode::NotStored, detail };
                let message = ParsedMessage {
                    key: None,
                    cards: vec![ParsedCard::NoOrder(Outcome::Rejected(rejection))],
                    ..*message
                };
                Job::Message { message: Box::new(message), answer }
            }
            Job::Edit { ref edit, .. } => {
                tracing::error!(order.id = edit.order, %error, "the database refused an edit");
                return job.fail(SubmitError::Storage);
            }
            Job::Import { mut row, answer } => {
                tracing::error!(import.id = row.import(), import.line = row.line, %error, "the database refused a row");
                row.change = RowChange::Nothing(RowOutcome::Bad, "the database refused this row".to_owned());
                Job::Import { row, answer }
            }
        };
        match self.write(std::slice::from_ref(&job)).await {
            Ok(merged) => self.complete(vec![job], merged),
            Err(error) => {
                self.outage.record_failure(&error);
                job.fail(SubmitError::Storage);
            }
        }
    }

    /// Writes jobs in one transaction, and starts over if another process interfered.
    async fn write(&self, jobs: &[Job]) -> Result<MergedBatch, StoreError> {
        let started = Instant::now();
        let mut races = 0;
        let written = loop {
            // A server that disappears may leave its connections open. Then it is unknown whether it committed; a
            // sender that tries again is recognised by its deduplication key.
            match timeout(COMMIT_TIMEOUT, self.transact(jobs)).await.unwrap_or(Err(StoreError::Silent)) {
                Err(error) if error.is_race() && races < MAX_RACES => races += 1,
                written => break written,
            }
        };
        if written.is_ok() {
            self.metrics.observe(&metrics::COMMITS, &[], started.elapsed().as_secs_f64());
            self.metrics.observe(
                &metrics::BATCHES,
                &[],
                f64::from(u32::try_from(jobs.len()).unwrap_or(u32::MAX)),
            );
        } else {
            self.metrics.add(&metrics::COMMIT_FAILURES, &[], 1);
        }
        written
    }

    async fn transact(&self, jobs: &[Job]) -> Result<MergedBatch, StoreError> {
        let begun = timeout(BEGIN_TIMEOUT, self.store.begin()).await;
        let mut batch = begun.unwrap_or(Err(StoreError::Silent))?;
        let stored = batch.read_state(&batch_keys(jobs)).await?;
        let mut merged = merge_batch(jobs, stored, clock::now());

        batch.release_keys(&merged.released).await?;
        batch.renumber_orders(&merged.renumbered).await?;
        let orders = merged.sorted_orders().into_iter();
        let dirty: Vec<&Order> =
            orders.filter(|pending| pending.dirty).map(|pending| &pending.order).collect();
        let ids = batch.save_orders(&dirty).await?;
        merged.set_order_ids(ids);
        save_logs(&batch, jobs, &mut merged).await?;
        merged.recorded = merged.take_events();
        merged.event_ids = batch.save_events(&merged.recorded).await?;
        for (import, position) in &merged.imports {
            batch.record_import(*import, position).await?;
        }
        batch.absorb_orders(&merged.absorbed()).await?;
        merged.outgoing = outgoing::save(&batch, jobs, &merged, &self.outbox).await?;
        batch.commit().await?;
        Ok(merged)
    }

    /// After the commit: publishes the changed orders, writes the log lines, and answers the jobs.
    fn complete(&mut self, jobs: Vec<Job>, merged: MergedBatch) {
        // A batch that writes nothing succeeds even on a full disk, so it proves nothing.
        if merged.has_writes() {
            self.record_success();
        }
        self.feed.publish(&merged.event_ids, || changes(&merged));
        if merged.outgoing {
            self.outbox.wake();
        }
        self.log_cards(&jobs, &merged);
        self.measure(&jobs, &merged);
        let (mut messages, mut edits) = (merged.messages.into_iter(), merged.edits.into_iter());
        let mut imported = merged.imported.into_iter();
        for job in jobs {
            match job {
                Job::Message { answer, .. } => {
                    if let Some(message) = messages.next() {
                        drop(answer.send(Ok(message.receipt)));
                    }
                }
                Job::Edit { answer, .. } => {
                    if let Some(edited) = edits.next() {
                        drop(answer.send(edited));
                    }
                }
                Job::Import { answer, .. } => {
                    if let Some(result) = imported.next() {
                        drop(answer.send(result.ok_or(ImportError::Running)));
                    }
                }
            }
        }
    }

    /// Counts the new messages, and measures the time from each to its commit.
    fn measure(&self, jobs: &[Job], merged: &MergedBatch) {
        if !self.metrics.is_on() {
            return;
        }
        let now = clock::now();
        let messages = jobs.iter().filter_map(Job::message).zip(&merged.messages);
        for (parsed, message) in messages.filter(|(_, message)| message.target == LogTarget::Insert) {
            let source = parsed.message.source.as_str();
            self.metrics.add(&metrics::MESSAGES, &[("source", source), ("outcome", message.outcome())], 1);
            let lag = (now - parsed.message.at).to_std().unwrap_or_default();
            self.metrics.observe(&metrics::LAG, &[("source", source)], lag.as_secs_f64());
        }
    }

    /// Logs one line for each card of the messages that left a log row, up to the limit.
    fn log_cards(&mut self, jobs: &[Job], merged: &MergedBatch) {
        if !tracing::enabled!(target: CARD_LINES, tracing::Level::INFO) {
            return;
        }
        let now = std::time::Instant::now();
        self.log_card_summary(now);
        let messages = jobs.iter().filter_map(Job::message).zip(&merged.messages);
        for (parsed, message) in messages.filter(|(_, message)| message.target != LogTarget::Skip) {
            let (log_id, message_id) = (message.receipt.log_id, parsed.message.discord_id);
            let request_id = parsed.message.request_id.as_deref();
            for card in &message.receipt.cards {
                // The HTTP server has already logged a request that it refused.
                if matches!(&card.outcome, Outcome::Rejected(why) if why.code.is_refused_request()) {
                    continue;
                }
                if self.card_lines.admit(card.outcome.as_str(), now) {
                    let order = card.order.as_ref().and_then(|(_, number)| merged.orders.get(number));
                    let line = card_line(card, order.map(|pending| &pending.order));
                    tracing::info!(
                        target: CARD_LINES,
                        { log.id = log_id, request.id = request_id, message.id = message_id },
                        "{line}"
                    );
                }
            }
        }
    }

    fn log_card_summary(&mut self, now: std::time::Instant) {
        if let Some(counts) = self.card_lines.take_summary(now) {
            tracing::info!(target: CARD_LINES, "more cards within a second: {counts}");
        }
    }
}

/// The committed changes, for live clients.
fn changes(merged: &MergedBatch) -> Vec<OrderChange> {
    let orders: HashMap<i64, Arc<Order>> =
        merged.orders.values().map(|pending| (pending.order.id, Arc::new(pending.order.clone()))).collect();
    let change = |(id, event): (&i64, &NewEvent)| {
        let changed = event.changes.iter().map(|change| change.field.clone()).collect();
        let order = Arc::clone(orders.get(&event.order_id)?);
        Some(OrderChange {
            import: event.import,
            ..OrderChange::new(*id, event.event_type == "created", changed, order)
        })
    };
    merged.event_ids.iter().zip(&merged.recorded).filter_map(change).collect()
}

/// The name under which the log filter finds the lines about cards, as in `info,roms::cards=off`.
const CARD_LINES: &str = "roms::cards";

/// The log line of a card, without personal data: `order created BBY01-1 299.99 USD Best Buy US`.
fn card_line(card: &CardOutcome, order: Option<&Order>) -> String {
    let verb = match &card.outcome {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Unchanged | Outcome::Duplicate => "unchanged",
        // The reason of a failure is the card's own text.
        Outcome::Ignored(Ignored::Failure { .. }) => {
            return "card ignored: failed checkout, not an order".to_owned();
        }
        Outcome::Ignored(ignored) => return format!("card ignored: {ignored}"),
        Outcome::Rejected(rejection) => return format!("card rejected: {rejection}"),
    };
    let mut parts = vec![format!("order {verb}")];
    parts.extend(card.order.as_ref().map(|(_, number)| number.to_string()));
    let Some(fields) = order.map(|order| &order.fields) else { return parts.join(" ") };
    if let Some(amount) = fields.total.or(fields.price) {
        parts.push(amount.to_string());
        parts.extend(fields.currency.map(|currency| currency.code().to_owned()));
    }
    // A name with an @ is no store's, but an address or a proxy that a card put there.
    if let Some(store) = fields.store.as_ref().filter(|store| !store.contains('@')) {
        parts.push(store.chars().filter(|c| !c.is_control()).take(MAX_STORE_CHARS).collect());
    }
    parts.join(" ")
}

fn fail_all(jobs: impl IntoIterator<Item = Job>) {
    for job in jobs {
        job.fail(SubmitError::Storage);
    }
}

/// The keys of everything that must be read from the database before these jobs can be merged.
pub(crate) fn batch_keys(jobs: &[Job]) -> BatchKeys {
    let messages = || jobs.iter().filter_map(Job::message);
    let rows = || jobs.iter().filter_map(Job::import);
    let imports: BTreeSet<i64> = rows().filter_map(ImportRow::import).collect();
    BatchKeys {
        numbers: messages()
            .flat_map(|message| message.numbers().chain(&message.made_numbers))
            .chain(rows().filter_map(ImportRow::number))
            .cloned()
            .collect(),
        message_ids: messages()
            .filter_map(|message| message.message.watched_id().filter(|id| message.lacks_number(*id)))
            .collect(),
        edits: messages().filter_map(ParsedMessage::edit_key).collect(),
        order_ids: jobs.iter().filter_map(Job::edit).map(|edit| edit.order).collect(),
        dedup_keys: messages()
            .flat_map(|message| message.key.clone().into_iter().chain(message.key_of_edits()))
            .collect(),
        log_ids: messages().filter_map(|message| message.replay).map(|replay| replay.log_id).collect(),
        imports: imports.into_iter().collect(),
        added: rows().filter_map(ImportRow::added).collect(),
    }
}

/// Writes the log rows and fills in their ids. Replayed rows are written first: they may give up a key that a new row
/// takes.
async fn save_logs(batch: &Batch, jobs: &[Job], merged: &mut MergedBatch) -> Result<(), StoreError> {
    let (mut updated, mut new) = (Vec::new(), Vec::new());
    for (parsed, message) in jobs.iter().filter_map(Job::message).zip(&mut merged.messages) {
        match message.target {
            LogTarget::Skip => {}
            LogTarget::Insert => new.push(message.log_entry(parsed)),
            LogTarget::Update { log_id, .. } => {
                updated.push(message.log_entry(parsed));
                message.receipt.log_id = Some(log_id);
            }
        }
    }
    batch.update_logs(updated).await?;
    let ids = batch.save_logs(new).await?;
    let inserted = merged.messages.iter_mut().filter(|message| message.target == LogTarget::Insert);
    for (message, id) in inserted.zip(ids) {
        message.receipt.log_id = Some(id);
    }
    Ok(())
}
