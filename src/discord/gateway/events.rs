//! Converts serenity's events into the events that ROMS handles. A message that serenity cannot
//! decode is passed on as the JSON that Discord sent.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use serenity::all::{Context, Event as SerenityEvent, Interaction, ShardManager};

use crate::card::decode::discord::id_field;

/// Handles the events of the gateway. It runs on serenity's thread, between two frames, so it must
/// neither block nor panic.
pub type EventHandler = Arc<dyn Fn(Event) + Send + Sync>;

/// An event of the gateway. Messages are Discord's JSON; an interaction is serenity's type, because
/// poise needs it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new session. Discord does not replay events from before it.
    Ready,
    /// A resumed session. Discord replays the events that were missed.
    Resumed,
    /// `MESSAGE_CREATE`.
    Created(Value),
    /// `MESSAGE_UPDATE`, complete or partial.
    Updated(Value),
    /// `MESSAGE_DELETE` or `MESSAGE_DELETE_BULK`.
    Deleted {
        /// The channel.
        channel: i64,
        /// The deleted messages.
        messages: Vec<i64>,
    },
    /// The bot's permissions may have changed: a role, a channel, its own member or a guild changed.
    PermissionsChanged,
    /// `INTERACTION_CREATE`: a command, button, select or modal.
    Interaction(Box<IncomingInteraction>),
}

/// An interaction, with what its answer needs.
#[derive(Clone, Debug)]
pub enum IncomingInteraction {
    /// An interaction with the serenity context that poise needs to answer it.
    Decoded {
        /// serenity's context.
        context: Context,
        /// serenity's shards.
        shards: Arc<ShardManager>,
        /// The interaction.
        interaction: Interaction,
    },
    /// An interaction that serenity cannot decode.
    Unreadable(UnreadableInteraction),
}

/// The readable parts of an interaction that serenity cannot decode.
#[derive(Clone)]
pub struct UnreadableInteraction {
    /// Discord's number of its type: 4 is autocompletion.
    pub(crate) kind: Option<u64>,
    /// Its id and its token. The token is secret while it is valid, which is 15 minutes.
    pub(crate) address: Option<(i64, String)>,
}

impl fmt::Debug for UnreadableInteraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnreadableInteraction").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Converts an event. Returns `None` for the kinds that ROMS does not handle.
pub(crate) fn convert(event: &SerenityEvent) -> Option<Event> {
    match event {
        SerenityEvent::Resumed(_) => Some(Event::Resumed),
        SerenityEvent::MessageCreate(created) => to_json(created).map(Event::Created),
        SerenityEvent::MessageUpdate(updated) => to_json(updated).map(without_nulls).map(Event::Updated),
        SerenityEvent::MessageDelete(deleted) => Some(Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: vec![deleted.message_id.get().cast_signed()],
        }),
        SerenityEvent::MessageDeleteBulk(deleted) => Some(Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: deleted.ids.iter().map(|id| id.get().cast_signed()).collect(),
        }),
        SerenityEvent::ChannelCreate(_)
        | SerenityEvent::ChannelUpdate(_)
        | SerenityEvent::GuildCreate(_)
        | SerenityEvent::GuildMemberUpdate(_)
        | SerenityEvent::GuildRoleCreate(_)
        | SerenityEvent::GuildRoleDelete(_)
        | SerenityEvent::GuildRoleUpdate(_) => Some(Event::PermissionsChanged),
        SerenityEvent::Unknown(unknown) => convert_undecoded(&unknown.kind, &unknown.value),
        _ => None,
    }
}

fn to_json(typed: &impl Serialize) -> Option<Value> {
    serde_json::to_value(typed).ok()
}

/// Removes the nulls that serenity writes for every field that an update does not contain.
fn without_nulls(mut update: Value) -> Value {
    if let Value::Object(fields) = &mut update {
        fields.retain(|_, value| !value.is_null());
    }
    update
}

fn convert_undecoded(kind: &str, data: &Value) -> Option<Event> {
    let deleted = |messages| Some(Event::Deleted { channel: id_field(data, "channel_id")?, messages });
    match kind {
        "RESUMED" => Some(Event::Resumed),
        "MESSAGE_CREATE" => Some(Event::Created(data.clone())),
        "MESSAGE_UPDATE" => Some(Event::Updated(data.clone())),
        "MESSAGE_DELETE" => deleted(vec![id_field(data, "id")?]),
        "MESSAGE_DELETE_BULK" => {
            let ids = data["ids"].as_array()?.iter();
            deleted(ids.filter_map(|id| id.as_str()?.parse().ok()).collect())
        }
        "CHANNEL_CREATE"
        | "CHANNEL_UPDATE"
        | "GUILD_CREATE"
        | "GUILD_MEMBER_UPDATE"
        | "GUILD_ROLE_CREATE"
        | "GUILD_ROLE_DELETE"
        | "GUILD_ROLE_UPDATE" => Some(Event::PermissionsChanged),
        _ => None,
    }
}

/// The JSON of an interaction that serenity could not decode.
pub(crate) fn undecoded_interaction(event: &SerenityEvent) -> Option<&Value> {
    match event {
        SerenityEvent::Unknown(unknown) if unknown.kind == "INTERACTION_CREATE" => Some(&unknown.value),
        _ => None,
    }
}

/// Decodes such an interaction after removing the likely cause: the content of the message that a context
/// menu was opened on. The command fetches that message itself.
pub(crate) fn decode_interaction(undecoded: &Value) -> Option<Interaction> {
    let mut interaction = undecoded.clone();
    let messages = interaction.pointer_mut("/data/resolved/messages")?.as_object_mut()?;
    for message in messages.values_mut() {
        *message = without_content(message)?;
    }
    serde_json::from_value(interaction).ok()
}

/// The readable parts of an interaction.
pub(crate) fn unreadable_interaction(undecoded: &Value) -> UnreadableInteraction {
    let token = undecoded.get("token").and_then(Value::as_str).map(str::to_owned);
    UnreadableInteraction {
        kind: undecoded.get("type").and_then(Value::as_u64),
        address: id_field(undecoded, "id").zip(token),
    }
}

/// The smallest object that serenity decodes as a message.
fn without_content(message: &Value) -> Option<Value> {
    Some(json!({
        "id": message.get("id")?, "channel_id": message.get("channel_id")?,
        "author": {"id": message.pointer("/author/id")?, "username": "unknown"},
        "content": "", "timestamp": message.get("timestamp")?, "tts": false, "mention_everyone": false,
        "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "pinned": false, "type": 0,
    }))
}
