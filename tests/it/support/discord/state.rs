//! The whole state of the double behind one lock, and a way to wait for changes.
//!
//! History, sessions and connections share one lock, so that an event is numbered, kept for a RESUME and
//! sent in one step. Otherwise a RESUME could lose or repeat events.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    faults::{Request, Rule},
    interactions::Exchange,
    payload,
    permissions::{self, Overwrite},
    rest::OAuth,
    session::GatewayState,
    snowflake::Snowflakes,
    threads::ThreadState,
};

/// How long a test waits by default.
const DEADLINE: Duration = Duration::from_secs(20);

/// The application flag of the Message Content intent, for a verified application.
pub(crate) const FLAG_MESSAGE_CONTENT: u64 = 1 << 18;
/// The same flag for an application in fewer than 100 guilds.
pub(crate) const FLAG_MESSAGE_CONTENT_LIMITED: u64 = 1 << 19;

/// The state, and a notification when it changes.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    /// Reads the state.
    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and wakes all waiting tests.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|times| *times += 1);
        answer
    }

    /// Waits until `look` finds something.
    ///
    /// # Panics
    /// When the deadline passes. The text says what was expected and what happened instead.
    pub(super) async fn until<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = self.read(&mut look) {
                    return found;
                }
                changed.changed().await.expect("the sender lives in self");
            }
        };
        let deadline = self.read(|state| state.deadline);
        let found = tokio::time::timeout(deadline, waiting).await;
        found.unwrap_or_else(|_| panic!("waited {deadline:?} for {what}; {}", self.read(State::summary)))
    }
}

/// The state.
#[derive(Debug)]
pub(crate) struct State {
    /// How long a test waits.
    pub(super) deadline: Duration,
    pub(super) ids: Snowflakes,
    pub(super) application: Application,
    pub(super) guilds: BTreeMap<u64, GuildState>,
    pub(super) channels: BTreeMap<u64, ChannelState>,
    pub(super) webhooks: BTreeMap<u64, WebhookState>,
    /// Application commands by guild. `None` has the global ones.
    pub(super) commands: BTreeMap<Option<u64>, Vec<Value>>,
    /// Interactions by token.
    pub(super) interactions: BTreeMap<String, Exchange>,
    pub(super) oauth: OAuth,
    pub(super) rules: Vec<Rule>,
    pub(super) requests: Vec<Request>,
    /// See [`super::Discord::violations`].
    pub(super) violations: Vec<String>,
    pub(super) gateway: GatewayState,
}

/// The application and its bot.
#[derive(Debug)]
pub(crate) struct Application {
    pub(super) id: u64,
    pub(super) bot_id: u64,
    pub(super) name: String,
    pub(super) token: String,
    /// The flags, which include the intents that are switched on.
    pub(super) flags: u64,
    pub(super) redirects: Vec<String>,
    pub(super) owner: Value,
}

impl Application {
    /// The bot as a user.
    pub(super) fn bot(&self) -> Value {
        payload::user(self.bot_id, &self.name, true)
    }
}

/// A guild.
#[derive(Debug)]
pub(crate) struct GuildState {
    pub(super) name: String,
    /// Permissions of `@everyone`.
    pub(super) everyone: u64,
    /// Permissions of the bot's own role.
    pub(super) bot_role: u64,
    pub(super) bot_role_id: u64,
    pub(super) bot_is_member: bool,
    /// Further roles: id, name, permissions.
    pub(super) roles: Vec<(u64, String, u64)>,
    /// Members other than the bot.
    pub(super) members: BTreeMap<u64, Value>,
}

/// A channel or thread, and its history.
#[derive(Debug)]
pub(crate) struct ChannelState {
    pub(super) guild: u64,
    /// Discord's number of the type: 0 text, 11 and 12 public and private threads, 15 forum.
    pub(super) kind: u64,
    pub(super) name: String,
    pub(super) overwrites: Vec<Overwrite>,
    pub(super) history: BTreeMap<u64, Message>,
    /// The newest message, which may be deleted.
    pub(super) last_message: Option<u64>,
    /// Set if it is a thread.
    pub(super) thread: Option<ThreadState>,
}

/// A message of the REST API, and its reactions.
#[derive(Debug)]
pub(crate) struct Message {
    pub(super) value: Value,
    pub(super) reactions: Vec<Reaction>,
}

/// A reaction of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// The character itself, or `name:id`.
    pub(super) emoji: String,
    pub(super) user: u64,
}

/// An incoming webhook.
#[derive(Debug)]
pub(crate) struct WebhookState {
    pub(super) channel: u64,
    pub(super) name: String,
    pub(super) token: String,
    /// Set if a bot made the webhook.
    pub(super) application: Option<u64>,
}

impl State {
    pub(super) fn new(address: String) -> Self {
        let mut ids = Snowflakes::default();
        let (id, bot_id, owner) = (ids.now(), ids.now(), ids.now());
        let application = Application {
            id,
            bot_id,
            name: "roms".to_owned(),
            token: payload::token(bot_id),
            flags: FLAG_MESSAGE_CONTENT_LIMITED,
            redirects: Vec::new(),
            owner: payload::user(owner, "owner", false),
        };
        Self {
            deadline: DEADLINE,
            ids,
            application,
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            commands: BTreeMap::new(),
            interactions: BTreeMap::new(),
            oauth: OAuth::new("canary-client-secret"),
            rules: Vec::new(),
            requests: Vec::new(),
            violations: Vec::new(),
            gateway: GatewayState::new(address),
        }
    }

    /// Makes a guild with the bot in it and sends the event.
    pub(super) fn add_guild(&mut self, name: &str) -> u64 {
        let (id, bot_role_id) = (self.ids.now(), self.ids.now());
        let guild = GuildState {
            name: name.to_owned(),
            everyone: permissions::DEFAULT,
            bot_role: 0,
            bot_role_id,
            bot_is_member: true,
            roles: Vec::new(),
            members: BTreeMap::new(),
        };
        self.guilds.insert(id, guild);
        self.emit("GUILD_CREATE", None, &payload::guild_create(self, id));
        id
    }

    /// Makes a text channel or forum and sends the event.
    pub(super) fn add_channel(&mut self, guild: u64, name: &str, kind: u64) -> u64 {
        let id = self.ids.now();
        let channel = ChannelState {
            guild,
            kind,
            name: name.to_owned(),
            overwrites: Vec::new(),
            history: BTreeMap::new(),
            last_message: None,
            thread: None,
        };
        self.channels.insert(id, channel);
        self.emit("CHANNEL_CREATE", Some(id), &payload::channel(self, id));
        id
    }

    /// The events so far, for the text of a failed wait.
    fn summary(&self) -> String {
        let tail = self.requests.iter().rev().take(8).rev();
        let asked = tail.map(|seen| format!("{} {} -> {}", seen.method, seen.path, seen.status_text()));
        format!("{}; last requests: [{}]", self.gateway.summary(), asked.collect::<Vec<_>>().join(", "))
    }
}
