//! A channel: posting, editing, permissions, and what tests read from it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Draft, Webhook, payload,
    permissions::{Overwrite, VIEW_CHANNEL},
    state::{Shared, State},
};

/// A channel or thread of the double.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(super) shared: Arc<Shared>,
    id: u64,
    guild: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "a call with json!({…}) reads better without &")]
impl Channel {
    pub(super) fn new(shared: Arc<Shared>, id: u64, guild: u64) -> Self {
        Self { shared, id, guild }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The id of its guild.
    pub(crate) fn guild_id(&self) -> u64 {
        self.guild
    }

    /// Makes a webhook.
    pub(crate) fn webhook(&self, name: &str) -> Webhook {
        Webhook::new(Arc::clone(&self.shared), self.id, name, None)
    }

    /// Makes a webhook that belongs to an application. Its messages have an `application_id`.
    pub(crate) fn application_webhook(&self, name: &str, application: u64) -> Webhook {
        Webhook::new(Arc::clone(&self.shared), self.id, name, Some(application))
    }

    /// Prepares a message exactly as given, valid or not. Only missing `id` and `channel_id` are added,
    /// in the event and in the history.
    pub(crate) fn raw(&self, message: Value) -> Draft {
        Draft::new(Arc::clone(&self.shared), self.id, message).raw()
    }

    /// Edits a message as its author: the given keys replace those of the message, `edited_timestamp`
    /// is set, and the event has the whole message.
    pub(crate) fn edit(&self, id: u64, change: Value) {
        self.must(id, |state| state.rewrite(self.id, id, &change, true));
    }

    /// Edits a message without sending an event.
    pub(crate) fn edit_silently(&self, id: u64, change: Value) {
        self.must(id, |state| state.change(self.id, id, &change, true));
    }

    /// Edits a message. The event has only the ids, the changed keys and the edit time.
    pub(crate) fn edit_partially(&self, id: u64, change: Value) {
        self.must(id, |state| {
            let whole = state.change(self.id, id, &change, true)?;
            let mut part = change.clone();
            for key in ["id", "channel_id", "edited_timestamp"] {
                payload::absorb(&mut part, &json!({key: whole[key]}));
            }
            state.announce("MESSAGE_UPDATE", self.id, part);
            Some(())
        });
    }

    /// Adds embeds as Discord does for a link: without an edit time, and with ids and embeds in the event.
    pub(crate) fn unfurl(&self, id: u64, embeds: Value) {
        self.must(id, |state| {
            let whole = state.change(self.id, id, &json!({"embeds": embeds}), false)?;
            let part =
                json!({"id": whole["id"], "channel_id": whole["channel_id"], "embeds": whole["embeds"]});
            state.announce("MESSAGE_UPDATE", self.id, part);
            Some(())
        });
    }

    /// Sends `MESSAGE_CREATE` again, with the current message.
    pub(crate) fn redeliver(&self, id: u64) {
        self.must(id, |state| {
            let whole = state.channels.get(&self.id)?.history.get(&id)?.value.clone();
            state.announce("MESSAGE_CREATE", self.id, whole);
            Some(())
        });
    }

    /// Deletes a message.
    pub(crate) fn delete(&self, id: u64) {
        self.must(id, |state| (state.remove(self.id, &[id], false) == 1).then_some(()));
    }

    /// Deletes messages with one bulk event.
    pub(crate) fn bulk_delete(&self, ids: &[u64]) {
        self.shared.with(|state| state.remove(self.id, ids, true));
    }

    /// Denies the bot permissions in this channel, by an overwrite for its member.
    pub(crate) fn deny(&self, bits: u64) {
        self.overwrite_for_bot(0, bits);
    }

    /// Allows the bot permissions in this channel, by an overwrite for its member.
    pub(crate) fn allow(&self, bits: u64) {
        self.overwrite_for_bot(bits, 0);
    }

    /// Makes the channel private: denies `@everyone` to view it.
    pub(crate) fn make_private(&self) {
        let row = Overwrite { id: self.guild, member: false, allow: 0, deny: VIEW_CHANNEL };
        self.overwrite(row);
    }

    /// Sets an overwrite of a role or member, and sends the event.
    pub(crate) fn overwrite(&self, row: Overwrite) {
        self.shared.with(|state| {
            let saw = state.bot_may(self.id, VIEW_CHANNEL);
            if let Some(channel) = state.channels.get_mut(&self.id) {
                channel.overwrites.retain(|old| old.id != row.id || old.member != row.member);
                channel.overwrites.push(row);
            }
            let sees = state.bot_may(self.id, VIEW_CHANNEL);
            let data = payload::channel(state, self.id);
            if saw || sees {
                state.emit("CHANNEL_UPDATE", None, &data);
            }
        });
    }

    /// Removes all overwrites, and sends the event.
    pub(crate) fn clear_overwrites(&self) {
        self.shared.with(|state| {
            if let Some(channel) = state.channels.get_mut(&self.id) {
                channel.overwrites.clear();
            }
            let data = payload::channel(state, self.id);
            state.emit("CHANNEL_UPDATE", None, &data);
        });
    }

    fn overwrite_for_bot(&self, allow: u64, deny: u64) {
        let (bot, old) = self.shared.read(|state| {
            let bot = state.application.bot_id;
            let rows = &state.channels[&self.id].overwrites;
            (bot, rows.iter().find(|row| row.member && row.id == bot).copied())
        });
        let old = old.unwrap_or(Overwrite { id: bot, member: true, allow: 0, deny: 0 });
        self.overwrite(Overwrite { allow: old.allow & !deny | allow, deny: old.deny & !allow | deny, ..old });
    }

    /// Its messages in the form of the REST API, oldest first.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.shared.read(|state| {
            let ids = state.channels[&self.id].history.keys();
            ids.filter_map(|id| state.message(self.id, *id)).collect()
        })
    }

    /// Waits for a message that satisfies a condition, and returns it.
    pub(crate) async fn until_message(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let find = |state: &State| {
            let history = &state.channels[&self.id].history;
            history.values().find(|message| is(&message.value)).map(|message| message.value.clone())
        };
        self.shared.until(what, find).await
    }

    /// The emojis on a message, in the order in which they were added.
    pub(crate) fn reactions(&self, id: u64) -> Vec<String> {
        self.shared.read(|state| self.emojis(state, id))
    }

    /// Waits until a message has this emoji.
    pub(crate) async fn until_reaction(&self, id: u64, emoji: &str) {
        let what = format!("the reaction {emoji} to message {id}");
        self.shared
            .until(&what, |state| self.emojis(state, id).iter().any(|it| it == emoji).then_some(()))
            .await;
    }

    fn emojis(&self, state: &State, id: u64) -> Vec<String> {
        let message = state.channels[&self.id].history.get(&id);
        message.map(|it| it.reactions.iter().map(|it| it.emoji.clone()).collect()).unwrap_or_default()
    }

    /// Runs a change, and panics if the message does not exist.
    fn must<T>(&self, id: u64, change: impl FnOnce(&mut State) -> Option<T>) {
        assert!(self.shared.with(change).is_some(), "channel {} has no message {id}", self.id);
    }
}
