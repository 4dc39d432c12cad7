//! One worker per watched channel: submits the channel's events to the pipeline in order.
//!
//! The worker submits messages one after the other but waits for their receipts together, so that
//! many messages of one channel fill whole batches.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::router::ChannelEvent;
use crate::card::decode::discord::id_field;
use crate::card::outcome::Receipt;
use crate::config::Channel;
use crate::discord::filter::{is_complete, is_empty, is_trusted};
use crate::discord::rest::RestError;
use crate::discord::restart::restart_on_panic;
use crate::discord::services::Services;
use crate::ingest::SubmitError;

/// Most receipts awaited at once, and most messages fetched at once.
const MAX_IN_FLIGHT: usize = 256;

/// A message id, and the pipeline's answer.
type SubmitResult = (i64, Result<Receipt, SubmitError>);

/// A message id, and the fetched message with its guild. `None` if the guild is not configured.
type FetchResult = (i64, Result<Option<(i64, Value)>, RestError>);

/// The worker of one channel.
struct ChannelWorker {
    services: Services,
    channel: Channel,
    submitted: FuturesUnordered<BoxFuture<'static, SubmitResult>>,
    fetches: FuturesUnordered<BoxFuture<'static, FetchResult>>,
    /// Messages being fetched that have not been deleted meanwhile.
    wanted: HashSet<i64>,
}

/// Runs the worker of one channel until `stop` is cancelled, then finishes the events already
/// queued. It does not wait for fetches, which can take long; the history reader finds those
/// messages after the next start.
pub(crate) async fn run_channel(
    services: Services,
    channel: Channel,
    events: mpsc::Receiver<ChannelEvent>,
    stop: CancellationToken,
) {
    if stop.run_until_cancelled(services.until_identified()).await.is_none() {
        return;
    }
    let events = Mutex::new(events);
    restart_on_panic("channel", async || {
        let worker = ChannelWorker {
            services: services.clone(),
            channel: channel.clone(),
            submitted: FuturesUnordered::new(),
            fetches: FuturesUnordered::new(),
            wanted: HashSet::new(),
        };
        worker.run(&mut *events.lock().await, &stop).await;
    })
    .await;
}

impl ChannelWorker {
    async fn run(mut self, events: &mut mpsc::Receiver<ChannelEvent>, stop: &CancellationToken) {
        loop {
            tokio::select! {
                event = events.recv(), if self.submitted.len() < MAX_IN_FLIGHT => match event {
                    Some(event) => self.handle(event).await,
                    None => return self.finish_submitted().await,
                },
                Some(result) = self.submitted.next() => self.handle_receipt(result),
                Some(result) = self.fetches.next() => self.handle_fetched(result).await,
                () = stop.cancelled(), if !events.is_closed() => events.close(),
            }
        }
    }

    async fn handle(&mut self, event: ChannelEvent) {
        match event {
            ChannelEvent::Created(message) if is_empty(&message) => {
                // The gateway omits new kinds of components, and embeds can follow later. REST
                // usually has them a moment later.
                if is_trusted(&message, &self.channel) {
                    self.fetch(id_field(&message, "id"), self.services.timing.refetch_delay);
                }
            }
            ChannelEvent::Updated(message) if !is_complete(&message) || is_empty(&message) => {
                self.fetch(id_field(&message, "id"), Duration::ZERO);
            }
            ChannelEvent::Created(message) | ChannelEvent::Updated(message) => {
                match id_field(&message, "guild_id") {
                    Some(guild) => self.submit(guild, &message).await,
                    None => self.fetch(id_field(&message, "id"), Duration::ZERO),
                }
            }
            ChannelEvent::Deleted(messages) => {
                for message in &messages {
                    self.wanted.remove(message);
                }
                self.finish_submitted().await;
                if let Err(error) = self.services.store.mark_deleted(&messages, Utc::now()).await {
                    tracing::debug!(channel = self.channel.id, %error, "cannot mark deleted messages yet");
                    self.services.missed.add_messages(self.channel.id, messages);
                }
            }
        }
    }

    /// Submits a message if its sender is trusted.
    async fn submit(&mut self, guild: i64, message: &Value) {
        let Some(message) = self.services.read(&self.channel, guild, message) else { return };
        let id = message.discord_id.unwrap_or_default();
        match self.services.ingest.enqueue(message).await {
            Ok(pending) => self.submitted.push(Box::pin(async move { (id, pending.receipt().await) })),
            Err(error) => self.fetch_after_failure(id, error),
        }
    }

    /// Fetches a complete message after a delay. If too many fetches are running, the message is
    /// rechecked later.
    fn fetch(&mut self, message: Option<i64>, delay: Duration) {
        let Some(id) = message else { return };
        if self.fetches.len() >= MAX_IN_FLIGHT {
            return self.services.missed.add_messages(self.channel.id, [id]);
        }
        if !self.wanted.insert(id) {
            return;
        }
        let (services, channel) = (self.services.clone(), self.channel.id);
        let fetch = async move {
            tokio::time::sleep(delay).await;
            let message = services.rest.message(channel, id).await?;
            Ok(services.guild_of(channel).await?.map(|guild| (guild, message)))
        };
        self.fetches.push(Box::pin(async move { (id, fetch.await) }));
    }

    fn handle_receipt(&mut self, (id, result): SubmitResult) {
        match result {
            Ok(receipt) => self.services.feed_back(&self.channel, id, &receipt),
            Err(error) => self.fetch_after_failure(id, error),
        }
    }

    async fn handle_fetched(&mut self, (id, result): FetchResult) {
        if !self.wanted.remove(&id) {
            return;
        }
        match result {
            Ok(Some((guild, message))) => self.submit(guild, &message).await,
            Err(error) if !error.is_final() => self.fetch(Some(id), self.services.timing.history_interval),
            Ok(None) | Err(_) => {}
        }
    }

    /// Fetches a message again that the pipeline did not store. A new message is also in the
    /// history, ahead of the cursor, but an edit of an older one is behind the cursor.
    fn fetch_after_failure(&mut self, id: i64, error: SubmitError) {
        tracing::debug!(channel = self.channel.id, message.id = id, %error, "not stored; fetching it again");
        self.fetch(Some(id), self.services.timing.history_interval);
    }

    /// Waits for the receipts of all submitted messages.
    async fn finish_submitted(&mut self) {
        while let Some(result) = self.submitted.next().await {
            self.handle_receipt(result);
        }
    }
}
