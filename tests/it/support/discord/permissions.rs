//! Permission bits, and how Discord computes the bot's permissions in a channel.

use serde_json::{Value, json};

use super::{state::State, threads::PRIVATE_THREAD};

pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(crate) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;

/// The permissions of `@everyone` in a new guild.
pub(crate) const DEFAULT: u64 = ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS;

/// One of a channel's permission overwrites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overwrite {
    /// A role or a member.
    pub(crate) id: u64,
    /// Whether `id` is a member.
    pub(crate) member: bool,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

impl Overwrite {
    /// The overwrite as JSON.
    pub(super) fn to_json(self) -> Value {
        json!({
            "id": self.id.to_string(),
            "type": u8::from(self.member),
            "allow": self.allow.to_string(),
            "deny": self.deny.to_string(),
        })
    }
}

impl State {
    /// The bot's permissions in a guild, without overwrites of channels. None if it is not a member.
    pub(super) fn bot_permissions(&self, guild: u64) -> u64 {
        let Some(guild) = self.guilds.get(&guild).filter(|guild| guild.bot_is_member) else { return 0 };
        let bits = guild.everyone | guild.bot_role;
        if bits & ADMINISTRATOR == 0 { bits } else { u64::MAX }
    }

    /// The bot's permissions in a channel, in Discord's order: roles, then the overwrites of `@everyone`,
    /// of the role and of the member.
    pub(super) fn bot_permissions_in(&self, channel: u64) -> u64 {
        let Some(mut channel) = self.channels.get(&channel) else { return 0 };
        if let Some(thread) = &channel.thread {
            if channel.kind == PRIVATE_THREAD && !thread.has_bot {
                return 0;
            }
            // A thread has the permissions of its parent.
            channel = &self.channels[&thread.parent];
        }
        let mut bits = self.bot_permissions(channel.guild);
        if bits == u64::MAX || bits == 0 {
            return bits;
        }
        let (bot, role) = (self.application.bot_id, self.guilds[&channel.guild].bot_role_id);
        for (id, member) in [(channel.guild, false), (role, false), (bot, true)] {
            for row in channel.overwrites.iter().filter(|row| row.id == id && row.member == member) {
                bits = (bits & !row.deny) | row.allow;
            }
        }
        if bits & VIEW_CHANNEL == 0 { 0 } else { bits }
    }

    /// Whether the bot has all these permissions in the channel.
    pub(super) fn bot_may(&self, channel: u64, bits: u64) -> bool {
        self.bot_permissions_in(channel) & bits == bits
    }
}
