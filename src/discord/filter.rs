//! Which messages of a watched channel are cards, by who sent them. Pure.

use serde_json::Value;

use crate::card::decode::discord::id_of;
use crate::config::{Channel, Trust};

/// Whether a message object of a watched channel comes from somebody who is trusted there. A
/// forwarded message counts by the channel's setting, for its snapshot names no author.
///
/// Only ids count: the name and picture of a webhook are its sender's to choose.
#[must_use]
pub(crate) fn is_trusted(message: &Value, channel: &Channel) -> bool {
    if is_forwarded(message) {
        return channel.forwarded;
    }
    let webhook = id_of(message, "webhook_id");
    let application = id_of(message, "application_id");
    let author = message.get("author").and_then(|author| id_of(author, "id"));
    match &channel.trust {
        // The reply of a bot to a command carries its application's id for a webhook's, and may
        // repeat what any member typed.
        Trust::Webhooks => webhook.is_some() && !is_reply_to_command(message),
        Trust::Listed { webhooks, applications, authors } => {
            let listed = |list: &[i64], id: Option<i64>| id.is_some_and(|id| list.contains(&id));
            // A webhook's author is the webhook itself, under any name.
            listed(webhooks, webhook) || listed(applications, application) || listed(authors, author)
        }
    }
}

/// Whether a message says nothing that could be a card, so that it may be incomplete.
#[must_use]
pub(crate) fn is_empty(message: &Value) -> bool {
    let blank = |key| match message.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    ["content", "embeds", "components", "attachments", "message_snapshots"].into_iter().all(blank)
}

/// Whether an update names its sender and its content, as a whole message does.
#[must_use]
pub(crate) fn is_whole(message: &Value) -> bool {
    message.get("author").is_some_and(Value::is_object)
        && ["content", "embeds"].into_iter().all(|key| message.get(key).is_some_and(|value| !value.is_null()))
}

fn is_forwarded(message: &Value) -> bool {
    message.get("message_snapshots").and_then(Value::as_array).is_some_and(|snapshots| !snapshots.is_empty())
}

fn is_reply_to_command(message: &Value) -> bool {
    ["interaction", "interaction_metadata"].iter().any(|key| message.get(key).is_some_and(Value::is_object))
}
