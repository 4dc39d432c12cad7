//! What the parts of the Discord edge share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Timing;
use super::notices::{Notices, Place};
use super::reactions::{Reaction, Reactions};
use super::rest::{Reported, Rest, RestError};
use crate::card::decode::discord::id_of;
use crate::card::outcome::{Outcome, Receipt};
use crate::config::{self, Channel};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::Store;

/// What the parts of the Discord edge share; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Deps {
    pub(crate) ingest: Ingest,
    pub(crate) store: Store,
    pub(crate) rest: Rest,
    pub(crate) reactions: Reactions,
    pub(crate) notices: Notices,
    pub(crate) board: StatusBoard,
    pub(crate) timing: Arc<Timing>,
    /// Asks for a reading of the history.
    pub(crate) history: Arc<Notify>,
    /// Channels whose history could not be read, so that it is said once.
    pub(crate) reported: Reported<i64>,
    /// Channels of which old messages were passed over, so that it is said once.
    pub(crate) hidden: Reported<i64>,
    /// The configured guilds.
    guilds: Arc<[i64]>,
    /// The guild of each channel, as far as it is known.
    guild_of: Arc<Mutex<HashMap<i64, i64>>>,
}

impl Deps {
    /// Starts what feeds back to Discord, which ends with `feedback`, and puts all together.
    ///
    /// # Errors
    /// When the configuration makes no client.
    pub(crate) fn assemble(
        config: &config::Discord,
        ingest: Ingest,
        store: Store,
        board: StatusBoard,
        timing: Timing,
        feedback: CancellationToken,
    ) -> Result<(Self, TaskTracker), RestError> {
        let rest = Rest::new(config, &timing)?;
        let (reactions, reacting) = Reactions::start(rest.clone(), &timing, feedback.clone());
        let (notices, noticing) = Notices::start(rest.clone(), config.notice_channel, &timing, feedback);
        let tasks = TaskTracker::new();
        tasks.spawn(reacting);
        tasks.spawn(noticing);
        let deps = Self {
            ingest,
            store,
            rest,
            reactions,
            notices,
            board,
            timing: Arc::new(timing),
            history: Arc::new(Notify::new()),
            reported: Reported::default(),
            hidden: Reported::default(),
            guilds: config.guilds.clone().into(),
            guild_of: Arc::default(),
        };
        Ok((deps, tasks))
    }

    /// Waits until it is known who the bot is: before that it might take its own posts for cards.
    pub(crate) async fn until_known(&self) {
        while self.rest.own().await.is_err() {
            tokio::time::sleep(self.timing.reconcile).await;
        }
    }

    /// The guild that a channel is in, asked for once, for messages of the history do not say it;
    /// `None` where that is none of the configured ones.
    pub(crate) async fn guild_of(&self, channel: i64) -> Result<Option<i64>, RestError> {
        if let Some(guild) = self.known_guild(channel) {
            return Ok(Some(guild));
        }
        let found = id_of(&self.rest.channel(channel).await?, "guild_id");
        let guild = found.filter(|guild| self.guilds.contains(guild));
        if let Some(guild) = guild {
            self.learn_guild(channel, guild);
        }
        Ok(guild)
    }

    /// A channel is in this guild.
    pub(crate) fn learn_guild(&self, channel: i64, guild: i64) {
        self.guild_of.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, guild);
    }

    fn known_guild(&self, channel: i64) -> Option<i64> {
        self.guild_of.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).copied()
    }

    /// Shows on a message what became of its cards, and announces those that could not be read.
    /// Never waits.
    pub(crate) fn feed_back(&self, channel: &Channel, message: i64, receipt: &Receipt) {
        let mut shown = Vec::new();
        for card in &receipt.cards {
            let reaction = match &card.outcome {
                Outcome::Created => Reaction::Stored,
                Outcome::Updated => Reaction::Updated,
                Outcome::Rejected(rejection) => {
                    let guild = self.known_guild(channel.id).unwrap_or_default();
                    self.notices.unread(Place { guild, channel: channel.id, message }, rejection);
                    Reaction::Unread
                }
                Outcome::Unchanged | Outcome::Duplicate | Outcome::Ignored(_) => continue,
            };
            if channel.react && !shown.contains(&reaction) {
                self.reactions.send(channel.id, message, reaction);
                shown.push(reaction);
            }
        }
    }
}
