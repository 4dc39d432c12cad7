//! Checks access levels. ROMS checks permissions on every command, autocompletion and component.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Access, Level};
use crate::discord::reply::caller::Caller;

/// The rules of `[access]`, and the guilds that they hold for.
#[derive(Clone, Debug)]
pub(crate) struct AccessControl {
    access: Access,
    guilds: Vec<i64>,
    /// The known roles of each guild. They tell the ids of roles in `[access]` from those of users.
    roles: Arc<Mutex<HashMap<i64, BTreeSet<i64>>>>,
}

impl AccessControl {
    pub(crate) fn new(access: Access, guilds: Vec<i64>) -> Self {
        Self { access, guilds, roles: Arc::default() }
    }

    /// Whether `[access]` names roles or users. If not, the Manage Server permission decides.
    pub(crate) fn is_configured(&self) -> bool {
        self.access.is_configured()
    }

    /// Stores the roles of a guild.
    pub(crate) fn set_roles(&self, guild: i64, roles: BTreeSet<i64>) {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).insert(guild, roles);
    }

    /// The caller's level in their guild.
    pub(crate) fn level(&self, caller: &Caller) -> Option<Level> {
        self.guild(caller)?;
        self.access.level_of(caller.user, &caller.roles, caller.manages_server)
    }

    /// Checks that the caller has the needed level. `None` admits everybody in the configured guilds.
    pub(crate) fn check(&self, caller: &Caller, needed: Option<Level>) -> Result<(), String> {
        let Some(guild) = self.guild(caller) else {
            return Err("This works only in the servers that ROMS is set up for.".to_owned());
        };
        match needed {
            Some(needed) if self.level(caller) < Some(needed) => Err(self.refusal(guild, needed)),
            _ => Ok(()),
        }
    }

    /// The caller's guild, if it is a configured one.
    fn guild(&self, caller: &Caller) -> Option<i64> {
        caller.guild.filter(|guild| self.guilds.contains(guild))
    }

    fn refusal(&self, guild: i64, needed: Level) -> String {
        if !self.is_configured() {
            return "You need the Manage Server permission for this, because `[access]` in the configuration \
                    names no roles."
                .to_owned();
        }
        let roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let is_role = |id: &i64| roles.get(&guild).is_some_and(|roles| roles.contains(id));
        let mentions = self.access.reaching(needed).filter(is_role).map(|id| format!("<@&{id}>"));
        let mentions = mentions.collect::<Vec<_>>().join(", ");
        let level = needed.as_str();
        if mentions.is_empty() {
            return format!(
                "You need the {level} level for this, which `[access]` in the configuration grants."
            );
        }
        format!("You need the {level} level for this. These roles have it: {mentions}.")
    }
}
