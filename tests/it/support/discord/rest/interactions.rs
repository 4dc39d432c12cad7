//! Application commands, and what the bot answers to an interaction.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{interactions::Reply as Written, limits, payload, state::State};
use super::{
    File,
    body::Ask,
    channels::{attachments, message_of},
    reply::Reply,
};

/// How long a token waits for its first answer, and for the last.
const FIRST: Duration = Duration::from_secs(3);
const LAST: Duration = Duration::from_mins(15);

/// Flag of a message that only the caller sees.
const EPHEMERAL: u64 = 64;

/// Reads or replaces the commands of a guild, or the global ones.
pub(super) fn commands(state: &mut State, ask: &Ask, application: &str, guild: Option<&str>) -> Reply {
    if application != state.application.id.to_string() {
        return Reply::error(403, 20012, "You are not authorized to perform this action on this application");
    }
    let place = match guild.map(str::parse::<u64>).transpose() {
        Ok(Some(id)) if !state.guilds.get(&id).is_some_and(|guild| guild.bot_is_member) => {
            return Reply::missing_access();
        }
        Ok(place) => place,
        Err(_) => return Reply::error(404, 10004, "Unknown Guild"),
    };
    if ask.method == "PUT" {
        let Some(commands) = ask.body.as_array() else {
            return Reply::invalid_form("commands", "not a list");
        };
        if let Some((place, why)) = commands.iter().find_map(|command| limits::check_command(command).err()) {
            return Reply::invalid_form(place, &why);
        }
        let whole = commands.iter().map(|command| complete(state, command, place)).collect();
        state.commands.insert(place, whole);
    }
    Reply::ok(state.commands.get(&place).cloned().unwrap_or_default().into())
}

/// A command as Discord gives it back; it keeps its id while it keeps its name.
fn complete(state: &mut State, command: &Value, guild: Option<u64>) -> Value {
    let same = |old: &&Value| old["name"] == command["name"] && kind(old) == kind(command);
    let old = state.commands.get(&guild).and_then(|all| all.iter().find(same)).map(|old| old["id"].clone());
    let id = old.unwrap_or_else(|| state.ids.now().to_string().into());
    let mut whole = command.clone();
    payload::absorb(
        &mut whole,
        &json!({
            "id": id, "application_id": state.application.id.to_string(), "version": state.ids.now().to_string(),
        }),
    );
    let usual = json!({"type": 1, "description": "", "default_member_permissions": null, "nsfw": false});
    payload::supply(&mut whole, &usual);
    if let Some(guild) = guild {
        payload::absorb(&mut whole, &json!({"guild_id": guild.to_string()}));
    }
    whole
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

/// The first answer to an interaction.
pub(super) fn callback(state: &mut State, ask: &Ask, id: &str, token: &str) -> Reply {
    let Some(exchange) = state.interactions.get_mut(token).filter(|it| it.id.to_string() == id) else {
        return Reply::error(404, 10062, "Unknown interaction");
    };
    if exchange.callback.is_some() {
        return Reply::error(400, 40060, "Interaction has already been acknowledged.");
    }
    if exchange.age() > FIRST {
        return Reply::error(404, 10062, "Unknown interaction");
    }
    let data = &ask.body["data"];
    let kind = ask.body["type"].as_u64().unwrap_or_default();
    let checked = match kind {
        4 => limits::check(data, ask.files.len()),
        7 => limits::check_parts(data),
        8 => limits::check_choices(data),
        9 => limits::check_modal(data),
        5 | 6 => Ok(()),
        _ => Err(("type", "no such callback type".to_owned())),
    };
    if let Err((place, why)) = checked {
        return Reply::invalid_form(place, &why);
    }
    exchange.callback = Some(ask.body.clone());
    exchange.ephemeral = data["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0;
    match kind {
        4 => {
            respond(state, data, &ask.files, token, true);
        }
        7 => {
            let (channel, source) = (exchange.channel, exchange.source);
            if let Some(message) = source {
                edit(state, channel, message, data, &ask.files);
            }
        }
        _ => {}
    }
    Reply::empty()
}

/// A further message; after a deferral the first of them is the original.
pub(super) fn follow_up(state: &mut State, ask: &Ask, token: &str) -> Reply {
    let Some(exchange) = state.interactions.get(token) else {
        return Reply::error(404, 10015, "Unknown Webhook");
    };
    if exchange.callback.is_none() || exchange.age() > LAST {
        return Reply::error(404, 10015, "Unknown Webhook");
    }
    if let Err((place, why)) = limits::check(&ask.body, ask.files.len()) {
        return Reply::invalid_form(place, &why);
    }
    let deferred = exchange.callback.as_ref().is_some_and(|body| body["type"] == 5);
    let is_original = deferred && exchange.original.is_none();
    Reply::ok(respond(state, &ask.body, &ask.files, token, is_original))
}

/// Writes a message of an interaction: into the channel, or for the caller alone.
fn respond(state: &mut State, body: &Value, files: &[File], token: &str, is_original: bool) -> Value {
    let bot = state.application.bot();
    let application = state.application.id.to_string();
    let exchange = &state.interactions[token];
    let private = if is_original && exchange.callback.as_ref().is_some_and(|body| body["type"] == 5) {
        exchange.ephemeral
    } else {
        body["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0
    };
    let channel = exchange.channel;
    let by = json!({"author": bot, "webhook_id": application, "application_id": application});
    let mut message = message_of(body, files, &by);
    if private {
        message["flags"] = (message["flags"].as_u64().unwrap_or_default() | EPHEMERAL).into();
    }
    let whole = if private {
        let id = state.ids.now();
        payload::complete_message(&mut message, id, channel);
        message
    } else {
        state.write(channel, message)
    };
    if let Some(exchange) = state.interactions.get_mut(token) {
        let id = whole["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        if is_original {
            exchange.original = Some(id);
        }
        exchange.replies.push(Written { message: id, value: whole.clone(), files: files.to_vec() });
    }
    whole
}

/// `@original` or a follow-up by its id: read, edited, deleted.
pub(super) fn message(state: &mut State, ask: &Ask, application: &str, token: &str, message: &str) -> Reply {
    if application != state.application.id.to_string() {
        return Reply::unknown_route();
    }
    let Some(exchange) = state.interactions.get(token) else {
        return Reply::error(404, 10015, "Unknown Webhook");
    };
    let updates_source =
        exchange.callback.as_ref().is_some_and(|body| matches!(body["type"].as_u64(), Some(6 | 7)));
    let (original, source, channel) = (exchange.original, exchange.source, exchange.channel);
    if message == "@original" && original.is_none() && !updates_source && ask.method == "PATCH" {
        // An edit of a deferred answer is the answer.
        return Reply::ok(respond(state, &ask.body, &ask.files, token, true));
    }
    let id = if message == "@original" {
        original.or(source.filter(|_| updates_source))
    } else {
        message.parse().ok()
    };
    let Some(id) = id else { return Reply::unknown_message() };
    let kept = state.interactions[token].replies.iter().find(|reply| reply.message == id);
    let found = kept.map(|reply| reply.value.clone()).or_else(|| state.message(channel, id));
    match (ask.method.as_str(), found) {
        (_, None) => Reply::unknown_message(),
        ("GET", Some(found)) => Reply::ok(found),
        ("PATCH", Some(_)) => match limits::check_parts(&ask.body) {
            Ok(()) => Reply::ok(edit(state, channel, id, &ask.body, &ask.files)),
            Err((place, why)) => Reply::invalid_form(place, &why),
        },
        ("DELETE", Some(_)) => {
            state.remove(channel, &[id], false);
            for exchange in state.interactions.values_mut() {
                exchange.replies.retain(|reply| reply.message != id);
            }
            Reply::empty()
        }
        _ => Reply::unknown_route(),
    }
}

/// Changes a message of an interaction, in the channel and where only its caller sees it.
fn edit(state: &mut State, channel: u64, id: u64, change: &Value, files: &[File]) -> Value {
    let mut change = payload::without(change.clone(), &["allowed_mentions", "attachments", "flags"]);
    if !files.is_empty() {
        change["attachments"] = attachments(files).into();
    }
    let whole = state.rewrite(channel, id, &change, true);
    let mut last = whole.clone().unwrap_or_default();
    for reply in state.interactions.values_mut().flat_map(|it| &mut it.replies).filter(|it| it.message == id)
    {
        payload::absorb(&mut reply.value, whole.as_ref().unwrap_or(&change));
        payload::complete_embeds(&mut reply.value);
        if !files.is_empty() {
            reply.files = files.to_vec();
        }
        last = reply.value.clone();
    }
    last
}
