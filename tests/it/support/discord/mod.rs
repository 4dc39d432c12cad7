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
//! It runs on its own thread, so a test that blocks its runtime does not block Discord. Methods take
//! effect immediately. Only methods that wait are `async`, and every wait has a deadline. The double
//! knows nothing of the code under test.
//!
//! Not supported: direct messages, presences, voice, member changes, moderation, more than one shard,
//! thread members, zlib, the ETF encoding, `X-RateLimit` buckets (see [`Discord::limit`]), and events for settings other
//! than those of guilds and channels.

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
pub(crate) mod threads;
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
    /// The listening task, or the reserved port while connections are refused.
    door: Mutex<Door>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

/// Whether the port accepts connections.
#[derive(Debug)]
enum Door {
    Open(JoinHandle<()>),
    Shut(TcpSocket),
    /// Between the two states.
    Moving,
}

impl Discord {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts on a port of 127.0.0.1. 0 selects a free one.
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

    /// The URL to use instead of `https://discord.com`: `http://127.0.0.1:PORT`.
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

    /// Invalidates the current token and returns a new one.
    pub(crate) fn reset_token(&self) -> String {
        self.shared.with(|state| {
            let id = state.ids.now();
            state.application.token = payload::token(id);
            state.application.token.clone()
        })
    }

    /// Id of the application. It differs from the bot's user id.
    pub(crate) fn application_id(&self) -> u64 {
        self.shared.read(|state| state.application.id)
    }

    /// User id of the bot.
    pub(crate) fn bot_id(&self) -> u64 {
        self.shared.read(|state| state.application.bot_id)
    }

    /// Switches the Message Content intent in the developer portal on or off. It is on by default.
    pub(crate) fn allow_message_content(&self, allowed: bool) {
        self.set_application_flags(if allowed { FLAG_MESSAGE_CONTENT_LIMITED } else { 0 });
    }

    /// Sets the flags of the application.
    pub(crate) fn set_application_flags(&self, flags: u64) {
        self.shared.with(|state| state.application.flags = flags);
    }

    /// Sets the addresses to which people may be led back after a sign-in.
    pub(crate) fn set_redirects(&self, redirects: &[&str]) {
        let redirects = redirects.iter().map(|url| (*url).to_owned()).collect();
        self.shared.with(|state| state.application.redirects = redirects);
    }

    /// Makes a guild with the bot in it.
    pub(crate) fn guild(&self, name: &str) -> Guild {
        Guild::new(Arc::clone(&self.shared), self.shared.with(|state| state.add_guild(name)))
    }

    /// The secret of the application, with which it exchanges codes.
    pub(crate) fn client_secret(&self) -> String {
        self.shared.read(|state| state.oauth.client_secret.clone())
    }

    /// The person who agrees when an application asks to sign them in. `None` cancels.
    pub(crate) fn sign_in_as(&self, person: Option<&User>) {
        self.shared.with(|state| state.oauth.person = person.map(User::to_json));
    }

    /// The codes and tokens that were issued to sign people in.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.shared.read(|state| state.oauth.issued.clone())
    }

    /// Makes a human user.
    pub(crate) fn user(&self, name: &str) -> User {
        User::new(Arc::clone(&self.shared), name, false)
    }

    /// Makes a bot that is not the one under test.
    pub(crate) fn other_bot(&self, name: &str) -> User {
        User::new(Arc::clone(&self.shared), name, true)
    }

    /// The gateway, with its counters and failures.
    pub(crate) fn gateway(&self) -> Gateway {
        Gateway::new(Arc::clone(&self.shared))
    }

    /// Sets how long each wait may take. The default is 20 s.
    pub(crate) fn wait_at_most(&self, deadline: Duration) {
        self.shared.with(|state| state.deadline = deadline);
    }

    /// Waits until the bot has identified (or resumed) and is connected.
    pub(crate) async fn until_ready(&self) {
        self.gateway().until_ready().await;
    }

    /// The registered commands of a guild, or for `None` the global ones.
    pub(crate) fn commands(&self, guild: Option<&Guild>) -> Vec<Value> {
        let place = guild.map(Guild::id);
        self.shared.read(|state| state.commands.get(&place).cloned().unwrap_or_default())
    }

    /// Waits until commands are registered, and returns them.
    pub(crate) async fn until_commands(&self, guild: Option<&Guild>) -> Vec<Value> {
        let place = guild.map(Guild::id);
        self.shared.until("application commands", |state| state.commands.get(&place).cloned()).await
    }

    /// All REST requests so far, oldest first. WebSocket handshakes are counted by [`Gateway::handshakes`].
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.clone())
    }

    /// How many requests matched so far. For the pattern see [`Request::is`].
    pub(crate) fn count(&self, method: &str, pattern: &str) -> usize {
        self.shared.read(|state| state.requests.iter().filter(|seen| seen.is(method, pattern)).count())
    }

    /// Requests for endpoints that the double does not have.
    pub(crate) fn unknown_requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.iter().filter(|seen| !seen.known).cloned().collect())
    }

    /// Commands and answers to interactions that Discord would refuse, each with the request and the
    /// broken rule. The double refused them too.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.shared.read(|state| state.violations.clone())
    }

    /// All messages that answered interactions, in their current state.
    pub(crate) fn replies(&self) -> Vec<interactions::Reply> {
        self.shared.read(|state| state.interactions.values().flat_map(|it| it.replies.clone()).collect())
    }

    /// Waits until `times` requests matched.
    pub(crate) async fn until_requests(&self, method: &str, pattern: &str, times: usize) {
        let what = format!("{times} requests {method} {pattern}");
        let enough = |state: &State| {
            (state.requests.iter().filter(|seen| seen.is(method, pattern)).count() >= times).then_some(())
        };
        self.shared.until(&what, enough).await;
    }

    /// Lets the next `times` matching requests fail (see [`Request::is`]). The path has no `/api/v10`:
    /// `discord.fail("GET", "/channels/*/messages", Fault::Status(500), 2)`.
    pub(crate) fn fail(&self, method: &str, pattern: &str, fault: Fault, times: usize) {
        self.shared.with(|state| state.rules.push(Rule::times(method, pattern, fault, times)));
    }

    /// Answers 429 if more than `allowed` matching requests arrive within `window`. All matching paths
    /// count together.
    pub(crate) fn limit(&self, method: &str, pattern: &str, allowed: usize, window: Duration) {
        self.shared.with(|state| state.rules.push(Rule::limit(method, pattern, allowed, window)));
    }

    /// Removes the rules of [`Self::fail`] and [`Self::limit`]. Requests that hang stay that way.
    pub(crate) fn heal(&self) {
        self.shared.with(|state| state.rules.clear());
    }

    /// Closes the port for REST and gateway: current connections end as `fate` says, and new ones are
    /// refused. Sessions stay and collect events.
    pub(crate) async fn refuse_connections(&self, fate: Fate) {
        let door =
            std::mem::replace(&mut *self.door.lock().unwrap_or_else(PoisonError::into_inner), Door::Moving);
        if let Door::Open(listening) = door {
            listening.abort();
            // Waits until the aborted task has released the port.
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
