//! A message of a Discord channel, from Discord's own JSON.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::json;
use crate::card::message::Message;
use crate::order::Source;
use crate::order::dates::to_micros;

/// Milliseconds from the Unix epoch to Discord's, the first of 2015.
/// <https://discord.com/developers/docs/reference#snowflakes>
const DISCORD_EPOCH: i64 = 1_420_070_400_000;

/// A channel of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRef {
    /// The guild's id.
    pub guild: i64,
    /// The channel's id.
    pub channel: i64,
}

impl ChannelRef {
    /// The endpoint of a message from this channel, as the webhook log has it.
    #[must_use]
    pub fn endpoint(self) -> String {
        format!("discord/{}/{}", self.guild, self.channel)
    }

    /// The channel of such an endpoint.
    #[must_use]
    pub fn from_endpoint(endpoint: &str) -> Option<Self> {
        let (guild, channel) = endpoint.strip_prefix("discord/")?.split_once('/')?;
        Some(Self { guild: guild.parse().ok()?, channel: channel.parse().ok()? })
    }
}

impl Message {
    /// Reads a message object of the gateway or of the history. `None` where it has no id.
    #[must_use]
    pub fn from_discord(value: &Value, channel: ChannelRef, received_at: DateTime<Utc>) -> Option<Self> {
        let id = json::snowflake(value, "id")?;
        let sent = json::time(value, "edited_timestamp").or_else(|| json::time(value, "timestamp"));
        Some(Self {
            source: Source::DiscordBot,
            at: to_micros(sent.unwrap_or_else(|| snowflake_time(id))),
            parts: json::parts(value),
            discord_id: Some(id),
            ..Self::unread(value.to_string(), &channel.endpoint(), received_at)
        })
    }
}

/// When a snowflake was made. UTC, milliseconds.
#[must_use]
pub fn snowflake_time(snowflake: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis((snowflake >> 22).saturating_add(DISCORD_EPOCH)).unwrap_or_default()
}

/// The smallest snowflake of a time, 0 for times before Discord.
#[must_use]
pub fn snowflake_at(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis().saturating_sub(DISCORD_EPOCH).clamp(0, i64::MAX >> 22) << 22
}

/// The id in a field of a message object, written as a string or as a number.
#[must_use]
pub fn id_field(value: &Value, key: &str) -> Option<i64> {
    json::snowflake(value, key)
}
