//! Tells Discord which commands there are: for each guild, in the background, until it is done, and
//! only where something has changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::interactions::Commands;
use crate::card::decode::discord::id_of;
use crate::discord::CHECK_EVERY;
use crate::discord::rest::{Reported, RestError};

/// Keeps the commands of all guilds as they should be, until `stop` is cancelled.
pub(crate) async fn keep_registered(commands: Arc<Commands>, guilds: Vec<i64>, stop: CancellationToken) {
    let reported = Reported::default();
    let keeping = async {
        let timing = &commands.data().deps.timing;
        loop {
            let mut all_well = true;
            for &guild in &guilds {
                all_well &= register(&commands, guild, &reported).await;
            }
            // One that is mended, such as by inviting the bot again, is soon seen.
            tokio::time::sleep(timing.reconcile * if all_well { CHECK_EVERY } else { 1 }).await;
        }
    };
    stop.run_until_cancelled(keeping).await;
}

/// Whether the commands of a guild are as they should be now.
async fn register(commands: &Commands, guild: i64, reported: &Reported<i64>) -> bool {
    match try_to_register(commands, guild).await {
        Ok(changed) => {
            if changed || reported.works(&guild) {
                tracing::info!(guild.id = guild, "the commands are registered");
            }
            true
        }
        Err(error) => {
            if reported.fails(guild) {
                tracing::warn!(guild.id = guild, %error, "cannot register the commands");
            }
            false
        }
    }
}

async fn try_to_register(commands: &Commands, guild: i64) -> Result<bool, RestError> {
    let rest = &commands.data().deps.rest;
    let application = rest.own().await?.application;
    let known = rest.guild(guild).await?;
    let roles = known.get("roles").and_then(Value::as_array).into_iter().flatten();
    let roles: BTreeSet<i64> = roles.filter_map(|role| id_of(role, "id")).collect();
    commands.data().admission.learn_roles(guild, roles);
    let (wanted, found) = (commands.definitions(), rest.commands(application, guild).await?);
    let is_there = |wanted: &Value| found.iter().any(|found| is_same(wanted, found));
    if found.len() == wanted.len() && wanted.iter().all(is_there) {
        return Ok(false);
    }
    rest.set_commands(application, guild, &wanted).await?;
    Ok(true)
}

/// What Discord adds by itself, and what counts only for commands of no guild.
const NOT_OURS: [&str; 10] = [
    "id",
    "application_id",
    "guild_id",
    "version",
    "nsfw",
    "dm_permission",
    "contexts",
    "integration_types",
    "handler",
    "options_hash",
];

/// Whether a command is there as it is wanted; to leave something out is to say that it is empty.
fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let keys: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
            keys.into_iter().filter(|key| !NOT_OURS.contains(&key.as_str())).all(|key| {
                let (wanted, found) = (wanted.get(key), found.get(key));
                match (
                    wanted.filter(|value| !is_empty(key, value)),
                    found.filter(|value| !is_empty(key, value)),
                ) {
                    (Some(wanted), Some(found)) => is_same(wanted, found),
                    (wanted, found) => wanted.is_none() && found.is_none(),
                }
            })
        }
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| is_same(wanted, found))
        }
        _ => wanted == found,
    }
}

/// Whether a value is what Discord takes where there is none.
fn is_empty(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        // A command without a type is a slash command.
        Value::Number(number) => key == "type" && number.as_u64() == Some(1),
        Value::Bool(true) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_same;

    #[test]
    fn what_discord_adds_makes_no_difference_and_what_we_change_does() {
        let wanted = json!({"name": "order", "description": "x", "type": 1, "contexts": [0], "options": [{"name": "n", "type": 3}]});
        let found = json!({"id": "1", "version": "2", "name": "order", "description": "x", "nsfw": false, "contexts": null,
            "default_member_permissions": null, "options": [{"name": "n", "type": 3, "required": false}]});
        assert!(is_same(&wanted, &found));
        for change in [
            json!({"name": "orders"}),
            json!({"default_member_permissions": "32"}),
            json!({"options": []}),
            json!({"options": [{"name": "n", "type": 3, "required": true}]}),
        ] {
            let mut other = found.clone();
            if let Some((to, from)) = other.as_object_mut().zip(change.as_object()) {
                to.extend(from.clone());
            }
            assert!(!is_same(&wanted, &other), "{change}");
        }
    }
}
