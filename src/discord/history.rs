//! Backfill: reads the history of watched channels and threads to find what live events missed.
//!
//! ROMS reads on from each channel's cursor after each new session, after an outage and every minute.
//! During an outage of the database, and without a gateway session, it reads every few seconds. It
//! starts a little before the cursor to see late edits.
//! Channels take turns, one page of 100 messages at a time, so that a busy channel does not delay
//! the others. A cursor advances only after its page is stored.

pub(crate) mod recheck;
pub(crate) mod threads;

use std::collections::VecDeque;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::channels::WatchedChannel;
use super::rest::{PAGE_SIZE, Pauses, RestError};
use super::restart::restart_on_panic;
use super::services::Services;
use crate::card::decode::discord::{ChannelRef, MessageRef, id_field, snowflake_at, snowflake_time};
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::ingest::SubmitError;
use crate::store::{Cursor, StoreError};

/// How far before the cursor reading starts, to see edits of stored messages.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Older messages are not read, unless the channel's `history` says so. ROMS logs when it skips some.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Most pages of one channel in one pass. The next pass continues.
const MAX_PAGES: u32 = 500;
/// Most pages read at the same time, so that one slow channel does not delay the others.
const MAX_CONCURRENT_PAGES: usize = 4;

/// Why a page was not stored.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Discord refused or failed.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The channel belongs to another guild.
    #[error("it is in none of the configured guilds")]
    OtherGuild,
    /// The pipeline did not store a message.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The cursor was not saved.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts of a backfill that a person started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackfillSummary {
    /// Messages read.
    pub messages: usize,
    /// Cards that created an order.
    pub created: usize,
    /// Cards that updated an order.
    pub updated: usize,
    /// Cards that were known already, or changed nothing.
    pub known: usize,
    /// Cards that are not orders.
    pub ignored: usize,
    /// Cards that could not be read.
    pub rejected: usize,
    /// Time of the last message read. UTC.
    pub read_to: Option<DateTime<Utc>>,
}

impl BackfillSummary {
    fn add(&mut self, page: &StoredPage) {
        self.messages += page.messages;
        for card in page.receipts.iter().flat_map(|receipt| &receipt.cards) {
            *match card.outcome {
                Outcome::Created => &mut self.created,
                Outcome::Updated => &mut self.updated,
                Outcome::Unchanged | Outcome::Duplicate => &mut self.known,
                Outcome::Ignored(_) => &mut self.ignored,
                Outcome::Rejected(_) => &mut self.rejected,
            } += 1;
        }
    }
}

/// The position in the history of one channel or thread.
#[derive(Debug)]
struct ChannelReader {
    channel: WatchedChannel,
    /// The next page starts after this message.
    after: i64,
    /// Every message up to this one is stored. `None` if reading started after the stored cursor:
    /// advancing it would hide the gap.
    cursor: Option<i64>,
    /// The newest message according to a list of threads. It may be deleted.
    newest: i64,
    pages: u32,
}

/// A page whose messages are stored.
struct StoredPage {
    messages: usize,
    receipts: Vec<Receipt>,
    is_last: bool,
}

/// Reads the history of all configured channels again and again, until `stop` is cancelled. Their threads have
/// a task of their own, [`threads::run`].
pub(crate) async fn run(services: Services, stop: CancellationToken) {
    let task = restart_on_panic("history", || read_repeatedly(&services));
    stop.run_until_cancelled(task).await;
}

async fn read_repeatedly(services: &Services) {
    let mut schedule = Schedule::new(services);
    loop {
        schedule.begin_pass();
        read_all(services, &mut schedule.pauses).await;
        schedule.next_pass(services).await;
    }
}

/// When the history is read again: when somebody requests it, after an outage, and at intervals.
struct Schedule {
    pauses: Pauses,
    permissions: watch::Receiver<()>,
    requests: watch::Receiver<()>,
    failing: watch::Receiver<bool>,
}

impl Schedule {
    fn new(services: &Services) -> Self {
        Self {
            pauses: Pauses::new(&services.timing),
            permissions: services.permission_changes.subscribe(),
            requests: services.read_history.subscribe(),
            failing: services.ingest.failing(),
        }
    }

    /// A request or an outage from now on requires another pass.
    fn begin_pass(&mut self) {
        self.failing.mark_unchanged();
        self.requests.mark_unchanged();
    }

    /// Waits until the next pass is due.
    async fn next_pass(&mut self, services: &Services) {
        let is_outage = *self.failing.borrow();
        tokio::select! {
            Ok(()) = self.requests.changed() => {}
            () = until_next_pass(services, is_outage) => {}
            // The history still has the messages that could not be stored during the outage.
            Ok(()) = self.failing.changed() => {}
            Ok(()) = self.permissions.changed() => read_accessible_again(services, &mut self.pauses),
        }
    }
}

/// Ends the pauses of channels that failed, so that the next pass reads them. Looks there for edits and deletions too.
fn read_accessible_again(services: &Services, pauses: &mut Pauses) {
    pauses.end_all();
    for channel in services.board.snapshot().channels {
        if channel.any_error().is_some() || !channel.missing.is_empty() {
            services.missed.add_channel(channel.id);
        }
    }
}

/// Waits for as long as the state of the connection and of the database requires. The connection can
/// change meanwhile.
async fn until_next_pass(services: &Services, is_outage: bool) {
    let (timing, started) = (&services.timing, Instant::now());
    loop {
        let pause = match services.board.snapshot().connected {
            _ if is_outage => timing.outage_interval,
            true => timing.history_interval,
            false => timing.disconnected_interval,
        };
        let left = pause.saturating_sub(started.elapsed());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(timing.disconnected_interval)).await;
    }
}

/// Reads the history of a channel or thread to its end, and of a channel's threads if they are watched.
/// Reports progress after each page.
///
/// # Errors
/// When Discord or the database fails. Everything read before that is stored.
pub(crate) async fn read_since(
    services: &Services,
    channel: &WatchedChannel,
    since: DateTime<Utc>,
    mut progress: impl FnMut(&BackfillSummary),
) -> Result<BackfillSummary, BackfillError> {
    let mut channels = vec![channel.clone()];
    if services.channels.watches_threads(channel).await? {
        let threads = threads::list(services, channel, since).await?;
        let recent = threads.into_iter().filter(|thread| thread.newest >= snowflake_at(since));
        channels.extend(recent.map(|thread| thread.channel));
    }
    let mut summary = BackfillSummary::default();
    for channel in channels {
        let cursor =
            services.store.cursors(&[channel.id]).await?.get(&channel.id).map(|cursor| cursor.message);
        let mut reader = ChannelReader::since(channel, since, cursor);
        loop {
            let page = reader.store_page(services).await?;
            summary.add(&page);
            summary.read_to = summary.read_to.max(Some(snowflake_time(reader.after)));
            progress(&summary);
            if page.is_last {
                break;
            }
        }
    }
    Ok(summary)
}

async fn read_all(services: &Services, pauses: &mut Pauses) {
    let channels: Vec<_> =
        services.channels.configured().filter(|channel| !pauses.is_paused(channel.id)).collect();
    let ids: Vec<i64> = channels.iter().map(|channel| channel.id).collect();
    let cursors = match services.store.cursors(&ids).await {
        Ok(cursors) => cursors,
        Err(error) => {
            if !services.ingest.report_storage_error(&error) {
                tracing::warn!(%error, "cannot read the channel cursors");
            }
            return;
        }
    };
    let now = Utc::now();
    let readers = channels.into_iter().map(|channel| {
        let cursor = cursors.get(&channel.id).copied();
        ChannelReader::from_cursor(channel, cursor, now, services)
    });
    read_in_turns(services, readers.collect(), |reader, result| match result {
        Ok(is_at_end) => {
            pauses.end(reader.channel.id);
            reader.report_success(services, is_at_end);
        }
        Err(error) => reader.report_failure(services, &error, pauses),
    })
    .await;
}

/// Reads channels page by page, in turns. Reports for each whether it was read to its end.
async fn read_in_turns(
    services: &Services,
    mut waiting: VecDeque<ChannelReader>,
    mut report: impl FnMut(&ChannelReader, Result<bool, BackfillError>),
) {
    let mut reading = FuturesUnordered::new();
    let (started, mut stored) = (Instant::now(), 0_usize);
    loop {
        while reading.len() < MAX_CONCURRENT_PAGES
            && let Some(mut reader) = waiting.pop_front()
        {
            reading.push(async {
                let page = reader.store_page(services).await;
                (reader, page)
            });
        }
        let Some((reader, page)) = reading.next().await else { break };
        match page {
            Ok(page) => {
                stored += page.receipts.iter().filter(|receipt| receipt.log_id.is_some()).count();
                if page.is_last || reader.pages >= MAX_PAGES {
                    report(&reader, Ok(page.is_last));
                } else {
                    waiting.push_back(reader);
                }
            }
            Err(error) => report(&reader, Err(error)),
        }
    }
    if stored > 0 {
        services.board.update(|status| status.history_messages += stored as u64);
        let seconds = started.elapsed().as_secs_f32();
        tracing::info!("stored {stored} messages from the history in {seconds:.1} s");
    }
}

/// The oldest message of a channel that is read.
fn oldest_read(channel: &WatchedChannel, now: DateTime<Utc>) -> i64 {
    snowflake_at(now - MAX_AGE.max(channel.settings.history))
}

/// Says once that messages after the cursor are too old to be read. An old cursor alone hides nothing: perhaps
/// nothing was posted since, and the channel was still read to its end.
fn report_hidden(services: &Services, channel: &WatchedChannel, cursor: Option<Cursor>, oldest: i64) {
    let is_old = |cursor: &Cursor| cursor.message < oldest && snowflake_at(cursor.read_at) < oldest;
    let Some(Cursor { message: from, .. }) = cursor.filter(is_old) else {
        services.hidden.is_recovery(&channel.id);
        return;
    };
    if services.hidden.is_first_failure(channel.id) {
        let (from, to) = (snowflake_time(from).format("%F %R"), snowflake_time(oldest).format("%F %R"));
        let text = format!(
            "{}: messages posted between {from} and {to} UTC are too old and were not read; \
             `roms discord backfill` reads them",
            channel.settings.name
        );
        tracing::warn!("{text}");
        services.notices.text(text);
    }
}

/// Submits messages, waits until they are stored, and gives feedback. The last two happen even if the reader is
/// cancelled meanwhile: a card that is stored needs its reaction and its notice.
async fn submit_messages(
    services: &Services,
    channel: &WatchedChannel,
    guild: i64,
    messages: &[Value],
) -> Result<Vec<Receipt>, BackfillError> {
    let messages: Vec<_> =
        messages.iter().filter_map(|message| services.read(channel, guild, message)).collect();
    let submission = submit(services.clone(), channel.clone(), guild, messages);
    // A panic was logged where it happened. The reader reads the page again.
    Ok(services.submissions.spawn(submission).await.unwrap_or(Err(SubmitError::Closed))?)
}

async fn submit(
    services: Services,
    channel: WatchedChannel,
    guild: i64,
    messages: Vec<Message>,
) -> Result<Vec<Receipt>, SubmitError> {
    let mut pending = Vec::with_capacity(messages.len());
    for message in messages {
        let link = MessageRef {
            channel: ChannelRef { guild, channel: channel.id },
            message: message.discord_id.unwrap_or_default(),
        };
        let submitted = services.ingest.enqueue(message).await?;
        pending.push(async move { (link, submitted.receipt().await) });
    }
    let mut receipts = Vec::with_capacity(pending.len());
    let mut failed = None;
    for (link, receipt) in join_all(pending).await {
        match receipt {
            Ok(receipt) => {
                services.feed_back(&channel.settings, link, &receipt);
                receipts.push(receipt);
            }
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(receipts), Err)
}

impl BackfillError {
    /// Whether repeating the same request cannot succeed.
    fn is_final(&self) -> bool {
        match self {
            Self::Rest(error) => error.is_final(),
            Self::OtherGuild => true,
            Self::Submit(_) | Self::Store(_) => false,
        }
    }
}

impl Services {
    /// Whether the pipeline logs this failure: its own, and outages of the database.
    fn is_logged_elsewhere(&self, error: &BackfillError) -> bool {
        match error {
            BackfillError::Submit(_) => true,
            BackfillError::Store(error) => self.ingest.report_storage_error(error),
            BackfillError::Rest(_) | BackfillError::OtherGuild => false,
        }
    }
}

impl ChannelReader {
    /// Starts a little before the cursor. The first time ROMS sees a channel, starts as far back as
    /// the channel's `history` says.
    fn from_cursor(
        channel: WatchedChannel,
        cursor: Option<Cursor>,
        now: DateTime<Utc>,
        services: &Services,
    ) -> Self {
        let history_start = snowflake_at(now - channel.settings.history);
        let oldest = oldest_read(&channel, now);
        report_hidden(services, &channel, cursor, oldest);
        let cursor = cursor.map(|cursor| cursor.message);
        let after = cursor.map_or(history_start, |cursor| snowflake_at(snowflake_time(cursor) - OVERLAP));
        Self {
            channel,
            after: after.max(oldest),
            cursor: Some(cursor.unwrap_or(history_start).max(oldest)),
            newest: 0,
            pages: 0,
        }
    }

    /// Starts at a given time.
    fn since(channel: WatchedChannel, since: DateTime<Utc>, cursor: Option<i64>) -> Self {
        let after = snowflake_at(since);
        Self { channel, after, cursor: cursor.filter(|cursor| after <= *cursor), newest: 0, pages: 0 }
    }

    /// Reads one page, waits until it is stored, and advances the cursor.
    async fn store_page(&mut self, services: &Services) -> Result<StoredPage, BackfillError> {
        services.rest.identity().await?;
        let guild = services.channels.guild_of(self.channel.id).await?.ok_or(BackfillError::OtherGuild)?;
        if services.channels.is_forum(self.channel.id).await? {
            self.cursor = None;
            return Ok(StoredPage { messages: 0, receipts: Vec::new(), is_last: true });
        }
        let page = services.rest.messages_after(self.channel.id, self.after).await?;
        let receipts = submit_messages(services, &self.channel, guild, &page).await?;
        let is_last = page.len() < PAGE_SIZE;
        let newest = page.iter().filter_map(|message| id_field(message, "id")).max();
        self.after = newest.unwrap_or(self.after).max(self.after);
        self.pages += 1;
        if let Some(cursor) = &mut self.cursor {
            *cursor = self.after.max(*cursor);
            if is_last {
                *cursor = self.newest.max(*cursor);
            }
            services.store.save_cursor(self.channel.id, *cursor, Utc::now()).await?;
        }
        Ok(StoredPage { messages: page.len(), receipts, is_last })
    }

    fn report_success(&self, services: &Services, is_at_end: bool) {
        if !is_at_end {
            tracing::info!(channel = self.channel.id, "the history is long; the next pass continues");
        }
        services.unreadable.is_recovery(&self.channel.id);
        services.board.update_channel(self.channel.id, |status| {
            // The threads of a forum set it.
            status.read_to = self.cursor.map(snowflake_time).or(status.read_to);
            status.checked_at = is_at_end.then(Utc::now).or(status.checked_at);
            status.error = None;
        });
    }

    fn report_failure(&self, services: &Services, error: &BackfillError, pauses: &mut Pauses) {
        if error.is_final() {
            pauses.start(self.channel.id);
            // Finds out which permission is missing.
            services.check_now.notify_one();
        }
        if !services.is_logged_elsewhere(error) && services.unreadable.is_first_failure(self.channel.id) {
            let name = &self.channel.settings.name;
            tracing::warn!(channel = self.channel.id, name, %error, "cannot read the history");
        }
        services.board.update_channel(self.channel.id, |status| status.error = Some(error.to_string()));
    }
}
