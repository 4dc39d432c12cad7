//! Converts serenity's events into the events that ROMS handles. A message that serenity cannot
//! decode is passed on as the JSON that Discord sent.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use serenity::all::{Context, Event as SerenityEvent, GuildChannel, Interaction, ShardManager};

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
    /// Channels or threads that Discord described: of a guild, or new or changed ones.
    Channels {
        /// The guild, if the channels do not name it.
        guild: Option<i64>,
        /// Discord's JSON, at least id, type and parent.
        channels: Vec<Value>,
    },
    /// `THREAD_DELETE`.
    ThreadDeleted(i64),
    /// The bot's permissions may have changed: a role, a channel, its own member or a guild changed.
    PermissionsChanged,
    /// `INTERACTION_CREATE`: a command, button, select or modal.
    Interaction(Box<IncomingInteraction>),
}

/// An interaction, with what its answer needs.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it is always boxed, and hardly ever the small variant")]
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

/// Converts an event. Returns nothing for the kinds that ROMS does not handle.
pub(crate) fn convert(event: &SerenityEvent) -> Vec<Event> {
    let one = |channel: &GuildChannel| Event::Channels { guild: None, channels: vec![brief(channel)] };
    match event {
        SerenityEvent::Resumed(_) => vec![Event::Resumed],
        SerenityEvent::MessageCreate(created) => to_json(created).map(Event::Created).into_iter().collect(),
        SerenityEvent::MessageUpdate(updated) => {
            to_json(updated).map(without_nulls).map(Event::Updated).into_iter().collect()
        }
        SerenityEvent::MessageDelete(deleted) => vec![Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: vec![deleted.message_id.get().cast_signed()],
        }],
        SerenityEvent::MessageDeleteBulk(deleted) => vec![Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: deleted.ids.iter().map(|id| id.get().cast_signed()).collect(),
        }],
        SerenityEvent::GuildCreate(created) => {
            let guild = &created.guild;
            let channels = guild.channels.values().chain(&guild.threads).map(brief).collect();
            let guild = Some(guild.id.get().cast_signed());
            vec![Event::Channels { guild, channels }, Event::PermissionsChanged]
        }
        SerenityEvent::ChannelCreate(created) => {
            vec![one(&created.channel), Event::PermissionsChanged]
        }
        SerenityEvent::ThreadCreate(created) => vec![one(&created.thread)],
        SerenityEvent::ThreadUpdate(updated) => vec![one(&updated.thread)],
        SerenityEvent::ThreadListSync(synced) => vec![Event::Channels {
            guild: Some(synced.guild_id.get().cast_signed()),
            channels: synced.threads.iter().map(brief).collect(),
        }],
        SerenityEvent::ThreadDelete(deleted) => {
            vec![Event::ThreadDeleted(deleted.thread.id.get().cast_signed())]
        }
        SerenityEvent::ChannelUpdate(_)
        | SerenityEvent::GuildMemberUpdate(_)
        | SerenityEvent::GuildRoleCreate(_)
        | SerenityEvent::GuildRoleDelete(_)
        | SerenityEvent::GuildRoleUpdate(_) => vec![Event::PermissionsChanged],
        SerenityEvent::Unknown(unknown) => convert_undecoded(&unknown.kind, &unknown.value),
        _ => Vec::new(),
    }
}

/// The part of a channel that ROMS needs.
fn brief(channel: &GuildChannel) -> Value {
    json!({
        "id": channel.id, "type": channel.kind, "guild_id": channel.guild_id, "parent_id": channel.parent_id,
    })
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

fn convert_undecoded(kind: &str, data: &Value) -> Vec<Event> {
    let deleted = |messages| id_field(data, "channel_id").map(|channel| Event::Deleted { channel, messages });
    let list = |key: &str| data.get(key).and_then(Value::as_array).into_iter().flatten();
    let one = |event: Option<Event>| event.into_iter().collect();
    match kind {
        "RESUMED" => vec![Event::Resumed],
        "MESSAGE_CREATE" => vec![Event::Created(data.clone())],
        "MESSAGE_UPDATE" => vec![Event::Updated(data.clone())],
        "MESSAGE_DELETE" => one(id_field(data, "id").and_then(|id| deleted(vec![id]))),
        "MESSAGE_DELETE_BULK" => {
            one(deleted(list("ids").filter_map(|id| id.as_str()?.parse().ok()).collect()))
        }
        "GUILD_CREATE" => {
            let channels = list("channels").chain(list("threads")).cloned().collect();
            vec![Event::Channels { guild: id_field(data, "id"), channels }, Event::PermissionsChanged]
        }
        "CHANNEL_CREATE" => {
            vec![Event::Channels { guild: None, channels: vec![data.clone()] }, Event::PermissionsChanged]
        }
        "THREAD_CREATE" | "THREAD_UPDATE" => {
            vec![Event::Channels { guild: None, channels: vec![data.clone()] }]
        }
        "THREAD_LIST_SYNC" => {
            let channels = list("threads").cloned().collect();
            vec![Event::Channels { guild: id_field(data, "guild_id"), channels }]
        }
        "THREAD_DELETE" => one(id_field(data, "id").map(Event::ThreadDeleted)),
        "CHANNEL_UPDATE"
        | "GUILD_MEMBER_UPDATE"
        | "GUILD_ROLE_CREATE"
        | "GUILD_ROLE_DELETE"
        | "GUILD_ROLE_UPDATE" => vec![Event::PermissionsChanged],
        _ => Vec::new(),
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
