//! Who may do what: asked at every command, autocompletion, button, select and modal.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::asker::Asker;
use crate::config::{Access, Level};

/// Decides who may do what; a clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    access: Arc<Access>,
    guilds: Arc<[i64]>,
    /// The roles of each guild, as far as they are known: they tell ids of roles from those of users.
    roles: Arc<Mutex<HashMap<i64, BTreeSet<i64>>>>,
}

impl Admission {
    pub(crate) fn new(access: Access, guilds: &[i64]) -> Self {
        Self { access: Arc::new(access), guilds: guilds.into(), roles: Arc::default() }
    }

    /// Whether roles or users are named, so that Manage Server does not decide.
    pub(crate) fn is_configured(&self) -> bool {
        self.access.is_configured()
    }

    /// These are the roles of a guild.
    pub(crate) fn learn_roles(&self, guild: i64, roles: BTreeSet<i64>) {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).insert(guild, roles);
    }

    /// What somebody may do here; `None` where that is nothing.
    pub(crate) fn level(&self, asker: &Asker) -> Option<Level> {
        let is_ours = asker.guild.is_some_and(|guild| self.guilds.contains(&guild));
        is_ours.then(|| self.access.level_of(asker.user, &asker.roles, asker.manages_server)).flatten()
    }

    /// Lets somebody through who has the level; without one, everybody in the guilds of ROMS.
    ///
    /// # Errors
    /// What to tell those who are not let through.
    pub(crate) fn admit(&self, asker: &Asker, needed: Option<Level>) -> Result<(), String> {
        let Some(guild) = asker.guild.filter(|guild| self.guilds.contains(guild)) else {
            return Err("This works only in the servers that ROMS is set up for.".to_owned());
        };
        match needed {
            Some(needed) if self.level(asker) < Some(needed) => Err(self.refusal(guild, needed)),
            _ => Ok(()),
        }
    }

    fn refusal(&self, guild: i64, needed: Level) -> String {
        if !self.is_configured() {
            return "You need the permission Manage Server for this, as long as no roles are configured \
                    under `[access]`."
                .to_owned();
        }
        let known = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let roles: Vec<String> = known.get(&guild).map_or_else(Vec::new, |known| {
            self.access
                .reaching(needed)
                .filter(|id| known.contains(id))
                .map(|id| format!("<@&{id}>"))
                .collect()
        });
        let level = needed.as_str();
        if roles.is_empty() {
            return format!(
                "You need the level {level} for this, which `[access]` in the configuration gives."
            );
        }
        format!("You need the level {level} for this, which these roles have: {}.", roles.join(", "))
    }
}
