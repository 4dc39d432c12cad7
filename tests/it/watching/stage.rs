//! ROMS watching one channel of a double: what most scenarios begin with.

use std::sync::atomic::{AtomicUsize, Ordering};

use roms::config::{Config, Discord as DiscordConfig};
use roms::order::Order;
use roms::store::{LogEntry, OrderEvent};
use serde_json::Value;

use crate::support::bot::{Bot, card, timing};
use crate::support::discord::{Channel, Discord, Guild, Webhook};

/// ROMS, the double, and a channel with a webhook that posts cards.
pub(crate) struct Stage {
    pub(crate) discord: Discord,
    pub(crate) guild: Guild,
    pub(crate) channel: Channel,
    pub(crate) hook: Webhook,
    pub(crate) bot: Bot,
    markers: AtomicUsize,
}

impl Stage {
    /// ROMS is connected.
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same with another configuration of the connection.
    pub(crate) async fn with(change: impl FnOnce(&Discord, &mut DiscordConfig)) -> Self {
        let mut stage = Self::before(change).await;
        stage.start().await;
        stage.discord.until_ready().await;
        stage
    }

    /// ROMS is not started yet.
    pub(crate) async fn before(change: impl FnOnce(&Discord, &mut DiscordConfig)) -> Self {
        let discord = Discord::start().await;
        let guild = discord.guild("Buyers");
        let channel = guild.channel("checkouts");
        let hook = channel.webhook("Refract");
        let mut bot = Bot::configured(&discord, &[&channel], "").await;
        change(&discord, watched(&mut bot.config));
        Self { discord, guild, channel, hook, bot, markers: AtomicUsize::new(1) }
    }

    /// Starts ROMS.
    pub(crate) async fn start(&mut self) {
        let timing = timing();
        self.bot.start_again(timing).await;
    }

    /// Stops ROMS and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.bot.stop().await.unwrap();
        self.start().await;
    }

    /// Stops ROMS; nothing else was asked of Discord than what it has.
    pub(crate) async fn end(mut self) {
        self.bot.stop().await.unwrap();
        let unknown = self.discord.unknown_requests();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// Posts a card and waits until it is stored: whatever came before it has been seen.
    pub(crate) async fn mark(&self) -> Order {
        let number = format!("MARKER-{}", self.markers.fetch_add(1, Ordering::Relaxed));
        self.hook.post(card(&number, "$1.00"));
        self.bot.until_order(&number, |_| true).await
    }

    /// Waits until the history was read from beginning to end once more.
    pub(crate) async fn read_again(&self) {
        let path = format!("/channels/{}/messages", self.channel.id());
        let times = self.discord.count("GET", &path);
        // One may be on its way; the next but one begins after now.
        self.discord.until_requests("GET", &path, times + 2).await;
        self.mark().await;
    }

    /// The log rows of an order, newest first.
    pub(crate) async fn logs_of(&self, order: &Order) -> Vec<LogEntry> {
        let logs = self.bot.logs().await;
        logs.into_iter().filter(|log| log.order_ids.contains(&order.id)).collect()
    }

    /// The events of an order.
    pub(crate) async fn events_of(&self, order: &Order) -> Vec<OrderEvent> {
        self.bot.store().events(order.id).await.unwrap()
    }
}

/// The part of a configuration that is about Discord.
pub(crate) fn watched(config: &mut Config) -> &mut DiscordConfig {
    config.discord.as_mut().unwrap()
}

/// An id as the program has it.
pub(crate) fn id(id: u64) -> i64 {
    id.try_into().unwrap()
}

/// What a card costs.
pub(crate) fn price(order: &Order) -> Option<i64> {
    order.fields.price.map(|price| price.hundredths())
}

/// A card with other things in its embed.
pub(crate) fn odd_card(number: &str, odd: &Value) -> Value {
    let mut message = card(number, "$10.00");
    for (key, value) in odd.as_object().unwrap() {
        message["embeds"][0][key] = value.clone();
    }
    message
}
