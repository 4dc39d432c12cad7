//! A message that is not posted yet, and the ways to post it.

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
    id: Option<u64>,
    raw: bool,
    silent: bool,
    deliveries: usize,
    edit: Option<Value>,
}

impl Draft {
    pub(super) fn new(shared: Arc<Shared>, channel: u64, message: Value) -> Self {
        Self {
            shared,
            channel,
            message,
            at: None,
            id: None,
            raw: false,
            silent: false,
            deliveries: 1,
            edit: None,
        }
    }

    /// Sets the time of the message, usually in the past. Its id and timestamp have that time. The event
    /// is still sent now; combine this with [`Self::silently`] to avoid that.
    pub(crate) fn at(self, time: DateTime<Utc>) -> Self {
        Self { at: Some(time), ..self }
    }

    /// Sets the id of the message, and so its time.
    pub(crate) fn with_id(self, id: u64) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Adds nothing to the message except `id` and `channel_id`.
    pub(crate) fn raw(self) -> Self {
        Self { raw: true, ..self }
    }

    /// Adds the message to the history without sending an event.
    pub(crate) fn silently(self) -> Self {
        Self { silent: true, ..self }
    }

    /// Sends the event twice.
    pub(crate) fn twice(self) -> Self {
        Self { deliveries: 2, ..self }
    }

    /// Edits the message immediately, and sends the event of the edit before that of the message.
    pub(crate) fn overtaken_by(self, edit: Value) -> Self {
        Self { edit: Some(edit), ..self }
    }

    /// Posts the message and returns its id. A raw message keeps an id of its own.
    pub(crate) fn post(self) -> u64 {
        let Self { shared, channel, mut message, at, id, raw, silent, deliveries, edit } = self;
        shared.with(|state| {
            let own = message["id"].as_str().and_then(|id| id.parse().ok()).filter(|_| raw);
            let id = match (own.or(id), at) {
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
            // A message in an archived thread makes it active.
            if state.set_archived(channel, None) && !silent {
                state.tell_thread("THREAD_UPDATE", channel);
            }
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
