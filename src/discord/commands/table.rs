//! The table of commands and the table of message components: the level that each needs, and its handler.

use futures_util::future::BoxFuture;
use serenity::all::Permissions;

use super::access::AccessControl;
use super::context::{Command, CommandResult, Data, Usage};
use super::{
    backfill, cancel, edit, export, help, import, logs, order, orders, read_as_order, replay, show_order,
    stats, status, token,
};
use crate::config::Level;
use crate::discord::reply::responder::Responder;

/// All commands, in the order of `/help`.
///
/// Without `[access]`, Discord shows them only to members with Manage Server. With `[access]`, it shows
/// them to everybody, because Discord does not know the roles that ROMS is configured with.
pub(crate) fn commands(access: &AccessControl) -> Vec<Command> {
    let (viewer, manager, admin) = (Some(Level::Viewer), Some(Level::Manager), Some(Level::Admin));
    let table = [
        (order::order(), viewer, "/order number:BBY01-807102506907"),
        (orders::orders(), viewer, "/orders status:shipped store:Best Buy US since:2026-01-01"),
        (export::export(), viewer, "/export format:xlsx store:Best Buy US since:2026-01-01"),
        (stats::stats(), viewer, "/stats period:this month by:store"),
        (edit::edit(), manager, "/edit number:BBY01-807102506907"),
        (cancel::cancel(), manager, "/cancel number:BBY01-807102506907"),
        (import::import(), manager, "/import file:tracking.csv"),
        (logs::logs(), admin, "/logs outcome:rejected"),
        (replay::replay(), admin, "/replay"),
        (backfill::backfill(), admin, "/backfill channel:#checkouts since:2026-01-31"),
        (status::status(), admin, "/status"),
        (token::token(), admin, "/token create name:sheet scope:read"),
        (help::help(), None, "/help"),
        (show_order::show_order(), viewer, "right-click a message, Apps, Show order"),
        (read_as_order::read_as_order(), manager, "right-click a message, Apps, Read as order"),
    ];
    let add_usage = |(mut command, level, example): (Command, Option<Level>, &'static str)| {
        if level.is_some() && !access.is_configured() {
            command.default_member_permissions = Permissions::MANAGE_GUILD;
        }
        command.custom_data = Box::new(Usage { level, example });
        command
    };
    table.map(add_usage).into()
}

/// A button, select or modal.
pub(crate) struct Component {
    /// The first part of its custom id.
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    pub(crate) handle: Handler,
}

type Handler = for<'a> fn(&'a Data, &'a Responder<'a>) -> BoxFuture<'a, CommandResult>;

macro_rules! components {
    ($($name:literal, $level:ident => $handler:path;)+) => {
        /// All components.
        pub(crate) const COMPONENTS: &[Component] = &[$(Component {
            name: $name,
            level: Level::$level,
            handle: |data, responder| Box::pin($handler(data, responder)),
        },)+];
    };
}

// Old messages in Discord contain these names. Never change one, even if you rename its handler.
components! {
    "order", Viewer => order::show;
    "open", Viewer => order::open;
    "history", Viewer => order::history;
    "share", Viewer => order::share;
    "list", Viewer => orders::show_page;
    "edit", Manager => edit::open;
    "save", Manager => edit::save;
    "cancel", Manager => cancel::confirm;
    "keep", Manager => cancel::decline;
    "undo", Manager => cancel::undo;
    "store", Manager => read_as_order::store;
    "import", Manager => import::commit;
    "discard", Manager => import::discard;
    "undo_import", Manager => import::undo;
    "logs", Admin => logs::show_page;
    "access", Admin => logs::access::show_page;
    "log", Admin => logs::open;
    "replay", Admin => logs::replay;
}
