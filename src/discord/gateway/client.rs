//! The thread of one serenity client, from its birth to its end.

use std::sync::{Arc, OnceLock, atomic::AtomicU64};
use std::{io, thread};

use serenity::all::{
    Client as Serenity, ClientBuilder, Context, EventHandler, Framework, FullEvent, GatewayIntents, Http,
    Interaction, Ready, ShardManager,
};
use serenity::async_trait;
use serenity::gateway::CollectorCallback;
use tokio::runtime::{self, Runtime};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::{GatewayError, Pulse, events};
use crate::discord::{Call, Event, OnEvent};

/// What the bot asks to be told of.
const INTENTS: GatewayIntents =
    GatewayIntents::GUILDS.union(GatewayIntents::GUILD_MESSAGES).union(GatewayIntents::MESSAGE_CONTENT);

/// All that a client needs.
pub(crate) struct Client {
    pub(crate) http: Http,
    pub(crate) url: String,
    pub(crate) on_event: OnEvent,
    pub(crate) pulse: watch::Sender<Pulse>,
    pub(crate) allowed: Arc<AtomicU64>,
    pub(crate) close: CancellationToken,
    pub(crate) abandon: CancellationToken,
}

impl Client {
    /// Runs it on a thread of its own.
    pub(crate) fn spawn(self, ended: oneshot::Sender<Result<(), GatewayError>>) -> io::Result<()> {
        let runtime = runtime()?;
        let live = move || {
            let end = runtime.block_on(self.live());
            // Waits for nothing: a task that spins would never end.
            runtime.shutdown_background();
            drop(ended.send(end));
        };
        thread::Builder::new().name("gateway".to_owned()).spawn(live).map(drop)
    }

    async fn live(self) -> Result<(), GatewayError> {
        let abandon = self.abandon.clone();
        abandon.run_until_cancelled(self.run()).await.unwrap_or(Err(GatewayError::Gone))
    }

    async fn run(self) -> Result<(), GatewayError> {
        let desk = Desk { shards: Arc::default(), on_event: Arc::clone(&self.on_event) };
        let listener = Listener { pulse: self.pulse.clone(), on_event: self.on_event, desk: desk.clone() };
        // The client must be built on its own runtime: building starts the task that connects.
        let mut client =
            ClientBuilder::new_with_http(self.http, INTENTS).event_handler(listener).framework(desk).await?;
        let mut address = Arc::clone(&client.ws_url).lock_owned().await;
        // serenity has asked for it too, but guesses when it gets no answer.
        *address = self.url;
        let gate = Gate {
            address: Arc::clone(&client.ws_url),
            shards: Arc::clone(&client.shard_manager.runners),
            pulse: self.pulse,
            allowed: self.allowed,
        };
        tokio::spawn(gate.keep(address));
        let shards = Spinners(Arc::clone(&client.shard_manager));
        tokio::select! {
            end = client.start() => Ok(end?),
            () = self.close.cancelled() => {
                shards.0.shutdown_all().await;
                Ok(())
            }
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread().worker_threads(1).thread_name("gateway-worker").enable_all().build()
}

/// Stops shards that spin. On a connection that is gone serenity reads without end and without
/// ever giving way, until the next heartbeat is due; but it does look for orders, and to fail with
/// one ends the shard.
struct Spinners(Arc<ShardManager>);

impl Drop for Spinners {
    fn drop(&mut self) {
        if let Ok(shards) = self.0.runners.try_lock() {
            shards.values().for_each(|shard| shard.runner_tx.shutdown_clean());
        }
    }
}

/// Passes interactions on to where they are answered: not here, where an outage of the gateway stops
/// all that runs.
#[derive(Clone)]
struct Desk {
    shards: Arc<OnceLock<Arc<ShardManager>>>,
    on_event: OnEvent,
}

impl Desk {
    fn pass_on(&self, context: Context, interaction: Interaction) {
        if let Some(shards) = self.shards.get() {
            (self.on_event)(Event::Asked(Box::new(Call {
                context,
                shards: Arc::clone(shards),
                interaction,
            })));
        }
    }
}

#[async_trait]
impl Framework for Desk {
    async fn init(&mut self, client: &Serenity) {
        self.shards.get_or_init(|| Arc::clone(&client.shard_manager));
    }

    async fn dispatch(&self, context: Context, event: FullEvent) {
        if let FullEvent::InteractionCreate { interaction } = event {
            self.pass_on(context, interaction);
        }
    }
}

/// Hears of each new session and listens in on it.
struct Listener {
    pulse: watch::Sender<Pulse>,
    on_event: OnEvent,
    desk: Desk,
}

#[async_trait]
impl EventHandler for Listener {
    async fn ready(&self, context: Context, _: Ready) {
        let (pulse, on_event, desk) = (self.pulse.clone(), Arc::clone(&self.on_event), self.desk.clone());
        let own = context.clone();
        // Handlers run as tasks, in any order. A collector is called in the task that reads, in
        // order, and lives as long as the session.
        context.shard.add_collector(CollectorCallback(Box::new(move |event| {
            pulse.send_modify(Pulse::event);
            if let Some(interaction) = events::undecoded_interaction(event) {
                desk.pass_on(own.clone(), interaction);
            }
            if let Some(event) = events::read(event) {
                if matches!(event, Event::Resumed) {
                    pulse.send_modify(Pulse::resumed);
                }
                on_event(event);
            }
            true
        })));
        self.pulse.send_modify(Pulse::ready);
        (self.on_event)(Event::Ready);
    }
}
