//! Ids of Discord's: guilds, channels, roles, users, webhooks, applications.

use super::node::{Node, Read, Value};

/// An id of Discord's, a positive number of 64 bits. It may be a text, as in Discord's own JSON.
pub(crate) fn id(node: &Node) -> Read<i64> {
    let id = match &node.value {
        Value::Integer(id) => Some(*id),
        Value::Text(text) | Value::Variable(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Not repeated: next to the token, it may be the token in the wrong line.
    id.filter(|id| *id > 0).ok_or_else(|| {
        node.refuse(
            "expected an id such as \"1112223334445556667\": in Discord, turn on Developer Mode, right-click, \
             Copy ID",
        )
    })
}
