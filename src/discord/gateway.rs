//! The connection to Discord's gateway, and what happens with the events it delivers.
//!
//! serenity can spin, hang, or freeze its runtime for up to one heartbeat interval when the network
//! fails. It therefore runs on its own thread and runtime ([`client`]). A connect limiter bounds how
//! often it connects, and the [`Supervisor`] replaces a client that is dead. The router puts
//! events into one queue per channel, and a channel worker submits them to the pipeline in order.

mod channel_worker;
pub mod client;
mod client_thread;
mod connect_limiter;
mod error;
pub mod events;
mod health;
mod identify_quota;
mod router;
mod supervisor;

pub(crate) use channel_worker::run_channel;
pub use error::{FatalError, GatewayError};
pub use health::ClientHealth;
pub(crate) use router::{CHANNEL_QUEUE, Router};
pub use supervisor::Supervisor;
