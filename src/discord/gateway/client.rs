//! The handle of one gateway client, which runs on its own thread.
//!
//! No method waits for serenity without a deadline. When to connect and when to give up is the
//! supervisor's decision.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client_thread::ClientThread;
use super::error::GatewayError;
use super::events::EventHandler;
use super::health::ClientHealth;
use crate::config::Discord;
use crate::discord::rest;

/// A running gateway client. Dropping the handle [abandons](Self::abandon) the client.
#[derive(Debug)]
pub struct GatewayClient {
    health: watch::Receiver<ClientHealth>,
    identify_limit: Arc<AtomicU64>,
    end: oneshot::Receiver<Result<(), GatewayError>>,
    close: CancellationToken,
    abandon: DropGuard,
}

impl GatewayClient {
    /// Starts a client that connects to the gateway at `url`.
    pub fn start(
        config: &Discord,
        url: String,
        identify_limit: u64,
        on_event: EventHandler,
    ) -> Result<Self, GatewayError> {
        if config.api_url.is_some() && is_discord(&url) {
            return Err(GatewayError::UnexpectedGateway);
        }
        let (health_sender, health) = watch::channel(ClientHealth::new());
        let (end_sender, end) = oneshot::channel();
        let identify_limit = Arc::new(AtomicU64::new(identify_limit));
        let (close, abandon) = (CancellationToken::new(), CancellationToken::new());
        let client = ClientThread {
            http: rest::serenity_http(config)?,
            url,
            on_event,
            health: health_sender,
            identify_limit: Arc::clone(&identify_limit),
            close: close.clone(),
            abandon: abandon.clone(),
        };
        client.spawn(end_sender)?;
        Ok(Self { health, identify_limit, end, close, abandon: abandon.drop_guard() })
    }

    /// The current health of the client.
    #[must_use]
    pub fn health(&self) -> ClientHealth {
        self.health.borrow().clone()
    }

    /// A receiver that is notified when the health changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<ClientHealth> {
        self.health.clone()
    }

    /// Sets how many IDENTIFYs the client may send in total. At the limit it waits. RESUMEs are not
    /// limited.
    pub fn set_identify_limit(&self, identifies: u64) {
        self.identify_limit.store(identifies, Ordering::Relaxed);
    }

    /// Waits until the client ends, and returns the reason.
    pub async fn ended(&mut self) -> GatewayError {
        match (&mut self.end).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => GatewayError::Stopped,
        }
    }

    /// Closes the session. Abandons the client if that takes longer than `close_timeout`.
    pub async fn close(mut self, close_timeout: Duration) {
        // Without a connection serenity would wait for one, or spin.
        if self.health().is_up() {
            self.close.cancel();
            drop(timeout(close_timeout, &mut self.end).await);
        }
        self.abandon();
    }

    /// Stops the client without waiting. A thread that spins ends as soon as it yields.
    pub fn abandon(self) {
        drop(self.abandon);
    }
}

/// Whether a gateway URL is Discord's own. serenity falls back to it when `GET /gateway` fails.
fn is_discord(url: &str) -> bool {
    let is_own_host = |host: &str| ["discord.gg", "discord.com"].iter().any(|name| host.ends_with(name));
    Url::parse(url).ok().and_then(|url| url.host_str().map(is_own_host)).unwrap_or(true)
}
