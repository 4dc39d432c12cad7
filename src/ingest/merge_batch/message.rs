//! A message after merging: its answer, its outcome as a whole, and its row in the webhook log.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::card::outcome::{Outcome, Receipt};
use crate::ingest::parse::ParsedMessage;
use crate::store::LogEntry;

/// A message after merging.
#[derive(Debug)]
pub(crate) struct MergedMessage {
    /// The deduplication key, if the message owns it.
    pub(crate) key: Option<String>,
    /// The key that all versions of the message share, if it can have several.
    pub(crate) identity: Option<String>,
    /// The time at which the message counts as sent. For a retry, this is the time of the first message.
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) target: LogTarget,
    /// The answer. The row ids of new orders and of the log row are filled in after the write.
    pub(crate) receipt: Receipt,
}

/// The change to a message's row in the webhook log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogTarget {
    /// No row: an unchanged copy, or a replayed row that no longer exists.
    Skip,
    /// A new row.
    Insert,
    /// The replayed row is updated.
    Update { log_id: i64, previous_outcome: String },
}

impl MergedMessage {
    /// Whether this is a sender's retry of a stored message: another log row owns its key.
    pub(crate) fn is_retry_of(&self, parsed: &ParsedMessage) -> bool {
        parsed.key.is_some() && self.key.is_none()
    }

    /// The outcome for the message as a whole. A replay never downgrades the outcome of a message that was
    /// stored.
    pub(crate) fn outcome(&self) -> &'static str {
        let names = self.receipt.cards.iter().map(|card| card.outcome.as_str());
        let outcome = names.min_by_key(|name| rank(name)).unwrap_or("rejected");
        let LogTarget::Update { previous_outcome, .. } = &self.target else { return outcome };
        let previous = Outcome::NAMES.into_iter().find(|name| name == previous_outcome);
        previous
            .filter(|previous| is_stored(previous) && is_stored(outcome) && rank(previous) < rank(outcome))
            .unwrap_or(outcome)
    }

    /// The message's row in the log. The row ids of the orders must be known.
    pub(crate) fn log_entry(&self, parsed: &ParsedMessage) -> LogEntry {
        let outcomes = self.receipt.cards.iter().map(|card| &card.outcome);
        let reason =
            outcomes.filter(|outcome| outcome.code().is_some()).min_by_key(|outcome| rank(outcome.as_str()));
        let mut named = HashSet::new();
        let ids = self.receipt.cards.iter().filter_map(|card| card.order.as_ref().map(|(id, _)| *id));
        let message = &parsed.message;
        LogEntry {
            id: match self.target {
                LogTarget::Update { log_id, .. } => log_id,
                LogTarget::Insert | LogTarget::Skip => 0,
            },
            source: message.source.as_str().to_owned(),
            source_key: self.key.clone(),
            endpoint: message.endpoint.clone(),
            message_id: message.discord_id,
            content_hash: parsed.content_hash.clone(),
            outcome: self.outcome().to_owned(),
            code: reason.and_then(Outcome::code).map(str::to_owned),
            error_message: reason.and_then(Outcome::reason),
            warnings: self.receipt.cards.iter().flat_map(|card| card.warnings.clone()).collect(),
            order_ids: ids.filter(|id| named.insert(*id)).collect(),
            payload: message.raw.clone(),
            flattened: parsed.flattened.clone(),
            sent_at: self.sent_at,
            created_at: message.received_at,
            deleted_at: None,
            emptied_at: None,
        }
    }
}

/// Whether a message with this outcome has made, changed or confirmed an order.
pub(crate) fn is_stored(outcome: &str) -> bool {
    rank(outcome) < rank("duplicate")
}

/// The outcome of the card with the lowest rank is the outcome of its message. Outcomes that stored something
/// rank lowest.
fn rank(outcome: &str) -> usize {
    const RANKING: [&str; 6] = ["created", "updated", "unchanged", "duplicate", "rejected", "ignored"];
    RANKING.iter().position(|name| *name == outcome).unwrap_or(RANKING.len())
}
