//! The arguments that every command receives: the shared data, and the responder that answers its caller.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::access::AccessControl;
use crate::config::{Channel, Http, Level, Orders};
use crate::discord::reply::caller::Caller;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::services::Services;

/// The data that all commands share.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) services: Services,
    pub(crate) access: AccessControl,
    pub(crate) orders: Orders,
    pub(crate) http: Http,
    /// The URL of a server that replaces Discord, from `[discord] api_url`.
    pub(crate) api_url: Option<String>,
    /// The watched channels.
    pub(crate) channels: Vec<Channel>,
    /// For each watched channel, a lock that `/backfill` holds while it reads the history.
    pub(crate) backfills: HashMap<i64, Arc<Mutex<()>>>,
    /// Cancelled when ROMS stops.
    pub(crate) stop: CancellationToken,
}

/// A command's access level and example, stored with the command.
pub(crate) struct Usage {
    /// The level that the command needs. `None` admits everybody.
    pub(crate) level: Option<Level>,
    pub(crate) example: &'static str,
}

/// poise's context.
pub(crate) type Context<'a> = poise::ApplicationContext<'a, Data, CommandError>;
/// poise's command.
pub(crate) type Command = poise::Command<Data, CommandError>;
/// The result of a command.
pub(crate) type CommandResult = Result<(), CommandError>;

impl Data {
    /// The responder for an interaction.
    pub(crate) fn responder<'a>(&self, caller: Caller, acknowledged: &'a AtomicBool) -> Responder<'a> {
        Responder {
            level: self.access.level(&caller),
            caller,
            custom_id: "",
            selected: Vec::new(),
            inputs: Vec::new(),
            opened_by_component: false,
            http: self.services.rest.http(),
            retry_delay: self.services.timing.retry_delay,
            acknowledged,
            updates_message: AtomicBool::new(false),
        }
    }
}

/// The data and the responder of a command.
pub(crate) fn begin(ctx: Context<'_>) -> (&Data, Responder<'_>) {
    let data = ctx.framework.user_data;
    (data, data.responder(Caller::from(ctx.interaction), ctx.has_sent_initial_response))
}

/// Begins a command, and announces a private answer.
pub(crate) async fn begin_deferred(ctx: Context<'_>) -> Result<(&Data, Responder<'_>), CommandError> {
    let (data, responder) = begin(ctx);
    responder.defer().await?;
    Ok((data, responder))
}

/// A command's usage, which the table of commands sets.
pub(crate) fn usage(command: &Command) -> Option<&Usage> {
    command.custom_data.downcast_ref()
}
