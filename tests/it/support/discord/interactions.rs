//! Interactions: how users use the bot's commands and components, and how the bot answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

pub(crate) use super::rest::File;
use super::{
    Channel, User, payload,
    state::{Shared, State},
};

/// The state of an interaction.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(super) id: u64,
    /// 2: command, 3: component, 4: autocomplete, 5: modal.
    pub(super) kind: u8,
    pub(super) channel: u64,
    began: Instant,
    /// Simulated time, in addition to the real time that passed.
    age: Duration,
    /// The message whose component was used.
    pub(super) source: Option<u64>,
    /// How often the bot changed that message.
    pub(super) updates: usize,
    pub(super) callback: Option<Value>,
    /// Whether only the user can see the deferred answer.
    pub(super) ephemeral: bool,
    pub(super) original: Option<u64>,
    pub(super) replies: Vec<Reply>,
}

impl Exchange {
    /// How long ago the user started the interaction.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed() + self.age
    }
}

/// A message that the bot answered with, in its current state.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) message: u64,
    pub(crate) value: Value,
    pub(crate) files: Vec<File>,
}

/// An interaction that was sent to the bot.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    shared: Arc<Shared>,
    token: String,
}

impl User {
    /// Uses a slash command. `options` has the form of the interaction, such as
    /// `[{"name": "number", "type": 3, "value": "900"}]`.
    pub(crate) fn slash(&self, channel: &Channel, name: &str, options: Value) -> Interaction {
        self.interact(channel, 2, self.command(channel, name, 1, options), None)
    }

    /// Uses a slash command with a file in the option `file`, which Discord keeps at this address, and with text options.
    pub(crate) fn slash_with_file(
        &self,
        channel: &Channel,
        name: &str,
        url: &str,
        texts: &[(&str, &str)],
    ) -> Interaction {
        let texts = texts.iter().map(|(name, text)| json!({"name": name, "type": 3, "value": text}));
        let options: Value =
            [json!({"name": "file", "type": 11, "value": "77"})].into_iter().chain(texts).collect();
        let mut data = self.command(channel, name, 1, options);
        let file_name = url.rsplit('/').next().unwrap_or_default();
        let file = json!({"id": "77", "filename": file_name, "size": 100, "url": url, "proxy_url": url});
        payload::absorb(&mut data, &json!({"resolved": {"attachments": {"77": file}}}));
        self.interact(channel, 2, data, None)
    }

    /// Types into a command. The option being typed has `"focused": true`.
    pub(crate) fn autocomplete(&self, channel: &Channel, name: &str, options: Value) -> Interaction {
        self.interact(channel, 4, self.command(channel, name, 1, options), None)
    }

    /// Uses a command from a message's context menu.
    pub(crate) fn menu(&self, channel: &Channel, name: &str, message: u64) -> Interaction {
        let mut data = self.command(channel, name, 3, json!([]));
        let target = self.shared.read(|state| find(state, channel.id(), message));
        let more = json!({
            "target_id": message.to_string(), "resolved": {"messages": {message.to_string(): target}},
        });
        payload::absorb(&mut data, &more);
        self.interact(channel, 2, data, None)
    }

    /// Presses a button of a message.
    pub(crate) fn press(&self, channel: &Channel, message: u64, custom_id: &str) -> Interaction {
        self.interact(channel, 3, json!({"component_type": 2, "custom_id": custom_id}), Some(message))
    }

    /// Selects values in a select menu of a message.
    pub(crate) fn select(
        &self,
        channel: &Channel,
        message: u64,
        custom_id: &str,
        values: &[&str],
    ) -> Interaction {
        let data = json!({"component_type": 3, "custom_id": custom_id, "values": values});
        self.interact(channel, 3, data, Some(message))
    }

    /// Submits a modal with its text inputs by custom id. `message` is set if a component opened it.
    pub(crate) fn submit(
        &self,
        channel: &Channel,
        message: Option<u64>,
        custom_id: &str,
        inputs: &[(&str, &str)],
    ) -> Interaction {
        let row = |(id, value): &(&str, &str)| json!({"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": id, "value": value}]});
        let rows: Vec<Value> = inputs.iter().map(row).collect();
        self.interact(channel, 5, json!({"custom_id": custom_id, "components": rows}), message)
    }

    /// Sends an interaction of any kind.
    pub(crate) fn interact(
        &self,
        channel: &Channel,
        kind: u8,
        data: Value,
        message: Option<u64>,
    ) -> Interaction {
        let token = self.shared.with(|state| {
            let id = state.ids.now();
            let token = format!("interaction-{id}");
            let mut event = json!({
                "id": id.to_string(), "application_id": state.application.id.to_string(), "type": kind,
                "token": token, "version": 1, "channel_id": channel.id().to_string(),
                "channel": payload::channel(state, channel.id()),
                "guild_id": channel.guild_id().to_string(), "guild_locale": "en-US", "locale": "en-US",
                "guild": {"id": channel.guild_id().to_string(), "locale": "en-US", "features": []},
                "member": self.member(), "app_permissions": state.bot_permissions_in(channel.id()).to_string(),
                "entitlements": [], "entitlement_sku_ids": [], "context": 0,
                "authorizing_integration_owners": {"0": channel.guild_id().to_string()},
                "attachment_size_limit": self.attachment_limit,
            });
            event["data"] = data;
            if let Some(message) = message {
                event["message"] = find(state, channel.id(), message);
            }
            let exchange = Exchange {
                id,
                kind,
                channel: channel.id(),
                began: Instant::now(),
                age: Duration::ZERO,
                source: message,
                updates: 0,
                callback: None,
                ephemeral: false,
                original: None,
                replies: Vec::new(),
            };
            state.interactions.insert(token.clone(), exchange);
            state.emit("INTERACTION_CREATE", None, &event);
            token
        });
        Interaction { shared: Arc::clone(&self.shared), token }
    }

    /// The data of a command, with the id of the registered command if there is one.
    fn command(&self, channel: &Channel, name: &str, kind: u64, options: Value) -> Value {
        let guild = channel.guild_id();
        let registered = self.shared.read(|state| {
            let places = [Some(guild), None].into_iter().filter_map(|place| state.commands.get(&place));
            let mut commands = places.flatten();
            commands.find(|it| it["name"] == name && it["type"] == kind).map(|command| command["id"].clone())
        });
        let id = registered.unwrap_or_else(|| json!("1"));
        let mut data = json!({"id": id, "name": name, "type": kind, "guild_id": guild.to_string()});
        // Discord sends the users that options of type 6 name.
        let named = options.as_array().into_iter().flatten().filter(|option| option["type"] == 6);
        for user in named.filter_map(|option| option["value"].as_str()) {
            data["resolved"]["users"][user] =
                json!({"id": user, "username": "somebody", "discriminator": "0"});
        }
        data["options"] = options;
        data
    }
}

/// A message of the channel, or an ephemeral one.
fn find(state: &State, channel: u64, message: u64) -> Value {
    let replies = state.interactions.values().flat_map(|it| &it.replies);
    let mut private = replies.filter(|reply| reply.message == message).map(|reply| reply.value.clone());
    let found = state.message(channel, message).or_else(|| private.next_back());
    found.unwrap_or_else(|| panic!("channel {channel} has no message {message}"))
}

impl Interaction {
    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        self.shared.read(|state| state.interactions[&self.token].id)
    }

    /// The token needed to answer.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Waits for the first answer: `{"type", "data"}`. It contains autocomplete choices and modals.
    pub(crate) async fn callback(&self) -> Value {
        self.until("a callback", |exchange| exchange.callback.clone()).await
    }

    /// The first answer, if there is one yet.
    pub(crate) fn callback_so_far(&self) -> Option<Value> {
        self.shared.read(|state| state.interactions[&self.token].callback.clone())
    }

    /// Waits for the message that answers, deferred or not, and returns it in its current state.
    pub(crate) async fn answer(&self) -> Reply {
        let original = |exchange: &Exchange| {
            let id = exchange.original?;
            exchange.replies.iter().find(|reply| reply.message == id).cloned()
        };
        self.until("an answer", original).await
    }

    /// Waits until this interaction has changed the message whose component was used, and returns it.
    pub(crate) async fn update(&self) -> Reply {
        let what = format!("an update by {}", self.token);
        let updated = |state: &State| {
            let exchange = &state.interactions[&self.token];
            let source = exchange.source.filter(|_| exchange.updates > 0)?;
            let mut replies = state.interactions.values().flat_map(|it| &it.replies);
            replies.find(|reply| reply.message == source).cloned()
        };
        self.shared.until(&what, updated).await
    }

    /// All messages so far, in their current state.
    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.shared.read(|state| state.interactions[&self.token].replies.clone())
    }

    /// Waits for a message that satisfies a condition.
    pub(crate) async fn until_reply(&self, what: &str, is: impl Fn(&Reply) -> bool) -> Reply {
        self.until(what, |exchange| exchange.replies.iter().find(|reply| is(reply)).cloned()).await
    }

    /// Simulates time that passes for this interaction. It allows three seconds for the first answer and
    /// fifteen minutes for the last.
    pub(crate) fn age(&self, by: Duration) {
        self.shared.with(|state| {
            if let Some(exchange) = state.interactions.get_mut(&self.token) {
                exchange.age += by;
            }
        });
    }

    async fn until<T>(&self, what: &str, look: impl Fn(&Exchange) -> Option<T>) -> T {
        let what = format!("{what} to {}", self.token);
        self.shared.until(&what, |state| look(&state.interactions[&self.token])).await
    }
}
