//! Decides which messages of a watched channel ROMS reads, by their sender. Pure.

use serde_json::Value;

use crate::card::decode::discord::id_field;
use crate::config::{Channel, Trust};

/// Whether the sender of a message is trusted in its channel. A forwarded message does not name its
/// author, so the channel's `forwarded` setting decides.
///
/// Only ids count. The sender of a webhook message chooses its name and picture freely.
#[must_use]
pub(crate) fn is_trusted(message: &Value, channel: &Channel) -> bool {
    if is_forwarded(message) {
        return channel.forwarded;
    }
    let webhook = id_field(message, "webhook_id");
    let application = id_field(message, "application_id");
    let author = message.get("author").and_then(|author| id_field(author, "id"));
    match &channel.trust {
        // A bot's reply to a command has the id of its application as `webhook_id`, and may repeat
        // text that any member typed.
        Trust::Webhooks => webhook.is_some() && !is_command_reply(message),
        Trust::Listed { webhooks, applications, authors } => {
            let listed = |list: &[i64], id: Option<i64>| id.is_some_and(|id| list.contains(&id));
            // The author of a webhook message is the webhook itself.
            listed(webhooks, webhook) || listed(applications, application) || listed(authors, author)
        }
    }
}

/// Whether a message has no content at all. It may be incomplete then.
#[must_use]
pub(crate) fn is_empty(message: &Value) -> bool {
    let is_blank = |key| match message.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    ["content", "embeds", "components", "attachments", "message_snapshots"].into_iter().all(is_blank)
}

/// Whether an update contains the whole message, not only the changed fields.
#[must_use]
pub(crate) fn is_complete(message: &Value) -> bool {
    message.get("author").is_some_and(Value::is_object)
        && ["content", "embeds"].into_iter().all(|key| message.get(key).is_some_and(|value| !value.is_null()))
}

/// Whether a message was forwarded from another channel.
#[must_use]
pub(crate) fn is_forwarded(message: &Value) -> bool {
    message.get("message_snapshots").and_then(Value::as_array).is_some_and(|snapshots| !snapshots.is_empty())
}

fn is_command_reply(message: &Value) -> bool {
    ["interaction", "interaction_metadata"].iter().any(|key| message.get(key).is_some_and(Value::is_object))
}
