//! One worker for each watched channel: its events in order, to the pipeline and back.
//!
//! Messages are put into the pipeline's queue one after the other, and their receipts are waited
//! for together, so that a flood in one channel is written in full batches.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::route::ChannelEvent;
use crate::config::Channel;
use crate::ingest::SubmitError;
use crate::ingest::filter::{is_empty, is_trusted, is_whole};
use crate::message::Message;
use crate::message::discord::{Place, id_of};
use crate::outcome::Receipt;

/// Receipts that may be waited for at once.
const IN_FLIGHT: usize = 256;

/// What comes back to the worker.
enum Done {
    /// A message was taken, or not.
    Taken(i64, Result<Receipt, SubmitError>),
    /// A message was fetched again, where it could be.
    Fetched(i64, Option<Value>),
}

/// The worker of one channel.
pub(crate) struct Worker {
    deps: Deps,
    channel: Channel,
    in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Messages that are being fetched again.
    fetching: HashSet<i64>,
}

impl Worker {
    pub(crate) fn new(deps: Deps, channel: Channel) -> Self {
        Self { deps, channel, in_flight: FuturesUnordered::new(), fetching: HashSet::new() }
    }

    /// Works until `stop` is cancelled; then finishes what has come in.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<ChannelEvent>, stop: CancellationToken) {
        loop {
            tokio::select! {
                event = events.recv(), if self.in_flight.len() < IN_FLIGHT => match event {
                    Some(event) => self.take(event).await,
                    None => return self.drain().await,
                },
                Some(done) = self.in_flight.next() => self.done(done).await,
                () = stop.cancelled(), if !events.is_closed() => events.close(),
            }
        }
    }

    async fn take(&mut self, event: ChannelEvent) {
        match event {
            ChannelEvent::Posted(message) if is_trusted(&message, &self.channel) && is_empty(&message) => {
                // What the gateway leaves out (new kinds of components, embeds that follow) the
                // history may have a moment later.
                self.fetch(&message, self.deps.timing.refetch);
            }
            ChannelEvent::Posted(message) => self.submit(&message).await,
            ChannelEvent::Edited(message) if is_whole(&message) => self.submit(&message).await,
            ChannelEvent::Edited(message) => self.fetch(&message, Duration::ZERO),
            ChannelEvent::Deleted(messages) => {
                self.drain().await;
                if let Err(error) = self.deps.store.mark_deleted(&messages, Utc::now()).await {
                    tracing::warn!(channel = self.channel.id, %error, "cannot mark deleted messages");
                }
            }
        }
    }

    /// Puts a message into the pipeline, where its sender is trusted.
    async fn submit(&mut self, message: &Value) {
        let Some(message) = self.deps.read(&self.channel, message) else { return };
        let id = message.discord_id.unwrap_or_default();
        match self.deps.ingest.enqueue(message).await {
            Ok(pending) => {
                self.in_flight.push(Box::pin(async move { Done::Taken(id, pending.receipt().await) }));
            }
            Err(error) => self.not_taken(id, error),
        }
    }

    /// Fetches a message whole from the history, after a pause.
    fn fetch(&mut self, message: &Value, pause: Duration) {
        let Some(id) = id_of(message, "id").filter(|id| self.fetching.insert(*id)) else { return };
        let (rest, channel) = (self.deps.rest.clone(), self.channel.id);
        self.in_flight.push(Box::pin(async move {
            tokio::time::sleep(pause).await;
            Done::Fetched(id, rest.message(channel, id).await.ok())
        }));
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Taken(id, Ok(receipt)) => self.deps.feed_back(&self.channel, id, &receipt),
            Done::Taken(id, Err(error)) => self.not_taken(id, error),
            Done::Fetched(id, message) => {
                self.fetching.remove(&id);
                // Where it could not be fetched, the next reading of the history tries again.
                if let Some(message) = message {
                    self.submit(&message).await;
                }
            }
        }
    }

    /// The history keeps what could not be taken, and its cursor does not pass it.
    fn not_taken(&self, id: i64, error: SubmitError) {
        tracing::debug!(channel = self.channel.id, message.id = id, %error, "not taken; the history has it");
        self.deps.history.notify_one();
    }

    async fn drain(&mut self) {
        while let Some(done) = self.in_flight.next().await {
            self.done(done).await;
        }
    }
}

impl Deps {
    /// A message of a channel, where its sender is trusted there and is not the bot itself.
    pub(crate) fn read(&self, channel: &Channel, message: &Value) -> Option<Message> {
        let own = self.known.get().is_some_and(|known| known.own.wrote(message));
        if own || !is_trusted(message, channel) {
            return None;
        }
        let guild = id_of(message, "guild_id").or_else(|| self.guild_of(channel.id))?;
        let place = Place { guild, channel: channel.id };
        Message::from_discord(message, place, Utc::now())
    }
}
