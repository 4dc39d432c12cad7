//! The list of the commands: who may use each, and an example of it.

use serenity::all::Permissions;

use super::admission::Admission;
use super::data::Command;
use super::{
    backfill, cancel, edit, help, logs, order, orders, read_as_order, replay, show_order, stats, status,
};
use crate::config::Level;

/// A command.
pub(crate) struct Entry {
    /// Its name, as Discord sends it.
    pub(crate) name: &'static str,
    /// Who may use it; everybody in the guilds of ROMS where that is nobody in particular.
    pub(crate) level: Option<Level>,
    /// How it is used.
    pub(crate) example: &'static str,
    define: fn() -> Command,
}

macro_rules! entries {
    ($($name:literal, $level:expr, $example:literal => $define:path;)+) => {
        /// Every command there is, in the order of `/help`.
        pub(crate) const ENTRIES: &[Entry] =
            &[$(Entry { name: $name, level: $level, example: $example, define: $define },)+];
    };
}

entries! {
    "order", Some(Level::Viewer), "/order number:BBY01-807102506907" => order::order;
    "orders", Some(Level::Viewer), "/orders status:shipped store:Best Buy US since:2026-01-01" => orders::orders;
    "stats", Some(Level::Viewer), "/stats period:this month by:store" => stats::stats;
    "edit", Some(Level::Manager), "/edit number:BBY01-807102506907" => edit::edit;
    "cancel", Some(Level::Manager), "/cancel number:BBY01-807102506907" => cancel::cancel;
    "logs", Some(Level::Admin), "/logs outcome:rejected" => logs::logs;
    "replay", Some(Level::Admin), "/replay" => replay::replay;
    "backfill", Some(Level::Admin), "/backfill channel:#checkouts since:2026-01-31" => backfill::backfill;
    "status", Some(Level::Admin), "/status" => status::status;
    "help", None, "/help" => help::help;
    "Show order", Some(Level::Viewer), "right-click a message, Apps, Show order" => show_order::show_order;
    "Read as order", Some(Level::Manager), "right-click a message, Apps, Read as order" => read_as_order::read_as_order;
}

/// Who may use a command. One that is not known is for admins, who are told that it is out of date.
pub(crate) fn level(name: &str) -> Option<Level> {
    ENTRIES.iter().find(|entry| entry.name == name).map_or(Some(Level::Admin), |entry| entry.level)
}

/// All commands. Where nobody is named in the configuration, Discord shows them to those with Manage
/// Server alone; where roles are named, which Discord cannot know here, it shows them to everybody.
pub(crate) fn commands(admission: &Admission) -> Vec<Command> {
    let for_managers = |entry: &Entry| entry.level.is_some() && !admission.is_configured();
    let define = |entry: &Entry| {
        let mut command = (entry.define)();
        if for_managers(entry) {
            command.default_member_permissions = Permissions::MANAGE_GUILD;
        }
        command
    };
    ENTRIES.iter().map(define).collect()
}
