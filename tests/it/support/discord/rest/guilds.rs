//! The bot itself and its guilds.

use serde_json::{Value, json};

use super::super::{payload, state::State};
use super::reply::Reply;

/// The bot.
pub(super) fn me(state: &State) -> Value {
    let mut me = state.application.bot();
    payload::absorb(
        &mut me,
        &json!({"mfa_enabled": true, "locale": "en-US", "verified": true, "email": null}),
    );
    me
}

/// The bot's guilds.
pub(super) fn mine(state: &State) -> Value {
    let ids = state.guilds.iter().filter(|(_, guild)| guild.bot_is_member).map(|(id, _)| *id);
    ids.map(|id| payload::my_guild(state, id)).collect()
}

/// One guild, or a part of it.
pub(super) fn show(state: &State, guild: &str, part: &[&str]) -> Reply {
    let known = guild.parse().ok().filter(|id| state.guilds.get(id).is_some_and(|guild| guild.bot_is_member));
    let Some(id) = known else { return Reply::error(404, 10004, "Unknown Guild") };
    match part {
        [] => Reply::ok(payload::guild(state, id)),
        ["roles"] => Reply::ok(payload::roles(state, id).into()),
        ["channels"] => Reply::ok(payload::channels(state, id).into()),
        ["threads", "active"] => {
            Reply::ok(json!({"threads": state.active_threads(id), "members": [], "has_more": false}))
        }
        ["members", user] => member(state, id, user),
        _ => Reply::unknown_route(),
    }
}

fn member(state: &State, guild: u64, user: &str) -> Reply {
    let user = user.parse().unwrap_or_default();
    let member = if user == state.application.bot_id {
        Some(payload::bot_member(state, guild))
    } else {
        state.guilds[&guild].members.get(&user).cloned()
    };
    member.map_or_else(|| Reply::error(404, 10007, "Unknown Member"), Reply::ok)
}
