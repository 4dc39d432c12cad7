//! The state of the Discord connection, shared between the Discord edge and its readers.
//!
//! The Discord edge writes it. Slash commands and the HTTP health endpoint read it. It lives in the
//! state layer, beside [`crate::feed`], because the two edges must not import each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The state of the Discord connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StatusBoard(Arc<Mutex<DiscordStatus>>);

/// The state of the Discord connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscordStatus {
    /// Whether this process watches Discord. Otherwise another process on the same database may, and this one waits to
    /// take over.
    pub leads: bool,
    /// Whether there is a gateway session.
    pub connected: bool,
    /// How often there was a new gateway session or a resumed one.
    pub sessions: u64,
    /// How many messages were stored from the history.
    pub history_messages: u64,
    /// Time of the last gateway event. UTC.
    pub last_event_at: Option<DateTime<Utc>>,
    /// Time between the last heartbeat and its acknowledgement.
    pub latency: Option<Duration>,
    /// Why ROMS continues without Discord, if Discord refused the bot for good.
    pub given_up: Option<String>,
    /// The watched channels, in the order of the configuration.
    pub channels: Vec<ChannelStatus>,
}

/// The state of a watched channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Channel id.
    pub id: i64,
    /// The name from the configuration.
    pub name: String,
    /// Every message up to this time is stored. UTC.
    pub read_to: Option<DateTime<Utc>>,
    /// When the history was last read to its end. UTC.
    pub checked_at: Option<DateTime<Utc>>,
    /// Names of the permissions that the bot lacks.
    pub missing: Vec<&'static str>,
    /// Why the channel cannot be read.
    pub error: Option<String>,
    /// Whether it is a forum.
    pub is_forum: bool,
    /// Its threads, if they are watched and have been listed.
    pub threads: Option<ThreadsStatus>,
}

/// The state of the threads of a watched channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadsStatus {
    /// How many threads are not archived.
    pub active: usize,
    /// Why some thread cannot be read.
    pub error: Option<String>,
}

impl ChannelStatus {
    /// Why the channel or one of its threads cannot be read.
    #[must_use]
    pub fn any_error(&self) -> Option<&str> {
        self.error.as_deref().or_else(|| self.threads.as_ref()?.error.as_deref())
    }
}

impl StatusBoard {
    /// A copy of the current state.
    #[must_use]
    pub fn snapshot(&self) -> DiscordStatus {
        self.lock().clone()
    }

    /// Changes the state.
    pub fn update(&self, change: impl FnOnce(&mut DiscordStatus)) {
        change(&mut self.lock());
    }

    /// Changes the state of one channel. Does nothing if the channel is not watched.
    pub fn update_channel(&self, id: i64, change: impl FnOnce(&mut ChannelStatus)) {
        self.update(|status| {
            if let Some(channel) = status.channels.iter_mut().find(|channel| channel.id == id) {
                change(channel);
            }
        });
    }

    /// Ignores poisoning: a change is a few independent assignments.
    fn lock(&self) -> MutexGuard<'_, DiscordStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
