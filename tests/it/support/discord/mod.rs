//! A stateful Discord on loopback: REST below `/api/v10` and the gateway, on one port.
//!
//! ```ignore
//! let discord = Discord::start().await;
//! let channel = discord.guild("Buyers").channel("checkouts");
//! let hook = channel.webhook("Refract");
//! // … start a bot with discord.api_url() and discord.token() …
//! discord.until_ready().await;
//! let id = hook.post(json!({"embeds": [{"title": "Successful Checkout | Target"}]}));
//! discord.gateway().reset();
//! channel.edit(id, json!({"content": "paid"}));
//! channel.until_reaction(id, "✅").await;
//! ```
//!
//! It runs in a thread of its own: a test that blocks its runtime does not block Discord. Methods
//! act at once; only what waits is `async`, and every wait has a deadline. It knows nothing of what
//! is tested with it.
//!
//! What it does not do: threads and direct messages, presences, voice, members who come and go,
//! moderation, shards above one, zlib, the etf encoding, `X-RateLimit` buckets (see
//! [`Discord::limit`] for what there is instead), and events for what only a human does in the
//! settings, beyond those of guild and channel.

mod author;
mod channel;
mod components;
mod draft;
mod faults;
mod gateway;
mod guild;
mod history;
pub(crate) mod interactions;
mod limits;
mod payload;
pub(crate) mod permissions;
mod rest;
mod schema;
mod server;
mod session;
pub(crate) mod snowflake;
mod socket;
mod state;
mod wire;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{net::TcpSocket, runtime::Runtime, task::JoinHandle};

pub(crate) use self::{
    author::{User, Webhook},
    channel::Channel,
    draft::Draft,
    faults::{Fault, Request},
    gateway::Gateway,
    guild::Guild,
    session::Answer,
    wire::Fate,
};
use self::{
    faults::Rule,
    server::Connections,
    state::{FLAG_MESSAGE_CONTENT_LIMITED, Shared, State},
};

/// A Discord that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Discord {
    shared: Arc<Shared>,
    port: u16,
    connections: Connections,
    /// Listens; none while connections are refused.
    door: Mutex<Door>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

/// Whether somebody answers at the port.
#[derive(Debug)]
enum Door {
    Open(JoinHandle<()>),
    Shut(TcpSocket),
    /// In between the two.
    Moving,
}

impl Discord {
    /// Starts at a free port.
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts at this port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Panics
    /// When the port is taken.
    #[expect(clippy::unused_async, reason = "a start is awaited, whatever it comes to need")]
    pub(crate) async fn start_on(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("discord-double")
            .enable_all()
            .build()
            .expect("a runtime for the double");
        let socket =
            server::reserve(port).unwrap_or_else(|error| panic!("port {port} for the double: {error}"));
        let port = socket.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::new(State::new(format!("127.0.0.1:{port}"))));
        let (connections, door) = (Connections::default(), Mutex::new(Door::Shut(socket)));
        let discord = Self { shared, port, connections, door, runtime: Some(runtime) };
        discord.accept_connections();
        discord
    }

    /// What takes the place of `https://discord.com`: `http://127.0.0.1:PORT`.
    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of REST and gateway.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The token of the bot, without `Bot `.
    pub(crate) fn token(&self) -> String {
        self.shared.read(|state| state.application.token.clone())
    }

    /// Makes the token that was good so far a bad one, and gives the new one.
    pub(crate) fn reset_token(&self) -> String {
        self.shared.with(|state| {
            let id = state.ids.now();
            state.application.token = payload::token(id);
            state.application.token.clone()
        })
    }

    /// Id of the application, which is not the bot's.
    pub(crate) fn application_id(&self) -> u64 {
        self.shared.read(|state| state.application.id)
    }

    /// Id of the bot as a user.
    pub(crate) fn bot_id(&self) -> u64 {
        self.shared.read(|state| state.application.bot_id)
    }

    /// Switches the Message Content intent in the developer portal on (as it is at first) or off.
    pub(crate) fn allow_message_content(&self, allowed: bool) {
        self.set_application_flags(if allowed { FLAG_MESSAGE_CONTENT_LIMITED } else { 0 });
    }

    /// Sets the flags of the application.
    pub(crate) fn set_application_flags(&self, flags: u64) {
        self.shared.with(|state| state.application.flags = flags);
    }

    /// Makes a guild with the bot in it.
    pub(crate) fn guild(&self, name: &str) -> Guild {
        Guild::new(Arc::clone(&self.shared), self.shared.with(|state| state.add_guild(name)))
    }

    /// Makes a human user.
    pub(crate) fn user(&self, name: &str) -> User {
        User::new(Arc::clone(&self.shared), name, false)
    }

    /// Makes a bot that is not the one under test.
    pub(crate) fn other_bot(&self, name: &str) -> User {
        User::new(Arc::clone(&self.shared), name, true)
    }

    /// The gateway: what it saw, and what goes wrong with it.
    pub(crate) fn gateway(&self) -> Gateway {
        Gateway::new(Arc::clone(&self.shared))
    }

    /// Sets how long each wait lasts before it fails; 20 s at first.
    pub(crate) fn wait_at_most(&self, deadline: Duration) {
        self.shared.with(|state| state.deadline = deadline);
    }

    /// Waits until the bot has identified (or resumed) and is connected.
    pub(crate) async fn until_ready(&self) {
        self.gateway().until_ready().await;
    }

    /// The commands of a guild, or (`None`) the global ones, as last registered.
    pub(crate) fn commands(&self, guild: Option<&Guild>) -> Vec<Value> {
        let place = guild.map(Guild::id);
        self.shared.read(|state| state.commands.get(&place).cloned().unwrap_or_default())
    }

    /// Waits until commands are registered there, and gives them.
    pub(crate) async fn until_commands(&self, guild: Option<&Guild>) -> Vec<Value> {
        let place = guild.map(Guild::id);
        self.shared.until("application commands", |state| state.commands.get(&place).cloned()).await
    }

    /// Every REST request so far, oldest first. WebSocket handshakes are [`Gateway::handshakes`].
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.clone())
    }

    /// How many requests of this kind came; for the pattern see [`Request::is`].
    pub(crate) fn count(&self, method: &str, pattern: &str) -> usize {
        self.shared.read(|state| state.requests.iter().filter(|seen| seen.is(method, pattern)).count())
    }

    /// Requests for endpoints that the double does not have: mostly a mistake, of either side.
    pub(crate) fn unknown_requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.iter().filter(|seen| !seen.known).cloned().collect())
    }

    /// What the bot sent to commands and interactions that Discord would not have taken, whether or
    /// not it tried again: each with the request and the rule. It was answered as Discord does.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.shared.read(|state| state.violations.clone())
    }

    /// All messages that answered to interactions, as they are now.
    pub(crate) fn replies(&self) -> Vec<interactions::Reply> {
        self.shared.read(|state| state.interactions.values().flat_map(|it| it.replies.clone()).collect())
    }

    /// Waits until so many requests of a kind came.
    pub(crate) async fn until_requests(&self, method: &str, pattern: &str, times: usize) {
        let what = format!("{times} requests {method} {pattern}");
        let enough = |state: &State| {
            (state.requests.iter().filter(|seen| seen.is(method, pattern)).count() >= times).then_some(())
        };
        self.shared.until(&what, enough).await;
    }

    /// Lets the next `times` requests fail that are such (see [`Request::is`]): path without
    /// `/api/v10`, as in `discord.fail("GET", "/channels/*/messages", Fault::Status(500), 2)`.
    pub(crate) fn fail(&self, method: &str, pattern: &str, fault: Fault, times: usize) {
        self.shared.with(|state| state.rules.push(Rule::times(method, pattern, fault, times)));
    }

    /// Answers 429 where more than `allowed` such requests come within `window`, all their paths
    /// counted together.
    pub(crate) fn limit(&self, method: &str, pattern: &str, allowed: usize, window: Duration) {
        self.shared.with(|state| state.rules.push(Rule::limit(method, pattern, allowed, window)));
    }

    /// Takes back all of [`Self::fail`] and [`Self::limit`]; what hangs already goes on hanging.
    pub(crate) fn heal(&self) {
        self.shared.with(|state| state.rules.clear());
    }

    /// Closes the port: connections are cut as `fate` says and new ones are refused, of REST and
    /// gateway alike. Sessions stay and collect events.
    pub(crate) async fn refuse_connections(&self, fate: Fate) {
        let door =
            std::mem::replace(&mut *self.door.lock().unwrap_or_else(PoisonError::into_inner), Door::Moving);
        if let Door::Open(listening) = door {
            listening.abort();
            // It was aborted, and this is the wait for that.
            drop(listening.await);
        }
        let socket = server::reserve(self.port).expect("the port is ours");
        *self.door.lock().unwrap_or_else(PoisonError::into_inner) = Door::Shut(socket);
        self.shared.with(|state| state.gateway.detach_all());
        self.connections.turn(fate);
    }

    /// Opens the port again.
    pub(crate) fn accept_connections(&self) {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = self.runtime.as_ref().expect("taken by drop alone");
        let _inside = runtime.enter();
        *door = match std::mem::replace(&mut *door, Door::Moving) {
            Door::Shut(socket) => {
                let listener = socket.listen(1024).expect("a bound socket listens");
                let (shared, connections) = (Arc::clone(&self.shared), self.connections.clone());
                Door::Open(runtime.spawn(server::accept(shared, listener, connections)))
            }
            other => other,
        };
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.connections.turn(Fate::Ended);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
