//! Lists the guilds, channels and roles that a bot can see, to choose from when ROMS is set up.

use serde_json::Value;

use super::rest::{Rest, RestError};
use crate::card::decode::discord::id_field;

/// Discord's numbers for text channels, announcement channels and forums, and the sign in front of their names.
const CHANNEL_KINDS: [(u64, &str); 3] = [(0, "#"), (5, "#"), (15, "forum ")];

/// Something with an id that a person chooses by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: i64,
    /// Its name in Discord.
    pub name: String,
    /// The sign that shows what it is, to be put in front of the name.
    pub sign: &'static str,
}

impl Rest {
    /// The guilds of the bot.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn choosable_guilds(&self) -> Result<Vec<Named>, RestError> {
        Ok(named(self.my_guilds().await?, |_| Some("")))
    }

    /// The channels of a guild in which cards can be posted, in the order in which Discord shows them.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn choosable_channels(&self, guild: i64) -> Result<Vec<Named>, RestError> {
        let mut channels = self.guild_channels(guild).await?;
        channels.sort_by_key(|channel| channel.get("position").and_then(Value::as_i64));
        Ok(named(channels, |channel| {
            let kind = channel.get("type").and_then(Value::as_u64)?;
            CHANNEL_KINDS.iter().find(|(known, _)| *known == kind).map(|(_, sign)| *sign)
        }))
    }

    /// The roles of a guild that a person can have.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn choosable_roles(&self, guild: i64) -> Result<Vec<Named>, RestError> {
        let mut found = self.guild(guild).await?;
        let roles = match found.get_mut("roles").map(Value::take) {
            Some(Value::Array(roles)) => roles,
            _ => Vec::new(),
        };
        Ok(named(roles, |role| {
            let is_bots = role.get("managed").and_then(Value::as_bool).unwrap_or_default();
            (!is_bots && id_field(role, "id") != Some(guild)).then_some("@")
        }))
    }
}

fn named(values: Vec<Value>, sign: impl Fn(&Value) -> Option<&'static str>) -> Vec<Named> {
    let named = |value: Value| {
        let name = value.get("name").and_then(Value::as_str)?;
        let name = name.chars().filter(|c| !c.is_control()).collect();
        Some(Named { id: id_field(&value, "id")?, name, sign: sign(&value)? })
    };
    values.into_iter().filter_map(named).collect()
}
