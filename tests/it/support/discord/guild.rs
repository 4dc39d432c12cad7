//! A guild, as its owner changes it.

use std::sync::Arc;

use super::{Channel, payload, state::Shared, threads::FORUM};

/// A guild of the double.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    shared: Arc<Shared>,
    id: u64,
}

impl Guild {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Makes a text channel.
    pub(crate) fn channel(&self, name: &str) -> Channel {
        self.channel_of_kind(name, 0)
    }

    /// Makes a forum.
    pub(crate) fn forum(&self, name: &str) -> Channel {
        self.channel_of_kind(name, FORUM)
    }

    fn channel_of_kind(&self, name: &str, kind: u64) -> Channel {
        let id = self.shared.with(|state| state.add_channel(self.id, name, kind));
        Channel::new(Arc::clone(&self.shared), id, self.id)
    }

    /// Makes a role and returns its id.
    pub(crate) fn role(&self, name: &str, permissions: u64) -> u64 {
        self.shared.with(|state| {
            let id = state.ids.now();
            if let Some(guild) = state.guilds.get_mut(&self.id) {
                guild.roles.push((id, name.to_owned(), permissions));
            }
            id
        })
    }

    /// Sets the permissions of `@everyone`.
    pub(crate) fn set_everyone(&self, permissions: u64) {
        self.shared.with(|state| {
            if let Some(guild) = state.guilds.get_mut(&self.id) {
                guild.everyone = permissions;
            }
            let role = payload::roles(state, self.id).swap_remove(0);
            let data = serde_json::json!({"guild_id": self.id.to_string(), "role": role});
            state.emit("GUILD_ROLE_UPDATE", None, &data);
        });
    }

    /// Sets the permissions of the bot's own role.
    pub(crate) fn set_bot_role(&self, permissions: u64) {
        self.shared.with(|state| {
            if let Some(guild) = state.guilds.get_mut(&self.id) {
                guild.bot_role = permissions;
            }
            let role = payload::roles(state, self.id).swap_remove(1);
            let data = serde_json::json!({"guild_id": self.id.to_string(), "role": role});
            state.emit("GUILD_ROLE_UPDATE", None, &data);
        });
    }

    /// Removes the bot from the guild.
    pub(crate) fn kick_bot(&self) {
        self.shared.with(|state| {
            state.emit("GUILD_DELETE", None, &serde_json::json!({"id": self.id.to_string()}));
            if let Some(guild) = state.guilds.get_mut(&self.id) {
                guild.bot_is_member = false;
            }
        });
    }

    /// Invites the bot again.
    pub(crate) fn invite_bot(&self) {
        self.shared.with(|state| {
            if let Some(guild) = state.guilds.get_mut(&self.id) {
                guild.bot_is_member = true;
            }
            let whole = payload::guild_create(state, self.id);
            state.emit("GUILD_CREATE", None, &whole);
        });
    }
}
