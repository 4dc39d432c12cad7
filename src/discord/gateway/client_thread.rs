//! The thread and runtime on which one serenity client lives.

use std::sync::{Arc, OnceLock, atomic::AtomicU64};
use std::{io, thread};

use serenity::all::{
    Client as SerenityClient, ClientBuilder, Context, EventHandler as SerenityEventHandler, Framework,
    FullEvent, GatewayIntents, Http, Interaction, Ready, ShardManager,
};
use serenity::async_trait;
use serenity::gateway::CollectorCallback;
use tokio::runtime::{self, Runtime};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::connect_limiter::ConnectLimiter;
use super::error::GatewayError;
use super::events::{self, Event, EventHandler, IncomingInteraction};
use super::health::ClientHealth;

const INTENTS: GatewayIntents =
    GatewayIntents::GUILDS.union(GatewayIntents::GUILD_MESSAGES).union(GatewayIntents::MESSAGE_CONTENT);

/// Everything that a serenity client needs.
pub(crate) struct ClientThread {
    pub(crate) http: Http,
    pub(crate) url: String,
    pub(crate) on_event: EventHandler,
    pub(crate) health: watch::Sender<ClientHealth>,
    pub(crate) identify_limit: Arc<AtomicU64>,
    pub(crate) close: CancellationToken,
    pub(crate) abandon: CancellationToken,
}

impl ClientThread {
    /// Starts the thread. The client's result is sent to `end`.
    pub(crate) fn spawn(self, end: oneshot::Sender<Result<(), GatewayError>>) -> io::Result<()> {
        let runtime = new_runtime()?;
        let run = move || {
            let abandon = self.abandon.clone();
            let result = runtime
                .block_on(abandon.run_until_cancelled(self.run()))
                .unwrap_or(Err(GatewayError::Stopped));
            // Does not wait for tasks: one that spins would never end.
            runtime.shutdown_background();
            drop(end.send(result));
        };
        thread::Builder::new().name("gateway".to_owned()).spawn(run).map(drop)
    }

    async fn run(self) -> Result<(), GatewayError> {
        let interactions =
            InteractionForwarder { shards: Arc::default(), on_event: Arc::clone(&self.on_event) };
        let sessions = SessionListener {
            health: self.health.clone(),
            on_event: self.on_event,
            interactions: interactions.clone(),
        };
        // Building the client starts the task that connects, so it must happen on this runtime.
        let mut client = ClientBuilder::new_with_http(self.http, INTENTS)
            .event_handler(sessions)
            .framework(interactions)
            .await?;
        let mut address = Arc::clone(&client.ws_url).lock_owned().await;
        // serenity has asked for the address too, but falls back to a guess if it gets no answer.
        *address = self.url;
        let limiter = ConnectLimiter {
            address: Arc::clone(&client.ws_url),
            shards: Arc::clone(&client.shard_manager.runners),
            health: self.health,
            identify_limit: self.identify_limit,
        };
        tokio::spawn(limiter.run(address));
        let shards = StopShardsOnDrop(Arc::clone(&client.shard_manager));
        tokio::select! {
            end = client.start() => Ok(end?),
            () = self.close.cancelled() => {
                shards.0.shutdown_all().await;
                Ok(())
            }
        }
    }
}

fn new_runtime() -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread().worker_threads(1).thread_name("gateway-worker").enable_all().build()
}

/// Stops shards that spin. After a lost connection serenity reads in a loop without yielding until
/// the next heartbeat is due. The loop does check for commands, so a shutdown command ends it.
struct StopShardsOnDrop(Arc<ShardManager>);

impl Drop for StopShardsOnDrop {
    fn drop(&mut self) {
        if let Ok(shards) = self.0.runners.try_lock() {
            shards.values().for_each(|shard| shard.runner_tx.shutdown_clean());
        }
    }
}

/// Forwards interactions to the main runtime. They are not answered on this one because an outage
/// of the gateway can freeze it.
#[derive(Clone)]
struct InteractionForwarder {
    shards: Arc<OnceLock<Arc<ShardManager>>>,
    on_event: EventHandler,
}

impl InteractionForwarder {
    fn forward(&self, context: Context, interaction: Interaction) {
        if let Some(shards) = self.shards.get() {
            let shards = Arc::clone(shards);
            let incoming = IncomingInteraction::Decoded { context, shards, interaction };
            (self.on_event)(Event::Interaction(Box::new(incoming)));
        }
    }
}

#[async_trait]
impl Framework for InteractionForwarder {
    async fn init(&mut self, client: &SerenityClient) {
        self.shards.get_or_init(|| Arc::clone(&client.shard_manager));
    }

    async fn dispatch(&self, context: Context, event: FullEvent) {
        if let FullEvent::InteractionCreate { interaction } = event {
            self.forward(context, interaction);
        }
    }
}

/// Registers a collector for the events of each new session.
struct SessionListener {
    health: watch::Sender<ClientHealth>,
    on_event: EventHandler,
    interactions: InteractionForwarder,
}

#[async_trait]
impl SerenityEventHandler for SessionListener {
    async fn ready(&self, context: Context, _: Ready) {
        let (health, on_event) = (self.health.clone(), Arc::clone(&self.on_event));
        let (interactions, session) = (self.interactions.clone(), context.clone());
        // serenity spawns a task per event for event handlers, which loses the order. A collector
        // runs inside the shard's reading task, in order, and lives as long as the session.
        context.shard.add_collector(CollectorCallback(Box::new(move |event| {
            health.send_modify(ClientHealth::record_event);
            if let Some(undecoded) = events::undecoded_interaction(event) {
                if let Some(interaction) = events::decode_interaction(undecoded) {
                    interactions.forward(session.clone(), interaction);
                } else {
                    let unreadable = events::unreadable_interaction(undecoded);
                    on_event(Event::Interaction(Box::new(IncomingInteraction::Unreadable(unreadable))));
                }
            }
            for event in events::convert(event) {
                if matches!(event, Event::Resumed) {
                    health.send_modify(ClientHealth::record_resumed);
                }
                on_event(event);
            }
            true
        })));
        self.health.send_modify(ClientHealth::record_ready);
        (self.on_event)(Event::Ready);
    }
}
