//! How the connection went so far: what is said of it, and how soon it is tried again.

use std::time::{Duration, Instant};

use crate::discord::Timing;
use crate::discord::gateway::{Fatal, GatewayError};
use crate::discord::rest::RestError;
use crate::store::StoreError;

/// Why a try to stay connected ended, where it may be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("cannot ask where the gateway is: {0}")]
    Rest(#[from] RestError),
    #[error("cannot count sessions: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("no session within {0:?}")]
    NotReady(Duration),
    #[error("no sign of life for {0:?}")]
    Dead(Duration),
}

/// The connection as it was last seen, over all clients.
pub(crate) struct Link<'a> {
    timing: &'a Timing,
    up_since: Option<Instant>,
    was_up_before: bool,
    is_troubled: bool,
    back_off: Duration,
}

impl<'a> Link<'a> {
    pub(crate) fn new(timing: &'a Timing) -> Self {
        let back_off = timing.back_off;
        Self { timing, up_since: None, was_up_before: false, is_troubled: false, back_off }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up_since.is_some()
    }

    /// Says what has changed.
    pub(crate) fn set(&mut self, is_up: bool) {
        match self.up_since {
            None if is_up => {
                let again = if self.was_up_before { " again" } else { "" };
                tracing::info!("connected to Discord{again}");
                (self.up_since, self.was_up_before, self.is_troubled) = (Some(Instant::now()), true, false);
            }
            Some(since) if !is_up => {
                tracing::info!("connection to Discord lost");
                self.up_since = None;
                if since.elapsed() >= self.timing.alive {
                    self.back_off = self.timing.back_off;
                }
            }
            _ => {}
        }
    }

    /// Takes the end of a client. What cannot be mended here is passed on; the rest is said once,
    /// until there is a session again, unless others tell of it.
    pub(crate) fn trouble(&mut self, trouble: Trouble, is_told: bool) -> Result<(), Fatal> {
        self.set(false);
        match trouble {
            Trouble::Gateway(GatewayError::Fatal(fatal)) => return Err(fatal),
            Trouble::Rest(RestError::Unauthorized | RestError::Token) => return Err(Fatal::BadToken),
            trouble if self.is_troubled || is_told => {
                tracing::debug!("Discord's gateway: {trouble}; trying again");
            }
            trouble => tracing::warn!("Discord's gateway: {trouble}; trying until it works"),
        }
        self.is_troubled |= !is_told;
        Ok(())
    }

    /// How long to wait before the next client: twice as long each time, give or take a quarter.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.back_off.mul_f64(0.75 + fastrand::f64() / 2.0);
        self.back_off = self.back_off.saturating_mul(2).min(self.timing.back_off_max);
        pause
    }
}
