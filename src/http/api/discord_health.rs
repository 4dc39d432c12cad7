//! How the connection to Discord is, as a part of the health answer.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::health::milliseconds;
use crate::status::{ChannelStatus, DiscordStatus};

/// The role of a process that has nothing to do with Discord until another one is gone.
const STANDBY: &str = "standby";

/// How the connection to Discord is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiscordCheck {
    /// `leader`: this process watches Discord. `standby`: another one on the same database does,
    /// and this one takes over when that is gone.
    role: &'static str,
    /// Whether the gateway brings events.
    connected: bool,
    /// When it last brought one.
    last_event_at: Option<DateTime<Utc>>,
    /// Time between a heartbeat and its answer, in milliseconds.
    latency_ms: Option<f64>,
    /// Why ROMS goes on without Discord, where it does.
    given_up: Option<String>,
    /// The watched channels.
    channels: Vec<ChannelCheck>,
}

/// How a watched channel is.
#[derive(Debug, Serialize, ToSchema)]
struct ChannelCheck {
    /// Channel id, as text: it is too large for a JavaScript number.
    id: String,
    /// Its name in the configuration.
    name: String,
    /// Age of the last message up to which all is stored, in seconds.
    cursor_age_seconds: Option<i64>,
    /// When the history was last read to its end.
    checked_at: Option<DateTime<Utc>>,
    /// Permissions that the bot lacks.
    missing_permissions: Vec<&'static str>,
    /// Why the channel cannot be read, where it cannot.
    error: Option<String>,
}

impl DiscordCheck {
    pub(crate) fn new(status: DiscordStatus, now: DateTime<Utc>) -> Self {
        Self {
            role: if status.standby { STANDBY } else { "leader" },
            connected: status.connected,
            last_event_at: status.last_event_at,
            latency_ms: status.latency.map(milliseconds),
            given_up: status.given_up,
            channels: status.channels.into_iter().map(|channel| ChannelCheck::new(channel, now)).collect(),
        }
    }

    /// Whether cards may be waiting in Discord.
    pub(crate) fn is_degraded(&self) -> bool {
        let unread =
            |channel: &ChannelCheck| channel.error.is_some() || !channel.missing_permissions.is_empty();
        self.role != STANDBY
            && (!self.connected || self.given_up.is_some() || self.channels.iter().any(unread))
    }
}

impl ChannelCheck {
    fn new(channel: ChannelStatus, now: DateTime<Utc>) -> Self {
        Self {
            id: channel.id.to_string(),
            name: channel.name,
            cursor_age_seconds: channel.read_to.map(|read_to| (now - read_to).num_seconds().max(0)),
            checked_at: channel.checked_at,
            missing_permissions: channel.missing,
            error: channel.error,
        }
    }
}
