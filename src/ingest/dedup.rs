//! Deduplication: decides whether a message has been applied before. Pure.
//!
//! A Discord message is identified by its id; it counts as new only if its content changed since it was last
//! applied. The same holds for the edits of a message over a webhook link. Any other HTTP body has no id, so
//! identical bytes within 24 hours are treated as a retry by the sender.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::parse::ParsedMessage;
use crate::store::LoggedMessage;

/// How long identical HTTP bodies count as retries of the first.
pub(crate) const RETRY_WINDOW: TimeDelta = TimeDelta::hours(24);

/// How a message relates to earlier messages with the same deduplication key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// First message with this key, or a changed version of an earlier one. Carries the previous owner of the key,
    /// which has to give it up.
    New { previous_owner: Option<KeyOwner> },
    /// An HTTP sender's retry. It is logged again, but applied with the time of the first message, so that it cannot
    /// overwrite newer facts.
    Retry(LoggedMessage),
    /// An unchanged or older copy of a Discord message. It is not even logged.
    Unchanged,
}

/// Which message currently owns a deduplication key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOwner {
    /// A row of `webhook_logs`.
    LogRow(i64),
    /// A message of the current batch, by its index among the messages.
    InBatch(usize),
}

/// The owner of each key: rows of the log, and the messages of the batch so far.
#[derive(Debug)]
pub(crate) struct KeyOwners(HashMap<String, (KeyOwner, LoggedMessage)>);

impl KeyOwners {
    pub(crate) fn new(logged: HashMap<String, LoggedMessage>) -> Self {
        Self(logged.into_iter().map(|(key, row)| (key, (KeyOwner::LogRow(row.log_id), row))).collect())
    }

    /// Judges message number `index` of the batch. A new message becomes the owner of its key.
    pub(crate) fn claim(&mut self, message: &ParsedMessage, index: usize) -> Verdict {
        let Some(key) = &message.key else { return Verdict::New { previous_owner: None } };
        let previous_owner = match self.0.get(key) {
            None => None,
            Some((owner, earlier)) => match compare(message, earlier) {
                Verdict::New { .. } => Some(*owner),
                verdict => return verdict,
            },
        };
        self.0.insert(key.clone(), (KeyOwner::InBatch(index), logged(message, 0)));
        Verdict::New { previous_owner }
    }

    /// Whether a newer version of this message of a webhook link is known. Only for replayed messages.
    pub(crate) fn is_edited(&self, message: &ParsedMessage) -> bool {
        message.key_of_edits().is_some_and(|key| self.0.contains_key(&key))
    }

    /// Whether an edit of this stored message of a webhook link is known.
    pub(crate) fn is_edited_since(&self, first: &LoggedMessage) -> bool {
        self.0.contains_key(&first.key_of_edits())
    }

    /// Claims the key for a log row that is being replayed. Returns `None` if another message owns it.
    pub(crate) fn reclaim(&mut self, message: &ParsedMessage, log_id: i64) -> Option<String> {
        let key = message.key.clone()?;
        if self.0.get(&key).is_some_and(|(owner, _)| *owner != KeyOwner::LogRow(log_id)) {
            return None;
        }
        self.0.insert(key.clone(), (KeyOwner::LogRow(log_id), logged(message, log_id)));
        Some(key)
    }
}

fn logged(ParsedMessage { message, content_hash, .. }: &ParsedMessage, log_id: i64) -> LoggedMessage {
    LoggedMessage {
        log_id,
        sent_at: message.at,
        received_at: message.received_at,
        content_hash: content_hash.clone(),
    }
}

/// Decides whether a message repeats the earlier message with its key, is a newer edit of it, or is new.
fn compare(ParsedMessage { message, content_hash, .. }: &ParsedMessage, earlier: &LoggedMessage) -> Verdict {
    match content_hash {
        Some(_) if *content_hash == earlier.content_hash || message.at < earlier.sent_at => {
            Verdict::Unchanged
        }
        None if message.received_at - earlier.received_at < RETRY_WINDOW => Verdict::Retry(earlier.clone()),
        Some(_) | None => Verdict::New { previous_owner: None },
    }
}
