//! Services that the parts of the Discord edge share: the pipeline, the database, REST, feedback, status.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::channels::{Channels, WatchedChannel};
use super::filter::{is_forwarded, is_trusted};
use super::missed::MissedEvents;
use super::notices::Notices;
use super::reactions::{Reaction, Reactions};
use super::rest::{FailureLog, Rest, RestError};
use super::timing::Timing;
use crate::card::decode::discord::{ChannelRef, MessageRef, snowflake_at};
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::clock;
use crate::config;
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::{DueReaction, Store};

/// After a restart, ROMS reacts only to messages younger than this, and gives hints only about those.
const MAX_FEEDBACK_AGE: TimeDelta = TimeDelta::days(1);
/// Most reactions sent after a restart: as many as the queue of a channel holds.
const MAX_DUE_REACTIONS: u64 = 1000;

/// Services that the parts of the Discord edge share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) ingest: Ingest,
    pub(crate) store: Store,
    pub(crate) rest: Rest,
    pub(crate) reactions: Reactions,
    pub(crate) notices: Notices,
    pub(crate) board: StatusBoard,
    pub(crate) timing: Arc<Timing>,
    /// Which channels and threads ROMS reads.
    pub(crate) channels: Channels,
    /// Wakes the history readers.
    pub(crate) read_history: watch::Sender<()>,
    /// Notified when the bot's permissions may have changed.
    pub(crate) permission_changes: watch::Sender<()>,
    /// Requests a check of the bot's permissions.
    pub(crate) check_now: Arc<Notify>,
    /// Pages of the history that are being stored. They end even if their reader is cancelled.
    pub(crate) submissions: TaskTracker,
    /// Edits and deletions to look for.
    pub(crate) missed: Arc<MissedEvents>,
    /// Channels whose history cannot be read.
    pub(crate) unreadable: FailureLog<i64>,
    /// Channels with messages that were too old to be read.
    pub(crate) hidden: FailureLog<i64>,
    /// Channels for which the hint at the setting `forwarded` was given.
    forwarded: FailureLog<i64>,
}

impl Services {
    /// Creates the services and starts the tasks that send feedback to Discord. Those tasks end
    /// when `stop_feedback` is cancelled.
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
        let channels = Channels::new(config, rest.clone());
        let services = Self {
            ingest,
            store,
            rest,
            reactions,
            notices,
            board,
            timing: Arc::new(timing),
            channels,
            read_history: watch::Sender::default(),
            permission_changes: watch::Sender::default(),
            check_now: Arc::default(),
            submissions: TaskTracker::new(),
            missed: Arc::default(),
            unreadable: FailureLog::default(),
            hidden: FailureLog::default(),
            forwarded: FailureLog::default(),
        };
        Ok((services, tasks))
    }

    /// Waits until the bot's own ids are known. Without them ROMS could take its own posts for cards.
    pub(crate) async fn until_identified(&self) {
        while self.rest.identity().await.is_err() {
            tokio::time::sleep(self.timing.history_interval).await;
        }
    }

    /// Reads a message object. Returns `None` if its sender is not trusted in the channel, if the
    /// bot wrote it itself, or while the bot's own ids are not known.
    pub(crate) fn read(&self, channel: &WatchedChannel, guild: i64, message: &Value) -> Option<Message> {
        if self.rest.known_identity().is_none_or(|bot| bot.wrote(message)) {
            return None;
        }
        let is_trusted = is_trusted(message, &channel.settings);
        if !is_trusted && !is_forwarded(message) {
            return None;
        }
        let place = ChannelRef { guild, channel: channel.id };
        let read = Message::from_discord(message, place, Utc::now())?;
        if !is_trusted {
            self.hint_at_forwarded(&channel.settings, &read);
            return None;
        }
        Some(read)
    }

    /// Says once for each channel, until the next start, that a forwarded card was not read and which setting
    /// changes that.
    fn hint_at_forwarded(&self, settings: &config::Channel, message: &Message) {
        if message.at < clock::now() - MAX_FEEDBACK_AGE || !self.ingest.holds_order(message) {
            return;
        }
        if self.forwarded.is_first_failure(settings.id) {
            let text = format!(
                "{}: a forwarded card was not read. To read forwarded cards, set `forwarded = true` in the \
                 channel's section of the configuration; everybody who can write there can then create orders. \
                 To read only this one: right-click it, Apps, Read as order.",
                settings.name
            );
            tracing::warn!("{text}");
            self.notices.text(text);
        }
    }

    /// The reactions that were due when ROMS stopped.
    pub(crate) async fn due_reactions(&self) -> Vec<DueReaction> {
        let since = snowflake_at(clock::now() - MAX_FEEDBACK_AGE);
        self.store.due_reactions(since, MAX_DUE_REACTIONS).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read which reactions are due");
            Vec::new()
        })
    }

    /// Queues reactions that were due when ROMS stopped. Asks Discord about threads that ROMS does not know yet.
    pub(crate) async fn send_due_reactions(&self, due: Vec<DueReaction>) {
        for due in due {
            let Some(place) = ChannelRef::from_endpoint(&due.endpoint) else { continue };
            let Ok(Some(channel)) = self.channels.find(place.channel).await else { continue };
            if let Some(reaction) = Reaction::to_outcome(&due.outcome).filter(|_| channel.settings.react) {
                self.reactions.send(
                    channel.settings.id,
                    place.channel,
                    due.message,
                    reaction,
                    Some(due.log_id),
                );
            }
        }
    }

    /// Reacts to a message according to the outcome of its cards, and puts rejected cards into the
    /// notice channel. Only queues; never waits.
    pub(crate) fn feed_back(&self, settings: &config::Channel, link: MessageRef, receipt: &Receipt) {
        let mut sent = Vec::new();
        for card in &receipt.cards {
            let reaction = match &card.outcome {
                Outcome::Created => Reaction::Created,
                Outcome::Updated => Reaction::Updated,
                Outcome::Rejected(rejection) => {
                    self.notices.card_rejected(link, rejection);
                    Reaction::Rejected
                }
                Outcome::Unchanged | Outcome::Duplicate | Outcome::Ignored(_) => continue,
            };
            if settings.react && !sent.contains(&reaction) {
                self.reactions.send(
                    settings.id,
                    link.channel.channel,
                    link.message,
                    reaction,
                    receipt.log_id,
                );
                sent.push(reaction);
            }
        }
    }
}
