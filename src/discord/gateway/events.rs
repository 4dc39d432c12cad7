//! serenity's events as ours. A message that serenity cannot decode comes as the JSON that it was.

use serde::Serialize;
use serde_json::Value;
use serenity::all::Event as Theirs;

use crate::discord::Event;
use crate::message::discord::id_of;

/// The event, where it is one that matters here.
pub(super) fn read(event: &Theirs) -> Option<Event> {
    match event {
        Theirs::Resumed(_) => Some(Event::Resumed),
        Theirs::MessageCreate(created) => json(created).map(Event::Created),
        Theirs::MessageUpdate(updated) => json(updated).map(without_nulls).map(Event::Updated),
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

fn json(typed: &impl Serialize) -> Option<Value> {
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
