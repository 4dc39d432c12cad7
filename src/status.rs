//! How the connection to Discord stands: written by the Discord edge, read by health and status
//! answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A board that one side writes and the others read; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StatusBoard(Arc<Mutex<DiscordStatus>>);

/// How the connection to Discord stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscordStatus {
    /// Whether another process on the same database watches Discord, and this one would take over.
    pub standby: bool,
    /// Whether a gateway session is up.
    pub connected: bool,
    /// Arrival of the last gateway event. UTC.
    pub last_event_at: Option<DateTime<Utc>>,
    /// Time between the last heartbeat and its answer.
    pub latency: Option<Duration>,
    /// Why ROMS goes on without the gateway for good, where it does.
    pub given_up: Option<String>,
    /// The watched channels, in the order of the configuration.
    pub channels: Vec<ChannelStatus>,
}

/// How a watched channel stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Channel id.
    pub id: i64,
    /// Its name in the configuration.
    pub name: String,
    /// Time of the message up to which all is stored. UTC.
    pub read_to: Option<DateTime<Utc>>,
    /// When the history was last read to its end. UTC.
    pub checked_at: Option<DateTime<Utc>>,
    /// Names of the permissions that the bot lacks there.
    pub missing: Vec<&'static str>,
    /// Why the channel cannot be read, where it cannot.
    pub error: Option<String>,
}

impl StatusBoard {
    /// How things stand now.
    #[must_use]
    pub fn snapshot(&self) -> DiscordStatus {
        self.lock().clone()
    }

    /// Changes what the board says.
    pub fn update(&self, change: impl FnOnce(&mut DiscordStatus)) {
        change(&mut self.lock());
    }

    /// Changes what the board says of one channel.
    pub fn update_channel(&self, id: i64, change: impl FnOnce(&mut ChannelStatus)) {
        self.update(|status| {
            if let Some(channel) = status.channels.iter_mut().find(|channel| channel.id == id) {
                change(channel);
            }
        });
    }

    /// A change is a few assignments, after each of which the board is whole.
    fn lock(&self) -> MutexGuard<'_, DiscordStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
