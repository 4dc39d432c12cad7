//! Incoming webhooks. The same path with an application id belongs to an interaction.

use serde_json::{Value, json};

use super::super::{
    limits,
    state::{State, WebhookState},
};
use super::{body::Ask, channels::message_of, interactions, reply::Reply};

fn find<'a>(state: &'a State, id: &str, token: &str) -> Result<(u64, &'a WebhookState), Reply> {
    let known = id.parse().ok().and_then(|id| Some((id, state.webhooks.get(&id)?)));
    let (id, hook) = known.ok_or_else(|| Reply::error(404, 10015, "Unknown Webhook"))?;
    if hook.token == token { Ok((id, hook)) } else { Err(Reply::error(401, 50027, "Invalid Webhook Token")) }
}

pub(super) fn show(state: &State, id: &str, token: &str) -> Reply {
    match find(state, id, token) {
        Ok((id, hook)) => Reply::ok(json!({
            "id": id.to_string(), "type": 1, "name": hook.name, "avatar": null, "token": hook.token,
            "channel_id": hook.channel.to_string(), "application_id": hook.application.map(|id| id.to_string()),
            "guild_id": state.channels[&hook.channel].guild.to_string(),
        })),
        Err(refusal) => refusal,
    }
}

/// Posts as the webhook. With `?wait=true` it returns the message.
pub(super) fn execute(state: &mut State, ask: &Ask, id: &str, token: &str) -> Reply {
    if id == state.application.id.to_string() {
        return interactions::follow_up(state, ask, token);
    }
    let (written_by, channel) = match find(state, id, token) {
        Ok((id, hook)) => (hook.author(id, ask.body.get("username")), hook.channel),
        Err(refusal) => return refusal,
    };
    if let Err((place, why)) = limits::check(&ask.body, ask.files.len()) {
        return Reply::invalid_form(place, &why);
    }
    let message = state.write(channel, message_of(&ask.body, &ask.files, &written_by));
    if ask.query.get("wait").is_some_and(|wait| wait == "true") { Reply::ok(message) } else { Reply::empty() }
}

impl WebhookState {
    /// The author fields of the webhook's messages.
    pub(in super::super) fn author(&self, id: u64, shown_as: Option<&Value>) -> Value {
        let name = shown_as.and_then(Value::as_str).unwrap_or(&self.name);
        let mut written_by =
            json!({"author": super::super::payload::user(id, name, true), "webhook_id": id.to_string()});
        if let Some(application) = self.application {
            written_by["application_id"] = application.to_string().into();
        }
        written_by
    }
}
