//! Routes gateway events: messages to the queue of their channel, interactions to their own queue.
//!
//! Routing never waits. If a queue is full, the event is dropped: the history reader finds new
//! messages, and edits and deletions are remembered for it. Events of a channel that may be a thread wait
//! until ROMS has asked Discord for its parent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::events::{Event, IncomingInteraction};
use crate::card::decode::discord::id_field;
use crate::discord::channels::WatchedChannel;
use crate::discord::rest::RestError;
use crate::discord::restart::restart_on_panic;
use crate::discord::services::Services;

/// Events that may wait for one channel.
pub(crate) const CHANNEL_QUEUE: usize = 1024;
/// Channels whose parent may be asked for, and the events of each that may wait for the answer.
const MAX_LOOKUPS: usize = 1024;
const MAX_WAITING_EVENTS: usize = 256;
/// Channels asked about at the same time.
const MAX_CONCURRENT_LOOKUPS: usize = 4;

/// An event of one channel.
#[derive(Debug)]
pub(crate) enum ChannelEvent {
    /// A new message.
    Created(Value),
    /// An edited message, complete or only with the changed fields.
    Updated(Value),
    /// Deleted messages.
    Deleted(Vec<i64>),
}

/// An event in the queue of a configured channel.
#[derive(Debug)]
pub(crate) struct QueuedEvent {
    /// The channel, or a thread in it.
    pub(crate) channel: i64,
    pub(crate) event: ChannelEvent,
}

/// Routes gateway events to bounded queues.
#[derive(Debug)]
pub(crate) struct Router {
    guilds: Vec<i64>,
    /// The queue of each configured channel, by channel id.
    queues: HashMap<i64, mpsc::Sender<QueuedEvent>>,
    interactions: mpsc::Sender<Box<IncomingInteraction>>,
    lookups: mpsc::Sender<i64>,
    /// The events that wait for a lookup, by channel id. Later events of the channel join them, so that they
    /// stay in order.
    waiting: Mutex<HashMap<i64, Vec<ChannelEvent>>>,
    services: Services,
}

impl Router {
    /// Creates a router that forwards only events of these guilds. The receiver is for
    /// [`Self::run_lookups`].
    pub(crate) fn new(
        guilds: Vec<i64>,
        queues: HashMap<i64, mpsc::Sender<QueuedEvent>>,
        interactions: mpsc::Sender<Box<IncomingInteraction>>,
        services: Services,
    ) -> (Arc<Self>, mpsc::Receiver<i64>) {
        let (lookups, wanted) = mpsc::channel(MAX_LOOKUPS);
        let router = Self { guilds, queues, interactions, lookups, waiting: Mutex::default(), services };
        (Arc::new(router), wanted)
    }

    /// Forwards an event.
    pub(crate) fn route(&self, event: Event) {
        match event {
            // Discord does not replay what a new session missed.
            Event::Ready => {
                self.services.read_history.send_replace(());
                self.queues.keys().for_each(|channel| self.services.missed.add_channel(*channel));
            }
            // Discord does replay what a resumed session missed, but reading the history costs little.
            Event::Resumed => self.services.read_history.send_replace(()),
            Event::Created(message) if self.is_in_our_guilds(&message) => {
                self.enqueue(id_field(&message, "channel_id"), ChannelEvent::Created(message));
            }
            Event::Updated(message) if self.is_in_our_guilds(&message) => {
                self.enqueue(id_field(&message, "channel_id"), ChannelEvent::Updated(message));
            }
            Event::Created(_) | Event::Updated(_) => {}
            Event::Deleted { channel, messages } => {
                self.enqueue(Some(channel), ChannelEvent::Deleted(messages));
            }
            Event::Channels { guild, channels } => {
                for channel in &channels {
                    self.services.channels.learn(channel, guild);
                }
                // A private thread to which the bot was added may be older than that.
                if channels.iter().any(|channel| channel.get("type").and_then(Value::as_u64) == Some(12)) {
                    self.services.read_history.send_replace(());
                }
            }
            // The recheck finds that the thread is gone, and marks its messages as deleted.
            Event::ThreadDeleted(thread) => {
                if matches!(self.services.channels.lookup(thread), Ok(Some(_))) {
                    self.services.missed.add_channel(thread);
                }
            }
            Event::PermissionsChanged => {
                self.services.permission_changes.send_replace(());
            }
            Event::Interaction(interaction) => {
                // Discord tells the user that the application did not respond.
                if self.interactions.try_send(interaction).is_err() {
                    tracing::warn!("too many interactions at once; one is not answered");
                }
            }
        }
    }

    fn enqueue(&self, channel: Option<i64>, event: ChannelEvent) {
        let Some(channel) = channel else { return };
        let mut waiting = self.waiting();
        if let Some(events) = waiting.get_mut(&channel) {
            match events.len() {
                ..MAX_WAITING_EVENTS => events.push(event),
                _ => self.leave_to_history(channel, event),
            }
            return;
        }
        match self.services.channels.lookup(channel) {
            Ok(Some(channel)) => self.deliver(&channel, event),
            Ok(None) => {}
            Err(_) if self.lookups.try_send(channel).is_ok() => drop(waiting.insert(channel, vec![event])),
            Err(_) => self.leave_to_history(channel, event),
        }
    }

    fn deliver(&self, channel: &WatchedChannel, event: ChannelEvent) {
        let Some(queue) = self.queues.get(&channel.settings.id) else { return };
        if let Err(error) = queue.try_send(QueuedEvent { channel: channel.id, event }) {
            self.leave_to_history(channel.id, error.into_inner().event);
        }
    }

    fn leave_to_history(&self, channel: i64, event: ChannelEvent) {
        tracing::debug!(channel, "the channel's queue is full; the history has the rest");
        match event {
            ChannelEvent::Created(_) => self.services.read_history.send_replace(()),
            ChannelEvent::Updated(message) => {
                self.services.missed.add_messages(channel, id_field(&message, "id"));
            }
            ChannelEvent::Deleted(messages) => self.services.missed.add_messages(channel, messages),
        }
    }

    /// Asks Discord about the channels whose events wait, until `stop` is cancelled.
    pub(crate) async fn run_lookups(self: Arc<Self>, wanted: mpsc::Receiver<i64>, stop: CancellationToken) {
        let wanted = tokio::sync::Mutex::new(wanted);
        let task = restart_on_panic("lookups", async || {
            let (mut wanted, mut running) = (wanted.lock().await, FuturesUnordered::new());
            loop {
                tokio::select! {
                    Some(id) = wanted.recv(), if running.len() < MAX_CONCURRENT_LOOKUPS => {
                        let this = &self;
                        running.push(async move { (id, this.services.channels.find(id).await) });
                    }
                    Some((id, found)) = running.next() => self.end_lookup(id, &found),
                    else => return,
                }
            }
        });
        stop.run_until_cancelled(task).await;
    }

    fn end_lookup(&self, id: i64, found: &Result<Option<WatchedChannel>, RestError>) {
        // Held until the end, so that a new event cannot overtake the waiting ones.
        let mut waiting = self.waiting();
        for event in waiting.remove(&id).into_iter().flatten() {
            match found {
                Ok(Some(channel)) => self.deliver(channel, event),
                Ok(None) => {}
                // The bot cannot see the channel, or it was deleted.
                Err(error) if error.is_final() => {}
                Err(_) => self.leave_to_history(id, event),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<i64, Vec<ChannelEvent>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a message belongs to a configured guild. Partial updates do not name their guild.
    fn is_in_our_guilds(&self, message: &Value) -> bool {
        id_field(message, "guild_id").is_none_or(|guild| self.guilds.contains(&guild))
    }
}
