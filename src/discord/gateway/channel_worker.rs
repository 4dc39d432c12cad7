//! One worker per configured channel: submits the events of the channel and its threads to the pipeline in
//! order.
//!
//! The worker submits messages one after the other but waits for their receipts together, so that
//! many messages of one channel fill whole batches.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::router::{ChannelEvent, QueuedEvent};
use crate::card::decode::discord::{ChannelRef, MessageRef, id_field};
use crate::card::outcome::Receipt;
use crate::config::Channel;
use crate::discord::channels::WatchedChannel;
use crate::discord::filter::{is_complete, is_empty, is_trusted};
use crate::discord::rest::RestError;
use crate::discord::restart::restart_on_panic;
use crate::discord::services::Services;
use crate::ingest::SubmitError;

/// Most receipts awaited at once, and most messages fetched at once.
const MAX_IN_FLIGHT: usize = 256;

/// A message, and the pipeline's answer.
type SubmitResult = (MessageRef, Result<Receipt, SubmitError>);

/// The channel and the id of a message, and the fetched message with its guild. `None` if the guild is not
/// configured.
type FetchResult = (i64, i64, Result<Option<(i64, Value)>, RestError>);

/// The worker of one configured channel.
struct ChannelWorker {
    services: Services,
    settings: Arc<Channel>,
    submitted: FuturesUnordered<BoxFuture<'static, SubmitResult>>,
    fetches: FuturesUnordered<BoxFuture<'static, FetchResult>>,
    /// Messages being fetched that have not been deleted meanwhile.
    wanted: HashSet<i64>,
}

/// Runs the worker of one configured channel until `stop` is cancelled, then finishes the events already
/// queued. It does not wait for fetches, which can take long; the history reader finds those
/// messages after the next start.
pub(crate) async fn run_channel(
    services: Services,
    settings: Arc<Channel>,
    events: mpsc::Receiver<QueuedEvent>,
    stop: CancellationToken,
) {
    if stop.run_until_cancelled(services.until_identified()).await.is_none() {
        return;
    }
    let events = Mutex::new(events);
    restart_on_panic("channel", async || {
        let worker = ChannelWorker {
            services: services.clone(),
            settings: Arc::clone(&settings),
            submitted: FuturesUnordered::new(),
            fetches: FuturesUnordered::new(),
            wanted: HashSet::new(),
        };
        worker.run(&mut *events.lock().await, &stop).await;
    })
    .await;
}

impl ChannelWorker {
    async fn run(mut self, events: &mut mpsc::Receiver<QueuedEvent>, stop: &CancellationToken) {
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

    async fn handle(&mut self, QueuedEvent { channel, event }: QueuedEvent) {
        match event {
            ChannelEvent::Created(message) if is_empty(&message) => {
                // The gateway omits new kinds of components, and embeds can follow later. REST
                // usually has them a moment later.
                if is_trusted(&message, &self.settings) {
                    self.fetch(channel, id_field(&message, "id"), self.services.timing.refetch_delay);
                }
            }
            ChannelEvent::Updated(message) if !is_complete(&message) || is_empty(&message) => {
                self.fetch(channel, id_field(&message, "id"), Duration::ZERO);
            }
            ChannelEvent::Created(message) | ChannelEvent::Updated(message) => {
                match id_field(&message, "guild_id") {
                    Some(guild) => self.submit(channel, guild, &message).await,
                    None => self.fetch(channel, id_field(&message, "id"), Duration::ZERO),
                }
            }
            ChannelEvent::Deleted(messages) => {
                for message in &messages {
                    self.wanted.remove(message);
                }
                self.finish_submitted().await;
                if let Err(error) = self.services.store.mark_deleted(&messages, Utc::now()).await {
                    tracing::debug!(channel, %error, "cannot mark deleted messages yet");
                    self.services.missed.add_messages(channel, messages);
                }
            }
        }
    }

    /// Submits a message if its sender is trusted.
    async fn submit(&mut self, channel: i64, guild: i64, message: &Value) {
        let place = WatchedChannel { id: channel, settings: Arc::clone(&self.settings) };
        let Some(message) = self.services.read(&place, guild, message) else { return };
        let link = MessageRef {
            channel: ChannelRef { guild, channel },
            message: message.discord_id.unwrap_or_default(),
        };
        match self.services.ingest.enqueue(message).await {
            Ok(pending) => self.submitted.push(Box::pin(async move { (link, pending.receipt().await) })),
            Err(error) => self.fetch_after_failure(link, error),
        }
    }

    /// Fetches a complete message after a delay. If too many fetches are running, the message is
    /// rechecked later.
    fn fetch(&mut self, channel: i64, message: Option<i64>, delay: Duration) {
        let Some(id) = message else { return };
        if self.fetches.len() >= MAX_IN_FLIGHT {
            return self.services.missed.add_messages(channel, [id]);
        }
        if !self.wanted.insert(id) {
            return;
        }
        let services = self.services.clone();
        let fetch = async move {
            tokio::time::sleep(delay).await;
            let message = services.rest.message(channel, id).await?;
            Ok(services.channels.guild_of(channel).await?.map(|guild| (guild, message)))
        };
        self.fetches.push(Box::pin(async move { (channel, id, fetch.await) }));
    }

    fn handle_receipt(&mut self, (link, result): SubmitResult) {
        match result {
            Ok(receipt) => self.services.feed_back(&self.settings, link, &receipt),
            Err(error) => self.fetch_after_failure(link, error),
        }
    }

    /// Submits a message that was fetched by its id, or fetches it again later if Discord failed.
    async fn handle_fetched(&mut self, (channel, id, result): FetchResult) {
        if !self.wanted.remove(&id) {
            return;
        }
        match result {
            Ok(Some((guild, message))) => self.submit(channel, guild, &message).await,
            Err(error) if !error.is_final() => {
                self.fetch(channel, Some(id), self.services.timing.history_interval);
            }
            Ok(None) | Err(_) => {}
        }
    }

    /// Fetches a message again that the pipeline did not store. A new message is also in the
    /// history, ahead of the cursor, but an edit of an older one is behind the cursor.
    fn fetch_after_failure(&mut self, link: MessageRef, error: SubmitError) {
        let MessageRef { channel: ChannelRef { channel, .. }, message } = link;
        tracing::debug!(channel, message.id = message, %error, "not stored; fetching it again");
        self.fetch(channel, Some(message), self.services.timing.history_interval);
    }

    /// Waits for the receipts of all submitted messages.
    async fn finish_submitted(&mut self) {
        while let Some(result) = self.submitted.next().await {
            self.handle_receipt(result);
        }
    }
}
