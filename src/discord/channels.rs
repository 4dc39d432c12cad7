//! Which channels ROMS reads: the configured ones, and the threads of those that watch their threads.
//!
//! A message in a thread does not name the parent of the thread. ROMS learns it from the gateway's events and
//! from lists of threads, or else asks once. It keeps what it learned, because neither the parent of a thread
//! nor the kind of a channel ever changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::rest::{Rest, RestError};
use crate::card::decode::discord::id_field;
use crate::config::{self, Channel};

/// Most channels that are remembered. Beyond that ROMS forgets all of them, and asks again.
const MAX_KNOWN: usize = 100_000;

/// A channel that ROMS reads: a configured channel, or a thread in one.
#[derive(Clone, Debug)]
pub struct WatchedChannel {
    /// The id of the channel or thread.
    pub id: i64,
    /// The settings of the channel, or of the thread's parent.
    pub settings: Arc<Channel>,
}

impl WatchedChannel {
    pub(crate) fn is_thread(&self) -> bool {
        self.id != self.settings.id
    }

    /// The channel for a backfill that a person starts: reactions to old messages would only bother people.
    pub(crate) fn without_reactions(&self) -> Self {
        let settings = Channel { react: false, ..Channel::clone(&self.settings) };
        Self { id: self.id, settings: Arc::new(settings) }
    }

    /// The name of the channel, or of the thread's parent with the id of the thread.
    #[must_use]
    pub fn name(&self) -> String {
        let name = &self.settings.name;
        if self.is_thread() { format!("{name}, thread {}", self.id) } else { name.clone() }
    }
}

/// The configured channels, and the known facts about all channels. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Channels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rest: Rest,
    /// The configured guilds.
    guilds: Vec<i64>,
    /// The configured channels, by id.
    configured: BTreeMap<i64, Arc<Channel>>,
    known: Mutex<HashMap<i64, KnownChannel>>,
}

#[derive(Clone, Copy, Debug)]
struct KnownChannel {
    guild: Option<i64>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Thread { parent: Option<i64> },
    Forum,
    Other,
}

impl Channels {
    pub(crate) fn new(config: &config::Discord, rest: Rest) -> Self {
        let configured = config.channels.iter().map(|channel| (channel.id, Arc::new(channel.clone())));
        Self(Arc::new(Inner {
            rest,
            guilds: config.guilds.clone(),
            configured: configured.collect(),
            known: Mutex::default(),
        }))
    }

    /// The configured channels.
    pub(crate) fn configured(&self) -> impl Iterator<Item = WatchedChannel> + use<'_> {
        self.0
            .configured
            .iter()
            .map(|(id, settings)| WatchedChannel { id: *id, settings: Arc::clone(settings) })
    }

    /// Whether the channel has a section of its own in the configuration.
    pub(crate) fn is_configured(&self, id: i64) -> bool {
        self.0.configured.contains_key(&id)
    }

    /// Remembers a channel or thread, from the JSON that Discord sends. Not all of its lists name the
    /// guild of a channel.
    pub(crate) fn learn(&self, channel: &Value, guild: Option<i64>) {
        let Some(id) = id_field(channel, "id") else { return };
        let kind = match channel.get("type").and_then(Value::as_u64) {
            Some(10..=12) => Kind::Thread { parent: id_field(channel, "parent_id") },
            Some(_) if is_forum(channel) => Kind::Forum,
            Some(_) => Kind::Other,
            None => return,
        };
        let guild = guild.or_else(|| id_field(channel, "guild_id"));
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(id, KnownChannel { guild, kind });
    }

    /// Forgets a channel, which was deleted.
    pub(crate) fn forget(&self, id: i64) {
        self.known().remove(&id);
    }

    /// The watched channel with this id, or `None` if ROMS does not read that channel.
    ///
    /// # Errors
    /// The id of a channel that ROMS has to ask Discord about first.
    pub(crate) fn lookup(&self, id: i64) -> Result<Option<WatchedChannel>, i64> {
        let configured = |id| self.0.configured.get(&id).map(Arc::clone);
        if let Some(settings) = configured(id) {
            return Ok(Some(WatchedChannel { id, settings }));
        }
        let known = self.known();
        let watches_threads = |settings: &Channel| match known.get(&settings.id) {
            _ if settings.threads => Some(true),
            Some(channel) => Some(channel.kind == Kind::Forum),
            None => None,
        };
        let Some(channel) = known.get(&id) else {
            // While no channel watches its threads, the id does not matter.
            let none_watch = self.0.configured.values().all(|it| watches_threads(it) == Some(false));
            return if none_watch { Ok(None) } else { Err(id) };
        };
        let Kind::Thread { parent: Some(parent) } = channel.kind else { return Ok(None) };
        let is_ours = channel.guild.is_some_and(|guild| self.0.guilds.contains(&guild));
        let Some(settings) = configured(parent).filter(|_| is_ours) else { return Ok(None) };
        match watches_threads(&settings) {
            Some(true) => Ok(Some(WatchedChannel { id, settings })),
            Some(false) => Ok(None),
            None => Err(parent),
        }
    }

    /// Like [`Self::lookup`], but asks Discord about a channel that ROMS does not know.
    pub(crate) async fn find(&self, id: i64) -> Result<Option<WatchedChannel>, RestError> {
        loop {
            match self.lookup(id) {
                Ok(found) => return Ok(found),
                Err(unknown) => drop(self.ask(unknown).await?),
            }
        }
    }

    /// The guild of a channel, or `None` if that guild is not configured. Messages of the history do not name
    /// their guild.
    pub(crate) async fn guild_of(&self, id: i64) -> Result<Option<i64>, RestError> {
        let guild = self.get(id).await?.guild;
        Ok(guild.filter(|guild| self.0.guilds.contains(guild)))
    }

    /// Whether a channel is a forum, which has no messages outside of its threads.
    pub(crate) async fn is_forum(&self, id: i64) -> Result<bool, RestError> {
        Ok(self.get(id).await?.kind == Kind::Forum)
    }

    /// Whether ROMS reads the threads of a channel.
    pub(crate) async fn watches_threads(&self, channel: &WatchedChannel) -> Result<bool, RestError> {
        Ok(match self.get(channel.id).await?.kind {
            Kind::Forum => true,
            Kind::Other => channel.settings.threads,
            Kind::Thread { .. } => false,
        })
    }

    async fn get(&self, id: i64) -> Result<KnownChannel, RestError> {
        let known = self.known().get(&id).copied();
        match known {
            Some(known) if known.guild.is_some() => Ok(known),
            _ => self.ask(id).await,
        }
    }

    async fn ask(&self, id: i64) -> Result<KnownChannel, RestError> {
        let channel = self.0.rest.channel(id).await?;
        self.learn(&channel, None);
        self.known().get(&id).copied().ok_or(RestError::Unreadable)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<i64, KnownChannel>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a channel object is a forum, or a media channel, which is a forum for pictures.
pub(crate) fn is_forum(channel: &Value) -> bool {
    matches!(channel.get("type").and_then(Value::as_u64), Some(15 | 16))
}
