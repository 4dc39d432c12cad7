//! Application commands, and the bot's answers to interactions.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    components, interactions::Exchange, interactions::Reply as Written, limits, payload, schema,
    schema::Body, state::State,
};
use super::{
    File,
    body::Ask,
    channels::{attachments, message_of},
    reply::Reply,
};

/// How long a token accepts its first answer, and any answer.
const FIRST: Duration = Duration::from_secs(3);
const LAST: Duration = Duration::from_mins(15);

/// The flag of an ephemeral message.
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
        let commands = ask.body.as_array().map_or(&[][..], Vec::as_slice);
        let fits = schema::check(Body::Commands, &ask.body)
            .and_then(|()| commands.iter().try_for_each(limits::check_command));
        if let Err((place, why)) = fits {
            return refuse(state, ask, place, &why);
        }
        let whole = commands.iter().map(|command| complete(state, command, place)).collect();
        state.commands.insert(place, whole);
    }
    Reply::ok(state.commands.get(&place).cloned().unwrap_or_default().into())
}

/// A command as Discord returns it. It keeps its id as long as its name does not change.
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
    // Discord adds keys, some of them new to every client.
    let usual = json!({
        "type": 1, "description": "", "default_member_permissions": null, "nsfw": false,
        "integration_types": [0], "a_new_key": {"of": "Discord"},
    });
    payload::supply(&mut whole, &usual);
    if let Some(guild) = guild {
        payload::absorb(&mut whole, &json!({"guild_id": guild.to_string()}));
    }
    whole
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

/// Refuses a request and records the violation.
fn refuse(state: &mut State, ask: &Ask, place: &str, why: &str) -> Reply {
    state.violations.push(format!("{} {}: {place}: {why}", ask.method, ask.path));
    Reply::invalid_form(place, why)
}

/// The first answer to an interaction.
pub(super) fn callback(state: &mut State, ask: &Ask, id: &str, token: &str) -> Reply {
    let Some(exchange) = state.interactions.get(token).filter(|it| it.id.to_string() == id) else {
        return Reply::error(404, 10062, "Unknown interaction");
    };
    if exchange.callback.is_some() {
        refuse(state, ask, "type", "acknowledged already");
        return Reply::error(400, 40060, "Interaction has already been acknowledged.");
    }
    if exchange.age() > FIRST {
        return Reply::error(404, 10062, "Unknown interaction");
    }
    if let Err((place, why)) = check_callback(exchange, ask) {
        return refuse(state, ask, place, &why);
    }
    let data = &ask.body["data"];
    let source = exchange.source.map(|source| (exchange.channel, source));
    if let Some(exchange) = state.interactions.get_mut(token) {
        exchange.callback = Some(ask.body.clone());
        exchange.ephemeral = data["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0;
    }
    match (ask.body["type"].as_u64(), source) {
        (Some(4), _) => {
            respond(state, data, &ask.files, token, true);
        }
        (Some(7), Some((channel, source))) => {
            edit(state, token, channel, source, data, &ask.files);
        }
        _ => {}
    }
    Reply::empty()
}

/// Checks that a first answer is valid for the kind of interaction.
fn check_callback(exchange: &Exchange, ask: &Ask) -> Result<(), limits::Broken> {
    let kind = ask.body["type"].as_u64().unwrap_or_default();
    let allowed: &[u64] = match (exchange.kind, exchange.source) {
        (2, _) => &[4, 5, 9],
        (3, _) => &[4, 5, 6, 7, 9],
        (4, _) => &[8],
        (_, Some(_)) => &[4, 5, 6, 7],
        (_, None) => &[4, 5],
    };
    let body = Body::of_callback(kind).filter(|_| allowed.contains(&kind));
    let body = body.ok_or_else(|| ("type", format!("{kind}: Value must be one of {allowed:?}.")))?;
    schema::check(body, &ask.body)?;
    let data = &ask.body["data"];
    match kind {
        4 => limits::check(data, ask.files.len()),
        7 => limits::check_parts(data),
        8 => limits::check_choices(data),
        9 => components::check_modal(data),
        _ => Ok(()),
    }
}

/// A follow-up message. After a deferral, the first one is the original.
pub(super) fn follow_up(state: &mut State, ask: &Ask, token: &str) -> Reply {
    let Some(exchange) = state.interactions.get(token) else {
        return Reply::error(404, 10015, "Unknown Webhook");
    };
    if exchange.age() > LAST {
        return Reply::error(401, 50027, "Invalid Webhook Token");
    }
    let Some(callback) = &exchange.callback else {
        refuse(state, ask, "token", "nothing was acknowledged yet");
        return Reply::error(404, 10015, "Unknown Webhook");
    };
    let is_original = callback["type"] == 5 && exchange.original.is_none();
    let fits =
        schema::check(Body::FollowUp, &ask.body).and_then(|()| limits::check(&ask.body, ask.files.len()));
    if let Err((place, why)) = fits {
        return refuse(state, ask, place, &why);
    }
    Reply::ok(respond(state, &ask.body, &ask.files, token, is_original))
}

/// Writes a message of an interaction into the channel, or as an ephemeral message.
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

/// Reads, edits or deletes `@original` or a follow-up.
pub(super) fn message(state: &mut State, ask: &Ask, application: &str, token: &str, message: &str) -> Reply {
    if application != state.application.id.to_string() {
        return Reply::unknown_route();
    }
    let Some(exchange) = state.interactions.get(token) else {
        return Reply::error(404, 10015, "Unknown Webhook");
    };
    if exchange.age() > LAST {
        return Reply::error(401, 50027, "Invalid Webhook Token");
    }
    let begun = exchange.callback.as_ref().and_then(|body| body["type"].as_u64());
    let (original, channel) = (exchange.original, exchange.channel);
    let source = exchange.source.filter(|_| matches!(begun, Some(6 | 7)));
    let is_first = message == "@original" && original.is_none() && begun == Some(5);
    if ask.method == "PATCH" {
        let fits = schema::check(Body::Edit, &ask.body).and_then(|()| {
            if is_first { limits::check(&ask.body, ask.files.len()) } else { limits::check_parts(&ask.body) }
        });
        if let Err((place, why)) = fits {
            return refuse(state, ask, place, &why);
        }
        if is_first {
            // Editing a deferred answer sends it.
            return Reply::ok(respond(state, &ask.body, &ask.files, token, true));
        }
    }
    let id = if message == "@original" { original.or(source) } else { message.parse().ok() };
    let kept = |id| {
        let mut replies = state.interactions.values().flat_map(|it| &it.replies);
        replies.find(|reply| reply.message == id).map(|reply| reply.value.clone())
    };
    let found = id.and_then(|id| Some((id, kept(id).or_else(|| state.message(channel, id))?)));
    match (ask.method.as_str(), found) {
        (_, None) => {
            refuse(state, ask, "message", "there is none");
            Reply::unknown_message()
        }
        ("GET", Some((_, found))) => Reply::ok(found),
        ("PATCH", Some((id, _))) => Reply::ok(edit(state, token, channel, id, &ask.body, &ask.files)),
        ("DELETE", Some((id, _))) => {
            state.remove(channel, &[id], false);
            for exchange in state.interactions.values_mut() {
                exchange.replies.retain(|reply| reply.message != id);
            }
            Reply::empty()
        }
        _ => Reply::unknown_route(),
    }
}

/// Changes a message of an interaction, in the channel or as an ephemeral message.
fn edit(state: &mut State, token: &str, channel: u64, id: u64, change: &Value, files: &[File]) -> Value {
    if let Some(exchange) = state.interactions.get_mut(token).filter(|it| it.source == Some(id)) {
        exchange.updates += 1;
    }
    let before = state.message(channel, id);
    let mut rest = payload::without(change.clone(), &["allowed_mentions", "attachments", "flags"]);
    if let Some(before) = &before {
        rest["attachments"] = attachments_after(change, before, files);
    }
    let whole = state.rewrite(channel, id, &rest, true);
    let mut last = whole.clone().unwrap_or_default();
    for reply in state.interactions.values_mut().flat_map(|it| &mut it.replies).filter(|it| it.message == id)
    {
        let attached = attachments_after(change, &reply.value, files);
        let mut kept =
            reply.value["attachments"].as_array().into_iter().flatten().map(|it| stays(change, it));
        reply.files.retain(|_| kept.next().unwrap_or_default());
        reply.files.extend_from_slice(files);
        payload::absorb(&mut reply.value, whole.as_ref().unwrap_or(&rest));
        reply.value["attachments"] = attached;
        payload::complete_embeds(&mut reply.value);
        last = reply.value.clone();
    }
    last
}

/// The attachments of an edited message: the named ones, or all if none is named, and the new ones.
fn attachments_after(change: &Value, before: &Value, files: &[File]) -> Value {
    let old = before["attachments"].as_array().into_iter().flatten().filter(|it| stays(change, it)).cloned();
    old.chain(attachments(files)).collect()
}

/// Whether an edit keeps an attachment.
fn stays(change: &Value, attachment: &Value) -> bool {
    change["attachments"].as_array().is_none_or(|named| named.iter().any(|it| it["id"] == attachment["id"]))
}
