//! Remembers the edits and deletions that no event reported, or whose event could not be handled, until
//! the recheck has looked at those messages again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Most remembered messages of one channel. Beyond that the whole channel is rechecked.
const MAX_MESSAGES: usize = 10_000;

/// The channels and messages to recheck.
#[derive(Debug, Default)]
pub(crate) struct MissedEvents {
    channels: Mutex<BTreeMap<i64, Missed>>,
    added: Notify,
}

/// The messages to recheck in one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missed {
    /// Whether to recheck all messages of the last days, as many days as the channel's `edits` says.
    pub(crate) recent: bool,
    /// Single messages to recheck.
    pub(crate) messages: BTreeSet<i64>,
}

impl MissedEvents {
    /// Any recent message of a channel may have been edited or deleted.
    pub(crate) fn add_channel(&self, channel: i64) {
        self.lock().entry(channel).or_default().recent = true;
        self.added.notify_one();
    }

    /// These messages were edited or deleted.
    pub(crate) fn add_messages(&self, channel: i64, messages: impl IntoIterator<Item = i64>) {
        let mut channels = self.lock();
        let missed = channels.entry(channel).or_default();
        missed.messages.extend(messages);
        if missed.messages.len() > MAX_MESSAGES {
            *missed = Missed { recent: true, messages: BTreeSet::new() };
        }
        drop(channels);
        self.added.notify_one();
    }

    /// Remembers again what was taken.
    pub(crate) fn add(&self, channel: i64, missed: Missed) {
        if missed.recent {
            self.add_channel(channel);
        }
        self.add_messages(channel, missed.messages);
    }

    /// Takes out everything that must be rechecked, by channel or thread.
    pub(crate) fn take(&self) -> BTreeMap<i64, Missed> {
        std::mem::take(&mut self.lock())
    }

    /// Waits until something is added.
    pub(crate) async fn added(&self) {
        self.added.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Missed>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
