//! The commands of the bot: slash commands, menus of messages, buttons, selects and modals.
//!
//! | part | does |
//! |---|---|
//! | `interactions` | receives interactions and answers each one |
//! | `table` | lists the commands and components, with the level that each needs |
//! | `access` | checks access levels |
//! | `register` | registers the commands with Discord |
//! | `context` | what every command receives |
//! | `progress` | runs work that takes long |
//! | `order_view` | finds orders and shows them |
//!
//! The other files hold one command each. A component keeps its state in its custom id or in the
//! database, never in memory, so that buttons still work after a restart.

mod access;
mod backfill;
mod cancel;
mod context;
mod edit;
mod export;
mod help;
mod import;
mod interactions;
mod logs;
mod order;
mod order_view;
mod orders;
mod progress;
mod read_as_order;
mod register;
mod replay;
mod show_order;
mod stats;
mod status;
mod table;
mod token;

pub(crate) use interactions::Commands;
pub(crate) use register::keep_registered;
