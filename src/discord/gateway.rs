//! One client of the gateway: serenity, on a thread and a runtime of its own.
//!
//! serenity can spin, hang, and freeze the runtime that it lives in for as long as a heartbeat.
//! So nobody outside waits for it: the client tells how it fares by its [`Pulse`], its IDENTIFYs
//! are counted and bounded at a gate, and a client that does not end when it should is left behind.
//!
//! Does not decide when to connect or to give up: `supervise` does.

pub(crate) mod channel;
mod client;
pub(crate) mod dispatch;
mod events;
mod gate;
mod pulse;
pub mod supervise;

use std::io;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::OnEvent;
use super::rest::{self, RestError};
use crate::config::Discord;

pub use self::pulse::Pulse;

/// A running client. To drop it is to [abandon](Self::abandon) it.
#[derive(Debug)]
pub struct Gateway {
    pulse: watch::Receiver<Pulse>,
    allowed: Arc<AtomicU64>,
    end: oneshot::Receiver<Result<(), GatewayError>>,
    close: CancellationToken,
    abandon: DropGuard,
}

/// Why there is no client (any more).
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Trying again is no use.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The REST client cannot be made.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The gateway is Discord's, though `api_url` leads elsewhere.
    #[error("discord.api_url leads elsewhere, so the gateway of Discord itself is not used")]
    Astray,
    /// The system gives no thread or no runtime.
    #[error("no thread for the gateway: {0}")]
    Thread(#[from] io::Error),
    /// serenity gave up.
    #[error("the gateway client ended: {0}")]
    Client(String),
    /// It was closed, abandoned, or it panicked.
    #[error("the gateway client is gone")]
    Gone,
}

/// What only a human can mend; says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// Close code 4004, or 401.
    #[error(
        "Discord refused the bot's token: copy it again from the developer portal, Bot → Reset Token, \
         to discord.token"
    )]
    BadToken,
    /// Close codes 4013 and 4014.
    #[error(
        "Discord refused the bot's intents: switch on Message Content Intent in the developer portal, \
         Bot → Privileged Gateway Intents"
    )]
    MissingIntent,
}

impl Gateway {
    /// Starts a client that connects to the gateway at `url` and may send so many IDENTIFYs.
    ///
    /// # Errors
    /// When the configuration cannot be used or the system gives no thread.
    pub fn start(
        config: &Discord,
        url: String,
        identifies: u64,
        on_event: OnEvent,
    ) -> Result<Self, GatewayError> {
        if config.api_url.is_some() && is_discords(&url) {
            return Err(GatewayError::Astray);
        }
        let (beat, pulse) = watch::channel(Pulse::new());
        let (ended, end) = oneshot::channel();
        let allowed = Arc::new(AtomicU64::new(identifies));
        let (close, abandon) = (CancellationToken::new(), CancellationToken::new());
        let client = client::Client {
            http: rest::bare(config)?,
            url,
            on_event,
            pulse: beat,
            allowed: Arc::clone(&allowed),
            close: close.clone(),
            abandon: abandon.clone(),
        };
        client.spawn(ended)?;
        Ok(Self { pulse, allowed, end, close, abandon: abandon.drop_guard() })
    }

    /// How the client fares. Never waits.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.borrow().clone()
    }

    /// The same for those who wait for a change of it.
    #[must_use]
    pub fn pulses(&self) -> watch::Receiver<Pulse> {
        self.pulse.clone()
    }

    /// Sets how many IDENTIFYs the client may send in all its life. At that number it waits; a
    /// RESUME is free.
    pub fn allow(&self, identifies: u64) {
        self.allowed.store(identifies, Ordering::Relaxed);
    }

    /// Waits for the end of the client and tells why.
    pub async fn ended(&mut self) -> GatewayError {
        match (&mut self.end).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => GatewayError::Gone,
        }
    }

    /// Ends the session, or abandons the client where that takes longer than `deadline`.
    pub async fn close(mut self, deadline: Duration) {
        // Without a connection serenity would wait for it, or spin.
        if self.pulse().is_up() {
            self.close.cancel();
            drop(timeout(deadline, &mut self.end).await);
        }
        self.abandon();
    }

    /// Leaves the client behind. What it has open ends; where it spins, its thread ends as soon
    /// as it stops.
    pub fn abandon(self) {
        drop(self.abandon);
    }
}

impl From<serenity::Error> for GatewayError {
    fn from(error: serenity::Error) -> Self {
        use serenity::gateway::GatewayError as Theirs;
        match error {
            serenity::Error::Gateway(Theirs::InvalidAuthentication) => Fatal::BadToken.into(),
            serenity::Error::Gateway(Theirs::DisallowedGatewayIntents | Theirs::InvalidGatewayIntents) => {
                Fatal::MissingIntent.into()
            }
            serenity::Error::Gateway(other) => Self::Client(other.to_string()),
            // Others may hold addresses and answers.
            _ => Self::Client("an error of serenity".to_owned()),
        }
    }
}

/// Whether this is the real Discord, where serenity goes by itself when it cannot ask for the way.
fn is_discords(url: &str) -> bool {
    let discords = |host: &str| ["discord.gg", "discord.com"].iter().any(|name| host.ends_with(name));
    Url::parse(url).ok().and_then(|url| url.host_str().map(discords)).unwrap_or(true)
}
