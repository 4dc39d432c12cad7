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
pub(crate) struct Data {
    pub(crate) deps: Deps,
    pub(crate) admission: Admission,
    pub(crate) orders: Orders,
    pub(crate) channels: Vec<Channel>,
    /// Channels whose history somebody has read right now.
    pub(crate) being_read: Arc<Mutex<HashSet<i64>>>,
    /// Cancelled when ROMS stops.
    pub(crate) stop: CancellationToken,
}

/// What a command is called with.
pub(crate) type Ctx<'a> = poise::ApplicationContext<'a, Data, Failure>;
/// A command.
pub(crate) type Command = poise::Command<Data, Failure>;
/// What becomes of a command.
pub(crate) type Done = Result<(), Failure>;
