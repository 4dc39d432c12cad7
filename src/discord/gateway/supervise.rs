//! Keeps one client of the gateway alive: starts it, watches it, and replaces it when it is dead.
//!
//! Runs on the main runtime and waits for nothing of serenity's.

mod budget;
mod link;

use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{Fatal, Gateway, Pulse};
use crate::config::Discord;
use crate::discord::rest::Rest;
use crate::discord::{OnEvent, Timing};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::Store;
use budget::Budget;
use link::{Link, Trouble};

/// At so few IDENTIFYs left of Discord's own limit the bot waits: at none the token is reset.
const LOW: u32 = 10;

/// What keeps the connection to the gateway.
pub struct Supervisor {
    /// Token, and where Discord is.
    pub config: Discord,
    /// How long things may take.
    pub timing: Timing,
    /// Asked for the gateway before each client.
    pub rest: Rest,
    /// Where IDENTIFYs are counted, over restarts too.
    pub store: Store,
    /// Tells of an outage of that.
    pub ingest: Ingest,
    /// Told how the connection stands.
    pub status: StatusBoard,
    /// Given every event.
    pub on_event: OnEvent,
}

impl Supervisor {
    /// Stays connected until `stop` is cancelled, and then ends the session.
    ///
    /// # Errors
    /// What only a human can mend.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), Fatal> {
        let mut link = Link::new(&self.timing);
        loop {
            match self.connect(&stop, &mut link).await {
                Ok(()) => return Ok(()),
                Err(trouble) => {
                    let is_outage = matches!(trouble, Trouble::Store(_)) && self.ingest.is_outage().await;
                    link.trouble(trouble, is_outage)?;
                }
            }
            if stop.run_until_cancelled(sleep(link.pause())).await.is_none() {
                return Ok(());
            }
        }
    }

    /// One client, from the first question to its end; `Ok` where that was wished for.
    async fn connect(&self, stop: &CancellationToken, link: &mut Link<'_>) -> Result<(), Trouble> {
        let budget = Budget::new(&self.store);
        let Some(started) = stop.run_until_cancelled(self.start(&budget)).await else { return Ok(()) };
        let mut gateway = started?;
        let ended = self.watch(&mut gateway, budget, stop, link).await;
        self.status.update(|status| status.connected = false);
        match ended {
            Ok(()) => gateway.close(self.timing.close).await,
            Err(_) => gateway.abandon(),
        }
        ended
    }

    /// Starts a client as soon as that is allowed.
    async fn start(&self, budget: &Budget<'_>) -> Result<Gateway, Trouble> {
        let url = loop {
            let bot = self.rest.gateway_bot().await?;
            if bot.remaining > LOW {
                break bot.url;
            }
            let wait = bot.reset_after.max(self.timing.look);
            tracing::warn!("Discord allows {} more sessions only; waiting for {wait:.0?}", bot.remaining);
            sleep(wait).await;
        };
        budget.wait(self.timing.look).await?;
        // Counted before it is sent: a process that is killed cannot forget it.
        let allowed = budget.charge_first().await?;
        Ok(Gateway::start(&self.config, url, allowed, self.on_event.clone())?)
    }

    /// Watches a client until it is dead or no longer wanted.
    async fn watch(
        &self,
        gateway: &mut Gateway,
        mut budget: Budget<'_>,
        stop: &CancellationToken,
        link: &mut Link<'_>,
    ) -> Result<(), Trouble> {
        let mut pulses = gateway.pulses();
        let mut looks = interval(self.timing.look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let up = async { pulses.wait_for(Pulse::is_up).await.map(drop) };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                end = gateway.ended() => return Err(end.into()),
                Ok(()) = up, if !link.is_up() => {}
                _ = looks.tick() => {}
            }
            let pulse = gateway.pulse();
            self.report(&pulse);
            link.set(pulse.is_up());
            match budget.charge(pulse.identifies).await {
                Ok(allowed) => gateway.allow(allowed),
                Err(error) => {
                    if !self.ingest.is_outage().await {
                        tracing::warn!("cannot count sessions: {error}");
                    }
                }
            }
            self.verdict(&pulse)?;
        }
    }

    fn report(&self, pulse: &Pulse) {
        self.status.update(|status| {
            status.connected = pulse.is_up();
            status.last_event_at = pulse.last_event.or(status.last_event_at);
            status.latency = pulse.latency;
        });
    }

    fn verdict(&self, pulse: &Pulse) -> Result<(), Trouble> {
        let Timing { ready, alive, .. } = self.timing;
        match pulse.down_since {
            Some(since) if since.elapsed() >= ready => Err(Trouble::NotReady(ready)),
            None if pulse.last_sign.elapsed() >= alive => Err(Trouble::Dead(alive)),
            _ => Ok(()),
        }
    }
}
