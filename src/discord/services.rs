//! What the parts of the Discord edge share: the pipeline, the database, REST, feedback, status.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::filter::is_trusted;
use super::missed::MissedEvents;
use super::notices::{MessageLink, Notices};
use super::reactions::{Reaction, Reactions};
use super::rest::{FailureLog, Rest, RestError};
use super::timing::Timing;
use crate::card::decode::discord::{ChannelRef, id_field, snowflake_at};
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::clock;
use crate::config::{self, Channel};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::Store;

/// After a restart, ROMS reacts only to messages younger than this.
const MAX_REACTION_AGE: TimeDelta = TimeDelta::days(1);
/// Most reactions sent after a restart: as many as the queue of a channel holds.
const MAX_DUE_REACTIONS: u64 = 1000;

/// What the parts of the Discord edge share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) ingest: Ingest,
    pub(crate) store: Store,
    pub(crate) rest: Rest,
    pub(crate) reactions: Reactions,
    pub(crate) notices: Notices,
    pub(crate) board: StatusBoard,
    pub(crate) timing: Arc<Timing>,
    /// Wakes the history reader.
    pub(crate) read_history: Arc<Notify>,
    /// Notified when the bot's permissions may have changed.
    pub(crate) permission_changes: watch::Sender<()>,
    /// Requests a check of the bot's permissions.
    pub(crate) check_now: Arc<Notify>,
    /// Edits and deletions to look for.
    pub(crate) missed: Arc<MissedEvents>,
    /// Channels whose history cannot be read.
    pub(crate) unreadable: FailureLog<i64>,
    /// Channels with messages that were too old to be read.
    pub(crate) hidden: FailureLog<i64>,
    /// The configured guilds.
    guilds: Arc<[i64]>,
    /// The guild of each channel seen so far.
    guild_of: Arc<Mutex<HashMap<i64, i64>>>,
}

impl Services {
    /// Creates the services and starts the tasks that send feedback to Discord. Those tasks end
    /// when `stop_feedback` is cancelled.
    ///
    /// # Errors
    /// When no REST client can be built from the configuration.
    pub(crate) fn start(
        config: &config::Discord,
        ingest: Ingest,
        store: Store,
        board: StatusBoard,
        timing: Timing,
        stop_feedback: CancellationToken,
    ) -> Result<(Self, TaskTracker), RestError> {
        let rest = Rest::new(config, &timing)?;
        let (reactions, send_reactions) =
            Reactions::start(rest.clone(), Some(store.clone()), &timing, stop_feedback.clone());
        let (notices, post_notices) =
            Notices::start(rest.clone(), config.notice_channel, &timing, stop_feedback);
        let tasks = TaskTracker::new();
        tasks.spawn(send_reactions);
        tasks.spawn(post_notices);
        let services = Self {
            ingest,
            store,
            rest,
            reactions,
            notices,
            board,
            timing: Arc::new(timing),
            read_history: Arc::new(Notify::new()),
            permission_changes: watch::Sender::default(),
            check_now: Arc::default(),
            missed: Arc::default(),
            unreadable: FailureLog::default(),
            hidden: FailureLog::default(),
            guilds: config.guilds.clone().into(),
            guild_of: Arc::default(),
        };
        Ok((services, tasks))
    }

    /// Waits until the bot's own ids are known. Without them ROMS could take its own posts for cards.
    pub(crate) async fn until_identified(&self) {
        while self.rest.identity().await.is_err() {
            tokio::time::sleep(self.timing.history_interval).await;
        }
    }

    /// The guild of a channel, or `None` if that guild is not configured. Messages of the history
    /// do not name their guild, so this asks Discord once per channel.
    pub(crate) async fn guild_of(&self, channel: i64) -> Result<Option<i64>, RestError> {
        if let Some(guild) = self.known_guild(channel) {
            return Ok(Some(guild));
        }
        let guild = id_field(&self.rest.channel(channel).await?, "guild_id");
        let guild = guild.filter(|guild| self.guilds.contains(guild));
        if let Some(guild) = guild {
            self.remember_guild(channel, guild);
        }
        Ok(guild)
    }

    fn remember_guild(&self, channel: i64, guild: i64) {
        self.guild_of.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, guild);
    }

    fn known_guild(&self, channel: i64) -> Option<i64> {
        self.guild_of.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).copied()
    }

    /// Reads a message object. Returns `None` if its sender is not trusted in the channel, if the
    /// bot wrote it itself, or while the bot's own ids are not known.
    pub(crate) fn read(&self, channel: &Channel, guild: i64, message: &Value) -> Option<Message> {
        let is_own = self.rest.known_identity().is_none_or(|bot| bot.wrote(message));
        if is_own || !is_trusted(message, channel) {
            return None;
        }
        self.remember_guild(channel.id, guild);
        Message::from_discord(message, ChannelRef { guild, channel: channel.id }, Utc::now())
    }

    /// Queues the reactions that were due when ROMS stopped.
    pub(crate) async fn send_due_reactions(&self, channels: &[Channel]) {
        let since = snowflake_at(clock::now() - MAX_REACTION_AGE);
        let due = match self.store.due_reactions(since, MAX_DUE_REACTIONS).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "cannot read which reactions are due"),
        };
        for due in due {
            let Some(place) = ChannelRef::from_endpoint(&due.endpoint) else { continue };
            let reacts = channels.iter().any(|channel| channel.id == place.channel && channel.react);
            if let Some(reaction) = Reaction::to_outcome(&due.outcome).filter(|_| reacts) {
                self.reactions.send(place.channel, due.message, reaction, Some(due.log_id));
            }
        }
    }

    /// Reacts to a message according to the outcome of its cards, and puts rejected cards into the
    /// notice channel. Only queues; never waits.
    pub(crate) fn feed_back(&self, channel: &Channel, message: i64, receipt: &Receipt) {
        let mut sent = Vec::new();
        for card in &receipt.cards {
            let reaction = match &card.outcome {
                Outcome::Created => Reaction::Created,
                Outcome::Updated => Reaction::Updated,
                Outcome::Rejected(rejection) => {
                    let guild = self.known_guild(channel.id).unwrap_or_default();
                    let link = MessageLink { guild, channel: channel.id, message };
                    self.notices.card_rejected(link, rejection);
                    Reaction::Rejected
                }
                Outcome::Unchanged | Outcome::Duplicate | Outcome::Ignored(_) => continue,
            };
            if channel.react && !sent.contains(&reaction) {
                self.reactions.send(channel.id, message, reaction, receipt.log_id);
                sent.push(reaction);
            }
        }
    }
}
