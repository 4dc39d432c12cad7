//! Replay: reads stored messages again with the current parser and merges them like new ones.
//!
//! Each message keeps its log row and its own time, so that it fills what is empty and never overwrites what newer
//! messages or people said. Replaying twice changes nothing. Duplicates and rows whose payload was deleted are
//! skipped. At the end, orders in whose messages the current parser finds no order are cancelled.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::false_orders::{Reading, Suspects};
use super::legacy::is_legacy_key;
use super::merge_batch::{is_stored, merge_batch};
use super::parse::{self, ParsedMessage, Replay};
use super::writer::batch_keys;
use super::{Ingest, Job, ReplayFilter, SubmitError, message_job};
use crate::card::decode::discord::ChannelRef;
use crate::card::decode::form::wrapped_payload;
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt, Rejection, RejectionCode};
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::order::{Order, OrderNumber, Source};
use crate::store::{LogEntry, StoreError};

/// Rows that are in memory at once.
const PAGE_SIZE: u64 = 64;
/// Orders that a dry run remembers.
const MAX_REMEMBERED_ORDERS: usize = 10_000;

/// The result of a replay so far. `read` and `total` count rows, the others count their cards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Rows to replay.
    pub total: u64,
    /// Rows replayed.
    pub read: u64,
    /// Cards that created an order.
    pub created: u64,
    /// Cards that changed an order.
    pub updated: u64,
    /// Cards that said nothing new.
    pub unchanged: u64,
    /// Cards that are not orders.
    pub ignored: u64,
    /// Cards that cannot be read.
    pub rejected: u64,
    /// Orders that the replay cancelled, because none of their messages reads as an order.
    pub cancelled: Vec<OrderNumber>,
}

/// Why a row was not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The row is a duplicate of another one.
    #[error("this row is a duplicate of an earlier one; replay that one")]
    Duplicate,
    /// The payload of the row was deleted, or the message was empty.
    #[error("the payload of this row is empty")]
    Empty,
    /// The pipeline did not accept the message.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ingest {
    /// Replays one row of the log; `Ok(None)` if there is no such row. The actor is `discord:` and a user's id, or
    /// `cli`.
    ///
    /// # Errors
    /// If the row cannot be replayed, while shutting down, and if the database fails.
    pub async fn replay_one(&self, log_id: i64, actor: &str) -> Result<Option<Receipt>, ReplayError> {
        let Some(row) = self.store.log(log_id).await? else { return Ok(None) };
        if row.payload.is_empty() {
            return Err(ReplayError::Empty);
        }
        if row.outcome == Outcome::Duplicate.as_str() {
            return Err(ReplayError::Duplicate);
        }
        let named = row.order_ids.clone();
        let parsed = self.parse_row(row, actor);
        let reading = Reading::new(&named, &parsed.cards);
        let (job, pending) = message_job(parsed);
        self.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
        let receipt = pending.receipt().await?;
        let mut suspects = Suspects::default();
        suspects.add(&reading, &receipt);
        for order in self.false_orders(&suspects, &HashMap::new()).await? {
            self.cancel_false_order(&order, actor).await?;
        }
        // The receipt has no log row if the row was removed in the meantime.
        Ok(receipt.log_id.is_some().then_some(receipt))
    }

    /// Replays the rows that match the filter, oldest first, and reports progress after each page. Rows that arrive
    /// in the meantime are not included.
    ///
    /// A dry run stores nothing, and only reads from the database. It remembers the last 10,000 orders as the run
    /// would have left them, so that several rows about one order are counted correctly. If more orders are
    /// involved, it may count a card as created that would update an order of the same run.
    ///
    /// # Errors
    /// While shutting down and if the database fails. What was replayed until then is stored.
    pub async fn replay(
        &self,
        filter: &ReplayFilter,
        dry_run: bool,
        actor: &str,
        mut progress: impl FnMut(&ReplaySummary),
    ) -> Result<ReplaySummary, ReplayError> {
        let (total, last) = self.store.count_replayable(filter).await?;
        let mut summary = ReplaySummary { total, ..ReplaySummary::default() };
        let (mut remembered, mut suspects) = (Remembered::default(), Suspects::default());
        let mut after = 0;
        loop {
            let page = self.store.replayable(filter, after, last, PAGE_SIZE).await?;
            let Some(end) = page.last().map(|row| row.id) else { break };
            after = end;
            summary.read += page.len() as u64;
            let mut readings = Vec::with_capacity(page.len());
            let messages = page.into_iter().map(|row| {
                let named = row.order_ids.clone();
                let parsed = self.parse_row(row, actor);
                readings.push(Reading::new(&named, &parsed.cards));
                parsed
            });
            let receipts = if dry_run {
                self.preview(messages, &mut remembered).await?
            } else {
                self.store_all(messages).await?
            };
            for (receipt, reading) in receipts.iter().zip(&readings) {
                summary.add(receipt);
                suspects.add(reading, receipt);
            }
            progress(&summary);
        }
        for order in self.false_orders(&suspects, &remembered.orders).await? {
            if dry_run || self.cancel_false_order(&order, actor).await? {
                summary.cancelled.push(order.number);
            }
        }
        Ok(summary)
    }

    async fn store_all(
        &self,
        messages: impl Iterator<Item = ParsedMessage>,
    ) -> Result<Vec<Receipt>, ReplayError> {
        let mut waiting = Vec::new();
        for message in messages {
            let (job, pending) = message_job(message);
            self.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
            waiting.push(pending);
        }
        let mut receipts = Vec::with_capacity(waiting.len());
        for pending in waiting {
            receipts.push(pending.receipt().await?);
        }
        Ok(receipts)
    }

    /// Merges messages without storing anything. Keeps the merged orders for the next page.
    async fn preview(
        &self,
        messages: impl Iterator<Item = ParsedMessage>,
        remembered: &mut Remembered,
    ) -> Result<Vec<Receipt>, ReplayError> {
        let jobs: Vec<Job> = messages.map(|message| message_job(message).0).collect();
        let mut stored = self.store.read_state(&batch_keys(&jobs)).await?;
        if remembered.orders.len() > MAX_REMEMBERED_ORDERS {
            *remembered = Remembered::default();
        }
        stored.orders.retain(|number, _| !remembered.former_numbers.contains(number));
        stored.orders.extend(remembered.orders.drain());
        let merged = merge_batch(&jobs, stored, clock::now());
        remembered.former_numbers.extend(merged.former_numbers().cloned());
        let orders = merged.orders.into_iter().map(|(number, pending)| (number, pending.order));
        remembered.orders.extend(orders);
        Ok(merged.messages.into_iter().map(|message| message.receipt).collect())
    }

    /// Parses the message of a log row with the current parser.
    pub(crate) fn parse_row(&self, row: LogEntry, actor: &str) -> ParsedMessage {
        let replay = Replay { log_id: row.id, was_stored: is_stored(&row.outcome), at: clock::now() };
        let imported = row.source_key.clone().filter(|key| is_legacy_key(key)).zip(row.content_hash.clone());
        let message = message_of(row, actor);
        let nothing_found = parse::why_refused(&message);
        let mut parsed = parse::parse(message, &self.orders);
        // A row exists only because the message once looked like a card, so that it needs an outcome.
        if parsed.cards.is_empty() {
            parsed.cards.push(ParsedCard::NoOrder(Outcome::Rejected(nothing_found)));
        }
        if let Some((key, content_hash)) = imported {
            (parsed.key, parsed.content_hash) = (Some(key), Some(content_hash));
        }
        ParsedMessage { replay: Some(replay), ..parsed }
    }
}

/// The orders as a dry run would have left them so far.
#[derive(Debug, Default)]
struct Remembered {
    orders: HashMap<OrderNumber, Order>,
    /// Numbers that their orders no longer have.
    former_numbers: HashSet<OrderNumber>,
}

/// The message that a row holds.
fn message_of(row: LogEntry, actor: &str) -> Message {
    let LogEntry { source, endpoint, message_id, code, error_message, payload, sent_at, created_at, .. } =
        row;
    let source = Source::from_name(&source).unwrap_or(Source::ManualUpload);
    let code = RejectionCode::ALL.into_iter().find(|known| code.as_deref() == Some(known.as_str()));
    let message = match (code.filter(|code| code.is_truncated()), source) {
        // A message that did not arrive completely may end in the middle of an amount, so it is not parsed.
        (Some(code), _) => {
            let rejection = Rejection { code, detail: error_message.unwrap_or_default() };
            Message::refused(String::new(), &endpoint, created_at, rejection)
        }
        (None, source) => stored_message(source, &payload, &endpoint, created_at),
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

/// Decodes the payload of a log row as its edge did when the message arrived.
pub(crate) fn stored_message(
    source: Source,
    payload: &str,
    endpoint: &str,
    received_at: DateTime<Utc>,
) -> Message {
    match source {
        Source::DiscordBot => discord_message(payload, endpoint, received_at),
        Source::Webhook | Source::ManualUpload => {
            let unwrapped = wrapped_payload(payload);
            Message::from_payload(unwrapped.as_deref().unwrap_or(payload), endpoint, received_at)
        }
    }
}

fn discord_message(payload: &str, endpoint: &str, received_at: DateTime<Utc>) -> Message {
    let value = serde_json::from_str::<Value>(payload).ok();
    value
        .zip(ChannelRef::from_endpoint(endpoint))
        .and_then(|(value, channel)| Message::from_discord(&value, channel, received_at))
        .unwrap_or_else(|| Message::from_payload(payload, endpoint, received_at))
}

impl ReplaySummary {
    fn add(&mut self, receipt: &Receipt) {
        for card in &receipt.cards {
            *match card.outcome {
                Outcome::Created => &mut self.created,
                Outcome::Updated => &mut self.updated,
                Outcome::Unchanged | Outcome::Duplicate => &mut self.unchanged,
                Outcome::Ignored(_) => &mut self.ignored,
                Outcome::Rejected(_) => &mut self.rejected,
            } += 1;
        }
    }
}
