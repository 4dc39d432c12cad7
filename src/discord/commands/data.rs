//! What every command has at hand.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::failure::Failure;
use crate::config::{Channel, Orders};
use crate::discord::deps::Deps;

/// What every command has at hand.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) deps: Deps,
    pub(super) admission: Admission,
    pub(super) orders: Orders,
    pub(super) channels: Vec<Channel>,
    /// Channels whose history somebody has read right now.
    pub(super) being_read: Arc<Mutex<HashSet<i64>>>,
    /// Cancelled when ROMS stops.
    pub(super) stop: CancellationToken,
}

/// What a command is called with.
pub(super) type Ctx<'a> = poise::ApplicationContext<'a, Data, Failure>;
/// A command.
pub(super) type Command = poise::Command<Data, Failure>;
/// What becomes of a command.
pub(super) type Done = Result<(), Failure>;
