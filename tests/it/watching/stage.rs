//! ROMS watching one channel of the Discord double: the setup of most scenarios.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use roms::config::{Config, Discord as DiscordConfig};
use roms::order::{Amount, Order};
use roms::store::{LogEntry, OrderEvent};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use tracing::subscriber::DefaultGuard;

use crate::support::bot::{Bot, card, timing};
use crate::support::discord::{Channel, Discord, Guild, Request, Webhook};
use crate::support::edge::Log;

/// A word in the e-mail address and proxy of every card. It must not appear in a log.
pub(crate) const CANARY: &str = "canary";

impl Drop for Stage {
    /// Prints the log if the scenario failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(std::io::Write::write_all(&mut std::io::stderr(), self.log.text().as_bytes()));
        }
    }
}

/// ROMS, the double, and a channel with a webhook that posts cards.
pub(crate) struct Stage {
    pub(crate) discord: Discord,
    pub(crate) guild: Guild,
    pub(crate) channel: Channel,
    pub(crate) hook: Webhook,
    pub(crate) bot: Bot,
    /// Everything that ROMS logs, except on its gateway thread.
    pub(crate) log: Log,
    markers: AtomicUsize,
    _listening: DefaultGuard,
}

impl Stage {
    /// Starts ROMS and waits until it is connected.
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// Like [`Self::new`], with a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(&Discord, &mut DiscordConfig)) -> Self {
        let mut stage = Self::before(change).await;
        stage.start().await;
        stage.until_listening().await;
        stage
    }

    /// Does not start ROMS yet.
    pub(crate) async fn before(change: impl FnOnce(&Discord, &mut DiscordConfig)) -> Self {
        let (log, listening) = Log::listen();
        let discord = Discord::start().await;
        // Well below the tests' `silence_timeout`.
        discord.gateway().heartbeat_every(Duration::from_secs(1));
        let guild = discord.guild("Buyers");
        let channel = guild.channel("checkouts");
        let hook = channel.webhook("Refract");
        let mut bot = Bot::configured(&discord, &[&channel], "").await;
        change(&discord, watched(&mut bot.config));
        let markers = AtomicUsize::new(1);
        Self { discord, guild, channel, hook, bot, log, markers, _listening: listening }
    }

    /// Waits until ROMS receives gateway events. It can miss events sent right after READY; it finds
    /// those messages in the history, unless they were deleted meanwhile.
    pub(crate) async fn until_listening(&self) {
        self.discord.until_ready().await;
        let path = "/health";
        self.bot
            .until(path, "it receives events", |health| {
                self.discord.gateway().dispatch("TYPING_STOP", json!({}));
                let discord = &health["checks"]["discord"];
                discord["connected"] == true && discord["last_event_at"].is_string()
            })
            .await;
    }

    /// Starts ROMS.
    pub(crate) async fn start(&mut self) {
        self.bot.start_again(timing()).await;
    }

    /// Stops ROMS and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.bot.stop().await.unwrap();
        self.start().await;
    }

    /// Stops ROMS. Checks that it sent only known requests and that its log contains no secret.
    pub(crate) async fn end(mut self) {
        self.bot.stop().await.unwrap();
        let unknown = self.discord.unknown_requests();
        assert!(unknown.is_empty(), "{unknown:?}");
        let log = self.log.text();
        for secret in [CANARY, &self.discord.token()] {
            assert!(!log.contains(secret), "{log}");
        }
    }

    /// Posts a card and waits until it is stored. Live messages posted before are handled by then.
    pub(crate) async fn mark(&self) -> Order {
        let number = format!("MARKER-{}", self.markers.fetch_add(1, Ordering::Relaxed));
        self.hook.post(card(&number, "$1.00"));
        self.bot.until_order(&number, |_| true).await
    }

    /// Waits until ROMS has read the history after its cursor once more.
    pub(crate) async fn read_again(&self) {
        let path = format!("/channels/{}/messages", self.channel.id());
        let is_read = |seen: &Request| seen.is("GET", &path) && seen.path.contains("after=");
        let count = || self.discord.requests().iter().filter(|seen| is_read(seen)).count();
        let (before, mut polls) = (count(), interval(Duration::from_millis(20)));
        let waiting = async {
            // A request may be under way already, so the second one from now counts.
            while count() < before + 2 {
                polls.tick().await;
            }
        };
        timeout(Duration::from_secs(30), waiting).await.expect("the history is read");
        self.mark().await;
    }

    /// Waits until ROMS logs a line that contains this text.
    pub(crate) async fn until_log(&self, text: &str) {
        self.log.until(text).await;
    }

    /// The log rows of an order, newest first.
    pub(crate) async fn logs_of(&self, order: &Order) -> Vec<LogEntry> {
        let logs = self.bot.logs().await;
        logs.into_iter().filter(|log| log.order_ids.contains(&order.id)).collect()
    }

    /// The events of an order.
    pub(crate) async fn events_of(&self, order: &Order) -> Vec<OrderEvent> {
        self.bot.store().events(order.id, 0, 100).await.unwrap()
    }
}

/// The Discord section of a configuration.
pub(crate) fn watched(config: &mut Config) -> &mut DiscordConfig {
    &mut config.discord
}

/// An id as the type that ROMS uses.
pub(crate) fn id(id: u64) -> i64 {
    id.try_into().unwrap()
}

/// The price of an order, in hundredths.
pub(crate) fn price(order: &Order) -> Option<i64> {
    order.fields.price.map(Amount::hundredths)
}

/// A card that says that its order was cancelled.
pub(crate) fn cancelled(number: &str) -> Value {
    let mut message = card(number, "$10.00");
    let fields = message["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "Status", "value": "cancelled", "inline": true}));
    message
}

/// A card without an order number.
pub(crate) fn card_without_number() -> Value {
    let mut message = card("", "$10.00");
    message["embeds"][0]["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "Order Number");
    message
}

/// A card with other values in its embed.
pub(crate) fn odd_card(number: &str, odd: &Value) -> Value {
    let mut message = card(number, "$10.00");
    for (key, value) in odd.as_object().unwrap() {
        message["embeds"][0][key] = value.clone();
    }
    message
}
