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

use super::dispatch::ChannelEvent;
use crate::card::decode::discord::{Place, id_of};
use crate::card::message::Message;
use crate::card::outcome::Receipt;
use crate::config::Channel;
use crate::discord::Deps;
use crate::discord::filter::{is_empty, is_trusted, is_whole};
use crate::discord::rest::RestError;
use crate::ingest::SubmitError;

/// Receipts that may be waited for at once, and messages that may be fetched.
const IN_FLIGHT: usize = 256;

/// A message that was taken, or not.
type Taken = (i64, Result<Receipt, SubmitError>);

/// A message that was fetched, or not, and the guild it is in, where it is in one.
type Fetched = (i64, Result<Option<(i64, Value)>, RestError>);

/// The worker of one channel.
pub(crate) struct Worker {
    deps: Deps,
    channel: Channel,
    taking: FuturesUnordered<BoxFuture<'static, Taken>>,
    fetching: FuturesUnordered<BoxFuture<'static, Fetched>>,
    /// Messages that are being fetched and still wanted.
    wanted: HashSet<i64>,
}

impl Worker {
    pub(crate) fn new(deps: Deps, channel: Channel) -> Self {
        let (taking, fetching) = (FuturesUnordered::new(), FuturesUnordered::new());
        Self { deps, channel, taking, fetching, wanted: HashSet::new() }
    }

    /// Works until `stop` is cancelled; then finishes what has come in. What is still to be fetched
    /// is left to the next start, for Discord may take its time.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<ChannelEvent>, stop: CancellationToken) {
        if stop.run_until_cancelled(self.deps.until_known()).await.is_none() {
            return;
        }
        loop {
            tokio::select! {
                event = events.recv(), if self.taking.len() < IN_FLIGHT => match event {
                    Some(event) => self.take(event).await,
                    None => return self.drain().await,
                },
                Some(taken) = self.taking.next() => self.taken(taken),
                Some(fetched) = self.fetching.next() => self.fetched(fetched).await,
                () = stop.cancelled(), if !events.is_closed() => events.close(),
            }
        }
    }

    async fn take(&mut self, event: ChannelEvent) {
        match event {
            ChannelEvent::Posted(message) if is_empty(&message) => {
                // What the gateway leaves out (new kinds of components, embeds that follow) the
                // history may have a moment later.
                if is_trusted(&message, &self.channel) {
                    self.fetch(id_of(&message, "id"), self.deps.timing.refetch);
                }
            }
            ChannelEvent::Edited(message) if !is_whole(&message) || is_empty(&message) => {
                self.fetch(id_of(&message, "id"), Duration::ZERO);
            }
            ChannelEvent::Posted(message) | ChannelEvent::Edited(message) => {
                match id_of(&message, "guild_id") {
                    Some(guild) => self.submit(guild, &message).await,
                    None => self.fetch(id_of(&message, "id"), Duration::ZERO),
                }
            }
            ChannelEvent::Deleted(messages) => {
                for message in &messages {
                    self.wanted.remove(message);
                }
                self.drain().await;
                if let Err(error) = self.deps.store.mark_deleted(&messages, Utc::now()).await {
                    tracing::warn!(channel = self.channel.id, %error, "cannot mark deleted messages");
                }
            }
        }
    }

    /// Puts a message into the pipeline, where its sender is trusted.
    async fn submit(&mut self, guild: i64, message: &Value) {
        let Some(message) = self.deps.read(&self.channel, guild, message) else { return };
        let id = message.discord_id.unwrap_or_default();
        match self.deps.ingest.enqueue(message).await {
            Ok(pending) => self.taking.push(Box::pin(async move { (id, pending.receipt().await) })),
            Err(error) => self.not_taken(id, error),
        }
    }

    /// Fetches a message whole, after a pause. Where too many are fetched, the next reading of the
    /// history has it.
    fn fetch(&mut self, message: Option<i64>, pause: Duration) {
        let Some(id) = message else { return };
        if self.fetching.len() >= IN_FLIGHT || !self.wanted.insert(id) {
            return;
        }
        let (deps, channel) = (self.deps.clone(), self.channel.id);
        let fetch = async move {
            tokio::time::sleep(pause).await;
            let message = deps.rest.message(channel, id).await?;
            Ok(deps.guild_of(channel).await?.map(|guild| (guild, message)))
        };
        self.fetching.push(Box::pin(async move { (id, fetch.await) }));
    }

    fn taken(&mut self, (id, taken): Taken) {
        match taken {
            Ok(receipt) => self.deps.feed_back(&self.channel, id, &receipt),
            Err(error) => self.not_taken(id, error),
        }
    }

    async fn fetched(&mut self, (id, fetched): Fetched) {
        if !self.wanted.remove(&id) {
            return;
        }
        match fetched {
            Ok(Some((guild, message))) => self.submit(guild, &message).await,
            Err(error) if !error.is_final() => self.fetch(Some(id), self.deps.timing.reconcile),
            Ok(None) | Err(_) => {}
        }
    }

    /// The history keeps what could not be taken, and its cursor does not pass it; but an edit of an
    /// older message is behind the cursor, so that each is fetched again until it is taken.
    fn not_taken(&mut self, id: i64, error: SubmitError) {
        tracing::debug!(channel = self.channel.id, message.id = id, %error, "not taken; to be fetched again");
        self.fetch(Some(id), self.deps.timing.reconcile);
    }

    /// Waits for what is on its way into the database.
    async fn drain(&mut self) {
        while let Some(taken) = self.taking.next().await {
            self.taken(taken);
        }
    }
}

impl Deps {
    /// A message of a channel, where its sender is trusted there and is not the bot itself. As long
    /// as it is not known who that is, none.
    pub(crate) fn read(&self, channel: &Channel, guild: i64, message: &Value) -> Option<Message> {
        let is_foreign = self.rest.known_own().is_some_and(|own| !own.wrote(message));
        if !is_foreign || !is_trusted(message, channel) {
            return None;
        }
        self.learn_guild(channel.id, guild);
        Message::from_discord(message, Place { guild, channel: channel.id }, Utc::now())
    }
}
