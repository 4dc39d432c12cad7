//! Routes gateway events: messages to the queue of their channel, interactions to their own queue.
//!
//! Routing never waits. If a queue is full, the event is dropped: the history reader finds new
//! messages, and edits and deletions are remembered for it.

use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::mpsc;

use super::events::{Event, IncomingInteraction};
use crate::card::decode::discord::id_field;
use crate::discord::services::Services;

/// Events that may wait for one channel.
pub(crate) const CHANNEL_QUEUE: usize = 1024;

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

/// Routes gateway events to bounded queues.
#[derive(Debug)]
pub(crate) struct Router {
    guilds: Vec<i64>,
    /// The queue of each watched channel, by channel id.
    queues: HashMap<i64, mpsc::Sender<ChannelEvent>>,
    interactions: mpsc::Sender<Box<IncomingInteraction>>,
    services: Services,
}

impl Router {
    /// Creates a router that forwards only events of these guilds.
    pub(crate) fn new(
        guilds: Vec<i64>,
        queues: HashMap<i64, mpsc::Sender<ChannelEvent>>,
        interactions: mpsc::Sender<Box<IncomingInteraction>>,
        services: Services,
    ) -> Self {
        Self { guilds, queues, interactions, services }
    }

    /// Forwards an event.
    pub(crate) fn route(&self, event: Event) {
        match event {
            // Discord does not replay what a new session missed.
            Event::Ready => {
                self.services.read_history.notify_one();
                self.queues.keys().for_each(|channel| self.services.missed.add_channel(*channel));
            }
            // Discord does replay what a resumed session missed, but reading the history costs little.
            Event::Resumed => self.services.read_history.notify_one(),
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
        let Some((channel, queue)) = channel.and_then(|id| Some((id, self.queues.get(&id)?))) else { return };
        let Err(error) = queue.try_send(event) else { return };
        tracing::debug!(channel, "the channel's queue is full; the history has the rest");
        match error.into_inner() {
            ChannelEvent::Created(_) => self.services.read_history.notify_one(),
            ChannelEvent::Updated(message) => {
                self.services.missed.add_messages(channel, id_field(&message, "id"));
            }
            ChannelEvent::Deleted(messages) => self.services.missed.add_messages(channel, messages),
        }
    }

    /// Whether a message belongs to a configured guild. Partial updates do not name their guild.
    fn is_in_our_guilds(&self, message: &Value) -> bool {
        id_field(message, "guild_id").is_none_or(|guild| self.guilds.contains(&guild))
    }
}
