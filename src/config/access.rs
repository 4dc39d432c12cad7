//! Who may use the commands in Discord.

use std::{io, path::Path};

use super::{id::id, key, settings::Settings};

/// Who may use the commands in Discord: role and user ids for each level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Who may look at orders.
    pub viewer: Vec<i64>,
    /// Who may change them as well.
    pub manager: Vec<i64>,
    /// Who may see and do everything.
    pub admin: Vec<i64>,
}

/// What somebody may do; a level includes those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Looks at orders.
    Viewer,
    /// Changes them.
    Manager,
    /// Sees and does everything.
    Admin,
}

impl Level {
    /// All levels, the lowest first.
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
    /// Whether anybody is named. Where nobody is, the permission Manage Server decides.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        !(self.viewer.is_empty() && self.manager.is_empty() && self.admin.is_empty())
    }

    /// The highest level of a member with these roles; `None` who may do nothing.
    #[must_use]
    pub fn level_of(&self, user: i64, roles: &[i64], manages_server: bool) -> Option<Level> {
        if !self.is_configured() {
            return manages_server.then_some(Level::Admin);
        }
        let is_named = |level: &Level| self.named(*level).iter().any(|id| *id == user || roles.contains(id));
        Level::ALL.into_iter().rev().find(is_named)
    }

    /// The ids that reach a level, those of higher levels included.
    pub fn reaching(&self, level: Level) -> impl Iterator<Item = i64> {
        Level::ALL
            .into_iter()
            .filter(move |named| *named >= level)
            .flat_map(|named| self.named(named))
            .copied()
    }

    fn named(&self, level: Level) -> &[i64] {
        match level {
            Level::Viewer => &self.viewer,
            Level::Manager => &self.manager,
            Level::Admin => &self.admin,
        }
    }
}

pub(crate) fn read<R>(settings: &mut Settings<R>) -> Option<Access>
where
    R: Fn(&Path) -> io::Result<String>,
{
    let viewer = settings.read(&key::ACCESS_VIEWER, |node| node.list(id));
    let manager = settings.read(&key::ACCESS_MANAGER, |node| node.list(id));
    let admin = settings.read(&key::ACCESS_ADMIN, |node| node.list(id));
    Some(Access { viewer: viewer?, manager: manager?, admin: admin? })
}
