//! serenity's events as ours. A message that serenity cannot decode comes as the JSON that it was.

use serde::Serialize;
use serde_json::{Value, json};
use serenity::all::{Event as Theirs, Interaction};

use crate::card::decode::discord::id_of;
use crate::discord::Event;

/// The event, where it is one that matters here.
pub(crate) fn read(event: &Theirs) -> Option<Event> {
    match event {
        Theirs::Resumed(_) => Some(Event::Resumed),
        Theirs::MessageCreate(created) => to_json(created).map(Event::Created),
        Theirs::MessageUpdate(updated) => to_json(updated).map(without_nulls).map(Event::Updated),
        Theirs::MessageDelete(deleted) => Some(Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: vec![deleted.message_id.get().cast_signed()],
        }),
        Theirs::MessageDeleteBulk(deleted) => Some(Event::Deleted {
            channel: deleted.channel_id.get().cast_signed(),
            messages: deleted.ids.iter().map(|id| id.get().cast_signed()).collect(),
        }),
        Theirs::Unknown(unknown) => undecoded(&unknown.kind, &unknown.value),
        _ => None,
    }
}

fn to_json(typed: &impl Serialize) -> Option<Value> {
    serde_json::to_value(typed).ok()
}

/// An update states only what has changed; serenity writes null for all the rest.
fn without_nulls(mut update: Value) -> Value {
    if let Value::Object(fields) = &mut update {
        fields.retain(|_, value| !value.is_null());
    }
    update
}

fn undecoded(kind: &str, data: &Value) -> Option<Event> {
    let deleted = |messages| Some(Event::Deleted { channel: id_of(data, "channel_id")?, messages });
    match kind {
        "RESUMED" => Some(Event::Resumed),
        "MESSAGE_CREATE" => Some(Event::Created(data.clone())),
        "MESSAGE_UPDATE" => Some(Event::Updated(data.clone())),
        "MESSAGE_DELETE" => deleted(vec![id_of(data, "id")?]),
        "MESSAGE_DELETE_BULK" => {
            let ids = data["ids"].as_array()?.iter();
            deleted(ids.filter_map(|id| id.as_str()?.parse().ok()).collect())
        }
        _ => None,
    }
}

/// An interaction that serenity could not decode, less what it most likely stumbled over: the message
/// that a menu was opened on, which is another's and may hold anything. Whoever needs that message
/// asks for it.
pub(crate) fn undecoded_interaction(event: &Theirs) -> Option<Interaction> {
    let Theirs::Unknown(unknown) = event else { return None };
    if unknown.kind != "INTERACTION_CREATE" {
        return None;
    }
    let mut interaction = unknown.value.clone();
    let messages = interaction.pointer_mut("/data/resolved/messages")?.as_object_mut()?;
    for message in messages.values_mut() {
        *message = without_content(message)?;
    }
    serde_json::from_value(interaction).ok()
}

/// The least that serenity takes for a message.
fn without_content(message: &Value) -> Option<Value> {
    Some(json!({
        "id": message.get("id")?, "channel_id": message.get("channel_id")?,
        "author": {"id": message.pointer("/author/id")?, "username": "unknown"},
        "content": "", "timestamp": message.get("timestamp")?, "tts": false, "mention_everyone": false,
        "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "pinned": false, "type": 0,
    }))
}
