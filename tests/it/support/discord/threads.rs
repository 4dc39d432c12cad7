//! Threads: their state, their events, and what tests do with them.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Channel, Draft, Webhook, payload,
    permissions::VIEW_CHANNEL,
    snowflake::{time_of, timestamp},
    state::{ChannelState, State},
};

pub(crate) const PUBLIC_THREAD: u64 = 11;
pub(crate) const PRIVATE_THREAD: u64 = 12;
pub(crate) const FORUM: u64 = 15;

/// The part of a channel that only threads have.
#[derive(Clone, Debug)]
pub(crate) struct ThreadState {
    pub(super) parent: u64,
    /// When the thread was archived, if it is.
    pub(super) archived_at: Option<DateTime<Utc>>,
    /// Whether the bot is a member. Only a private thread needs that.
    pub(super) has_bot: bool,
}

impl State {
    /// Makes a thread, without an event.
    pub(super) fn add_thread(&mut self, parent: u64, id: u64, name: &str, kind: u64, has_bot: bool) {
        let thread = ThreadState { parent, archived_at: None, has_bot };
        let channel = ChannelState {
            guild: self.channels[&parent].guild,
            kind,
            name: name.to_owned(),
            overwrites: Vec::new(),
            history: BTreeMap::new(),
            last_message: None,
            thread: Some(thread),
        };
        self.channels.insert(id, channel);
    }

    /// Sends an event with a thread.
    pub(super) fn tell_thread(&mut self, kind: &str, id: u64) {
        let mut data = payload::channel(self, id);
        if kind == "THREAD_CREATE" {
            payload::absorb(&mut data, &json!({"newly_created": true}));
        }
        self.emit(kind, Some(id), &data);
    }

    /// Changes whether a thread is archived, without an event. Returns whether that is a change.
    pub(super) fn set_archived(&mut self, id: u64, at: Option<DateTime<Utc>>) -> bool {
        let thread = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut());
        thread.is_some_and(|thread| std::mem::replace(&mut thread.archived_at, at).is_some() != at.is_some())
    }

    /// The threads that the bot can see and that satisfy a condition.
    pub(super) fn threads(&self, is: impl Fn(&ChannelState, &ThreadState) -> bool) -> Vec<u64> {
        let all =
            self.channels.iter().filter_map(|(id, channel)| Some((*id, channel, channel.thread.as_ref()?)));
        let wanted = all.filter(|(_, channel, thread)| is(channel, thread)).map(|(id, ..)| id);
        wanted.filter(|id| self.bot_may(*id, VIEW_CHANNEL)).collect()
    }

    /// The active threads of a guild.
    pub(super) fn active_threads(&self, guild: u64) -> Vec<Value> {
        let ids = self.threads(|channel, thread| channel.guild == guild && thread.archived_at.is_none());
        ids.into_iter().map(|id| payload::channel(self, id)).collect()
    }

    /// The public archived threads of a channel, the last archived ones first.
    pub(super) fn archived_threads(&self, parent: u64, before: Option<DateTime<Utc>>) -> Vec<Value> {
        let mut ids = self.threads(|channel, thread| {
            let is_before = |at: DateTime<Utc>| before.is_none_or(|before| at < before);
            thread.parent == parent
                && channel.kind != PRIVATE_THREAD
                && thread.archived_at.is_some_and(is_before)
        });
        ids.sort_by_key(|id| {
            std::cmp::Reverse(self.channels[id].thread.as_ref().and_then(|it| it.archived_at))
        });
        ids.into_iter().map(|id| payload::channel(self, id)).collect()
    }
}

/// The keys that a thread has beside those of a channel.
pub(super) fn keys(state: &State, id: u64, thread: &ThreadState) -> Value {
    let channel = &state.channels[&id];
    let created = timestamp(time_of(id));
    json!({
        "parent_id": thread.parent.to_string(), "owner_id": state.application.owner["id"],
        "message_count": channel.history.len(), "member_count": 1, "total_message_sent": channel.history.len(),
        "thread_metadata": {
            "archived": thread.archived_at.is_some(), "locked": false, "auto_archive_duration": 4320,
            "archive_timestamp": thread.archived_at.map_or_else(|| created.clone(), timestamp),
            "create_timestamp": created,
        },
    })
}

impl Channel {
    /// Makes a public thread, and sends the event.
    pub(crate) fn thread(&self, name: &str) -> Self {
        let thread = self.unannounced_thread(name, PUBLIC_THREAD, false);
        thread.announce();
        thread
    }

    /// Makes a private thread. The bot sees it only as a member.
    pub(crate) fn private_thread(&self, name: &str, has_bot: bool) -> Self {
        let thread = self.unannounced_thread(name, PRIVATE_THREAD, has_bot);
        thread.announce();
        thread
    }

    /// Makes a thread without sending the event.
    pub(crate) fn unannounced_thread(&self, name: &str, kind: u64, has_bot: bool) -> Self {
        let id = self.shared.with(|state| {
            let id = state.ids.now();
            state.add_thread(self.id(), id, name, kind, has_bot);
            id
        });
        Self::new(Arc::clone(&self.shared), id, self.guild_id())
    }

    /// Sends `THREAD_CREATE` for this thread.
    pub(crate) fn announce(&self) {
        self.shared.with(|state| state.tell_thread("THREAD_CREATE", self.id()));
    }

    /// Posts a message that makes a thread of this forum. The thread has the id of the message.
    pub(crate) fn forum_post(&self, hook: &Webhook, name: &str, body: Value) -> Self {
        let (thread, draft) = self.forum_draft(hook, name, body, None);
        thread.announce();
        draft.post();
        thread
    }

    /// Makes a thread of this forum, now or at a given time, without sending the event, and prepares its first
    /// message.
    pub(crate) fn forum_draft(
        &self,
        hook: &Webhook,
        name: &str,
        body: Value,
        at: Option<DateTime<Utc>>,
    ) -> (Self, Draft) {
        let id = self.shared.with(|state| {
            let id = match at {
                Some(at) => state.ids.at(at),
                None => state.ids.now(),
            };
            state.add_thread(self.id(), id, name, PUBLIC_THREAD, false);
            id
        });
        let thread = Self::new(Arc::clone(&self.shared), id, self.guild_id());
        (thread.clone(), hook.draft_in(&thread, body).with_id(id))
    }

    /// Archives this thread, and sends the event.
    pub(crate) fn archive(&self) {
        self.archive_silently(Utc::now());
        self.shared.with(|state| state.tell_thread("THREAD_UPDATE", self.id()));
    }

    /// Archives this thread at a given time without sending the event.
    pub(crate) fn archive_silently(&self, at: DateTime<Utc>) {
        self.shared.with(|state| state.set_archived(self.id(), Some(at)));
    }

    /// Adds the bot to this private thread, and sends the event.
    pub(crate) fn add_bot(&self) {
        self.shared.with(|state| {
            if let Some(thread) = state.channels.get_mut(&self.id()).and_then(|it| it.thread.as_mut()) {
                thread.has_bot = true;
            }
            let data = payload::channel(state, self.id());
            state.emit("THREAD_CREATE", Some(self.id()), &data);
        });
    }

    /// Deletes this thread, and sends the event.
    pub(crate) fn delete_thread(&self) {
        self.shared.with(|state| {
            let whole = payload::channel(state, self.id());
            let keys = ["id", "guild_id", "parent_id", "type"];
            let data = keys.into_iter().map(|key| (key.to_owned(), whole[key].clone())).collect();
            state.emit("THREAD_DELETE", Some(self.id()), &Value::Object(data));
            state.channels.remove(&self.id());
        });
    }
}
