//! The sender: claims due deliveries, sends them, and decides from each answer whether to try again.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::client::Clients;
use super::{Outbox, Timing};
use crate::clock;
use crate::order::{Order, View};
use crate::store::{Attempt, Delivery, Endpoint, Lease, NextStep, Store, StoreError, Target};

/// Maximum events in flight to one endpoint.
const PER_ENDPOINT: i64 = 4;
/// A relay sends one card at a time, so that the cards keep their order and a crash leaves at most one with
/// an unknown result.
const PER_RELAY: i64 = 1;
/// A card is not sent again after this many attempts with an unknown result.
const MAX_DOUBTS: i64 = 2;

/// Writes an order as JSON, with the personal data masked that the reader may not see.
pub type Render = fn(Order, View) -> Value;

/// Sends deliveries; see the module.
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) clients: Clients,
    pub(crate) timing: Timing,
    pub(crate) render: Render,
    outbox: Outbox,
}

/// The meaning of an answer, or of a missing answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The delivery has arrived.
    Arrived,
    /// The attempt failed, and a later one may succeed. `doubtful` says that the delivery may have arrived
    /// all the same.
    Failed { doubtful: bool },
    /// The receiver asks ROMS to wait for this time.
    Later(Duration),
    /// Discord asks ROMS to wait for this time before using any webhook.
    AllLater(Duration),
    /// The receiver will never accept it.
    Rejected,
    /// The endpoint or webhook no longer exists, or refuses ROMS.
    TargetGone,
    /// There is nothing left to send.
    Void,
}

/// The result of an attempt.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    pub(crate) attempt: Attempt,
    /// The time until this target accepts deliveries again.
    pub(crate) pause: Option<Duration>,
    /// The endpoint as it was before the attempt.
    pub(crate) endpoint: Option<Endpoint>,
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, attempt: Attempt::default(), pause: None, endpoint: None }
    }
}

/// A finished attempt.
type Done = (Delivery, Result<Sent, StoreError>);

/// State of the sender between two rounds. It is only in memory; if it is lost, no delivery is.
#[derive(Default)]
struct Memory {
    /// The number of deliveries in flight to each target.
    running: HashMap<Target, i64>,
    /// The end of each target's pause.
    pauses: HashMap<Target, Instant>,
    /// The end of the pause for all Discord webhooks.
    pause_of_relays: Option<Instant>,
    /// The time until which ROMS does not use a webhook that refused it.
    refused: HashMap<Target, Instant>,
    /// Targets whose last delivery failed for good. Each is announced only once.
    in_trouble: Vec<Target>,
    /// Results that the database has not stored yet.
    unrecorded: Vec<Done>,
    /// Deliveries that may be claimed in the database although it did not confirm the claim. They are not in
    /// flight.
    claimed_in_doubt: Vec<i64>,
}

/// The result of an attempt's task. Attempts are never aborted, so a task without a result has panicked; the
/// panic continues here.
fn finished(done: Result<Done, JoinError>) -> Done {
    done.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

/// Sends the deliveries of the outbox until `stop` is cancelled. Of several processes on one database, only
/// the one with the lease sends.
pub async fn run(store: Store, outbox: Outbox, timing: Timing, render: Render, stop: CancellationToken) {
    let clients = match Clients::new(outbox.allows_private()) {
        Ok(clients) => clients,
        Err(error) => {
            tracing::error!(%error, "cannot set up TLS; no webhook is sent");
            return;
        }
    };
    let sender = Arc::new(Sender { store, clients, timing, render, outbox });
    loop {
        let leading = async {
            sender.until_needed().await;
            sender.store.acquire_lease(Lease::Outbox, || {}).await
        };
        let Some(lead) = stop.run_until_cancelled(leading).await else { return };
        let stop_sending = stop.child_token();
        let sending = sender.send(&stop_sending);
        tokio::pin!(sending);
        tokio::select! {
            () = &mut sending => return,
            () = lead.lost() => {
                stop_sending.cancel();
                sending.await;
            }
        }
    }
}

impl Sender {
    /// Waits until there is an endpoint or a delivery. Until then, this process takes no lease.
    async fn until_needed(&self) {
        while self.outbox.endpoints().is_empty() && !self.store.has_open_deliveries().await.unwrap_or(false) {
            tokio::select! {
                () = self.outbox.0.added.notified() => {}
                () = sleep(self.timing.poll_interval) => {}
            }
        }
    }

    async fn send(self: &Arc<Self>, stop: &CancellationToken) {
        let mut memory = Memory::default();
        // Attempts run in their own tasks. They hold database connections while they read what to send, so
        // they must make progress while a round waits for a connection.
        let mut running = JoinSet::new();
        let (mut recovered, mut failed) = (false, false);
        while !stop.is_cancelled() {
            let round = async {
                if !recovered {
                    self.store.recover_deliveries(clock::now()).await?;
                    recovered = true;
                }
                self.record_all(&mut memory).await?;
                self.store.release_deliveries(&mut memory.claimed_in_doubt, clock::now()).await?;
                let claimed = self.claim_due(&mut memory).await?;
                Ok::<_, StoreError>((claimed, self.store.next_due(clock::now()).await))
            };
            let wait = match round.await {
                Ok((claimed, due)) => {
                    for (delivery, is_refused) in claimed {
                        running.spawn(Arc::clone(self).attempt(delivery, is_refused));
                    }
                    failed = false;
                    self.wait_until(due.unwrap_or_default(), &memory)
                }
                Err(error) => {
                    // The writer uses the same database and logs its failures.
                    if !std::mem::replace(&mut failed, true) {
                        tracing::debug!(%error, "the outbox waits for the database");
                    }
                    self.timing.poll_interval
                }
            };
            tokio::select! {
                // Take finished attempts before claiming more: if the process dies before a result is stored,
                // its delivery is sent again.
                biased;
                () = stop.cancelled() => {}
                Some(done) = running.join_next() => memory.unrecorded.push(finished(done)),
                () = self.outbox.0.added.notified() => {}
                () = sleep(wait) => {}
            }
        }
        // Wait for the answers to deliveries in flight: without them, the next sender would send these
        // deliveries again.
        let finish = async {
            while let Some(done) = running.join_next().await {
                memory.unrecorded.push(finished(done));
            }
        };
        drop(timeout(self.timing.stop_timeout, finish).await);
        drop(timeout(self.timing.stop_timeout, self.record_all(&mut memory)).await);
    }

    /// Time until something can be sent.
    fn wait_until(&self, due: Option<DateTime<Utc>>, memory: &Memory) -> Duration {
        let due = due.map(|due| (due - clock::now()).to_std().unwrap_or_default());
        let now = Instant::now();
        let ends = memory.pauses.values().chain(&memory.pause_of_relays);
        let pauses = ends.map(|end| end.saturating_duration_since(now)).filter(|left| !left.is_zero());
        pauses.chain(due).chain([self.timing.poll_interval]).min().unwrap_or_default()
    }

    /// Claims due deliveries, up to the limit of each target. The flag of a delivery says whether its
    /// receiver has just refused ROMS.
    async fn claim_due(&self, memory: &mut Memory) -> Result<Vec<(Delivery, bool)>, StoreError> {
        let mut claimed = Vec::new();
        let now = Instant::now();
        memory.pauses.retain(|_, end| *end > now);
        memory.refused.retain(|_, end| *end > now);
        memory.pause_of_relays = memory.pause_of_relays.filter(|end| *end > now);
        for target in self.store.due_targets(clock::now()).await? {
            let limit = match target {
                Target::Relay(_) if memory.pause_of_relays.is_some() => continue,
                Target::Relay(_) => PER_RELAY,
                Target::Endpoint(_) => PER_ENDPOINT,
            };
            let count = memory.running.entry(target).or_default();
            if *count >= limit || memory.pauses.contains_key(&target) {
                continue;
            }
            let is_refused = memory.refused.contains_key(&target);
            let (now, in_doubt) = (clock::now(), &mut memory.claimed_in_doubt);
            for delivery in self.store.claim_deliveries(target, limit - *count, now, in_doubt).await? {
                *count += 1;
                claimed.push((delivery, is_refused));
            }
        }
        Ok(claimed)
    }

    async fn attempt(self: Arc<Self>, delivery: Delivery, is_refused: bool) -> Done {
        let sent = self.send_one(&delivery, is_refused).await;
        (delivery, sent)
    }

    async fn send_one(&self, delivery: &Delivery, is_refused: bool) -> Result<Sent, StoreError> {
        let without_asking = |reason: &str| Sent {
            attempt: Attempt { error: Some(reason.to_owned()), ..Attempt::default() },
            ..Sent::from(Outcome::Rejected)
        };
        match delivery.target {
            Target::Endpoint(endpoint) => self.send_event(endpoint, delivery).await,
            Target::Relay(_) if delivery.doubts >= MAX_DOUBTS => {
                Ok(without_asking("two attempts had no answer, so the card may have arrived"))
            }
            Target::Relay(_) if is_refused => Ok(without_asking("Discord has just refused this webhook")),
            Target::Relay(token) => self.relay_card(token, delivery).await,
        }
    }

    /// Stores the results of finished attempts. A result that cannot be stored is kept for the next round,
    /// and its delivery is not sent again meanwhile.
    async fn record_all(&self, memory: &mut Memory) -> Result<(), StoreError> {
        while let Some((delivery, sent)) = memory.unrecorded.last() {
            let (delivery, sent) = (delivery.clone(), sent.as_ref().ok());
            self.record(&delivery, sent, memory.in_trouble.contains(&delivery.target)).await?;
            let Some((_, sent)) = memory.unrecorded.pop() else { return Ok(()) };
            if let Some(count) = memory.running.get_mut(&delivery.target) {
                *count -= 1;
            }
            if let Ok(sent) = sent {
                self.remember(delivery.target, &sent, memory);
            }
        }
        Ok(())
    }

    fn remember(&self, target: Target, sent: &Sent, memory: &mut Memory) {
        let now = Instant::now();
        if let Some(pause) = sent.pause {
            memory.pauses.insert(target, now + pause);
        }
        match sent.outcome {
            Outcome::Arrived => {
                memory.in_trouble.retain(|other| *other != target);
                memory.refused.remove(&target);
            }
            Outcome::AllLater(pause) => memory.pause_of_relays = Some(now + pause),
            Outcome::TargetGone => {
                memory.refused.insert(target, now + self.timing.refusal_pause);
            }
            _ => {}
        }
        let is_dead = matches!(sent.outcome, Outcome::Rejected | Outcome::TargetGone);
        if is_dead && !memory.in_trouble.contains(&target) {
            memory.in_trouble.push(target);
        }
    }

    /// Stores the result of an attempt. `None` means that the database could not be read and nothing was
    /// sent.
    async fn record(
        &self,
        delivery: &Delivery,
        sent: Option<&Sent>,
        is_announced: bool,
    ) -> Result<(), StoreError> {
        let now = clock::now();
        let later = |wait: Duration| now + TimeDelta::from_std(wait).unwrap_or_default();
        let uncounted = |wait| NextStep::Retry { at: later(wait), counts: false, doubtful: false };
        let Some(Sent { outcome, attempt, endpoint, .. }) = sent else {
            let next = uncounted(self.timing.poll_interval);
            return self.store.finish_delivery(delivery, Attempt::default(), next).await;
        };
        let is_relay = matches!(delivery.target, Target::Relay(_));
        let next = match *outcome {
            Outcome::Void => return self.store.drop_delivery(delivery.id).await,
            Outcome::Arrived => NextStep::Delivered,
            Outcome::Later(wait) | Outcome::AllLater(wait)
                if self.timing.is_worth_it(delivery.created_at, now) =>
            {
                uncounted(wait)
            }
            Outcome::Failed { doubtful } if !(doubtful && is_relay && delivery.doubts + 1 >= MAX_DOUBTS) => {
                match self.timing.next_attempt(delivery.attempts, delivery.created_at, now) {
                    Some(at) => NextStep::Retry { at, counts: true, doubtful },
                    None => NextStep::Dead,
                }
            }
            Outcome::Rejected
            | Outcome::TargetGone
            | Outcome::Failed { .. }
            | Outcome::Later(_)
            | Outcome::AllLater(_) => NextStep::Dead,
        };
        self.store.finish_delivery(delivery, attempt.clone(), next).await?;
        if let Some(endpoint) = endpoint {
            self.follow_endpoint(endpoint, *outcome, now).await?;
        }
        let error = attempt.error.as_deref().unwrap_or_default();
        tracing::debug!(delivery.id, ?next, error, "sent a delivery");
        if next == NextStep::Dead && is_relay && !is_announced {
            let name = self.name_of(delivery.target).await?;
            self.outbox.notify(match outcome {
                Outcome::TargetGone => format!(
                    "The relay of the token {name} does not work: {error}. Its cards are stored, but not passed on. \
                     Create a new link with `roms token create --url --relay-url`."
                ),
                _ => format!("A card was not passed on by the relay of the token {name}: {error}. `roms outbox list` shows it."),
            });
        }
        Ok(())
    }

    /// Records whether an endpoint works. Disables an endpoint that is gone or has failed for too long.
    async fn follow_endpoint(
        &self,
        endpoint: &Endpoint,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let reason = match (outcome, endpoint.failing_since) {
            (Outcome::Arrived, Some(_)) => return self.store.set_failing_since(endpoint.id, None).await,
            (Outcome::TargetGone, _) => "it answered 410 Gone".to_owned(),
            (Outcome::Failed { .. }, None) => {
                return self.store.set_failing_since(endpoint.id, Some(now)).await;
            }
            (Outcome::Failed { .. }, Some(since)) if now - since >= self.timing.max_failing => {
                format!("every message has failed since {}", since.format("%Y-%m-%d %H:%M UTC"))
            }
            _ => return Ok(()),
        };
        if endpoint.disabled_at.is_some() {
            return Ok(());
        }
        self.store.disable_endpoint(endpoint.id, &reason, now).await?;
        let name = &endpoint.name;
        self.outbox.notify(format!(
            "The webhook endpoint {name} was disabled: {reason}. When it works again: `roms webhook enable {name}`, then \
             `roms webhook replay {name} --since` with the time."
        ));
        self.outbox.refresh(&self.store).await
    }

    async fn name_of(&self, target: Target) -> Result<String, StoreError> {
        let name = match target {
            Target::Relay(token) => self.store.token_name(token).await?,
            Target::Endpoint(endpoint) => {
                self.store.endpoint(endpoint, clock::now()).await?.map(|endpoint| endpoint.name)
            }
        };
        Ok(name.unwrap_or_else(|| "that was deleted".to_owned()))
    }
}
