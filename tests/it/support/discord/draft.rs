//! A message about to be posted, and the ways in which that may happen.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{payload, state::Shared};

/// A message that is not posted yet.
#[derive(Clone, Debug)]
#[must_use = "a draft does nothing until it is posted"]
pub(crate) struct Draft {
    shared: Arc<Shared>,
    channel: u64,
    message: Value,
    at: Option<DateTime<Utc>>,
    raw: bool,
    silent: bool,
    deliveries: usize,
    edit: Option<Value>,
}

impl Draft {
    pub(super) fn new(shared: Arc<Shared>, channel: u64, message: Value) -> Self {
        Self { shared, channel, message, at: None, raw: false, silent: false, deliveries: 1, edit: None }
    }

    /// Posted at another time, mostly in the past: id and timestamp are of then. An event is
    /// still sent now, so this mostly goes with [`Self::silently`].
    pub(crate) fn at(self, time: DateTime<Utc>) -> Self {
        Self { at: Some(time), ..self }
    }

    /// Nothing is added to the message but `id` and `channel_id`.
    pub(crate) fn raw(self) -> Self {
        Self { raw: true, ..self }
    }

    /// Into the history, without an event.
    pub(crate) fn silently(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The event comes twice.
    pub(crate) fn twice(self) -> Self {
        Self { deliveries: 2, ..self }
    }

    /// Edited at once, and the event of the edit comes before that of the message.
    pub(crate) fn overtaken_by(self, edit: Value) -> Self {
        Self { edit: Some(edit), ..self }
    }

    /// Posts and gives the message's id. Where the message was given raw with an id of its own, that.
    pub(crate) fn post(self) -> u64 {
        let Self { shared, channel, mut message, at, raw, silent, deliveries, edit } = self;
        shared.with(|state| {
            let own = message["id"].as_str().and_then(|id| id.parse().ok()).filter(|_| raw);
            let id = match (own, at) {
                (Some(id), _) => id,
                (None, Some(time)) => state.ids.at(time),
                (None, None) => state.ids.now(),
            };
            if raw {
                payload::supply(
                    &mut message,
                    &json!({"id": id.to_string(), "channel_id": channel.to_string()}),
                );
            } else {
                payload::complete_message(&mut message, id, channel);
            }
            state.keep(channel, id, message.clone());
            if silent {
                if let Some(edit) = edit {
                    state.change(channel, id, &edit, true);
                }
                return id;
            }
            if let Some(edit) = edit {
                state.rewrite(channel, id, &edit, true);
            }
            for _ in 0..deliveries {
                state.announce("MESSAGE_CREATE", channel, message.clone());
            }
            id
        })
    }
}
