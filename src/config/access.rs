//! `[access]`: the access levels for the commands in Discord and for the web page.

use serde::{Deserialize, Serialize};

use super::snowflake;

/// The role and user ids for each access level in Discord.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// May see orders.
    #[serde(with = "snowflake::list")]
    pub viewer: Vec<i64>,
    /// May also change orders.
    #[serde(with = "snowflake::list")]
    pub manager: Vec<i64>,
    /// May see and do everything.
    #[serde(with = "snowflake::list")]
    pub admin: Vec<i64>,
}

/// The rights of a person. Each level includes the ones below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Sees orders.
    Viewer,
    /// Changes orders.
    Manager,
    /// Sees and does everything.
    Admin,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Manager, Self::Admin];

    /// The name in the configuration and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

impl Access {
    /// Whether any id is listed. If none is, the permission Manage Server decides.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        !(self.viewer.is_empty() && self.manager.is_empty() && self.admin.is_empty())
    }

    /// The highest level of a user with these roles; `None` means no access.
    #[must_use]
    pub fn level_of(&self, user: i64, roles: &[i64], manages_server: bool) -> Option<Level> {
        if !self.is_configured() {
            return manages_server.then_some(Level::Admin);
        }
        let is_listed =
            |level: &Level| self.ids_of(*level).iter().any(|id| *id == user || roles.contains(id));
        Level::ALL.into_iter().rev().find(is_listed)
    }

    /// The ids that have at least this level.
    pub fn reaching(&self, level: Level) -> impl Iterator<Item = i64> {
        Level::ALL
            .into_iter()
            .filter(move |other| *other >= level)
            .flat_map(|other| self.ids_of(other))
            .copied()
    }

    fn ids_of(&self, level: Level) -> &[i64] {
        match level {
            Level::Viewer => &self.viewer,
            Level::Manager => &self.manager,
            Level::Admin => &self.admin,
        }
    }
}
