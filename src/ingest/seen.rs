//! Whether a message was taken before. Pure.
//!
//! A Discord message has an id, and is news when its content differs from what was last taken
//! under that id. An HTTP body has none: the same bytes within a day are the same message.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::read::ReadMessage;
use crate::store::KnownMessage;

/// How long the same bytes over HTTP count as the same message again.
const REPEAT_WINDOW: TimeDelta = TimeDelta::hours(24);

/// How a message stands to what was taken before under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Never seen; or it takes the place of an earlier one under the same key.
    New,
    /// The same HTTP body again: of the time of the first, and logged once more.
    Again(KnownMessage),
    /// A copy of a Discord message that holds nothing new: not even logged.
    Copy,
}

/// The messages known under each key: those of the log, and those of the batch so far.
#[derive(Debug)]
pub(crate) struct Known(HashMap<String, (Holder, KnownMessage)>);

/// Who has the key at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A row of the log.
    Row(i64),
    /// A message of this batch, by its position.
    Batch(usize),
}

impl Known {
    pub(crate) fn new(logged: HashMap<String, KnownMessage>) -> Self {
        Self(logged.into_iter().map(|(key, known)| (key, (Holder::Row(known.log_id), known))).collect())
    }

    /// Looks at message number `position` of the batch, which takes the key if it is new. Gives
    /// who had the key before, to be released.
    pub(crate) fn take(&mut self, message: &ReadMessage, position: usize) -> (Seen, Option<Holder>) {
        let Some(key) = &message.key else { return (Seen::New, None) };
        let before = self.0.get(key);
        match before.map(|(_, known)| seen(message, known)) {
            Some(seen @ (Seen::Again(_) | Seen::Copy)) => return (seen, None),
            Some(Seen::New) | None => {}
        }
        let before = self.0.insert(key.clone(), (Holder::Batch(position), known(message, 0)));
        (Seen::New, before.map(|(holder, _)| holder))
    }

    /// A message of the log that is read again keeps its key, or takes it where nobody has it.
    /// Gives the key, where it is its own then.
    pub(crate) fn take_back(&mut self, message: &ReadMessage, log_id: i64) -> Option<String> {
        let key = message.key.clone()?;
        let is_free = self.0.get(&key).is_none_or(|(holder, _)| *holder == Holder::Row(log_id));
        is_free.then(|| {
            self.0.insert(key.clone(), (Holder::Row(log_id), known(message, log_id)));
            key
        })
    }
}

fn known(message: &ReadMessage, log_id: i64) -> KnownMessage {
    KnownMessage {
        log_id,
        sent_at: message.at,
        received_at: message.received_at,
        content_hash: message.content_hash.clone(),
    }
}

fn seen(message: &ReadMessage, known: &KnownMessage) -> Seen {
    match &message.content_hash {
        Some(hash) if known.content_hash.as_ref() == Some(hash) || message.at < known.sent_at => Seen::Copy,
        None if message.received_at - known.received_at < REPEAT_WINDOW => Seen::Again(known.clone()),
        Some(_) | None => Seen::New,
    }
}
