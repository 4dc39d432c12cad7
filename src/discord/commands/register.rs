//! Registers the commands with Discord: in each guild, in the background, and only when they differ from
//! the registered ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::interactions::Commands;
use crate::card::decode::discord::id_field;
use crate::discord::rest::{FailureLog, RestError};

/// Checks the commands of all guilds again and again, until `stop` is cancelled.
pub(crate) async fn keep_registered(commands: Arc<Commands>, guilds: Vec<i64>, stop: CancellationToken) {
    let failures = FailureLog::default();
    let keeping = async {
        let timing = &commands.data().services.timing;
        loop {
            let mut all_registered = true;
            for &guild in &guilds {
                all_registered &= register(&commands, guild, &failures).await;
            }
            // Retry soon after a failure: somebody may invite the bot again, for example.
            tokio::time::sleep(if all_registered {
                timing.check_interval()
            } else {
                timing.history_interval
            })
            .await;
        }
    };
    stop.run_until_cancelled(keeping).await;
}

/// Registers the commands of a guild. Returns whether that succeeded.
async fn register(commands: &Commands, guild: i64, failures: &FailureLog<i64>) -> bool {
    match try_to_register(commands, guild).await {
        Ok(changed) => {
            if changed || failures.is_recovery(&guild) {
                tracing::info!(guild.id = guild, "commands registered");
            }
            true
        }
        Err(error) => {
            if failures.is_first_failure(guild) {
                tracing::warn!(guild.id = guild, %error, "could not register the commands");
            }
            false
        }
    }
}

/// Returns whether the registered commands had to be replaced.
async fn try_to_register(commands: &Commands, guild: i64) -> Result<bool, RestError> {
    let rest = &commands.data().services.rest;
    let application = rest.identity().await?.application;
    let known = rest.guild(guild).await?;
    let roles = known.get("roles").and_then(Value::as_array).into_iter().flatten();
    let roles: BTreeSet<i64> = roles.filter_map(|role| id_field(role, "id")).collect();
    commands.data().access.set_roles(guild, roles);
    let (wanted, found) = (commands.definitions(), rest.commands(application, guild).await?);
    let registered: Vec<Value> = found.iter().map(compared_part).collect();
    let is_registered = |command: &Value| registered.contains(&compared_part(command));
    if found.len() == wanted.len() && wanted.iter().all(is_registered) {
        return Ok(false);
    }
    rest.set_commands(application, guild, &wanted).await?;
    Ok(true)
}

/// The keys that ROMS decides about. Discord adds further ones, and may add new ones at any time.
const COMPARED_KEYS: [&str; 14] = [
    "name",
    "description",
    "type",
    "default_member_permissions",
    "options",
    "required",
    "autocomplete",
    "choices",
    "value",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "channel_types",
];

/// The part of a command that is compared: the [`COMPARED_KEYS`] that do not have their default value.
fn compared_part(command: &Value) -> Value {
    match command {
        Value::Object(fields) => {
            let is_compared = |(key, value): &(&String, &Value)| {
                COMPARED_KEYS.contains(&key.as_str()) && !is_default(key, value)
            };
            let fields = fields.iter().filter(is_compared);
            fields.map(|(key, value)| (key.clone(), compared_part(value))).collect()
        }
        Value::Array(items) => items.iter().map(compared_part).collect(),
        value => value.clone(),
    }
}

/// Whether Discord treats the value like a missing key.
fn is_default(key: &str, value: &Value) -> bool {
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

    use super::compared_part;

    #[test]
    fn keys_that_discord_adds_are_ignored_and_real_changes_are_not() {
        let wanted = json!({"name": "order", "description": "x", "type": 1, "contexts": [0], "options": [{"name": "n", "type": 3}]});
        let found = json!({"id": "1", "version": "2", "name": "order", "description": "x", "nsfw": false, "contexts": null,
            "default_member_permissions": null, "a_new_key": {"of": "Discord"}, "options": [{"name": "n", "type": 3, "required": false}]});
        assert_eq!(compared_part(&wanted), compared_part(&found));
        for change in [
            json!({"name": "orders"}),
            json!({"description": "y"}),
            json!({"type": 3}),
            json!({"default_member_permissions": "32"}),
            json!({"options": []}),
            json!({"options": [{"name": "n", "type": 3, "required": true}]}),
        ] {
            let mut other = found.clone();
            if let Some((to, from)) = other.as_object_mut().zip(change.as_object()) {
                to.extend(from.clone());
            }
            assert_ne!(compared_part(&wanted), compared_part(&other), "{change}");
        }
    }
}
