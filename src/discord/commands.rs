//! What people ask and do in Discord: slash commands, menus of messages, buttons, selects, modals.
//!
//! | part | does |
//! |---|---|
//! | `desk` | takes interactions and answers each, on the main runtime |
//! | `catalogue` | the list of the commands, with who may use them |
//! | `route` | the list of the components: what a custom id means |
//! | `admission` | who may do what |
//! | `turn` | one interaction from its first sign to its answer |
//! | `screen`, `sheet` | what somebody is shown, within Discord's limits |
//! | `register` | tells Discord which commands there are |
//! | `failure` | what can go wrong, and what the caller is told of it |
//!
//! and a file for each command. What a component must know stands in its custom id or in the database,
//! never in memory: a restart changes nothing for whoever presses a button.

mod admission;
pub(crate) mod asker;
mod attended;
mod backfill;
mod cancel;
mod catalogue;
mod completion;
pub(crate) mod data;
mod edit;
pub(crate) mod failure;
mod help;
mod interactions;
mod logs;
mod order;
mod order_sheet;
mod orders;
mod read_as_order;
mod register;
mod replay;
mod route;
mod show_order;
mod stats;
mod status;

pub use interactions::Call;
pub(crate) use interactions::Commands;
pub(crate) use register::keep_registered;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Settings;
use super::deps::Deps;
use admission::Admission;
use data::Data;

impl Commands {
    /// The commands of a configuration.
    pub(crate) fn assemble(deps: Deps, settings: &Settings, stop: CancellationToken) -> Arc<Self> {
        let Settings { discord, access, orders } = settings;
        Arc::new(Self::new(Data {
            deps,
            admission: Admission::new(access.clone(), &discord.guilds),
            orders: orders.clone(),
            channels: discord.channels.clone(),
            being_read: Arc::default(),
            stop,
        }))
    }
}
