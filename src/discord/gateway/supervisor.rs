//! Keeps one gateway client alive: starts it, watches it, and replaces it when it is dead.
//!
//! The supervisor runs on the main runtime and never waits for serenity.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::client::GatewayClient;
use super::error::{FatalError, GatewayError};
use super::events::EventHandler;
use super::health::ClientHealth;
use super::identify_quota::IdentifyQuota;
use crate::config::Discord;
use crate::discord::rest::{Rest, RestError};
use crate::discord::timing::Timing;
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::{Store, StoreError};

/// Do not start a session while Discord's own limit leaves this many IDENTIFYs or fewer. Discord
/// resets the token when none are left.
const MIN_IDENTIFIES_LEFT: u32 = 10;

/// Keeps the bot connected to the gateway.
pub struct Supervisor {
    /// The token, and Discord's address.
    pub config: Discord,
    /// Timeouts and intervals.
    pub timing: Timing,
    /// Asked for the gateway's address before each client starts.
    pub rest: Rest,
    /// Counts IDENTIFYs across restarts.
    pub store: Store,
    /// Knows whether the database is in an outage, which it logs itself.
    pub ingest: Ingest,
    /// Shows the state of the connection.
    pub status: StatusBoard,
    /// Receives every event.
    pub on_event: EventHandler,
}

/// Why a client ended. The supervisor tries again, unless the gateway error is fatal.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("cannot ask Discord for its gateway: {0}")]
    Rest(#[from] RestError),
    #[error("cannot count sessions: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("no session within {0:?}")]
    NotReady(Duration),
    #[error("nothing was received for {0:?}")]
    Silent(Duration),
}

impl Supervisor {
    /// Stays connected until `stop` is cancelled, then closes the session.
    ///
    /// # Errors
    /// When only a person can fix the problem.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), FatalError> {
        let mut log = ConnectionLog::new(&self.timing);
        loop {
            match self.connect(&stop, &mut log).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let is_outage = matches!(&error, ConnectError::Store(error) if self.ingest.report_storage_error(error));
                    log.record_error(error, is_outage)?;
                }
            }
            if stop.run_until_cancelled(sleep(log.next_delay())).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Runs one client until it ends. Returns `Ok` only when `stop` is cancelled.
    async fn connect(
        &self,
        stop: &CancellationToken,
        log: &mut ConnectionLog<'_>,
    ) -> Result<(), ConnectError> {
        let mut quota = IdentifyQuota::new(&self.store);
        let Some(started) = stop.run_until_cancelled(self.start(&mut quota)).await else { return Ok(()) };
        let mut client = started?;
        let ended = self.watch(&mut client, quota, stop, log).await;
        self.status.update(|status| status.connected = false);
        match ended {
            Ok(()) => client.close(self.timing.close_timeout).await,
            Err(_) => client.abandon(),
        }
        ended
    }

    /// Starts a client as soon as the limits for IDENTIFYs allow it.
    async fn start(&self, quota: &mut IdentifyQuota<'_>) -> Result<GatewayClient, ConnectError> {
        let url = loop {
            let bot = self.rest.gateway_bot().await?;
            if bot.remaining > MIN_IDENTIFIES_LEFT {
                break bot.url;
            }
            let wait = bot.reset_after.max(self.timing.poll_interval);
            tracing::warn!("Discord allows only {} more sessions; waiting for {wait:.0?}", bot.remaining);
            sleep(wait).await;
        };
        quota.until_available(self.timing.poll_interval).await?;
        // Counted before it is sent, so that a killed process cannot forget it.
        let identify_limit = quota.count(1).await?;
        Ok(GatewayClient::start(&self.config, url, identify_limit, self.on_event.clone())?)
    }

    /// Watches a client until it is dead or `stop` is cancelled.
    async fn watch(
        &self,
        client: &mut GatewayClient,
        mut quota: IdentifyQuota<'_>,
        stop: &CancellationToken,
        log: &mut ConnectionLog<'_>,
    ) -> Result<(), ConnectError> {
        let mut changes = client.subscribe();
        let mut polls = interval(self.timing.poll_interval);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let up = async { changes.wait_for(ClientHealth::is_up).await.map(drop) };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                end = client.ended() => return Err(end.into()),
                Ok(()) = up, if !log.is_up() => {}
                _ = polls.tick() => {}
            }
            let health = client.health();
            self.status.update(|status| {
                // A heartbeat acknowledgement that is late suggests a dead connection before it is certain.
                let is_late = health.last_sign.elapsed() >= self.timing.silence_timeout / 2;
                let is_connected = health.is_up() && !is_late;
                status.sessions += u64::from(is_connected && !status.connected);
                status.connected = is_connected;
                status.last_event_at = health.last_event.or(status.last_event_at);
                status.latency = health.latency;
            });
            log.record_state(health.is_up());
            match quota.count(health.identifies).await {
                Ok(limit) => client.set_identify_limit(limit),
                Err(error) => {
                    if !self.ingest.report_storage_error(&error) {
                        tracing::warn!("cannot count sessions: {error}");
                    }
                }
            }
            let Timing { ready_timeout, silence_timeout, .. } = self.timing;
            match health.down_since {
                Some(since) if since.elapsed() >= ready_timeout => {
                    return Err(ConnectError::NotReady(ready_timeout));
                }
                None if health.last_sign.elapsed() >= silence_timeout => {
                    return Err(ConnectError::Silent(silence_timeout));
                }
                _ => {}
            }
        }
    }
}

/// Logs changes of the connection across clients, and computes the delay before the next client.
struct ConnectionLog<'a> {
    timing: &'a Timing,
    up_since: Option<Instant>,
    was_up_before: bool,
    /// Whether an error was logged since the last session.
    is_error_logged: bool,
    delay: Duration,
}

impl<'a> ConnectionLog<'a> {
    fn new(timing: &'a Timing) -> Self {
        let delay = timing.reconnect_delay;
        Self { timing, up_since: None, was_up_before: false, is_error_logged: false, delay }
    }

    fn is_up(&self) -> bool {
        self.up_since.is_some()
    }

    /// Records whether there is a session, and logs a change.
    fn record_state(&mut self, is_up: bool) {
        match self.up_since {
            None if is_up => {
                let again = if self.was_up_before { " again" } else { "" };
                tracing::info!("connected to Discord{again}");
                (self.up_since, self.was_up_before, self.is_error_logged) =
                    (Some(Instant::now()), true, false);
            }
            Some(since) if !is_up => {
                tracing::info!("connection to Discord lost");
                self.up_since = None;
                if since.elapsed() >= self.timing.silence_timeout {
                    self.delay = self.timing.reconnect_delay;
                }
            }
            _ => {}
        }
    }

    /// Records the end of a client. Returns a fatal error. Logs other errors once until there is a
    /// session again, except for those of an outage, which the pipeline logs.
    fn record_error(&mut self, error: ConnectError, is_outage: bool) -> Result<(), FatalError> {
        self.record_state(false);
        match error {
            ConnectError::Gateway(GatewayError::Fatal(fatal)) => return Err(fatal),
            ConnectError::Rest(RestError::Unauthorized | RestError::Token) => {
                return Err(FatalError::BadToken);
            }
            error if self.is_error_logged || is_outage => {
                tracing::debug!("Discord's gateway: {error}; trying again");
            }
            error => tracing::warn!("Discord's gateway: {error}; ROMS keeps trying"),
        }
        self.is_error_logged |= !is_outage;
        Ok(())
    }

    /// The delay before the next client. Doubles each time, with 25 % jitter.
    fn next_delay(&mut self) -> Duration {
        let delay = self.delay.mul_f64(0.75 + fastrand::f64() / 2.0);
        self.delay = self.delay.saturating_mul(2).min(self.timing.max_reconnect_delay);
        delay
    }
}
