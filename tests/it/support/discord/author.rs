//! Authors of messages: webhooks, people and other bots.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Channel, Draft, Guild, payload,
    snowflake::timestamp,
    state::{Reaction, Shared, WebhookState},
};

/// Fields that identify a message and its author. They are removed from a body that was copied from another message.
const IDENTITY: [&str; 8] =
    ["id", "channel_id", "guild_id", "webhook_id", "author", "member", "timestamp", "edited_timestamp"];

/// An incoming webhook.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    shared: Arc<Shared>,
    id: u64,
    channel: u64,
}

impl Webhook {
    pub(super) fn new(shared: Arc<Shared>, channel: u64, name: &str, application: Option<u64>) -> Self {
        let id = shared.with(|state| {
            let id = state.ids.now();
            let token = format!("double-{id}");
            state.webhooks.insert(id, WebhookState { channel, name: name.to_owned(), token, application });
            id
        });
        Self { shared, id, channel }
    }

    /// Its id. Its messages have it as `webhook_id` and as author id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The URL to post to.
    pub(crate) fn url(&self) -> String {
        self.shared.read(|state| {
            let token = &state.webhooks[&self.id].token;
            format!("http://{}/api/v10/webhooks/{}/{token}", state.gateway.address, self.id)
        })
    }

    /// Posts a message. The body may be a whole message, such as a card from a file; its ids, author and
    /// times are ignored. `username` sets another name, as with a real webhook.
    pub(crate) fn post(&self, body: Value) -> u64 {
        self.draft(body).post()
    }

    /// Prepares a message, to be posted in a special way.
    pub(crate) fn draft(&self, body: Value) -> Draft {
        self.draft_of(self.channel, body)
    }

    /// Prepares a message in a thread of its channel.
    pub(crate) fn draft_in(&self, thread: &Channel, body: Value) -> Draft {
        self.draft_of(thread.id(), body)
    }

    fn draft_of(&self, channel: u64, body: Value) -> Draft {
        let author = self.shared.read(|state| state.webhooks[&self.id].author(self.id, body.get("username")));
        let mut message = payload::without(payload::without(body, &IDENTITY), &["username", "avatar_url"]);
        payload::absorb(&mut message, &author);
        Draft::new(Arc::clone(&self.shared), channel, message)
    }
}

/// A person, or a bot other than the one under test.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(super) shared: Arc<Shared>,
    id: u64,
    pub(super) value: Value,
    pub(super) roles: Vec<u64>,
    pub(super) permissions: u64,
    /// The largest file, in bytes, that a bot may attach to an answer.
    pub(super) attachment_limit: u32,
}

impl User {
    pub(super) fn new(shared: Arc<Shared>, name: &str, bot: bool) -> Self {
        let id = shared.with(|state| state.ids.now());
        let value = payload::user(id, name, bot);
        let permissions = super::permissions::DEFAULT;
        Self { shared, id, value, roles: Vec::new(), permissions, attachment_limit: 10_485_760 }
    }

    /// Their id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Sets the user's roles, for interactions and as a member.
    pub(crate) fn with_roles(mut self, roles: &[u64]) -> Self {
        self.roles = roles.to_vec();
        self
    }

    /// Sets the user's permissions in interactions. The default is [`super::permissions::DEFAULT`].
    pub(crate) fn with_permissions(mut self, permissions: u64) -> Self {
        self.permissions = permissions;
        self
    }

    /// Sets the largest file that a bot may attach to an answer.
    pub(crate) fn with_attachment_limit(mut self, bytes: u32) -> Self {
        self.attachment_limit = bytes;
        self
    }

    /// Joins a guild.
    pub(crate) fn join(&self, guild: &Guild) {
        self.shared.with(|state| {
            if let Some(guild) = state.guilds.get_mut(&guild.id()) {
                guild.members.insert(self.id, payload::member(&self.value, &self.roles));
            }
        });
    }

    /// Leaves a guild.
    pub(crate) fn leave(&self, guild: &Guild) {
        self.shared.with(|state| {
            if let Some(guild) = state.guilds.get_mut(&guild.id()) {
                guild.members.remove(&self.id);
            }
        });
    }

    /// Posts a text.
    pub(crate) fn post(&self, channel: &Channel, text: &str) -> u64 {
        self.draft(channel, json!({"content": text})).post()
    }

    /// Prepares a message, to be posted in a special way.
    pub(crate) fn draft(&self, channel: &Channel, body: Value) -> Draft {
        let mut message = payload::without(body, &IDENTITY);
        payload::absorb(&mut message, &json!({"author": self.value}));
        Draft::new(Arc::clone(&self.shared), channel.id(), message)
    }

    /// Forwards a message. The new message is empty except for a snapshot of the original.
    ///
    /// # Panics
    /// When the message does not exist.
    pub(crate) fn forward(&self, from: &Channel, id: u64, to: &Channel) -> Draft {
        let original =
            self.shared.read(|state| state.channels[&from.id()].history.get(&id).map(|it| it.value.clone()));
        let original = original.unwrap_or_else(|| panic!("channel {} has no message {id}", from.id()));
        let snapshot = payload::without(
            original,
            &[
                "id",
                "channel_id",
                "webhook_id",
                "author",
                "application_id",
                "mention_everyone",
                "pinned",
                "tts",
            ],
        );
        let body = json!({
            "message_reference": {
                "type": 1, "message_id": id.to_string(), "channel_id": from.id().to_string(),
                "guild_id": from.guild_id().to_string(),
            },
            "message_snapshots": [{"message": snapshot}],
            "flags": 1 << 14,
        });
        self.draft(to, body)
    }

    /// Reacts to a message.
    pub(crate) fn react(&self, channel: &Channel, id: u64, emoji: &str) {
        let reaction = Reaction { emoji: emoji.to_owned(), user: self.id };
        self.shared.with(|state| state.react(channel.id(), id, &reaction));
    }

    /// The user as JSON.
    pub(crate) fn to_json(&self) -> Value {
        self.value.clone()
    }

    /// The member object of an interaction.
    pub(super) fn member(&self) -> Value {
        let mut member = payload::member(&self.value, &self.roles);
        let joined = timestamp(super::snowflake::time_of(self.id));
        payload::absorb(
            &mut member,
            &json!({"permissions": self.permissions.to_string(), "joined_at": joined}),
        );
        member
    }
}
