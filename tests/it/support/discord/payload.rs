//! The JSON of Discord's objects, with every field that Discord's published schema requires.

use serde_json::{Map, Value, json};

use super::{
    snowflake::{time_of, timestamp},
    state::{ChannelState, State},
    threads,
};

/// A token in Discord's format. Its first part is the bot's id in base64.
pub(super) fn token(bot: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut first = String::new();
    for three in bot.to_string().as_bytes().chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            first.push(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]));
        }
    }
    format!("{first}.double.{}", "not-a-secret".repeat(3))
}

/// A user.
pub(super) fn user(id: u64, name: &str, bot: bool) -> Value {
    json!({
        "id": id.to_string(),
        "username": name,
        "discriminator": if bot { "0000" } else { "0" },
        "global_name": if bot { Value::Null } else { name.into() },
        "avatar": null,
        "primary_guild": null,
        "public_flags": 0,
        "flags": 0,
        "bot": bot,
    })
}

/// A member of a guild.
pub(super) fn member(user: &Value, roles: &[u64]) -> Value {
    json!({
        "user": user,
        "roles": roles.iter().map(u64::to_string).collect::<Vec<_>>(),
        "joined_at": "2024-01-01T00:00:00.000000+00:00",
        "avatar": null, "banner": null, "nick": null,
        "communication_disabled_until": null, "premium_since": null,
        "flags": 0, "pending": false, "mute": false, "deaf": false,
    })
}

/// A role.
pub(super) fn role(id: u64, name: &str, bits: u64, managed: bool, position: usize) -> Value {
    json!({
        "id": id.to_string(), "name": name, "permissions": bits.to_string(), "position": position,
        "color": 0, "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
        "hoist": false, "managed": managed, "mentionable": false,
        "icon": null, "unicode_emoji": null, "flags": 0,
    })
}

/// The roles of a guild, `@everyone` (whose id is the guild's) first.
pub(super) fn roles(state: &State, id: u64) -> Vec<Value> {
    let guild = &state.guilds[&id];
    let mut roles = vec![role(id, "@everyone", guild.everyone, false, 0)];
    if guild.bot_is_member {
        roles.push(role(guild.bot_role_id, &state.application.name, guild.bot_role, true, 1));
    }
    let further = guild.roles.iter().zip(2..);
    roles.extend(further.map(|((id, name, bits), place)| role(*id, name, *bits, false, place)));
    roles
}

/// The bot as a member.
pub(super) fn bot_member(state: &State, guild: u64) -> Value {
    member(&state.application.bot(), &[state.guilds[&guild].bot_role_id])
}

/// A channel or thread.
pub(super) fn channel(state: &State, id: u64) -> Value {
    let channel = &state.channels[&id];
    let mut whole = json!({
        "id": id.to_string(), "type": channel.kind, "flags": 0, "guild_id": channel.guild.to_string(),
        "name": channel.name, "position": 0, "parent_id": null, "topic": null, "nsfw": false,
        "rate_limit_per_user": 0,
        "last_message_id": channel.last_message.map(|id| id.to_string()),
        "permission_overwrites": channel.overwrites.iter().map(|row| row.to_json()).collect::<Vec<_>>(),
    });
    if let Some(thread) = &channel.thread {
        whole = without(whole, &["position", "topic", "nsfw", "permission_overwrites"]);
        absorb(&mut whole, &threads::keys(state, id, thread));
    }
    whole
}

/// The channels of a guild, without threads.
pub(super) fn channels(state: &State, guild: u64) -> Vec<Value> {
    let is_here = |(_, channel): &(&u64, &ChannelState)| channel.guild == guild && channel.thread.is_none();
    let ids = state.channels.iter().filter(is_here).map(|(id, _)| *id);
    ids.map(|id| self::channel(state, id)).collect()
}

/// A guild object of the REST API.
pub(super) fn guild(state: &State, id: u64) -> Value {
    let guild = &state.guilds[&id];
    json!({
        "id": id.to_string(), "name": guild.name, "owner_id": state.application.owner["id"],
        "icon": null, "description": null, "home_header": null, "splash": null,
        "discovery_splash": null, "features": [], "banner": null, "application_id": null,
        "region": "deprecated", "afk_channel_id": null, "afk_timeout": 300,
        "system_channel_id": null, "system_channel_flags": 0, "widget_enabled": false,
        "widget_channel_id": null, "verification_level": 0, "roles": roles(state, id),
        "default_message_notifications": 0, "mfa_level": 0, "explicit_content_filter": 0,
        "max_presences": null, "max_members": 500_000, "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25, "vanity_url_code": null, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": null,
        "safety_alerts_channel_id": null, "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0,
        "emojis": [], "stickers": [], "incidents_data": null,
    })
}

/// The guild object of `GUILD_CREATE`.
pub(super) fn guild_create(state: &State, id: u64) -> Value {
    let members: Vec<Value> =
        std::iter::once(bot_member(state, id)).chain(state.guilds[&id].members.values().cloned()).collect();
    let mut whole = guild(state, id);
    let more = json!({
        "joined_at": "2024-01-01T00:00:00.000000+00:00", "large": false, "unavailable": false,
        "member_count": members.len(), "members": members, "channels": channels(state, id),
        "voice_states": [], "threads": state.active_threads(id), "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "soundboard_sounds": [],
    });
    absorb(&mut whole, &more);
    whole
}

/// The object of `/applications/@me`.
pub(super) fn application(state: &State) -> Value {
    let application = &state.application;
    json!({
        "id": application.id.to_string(), "name": application.name, "icon": null, "description": "",
        "type": null, "verify_key": "0".repeat(64), "flags": application.flags,
        "flags_new": application.flags.to_string(), "redirect_uris": application.redirects,
        "interactions_endpoint_url": null, "role_connections_verification_url": null,
        "owner": application.owner, "approximate_guild_count": state.guilds.len(),
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0, "team": null, "eligible_oauth2_scopes": [],
        "bot_public": false, "bot_require_code_grant": false, "bot": application.bot(),
    })
}

/// A guild object of `/users/@me/guilds`.
pub(super) fn my_guild(state: &State, id: u64) -> Value {
    json!({
        "id": id.to_string(), "name": state.guilds[&id].name, "icon": null, "banner": null,
        "owner": false, "permissions": state.bot_permissions(id).to_string(), "features": [],
    })
}

/// Adds missing fields to a message. Existing fields stay as they are, valid or not.
pub(super) fn complete_message(message: &mut Value, id: u64, channel: u64) {
    let usual = json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "type": 0, "content": "",
        "mentions": [], "mention_roles": [], "mention_everyone": false, "attachments": [],
        "embeds": [], "components": [], "timestamp": timestamp(time_of(id)), "edited_timestamp": null,
        "flags": 0, "pinned": false, "tts": false,
    });
    supply(message, &usual);
    complete_embeds(message);
}

/// Adds missing fields to embeds: their type, and `inline` of their fields.
pub(super) fn complete_embeds(message: &mut Value) {
    for embed in message.get_mut("embeds").and_then(Value::as_array_mut).into_iter().flatten() {
        supply(embed, &json!({"type": "rich"}));
        for field in embed.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
            supply(field, &json!({"inline": false}));
        }
    }
}

/// The body of an error.
pub(super) fn error(code: u64, message: &str) -> Value {
    json!({"code": code, "message": message})
}

/// Copies the keys of `more` into `object` and overwrites existing ones.
pub(super) fn absorb(object: &mut Value, more: &Value) {
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// Copies the keys of `usual` into `object` unless it has them already.
pub(super) fn supply(object: &mut Value, usual: &Value) {
    if let (Some(object), Some(usual)) = (object.as_object_mut(), usual.as_object()) {
        for (key, value) in usual {
            object.entry(key).or_insert_with(|| value.clone());
        }
    }
}

/// `object` without some of its keys.
pub(super) fn without(mut object: Value, keys: &[&str]) -> Value {
    if let Some(map) = object.as_object_mut() {
        *map = std::mem::take(map)
            .into_iter()
            .filter(|(key, _)| !keys.contains(&key.as_str()))
            .collect::<Map<_, _>>();
    }
    object
}
