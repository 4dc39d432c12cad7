//! The messages of a channel: posting, changing, removing and reading them, with the events.

use std::ops::Bound;

use chrono::Utc;
use serde_json::{Value, json};

use super::{
    payload::{self, absorb},
    permissions::VIEW_CHANNEL,
    snowflake::timestamp,
    state::{FLAG_MESSAGE_CONTENT, FLAG_MESSAGE_CONTENT_LIMITED, Message, Reaction, State},
};

/// The requested part of a channel's history. The bounds are exclusive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Page {
    pub(super) after: Option<u64>,
    pub(super) before: Option<u64>,
    pub(super) around: Option<u64>,
    pub(super) limit: usize,
}

impl State {
    /// Adds a message to the history without sending an event.
    pub(super) fn keep(&mut self, channel: u64, id: u64, value: Value) {
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.history.insert(id, Message { value, reactions: Vec::new() });
            channel.last_message = channel.last_message.max(Some(id));
        }
    }

    /// Completes a new message, stores it and sends its event. Returns it in the form of the REST API.
    pub(super) fn write(&mut self, channel: u64, mut message: Value) -> Value {
        let id = self.ids.now();
        payload::complete_message(&mut message, id, channel);
        self.keep(channel, id, message.clone());
        self.announce("MESSAGE_CREATE", channel, message.clone());
        message
    }

    /// Changes a message and sends an event with the whole message.
    pub(super) fn rewrite(
        &mut self,
        channel: u64,
        id: u64,
        change: &Value,
        by_author: bool,
    ) -> Option<Value> {
        let whole = self.change(channel, id, change, by_author)?;
        self.announce("MESSAGE_UPDATE", channel, whole.clone());
        Some(whole)
    }

    /// Sends a message event with the fields that only the gateway adds: guild and member.
    pub(super) fn announce(&mut self, kind: &str, channel: u64, mut data: Value) {
        let guild = self.channels[&channel].guild;
        absorb(&mut data, &json!({"guild_id": guild.to_string()}));
        if data["author"].is_object() && data.get("webhook_id").is_none() {
            let member = payload::without(payload::member(&data["author"], &[]), &["user"]);
            absorb(&mut data, &json!({"member": member}));
        }
        self.emit(kind, Some(channel), &data);
    }

    /// Changes keys of a message, and its edit time if `by_author`. Returns the whole message.
    pub(super) fn change(&mut self, channel: u64, id: u64, change: &Value, by_author: bool) -> Option<Value> {
        let message = self.channels.get_mut(&channel)?.history.get_mut(&id)?;
        absorb(&mut message.value, change);
        payload::complete_embeds(&mut message.value);
        if by_author && change.get("edited_timestamp").is_none() {
            absorb(&mut message.value, &json!({"edited_timestamp": timestamp(Utc::now())}));
        }
        Some(message.value.clone())
    }

    /// Removes messages and sends one event for each that existed, or one bulk event.
    pub(super) fn remove(&mut self, channel: u64, ids: &[u64], in_bulk: bool) -> usize {
        let Some(state) = self.channels.get_mut(&channel) else { return 0 };
        let gone: Vec<String> =
            ids.iter().filter(|id| state.history.remove(id).is_some()).map(u64::to_string).collect();
        let mut tell = |kind: &str, key: &str, value: Value| {
            self.announce(kind, channel, json!({"channel_id": channel.to_string(), key: value}));
        };
        if in_bulk {
            tell("MESSAGE_DELETE_BULK", "ids", json!(gone));
        } else {
            for id in &gone {
                tell("MESSAGE_DELETE", "id", json!(id));
            }
        }
        gone.len()
    }

    /// A message in the form of the REST API.
    pub(super) fn message(&self, channel: u64, id: u64) -> Option<Value> {
        let message = self.channels.get(&channel)?.history.get(&id)?;
        let mut value = message.value.clone();
        if let (Some(map), false) = (value.as_object_mut(), message.reactions.is_empty()) {
            map.insert("reactions".to_owned(), self.counted(&message.reactions));
        }
        let content_allowed =
            self.application.flags & (FLAG_MESSAGE_CONTENT | FLAG_MESSAGE_CONTENT_LIMITED) != 0;
        Some(if content_allowed { value } else { self.redacted(value) })
    }

    /// A page of messages, newest first.
    pub(super) fn page(&self, channel: u64, page: Page) -> Vec<Value> {
        let Some(history) = self.channels.get(&channel).map(|channel| &channel.history) else {
            return Vec::new();
        };
        let newer = |id, limit| {
            let range = (Bound::Excluded(id), Bound::Unbounded);
            let ids = history.range::<u64, _>(range).map(|(id, _)| *id).take(limit).collect::<Vec<_>>();
            ids.into_iter().rev().collect::<Vec<_>>()
        };
        let older = |id, limit| history.range(..id).rev().map(|(id, _)| *id).take(limit).collect::<Vec<_>>();
        let ids = match page {
            Page { around: Some(id), limit, .. } => {
                let here = history.contains_key(&id).then_some(id);
                newer(id, limit / 2).into_iter().chain(here).chain(older(id, limit / 2)).collect()
            }
            Page { after: Some(id), limit, .. } => newer(id, limit),
            Page { before, limit, .. } => older(before.unwrap_or(u64::MAX), limit),
        };
        ids.into_iter().filter_map(|id| self.message(channel, id)).collect()
    }

    /// Adds a reaction that does not exist yet, and sends its event. `None` if there is no such message.
    pub(super) fn react(&mut self, channel: u64, message: u64, reaction: &Reaction) -> Option<()> {
        let reactions = &mut self.channels.get_mut(&channel)?.history.get_mut(&message)?.reactions;
        if !reactions.contains(reaction) {
            reactions.push(reaction.clone());
            self.tell_reaction("MESSAGE_REACTION_ADD", channel, message, reaction);
        }
        Some(())
    }

    /// Removes a reaction. `None` if there is no such message.
    pub(super) fn unreact(&mut self, channel: u64, message: u64, reaction: &Reaction) -> Option<()> {
        let reactions = &mut self.channels.get_mut(&channel)?.history.get_mut(&message)?.reactions;
        let before = reactions.len();
        reactions.retain(|there| there != reaction);
        if reactions.len() < before {
            self.tell_reaction("MESSAGE_REACTION_REMOVE", channel, message, reaction);
        }
        Some(())
    }

    fn tell_reaction(&mut self, kind: &str, channel: u64, message: u64, reaction: &Reaction) {
        let data = json!({
            "user_id": reaction.user.to_string(), "channel_id": channel.to_string(),
            "message_id": message.to_string(), "guild_id": self.channels[&channel].guild.to_string(),
            "emoji": emoji(&reaction.emoji), "burst": false, "type": 0,
        });
        if self.bot_may(channel, VIEW_CHANNEL) {
            self.emit(kind, Some(channel), &data);
        }
    }

    /// Reactions counted by emoji, in the order in which they were added.
    fn counted(&self, reactions: &[Reaction]) -> Value {
        let mut rows: Vec<(&str, u32, bool)> = Vec::new();
        for Reaction { emoji, user } in reactions {
            let mine = *user == self.application.bot_id;
            match rows.iter_mut().find(|row| row.0 == emoji) {
                Some(row) => *row = (row.0, row.1 + 1, row.2 || mine),
                None => rows.push((emoji, 1, mine)),
            }
        }
        let row = |(name, count, me): (&str, u32, bool)| {
            json!({
                "emoji": emoji(name), "count": count, "count_details": {"burst": 0, "normal": count},
                "burst_colors": [], "me_burst": false, "me": me,
            })
        };
        rows.into_iter().map(row).collect()
    }
}

/// An emoji object. A custom emoji is written `name:id`.
fn emoji(written: &str) -> Value {
    match written.split_once(':') {
        Some((name, id)) => json!({"id": id, "name": name}),
        None => json!({"id": null, "name": written}),
    }
}
