//! What the parts of the Discord edge share.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Timing;
use super::notices::{Notices, Place};
use super::reactions::{Reaction, Reactions};
use super::rest::{Own, Reported, Rest, RestError};
use crate::config::{self, Channel};
use crate::ingest::Ingest;
use crate::outcome::{Outcome, Receipt};
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
    /// Who the bot is and where its channels are, once Discord has said so.
    pub(crate) known: Arc<OnceLock<Known>>,
    /// The guild of a channel of which nothing is known yet.
    pub(crate) first_guild: Option<i64>,
}

/// What Discord says of the bot.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Who it is.
    pub(crate) own: Own,
    /// The guild of each channel.
    pub(crate) guilds: HashMap<i64, i64>,
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
        let (reactions, reacting) = Reactions::start(rest.clone(), feedback.clone());
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
            known: Arc::default(),
            first_guild: config.guilds.first().copied(),
        };
        Ok((deps, tasks))
    }

    /// The guild that a channel is in: messages of the history do not say it.
    pub(crate) fn guild_of(&self, channel: i64) -> Option<i64> {
        self.known.get().and_then(|known| known.guilds.get(&channel).copied()).or(self.first_guild)
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
                    let guild = self.guild_of(channel.id).unwrap_or_default();
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
