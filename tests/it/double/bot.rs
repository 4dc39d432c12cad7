//! A bot made of serenity alone. It records every event.

use std::{sync::Arc, time::Duration};

use serenity::{
    all::{
        Client, Context, Event, GatewayIntents, Http, HttpBuilder, Message, RawEventHandler, ShardManager,
    },
    async_trait,
};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::support::discord::Discord;

/// The bot.
pub(super) struct Bot {
    arriving: mpsc::UnboundedReceiver<Event>,
    events: Vec<Event>,
    shards: Arc<ShardManager>,
    running: JoinHandle<Result<(), serenity::Error>>,
    pub(super) http: Arc<Http>,
}

struct Forward(mpsc::UnboundedSender<Event>);

#[async_trait]
impl RawEventHandler for Forward {
    async fn raw_event(&self, _: Context, event: Event) {
        drop(self.0.send(event));
    }
}

/// The intents of the test bot.
pub(super) fn intents() -> GatewayIntents {
    GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::MESSAGE_CONTENT
}

/// serenity's REST client, pointed at the double.
pub(super) fn http(discord: &Discord, token: &str) -> Http {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .connect_timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .expect("a client without extras");
    HttpBuilder::new(token).client(client).proxy(discord.api_url()).ratelimiter_disabled(true).build()
}

impl Bot {
    /// Starts with all intents and waits for READY.
    pub(super) async fn ready(discord: &Discord) -> Self {
        let mut bot = Self::start(discord, &discord.token(), intents()).await;
        bot.until("READY", |event| matches!(event, Event::Ready(_)).then_some(())).await;
        bot
    }

    /// Starts without waiting.
    pub(super) async fn start(discord: &Discord, token: &str, intents: GatewayIntents) -> Self {
        let (sender, arriving) = mpsc::unbounded_channel();
        let mut client = serenity::client::ClientBuilder::new_with_http(http(discord, token), intents)
            .raw_event_handler(Forward(sender))
            .await
            .expect("a client is built");
        let url = client.ws_url.lock().await.clone();
        assert!(url.starts_with("ws://127.0.0.1"), "{url}");
        let (shards, http) = (Arc::clone(&client.shard_manager), Arc::clone(&client.http));
        let running = tokio::spawn(async move { Client::start(&mut client).await });
        Self { arriving, events: Vec::new(), shards, running, http }
    }

    /// Waits for an event that satisfies a condition, among all since the start.
    pub(super) async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Event) -> Option<T>) -> T {
        self.until_all(what, |events| events.iter().find_map(&mut look)).await
    }

    /// Waits until the events so far satisfy a condition together.
    pub(super) async fn until_all<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&[Event]) -> Option<T>,
    ) -> T {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = look(&self.events) {
                return found;
            }
            let next = tokio::time::timeout_at(deadline, self.arriving.recv()).await;
            let event = next.unwrap_or_else(|_| panic!("no {what} in {:?}", self.kinds()));
            self.events.push(event.unwrap_or_else(|| panic!("the bot ended before {what}")));
        }
    }

    /// Waits for the `MESSAGE_CREATE` of a message.
    pub(super) async fn until_message(&mut self, id: u64) -> Message {
        let create = |event: &Event| match event {
            Event::MessageCreate(create) if create.message.id.get() == id => Some(create.message.clone()),
            _ => None,
        };
        self.until("message", create).await
    }

    /// Ids of the messages received so far, sorted, including repeated ones.
    pub(super) fn message_ids(events: &[Event]) -> Vec<u64> {
        let id = |event: &Event| match event {
            Event::MessageCreate(create) => Some(create.message.id.get()),
            _ => None,
        };
        let mut ids: Vec<u64> = events.iter().filter_map(id).collect();
        ids.sort_unstable();
        ids
    }

    /// How many events of a kind were received so far.
    pub(super) fn count(events: &[Event], kind: &str) -> usize {
        events.iter().filter(|event| event.name().as_deref() == Some(kind)).count()
    }

    /// Waits for the result of `start`.
    pub(super) async fn end(self) -> Result<(), serenity::Error> {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.running).await;
        ended.expect("the bot ends").expect("the bot does not panic")
    }

    /// Closes the connection like a bot that stops.
    pub(super) async fn stop(self) -> Result<(), serenity::Error> {
        self.shards.shutdown_all().await;
        self.end().await
    }

    fn kinds(&self) -> Vec<String> {
        self.events.iter().map(|event| event.name().unwrap_or_default()).collect()
    }
}
