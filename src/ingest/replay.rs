//! Reading messages of the log again, through the present reading and under the rules of merging.
//!
//! Each message keeps its row and its own time, so that it fills what is missing and never
//! overwrites what newer messages or people said. Twice changes nothing. Passed over are rows
//! that repeat another message, and those whose payload is not kept any more.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::read::{self, ReadMessage, Replay};
use super::settle::settle;
use super::work::{Done, Work};
use super::{Ingest, ReplayFilter, SubmitError, job, not_an_order, record, writer};
use crate::card::decode::discord::ChannelRef;
use crate::card::decode::form::wrapped_payload;
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::order::{Order, OrderNumber, Source};
use crate::store::{LoggedMessage, StoreError};

/// Rows that are in memory at once.
const PAGE: u64 = 64;
/// Orders that a dry run remembers.
const REMEMBERED: usize = 10_000;

/// What reading again has brought so far. Rows are counted in `read` and `total`, their cards in
/// the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Rows that there are to read.
    pub total: u64,
    /// Rows read.
    pub read: u64,
    /// Cards that made an order.
    pub created: u64,
    /// Cards that changed one.
    pub updated: u64,
    /// Cards that said nothing new.
    pub unchanged: u64,
    /// Cards that are no orders.
    pub ignored: u64,
    /// Cards that cannot be read.
    pub rejected: u64,
}

/// Why a row was not read again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It repeats another row, which stands for both.
    #[error("this row repeats an earlier one, which stands for both")]
    Repeat,
    /// Its payload is not kept any more, or was empty from the first.
    #[error("the payload of this row is empty")]
    Emptied,
    /// The pipeline did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ingest {
    /// Reads one row of the log again; `Ok(None)` where there is no such row. The actor is
    /// `discord:` and a user's id, or `cli`.
    ///
    /// # Errors
    /// Where the row cannot be read again, while shutting down, and where the database fails.
    pub async fn replay_one(&self, log_id: i64, actor: &str) -> Result<Option<Receipt>, ReplayError> {
        let Some(logged) = self.store.logged_message(log_id).await? else { return Ok(None) };
        if logged.payload.is_empty() {
            return Err(ReplayError::Emptied);
        }
        if logged.outcome == Outcome::Duplicate.as_str() {
            return Err(ReplayError::Repeat);
        }
        let (job, pending) = job(self.read_again(logged, actor));
        self.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
        let receipt = pending.receipt().await?;
        // One that was removed meanwhile left no row.
        Ok(receipt.log_id.is_some().then_some(receipt))
    }

    /// Reads the rows of the log again that the filter chooses, oldest first, and tells after
    /// each page how far it is. Rows that come in meanwhile are not among them.
    ///
    /// A dry run stores nothing. It remembers what it would have made of the last 10,000 orders,
    /// so that several rows of one order are counted as they would be; where more orders are
    /// concerned, it may count a card as created that would update an order of the same run.
    ///
    /// # Errors
    /// While shutting down and where the database fails; what was read till then is stored.
    pub async fn replay(
        &self,
        filter: &ReplayFilter,
        dry_run: bool,
        actor: &str,
        mut progress: impl FnMut(&ReplaySummary),
    ) -> Result<ReplaySummary, ReplayError> {
        let (total, last) = self.store.count_logged(filter).await?;
        let mut summary = ReplaySummary { total, ..ReplaySummary::default() };
        let mut remembered = HashMap::new();
        let mut after = 0;
        loop {
            let page = self.store.logged_messages(filter, after, last, PAGE).await?;
            let Some(end) = page.last().map(|logged| logged.id) else { return Ok(summary) };
            after = end;
            summary.read = summary.read.saturating_add(u64::try_from(page.len()).unwrap_or_default());
            let messages = page.into_iter().map(|logged| self.read_again(logged, actor)).collect();
            let receipts = if dry_run {
                self.try_out(messages, &mut remembered).await?
            } else {
                self.store_again(messages).await?
            };
            for receipt in &receipts {
                summary.add(receipt);
            }
            progress(&summary);
        }
    }

    async fn store_again(&self, messages: Vec<ReadMessage>) -> Result<Vec<Receipt>, ReplayError> {
        let mut pending = Vec::with_capacity(messages.len());
        for message in messages {
            let (job, receipt) = job(message);
            self.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
            pending.push(receipt);
        }
        let mut receipts = Vec::with_capacity(pending.len());
        for receipt in pending {
            receipts.push(receipt.receipt().await?);
        }
        Ok(receipts)
    }

    /// Merges the messages and drops what comes of it, but for what later ones may build on.
    async fn try_out(
        &self,
        messages: Vec<ReadMessage>,
        remembered: &mut HashMap<OrderNumber, Order>,
    ) -> Result<Vec<Receipt>, ReplayError> {
        let works: Vec<Work> = messages.into_iter().map(|message| Work::Message(Box::new(message))).collect();
        let mut batch = self.store.begin().await?;
        let mut stored = writer::stored(&mut batch, &works).await?;
        drop(batch);
        if remembered.len() > REMEMBERED {
            remembered.clear();
        }
        stored.orders.extend(remembered.drain());
        let settled = settle(&works, stored, clock::now());
        remembered.extend(settled.orders.into_iter().map(|(number, working)| (number, working.order)));
        let no_ids = record::Ids::new();
        let done = settled.works.into_iter().map(|work| record::done(work, None, &no_ids));
        Ok(done.filter_map(Done::receipt).collect())
    }

    /// The message of a row as the present reading has it.
    fn read_again(&self, logged: LoggedMessage, actor: &str) -> ReadMessage {
        let replay = Replay { log_id: logged.id, at: clock::now() };
        let message = message(logged, actor);
        let nothing = message.refused.clone().unwrap_or_else(|| not_an_order(&message));
        let mut read = read::read(message, &self.orders);
        // A row stands for something that once looked like a card.
        if read.cards.is_empty() {
            read.cards.push(ParsedCard::NoOrder(Outcome::Rejected(nothing)));
        }
        ReadMessage { replay: Some(replay), ..read }
    }
}

/// The message that a row keeps.
fn message(logged: LoggedMessage, actor: &str) -> Message {
    let LoggedMessage { source, endpoint, message_id, payload, sent_at, received_at, .. } = logged;
    let message = match (logged.refused, source) {
        // What did not arrive whole is not read: it may end in the middle of an amount.
        (Some(why), _) => Message::refused(String::new(), &endpoint, received_at, why),
        (None, Source::DiscordBot) => posted(&payload, &endpoint, received_at),
        (None, Source::Webhook | Source::ManualUpload) => {
            let unwrapped = wrapped_payload(&payload);
            Message::from_payload(unwrapped.as_deref().unwrap_or(&payload), &endpoint, received_at)
        }
    };
    Message {
        source,
        at: sent_at,
        raw: payload,
        discord_id: message_id,
        actor: Some(actor.to_owned()),
        ..message
    }
}

/// A message of a channel.
fn posted(payload: &str, endpoint: &str, received_at: DateTime<Utc>) -> Message {
    let value = serde_json::from_str::<Value>(payload).ok();
    let message = value
        .zip(ChannelRef::from_endpoint(endpoint))
        .and_then(|(value, channel)| Message::from_discord(&value, channel, received_at));
    message.unwrap_or_else(|| Message::from_payload(payload, endpoint, received_at))
}

impl ReplaySummary {
    fn add(&mut self, receipt: &Receipt) {
        for card in &receipt.cards {
            let count = match card.outcome {
                Outcome::Created => &mut self.created,
                Outcome::Updated => &mut self.updated,
                Outcome::Unchanged | Outcome::Duplicate => &mut self.unchanged,
                Outcome::Ignored(_) => &mut self.ignored,
                Outcome::Rejected(_) => &mut self.rejected,
            };
            *count = count.saturating_add(1);
        }
    }
}
