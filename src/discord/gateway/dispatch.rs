//! Events of the gateway to one bounded queue per channel, in order; interactions to one of their own.
//!
//! Never waits: a queue that is full costs its own channel the event, and the next reading of
//! the history brings it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use crate::card::decode::discord::id_of;
use crate::discord::{Call, Event};

/// Events that may wait for one channel.
pub(crate) const QUEUE: usize = 1024;

/// What happened in a channel.
#[derive(Debug)]
pub(crate) enum ChannelEvent {
    /// A new message.
    Posted(Value),
    /// A message as it is now, or the parts of it that changed.
    Edited(Value),
    /// Messages that are gone.
    Deleted(Vec<i64>),
}

/// Knows the queue of each watched channel.
#[derive(Debug)]
pub(crate) struct Router {
    guilds: Vec<i64>,
    queues: HashMap<i64, mpsc::Sender<ChannelEvent>>,
    calls: mpsc::Sender<Box<Call>>,
    history: Arc<Notify>,
}

impl Router {
    /// Routes to these queues, by channel id, and interactions to `calls`. `history` is told when events were missed.
    pub(crate) fn new(
        guilds: Vec<i64>,
        queues: HashMap<i64, mpsc::Sender<ChannelEvent>>,
        calls: mpsc::Sender<Box<Call>>,
        history: Arc<Notify>,
    ) -> Self {
        Self { guilds, queues, calls, history }
    }

    /// Passes an event on, at once.
    pub(crate) fn route(&self, event: Event) {
        let (channel, event) = match event {
            // A new session means that something was missed. A resumed one has it replayed, but
            // to look costs little.
            Event::Ready | Event::Resumed => return self.history.notify_one(),
            Event::Created(message) if self.is_ours(&message) => {
                (id_of(&message, "channel_id"), ChannelEvent::Posted(message))
            }
            Event::Updated(message) if self.is_ours(&message) => {
                (id_of(&message, "channel_id"), ChannelEvent::Edited(message))
            }
            Event::Asked(call) => {
                // Discord tells the caller that nobody answers.
                if self.calls.try_send(call).is_err() {
                    tracing::warn!("more interactions than can be answered");
                }
                return;
            }
            Event::Deleted { channel, messages } => (Some(channel), ChannelEvent::Deleted(messages)),
            Event::Created(_) | Event::Updated(_) => return,
        };
        let Some((channel, queue)) = channel.and_then(|id| Some((id, self.queues.get(&id)?))) else { return };
        if queue.try_send(event).is_err() {
            tracing::debug!(channel, "more events than can be taken; the history has the rest");
            self.history.notify_one();
        }
    }

    /// Whether a message is of a configured guild. Partial updates do not name theirs.
    fn is_ours(&self, message: &Value) -> bool {
        id_of(message, "guild_id").is_none_or(|guild| self.guilds.contains(&guild))
    }
}
