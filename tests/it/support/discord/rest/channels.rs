//! Channels, their messages and reactions.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::{
    history::Page,
    limits, payload,
    permissions::{ADD_REACTIONS, READ_MESSAGE_HISTORY, SEND_MESSAGES, VIEW_CHANNEL},
    snowflake,
    state::{Reaction, State},
    threads::FORUM,
};
use super::{File, body::Ask, reply::Reply};

/// The id of a channel that the bot may see.
fn visible(state: &State, channel: &str) -> Result<u64, Reply> {
    let known = channel.parse().ok().filter(|id| {
        let guild = state.channels.get(id).map(|channel| channel.guild);
        guild.is_some_and(|guild| state.guilds[&guild].bot_is_member)
    });
    let id = known.ok_or_else(Reply::unknown_channel)?;
    if state.bot_may(id, VIEW_CHANNEL) { Ok(id) } else { Err(Reply::missing_access()) }
}

pub(super) fn show(state: &State, channel: &str) -> Reply {
    match visible(state, channel) {
        Ok(id) => Reply::ok(payload::channel(state, id)),
        Err(refusal) => refusal,
    }
}

/// A page of the public archived threads of a channel.
pub(super) fn archived_threads(state: &State, ask: &Ask, channel: &str) -> Reply {
    let id = match visible(state, channel) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    if !state.bot_may(id, READ_MESSAGE_HISTORY) {
        return Reply::missing_permissions();
    }
    let before = ask.query.get("before").map(|text| DateTime::parse_from_rfc3339(text)).transpose();
    let limit = ask.query.get("limit").map_or(Ok(50), |text| text.parse::<usize>());
    let (Ok(before), Ok(limit @ 2..=100)) = (before, limit) else {
        return Reply::invalid_form("query", "not a time, or not a number between 2 and 100");
    };
    let mut threads = state.archived_threads(id, before.map(|time| time.to_utc()));
    let has_more = threads.len() > limit;
    threads.truncate(limit);
    Reply::ok(json!({"threads": threads, "members": [], "has_more": has_more}))
}

pub(super) fn page(state: &State, ask: &Ask, channel: &str) -> Reply {
    let id = match visible(state, channel) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    if state.channels[&id].kind == FORUM {
        return Reply::error(400, 50024, "Cannot execute action on this channel type");
    }
    let bound = |name: &str| ask.query.get(name).map(|text| text.parse::<u64>()).transpose();
    let (Ok(after), Ok(before), Ok(around), Ok(limit)) =
        (bound("after"), bound("before"), bound("around"), bound("limit"))
    else {
        return Reply::invalid_form("query", "not a snowflake");
    };
    let limit = limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Reply::invalid_form("limit", "int value should be between 1 and 100.");
    }
    // Discord returns an empty list, not an error.
    if !state.bot_may(id, READ_MESSAGE_HISTORY) {
        return Reply::ok(json!([]));
    }
    let limit = usize::try_from(limit).expect("at most 100");
    Reply::ok(state.page(id, Page { after, before, around, limit }).into())
}

/// Posts as the bot.
pub(super) fn post(state: &mut State, ask: &Ask, channel: &str) -> Reply {
    let id = match visible(state, channel) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    if !state.bot_may(id, SEND_MESSAGES) {
        return Reply::missing_permissions();
    }
    if let Err((place, why)) = limits::check(&ask.body, ask.files.len()) {
        return Reply::invalid_form(place, &why);
    }
    let bot = state.application.bot();
    Reply::ok(state.write(id, message_of(&ask.body, &ask.files, &json!({"author": bot}))))
}

/// A message from the body of a request and its author.
pub(super) fn message_of(body: &Value, files: &[File], written_by: &Value) -> Value {
    let mut message = payload::without(
        body.clone(),
        &[
            "allowed_mentions",
            "nonce",
            "sticker_ids",
            "username",
            "avatar_url",
            "attachments",
            "enforce_nonce",
        ],
    );
    if !message.is_object() {
        message = json!({});
    }
    for key in ["content", "embeds", "components", "flags"] {
        if message[key].is_null() {
            message = payload::without(message, &[key]);
        }
    }
    payload::absorb(&mut message, &json!({"attachments": attachments(files)}));
    payload::absorb(&mut message, written_by);
    message
}

/// The attachment objects of uploaded files.
pub(super) fn attachments(files: &[File]) -> Vec<Value> {
    let first = snowflake::first_of(Utc::now());
    let attachment = |(number, file): (u64, &File)| {
        let url = format!("https://cdn.example.test/{number}/{}", file.name);
        json!({
            "id": (first + number).to_string(), "filename": file.name, "size": file.bytes.len(),
            "content_type": file.content_type, "url": url, "proxy_url": url,
        })
    };
    (0..).zip(files).map(attachment).collect()
}

/// Reads, edits or deletes a message as the bot.
pub(super) fn message(state: &mut State, ask: &Ask, channel: &str, message: &str) -> Reply {
    let channel = match visible(state, channel) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let found = message.parse().ok().and_then(|id| Some((id, state.message(channel, id)?)));
    let Some((id, found)) = found.filter(|_| state.bot_may(channel, READ_MESSAGE_HISTORY)) else {
        return Reply::unknown_message();
    };
    let own = found["author"]["id"] == json!(state.application.bot_id.to_string());
    match ask.method.as_str() {
        "GET" => Reply::ok(found),
        "PATCH" if own => match limits::check_parts(&ask.body) {
            Ok(()) => Reply::ok(state.rewrite(channel, id, &ask.body, true).unwrap_or_default()),
            Err((place, why)) => Reply::invalid_form(place, &why),
        },
        "DELETE" if own => {
            state.remove(channel, &[id], false);
            Reply::empty()
        }
        "PATCH" => Reply::error(403, 50005, "Cannot edit a message authored by another user"),
        "DELETE" => Reply::missing_permissions(),
        _ => Reply::unknown_route(),
    }
}

/// Adds or removes the bot's reaction.
pub(super) fn react(state: &mut State, ask: &Ask, channel: &str, message: &str, emoji: &str) -> Reply {
    let channel = match visible(state, channel) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let Ok(id) = message.parse() else { return Reply::unknown_message() };
    if state.channels[&channel].thread.as_ref().is_some_and(|thread| thread.archived_at.is_some()) {
        return Reply::error(400, 50083, "Thread is archived");
    }
    if emoji.is_ascii() && !emoji.contains(':') {
        return Reply::error(400, 10014, "Unknown Emoji");
    }
    let reaction = Reaction { emoji: emoji.to_owned(), user: state.application.bot_id };
    let done = match ask.method.as_str() {
        "PUT" => {
            let there = state.channels[&channel].history.get(&id).map(|message| &message.reactions);
            // Only the first reaction with an emoji needs the permission.
            let begun = there.is_some_and(|all| all.iter().any(|it| it.emoji == emoji));
            let needed = READ_MESSAGE_HISTORY | if begun { 0 } else { ADD_REACTIONS };
            if !state.bot_may(channel, needed) {
                return Reply::missing_permissions();
            }
            state.react(channel, id, &reaction)
        }
        "DELETE" => state.unreact(channel, id, &reaction),
        _ => return Reply::unknown_route(),
    };
    done.map_or_else(Reply::unknown_message, |()| Reply::empty())
}
