//! Reading the history: what no live event brought.
//!
//! After each new session, when the database takes messages again, every minute, and every five seconds
//! while it takes none, each channel is read on from its cursor, less a small overlap for late edits.
//! Pages of 100 are taken in turns, so that a busy channel starves none, and a cursor moves only after its
//! page is stored.

mod summary;

use std::collections::VecDeque;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::rest::{Penalties, RestError};
use crate::card::decode::discord::{id_of, snowflake_at, time_of};
use crate::card::outcome::Receipt;
use crate::config::Channel;
use crate::ingest::SubmitError;
use crate::store::{Cursor, StoreError};

pub use summary::Summary;

/// How far behind the cursor reading begins, for edits of messages that are stored.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Messages older than this are not read any more; it is said when that hides some.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Most pages of one channel in one reading; the next reading goes on from there.
const MAX_PAGES: u32 = 500;
/// Pages that are read at once, so that one channel that does not answer holds up no other.
const AT_ONCE: usize = 4;
/// Messages on a full page.
const PAGE: usize = 100;

/// Why a page was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Discord did not give it.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The channel is not where it should be.
    #[error("it is in none of the configured guilds")]
    Elsewhere,
    /// The pipeline did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The cursor could not be moved.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the reading of a channel stands.
#[derive(Debug)]
struct Turn<'a> {
    channel: &'a Channel,
    /// Read on after this message.
    after: i64,
    /// All up to this message is stored; `None` where reading leaves a gap behind the cursor.
    cursor: Option<i64>,
    pages: u32,
}

/// What one page brought.
pub(crate) struct PageRead {
    /// Messages on it.
    messages: usize,
    /// What became of those that are cards.
    receipts: Vec<Receipt>,
    /// Whether it was the last one.
    last: bool,
}

/// Reads the history of all channels again and again, until `stop` is cancelled.
pub(crate) async fn run(deps: Deps, channels: Vec<Channel>, stop: CancellationToken) {
    let mut penalties = Penalties::new(deps.timing.refused);
    let mut failing = deps.ingest.failing();
    loop {
        failing.mark_unchanged();
        tokio::select! {
            () = read_all(&deps, &channels, &mut penalties) => {}
            () = stop.cancelled() => return,
        }
        let pause = if *failing.borrow() { deps.timing.unstored } else { deps.timing.reconcile };
        tokio::select! {
            () = deps.history.notified() => {}
            () = tokio::time::sleep(pause) => {}
            // What could not be stored is in the history.
            Ok(()) = failing.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Reads the history of one channel to its end, and tells after each page how far it is.
///
/// # Errors
/// When Discord or the database refuses; what was read till then is stored.
pub(crate) async fn read_since(
    deps: &Deps,
    channel: &Channel,
    since: DateTime<Utc>,
    mut progress: impl FnMut(&Summary),
) -> Result<Summary, BackfillError> {
    let cursor = deps.store.cursors().await?.get(&channel.id).map(|cursor| cursor.message);
    let mut turn = Turn::since(channel, since, cursor);
    let mut summary = Summary::default();
    loop {
        let page = turn.page(deps).await?;
        summary.add(&page);
        summary.read_to = Some(time_of(turn.after));
        progress(&summary);
        if page.last {
            return Ok(summary);
        }
    }
}

async fn read_all(deps: &Deps, channels: &[Channel], penalties: &mut Penalties) {
    let cursors = match deps.store.cursors().await {
        Ok(cursors) => cursors,
        Err(error) => {
            if !deps.ingest.is_outage().await {
                tracing::warn!(%error, "cannot read how far the channels are stored");
            }
            return;
        }
    };
    let free = channels.iter().filter(|channel| penalties.is_free(channel.id));
    let mut waiting: VecDeque<Turn<'_>> =
        free.map(|channel| Turn::new(channel, cursors.get(&channel.id).copied(), Utc::now(), deps)).collect();
    let mut reading = FuturesUnordered::new();
    let (began, mut stored) = (Instant::now(), 0_usize);
    loop {
        while reading.len() < AT_ONCE
            && let Some(turn) = waiting.pop_front()
        {
            reading.push(turn.read_page(deps));
        }
        let Some((turn, page)) = reading.next().await else { break };
        match page {
            Ok(page) => {
                stored += page.receipts.iter().filter(|receipt| receipt.log_id.is_some()).count();
                if page.last || turn.pages >= MAX_PAGES {
                    turn.finish(deps, page.last);
                } else {
                    waiting.push_back(turn);
                }
            }
            Err(error) => turn.fail(deps, &error, penalties).await,
        }
    }
    if stored > 0 {
        let seconds = began.elapsed().as_secs_f32();
        tracing::info!("took {stored} messages from the history in {seconds:.1} s");
    }
}

impl<'a> Turn<'a> {
    /// Begins at the cursor less the overlap; at first sight as far back as the channel says.
    fn new(channel: &'a Channel, cursor: Option<Cursor>, now: DateTime<Utc>, deps: &Deps) -> Self {
        let first_sight = snowflake_at(now - channel.history);
        let oldest = snowflake_at(now - MAX_AGE.max(channel.history));
        // A channel where nothing was posted for long was still read to its end.
        let passed_over =
            cursor.filter(|it| it.message < oldest && snowflake_at(it.read_at) < oldest).map(|it| it.message);
        let cursor = cursor.map(|cursor| cursor.message);
        let after = cursor.map_or(first_sight, |cursor| snowflake_at(time_of(cursor) - OVERLAP));
        if passed_over.is_none() {
            deps.hidden.works(&channel.id);
        }
        if let Some(cursor) = passed_over.filter(|_| deps.hidden.fails(channel.id)) {
            let (from, to) = (time_of(cursor).format("%F %R"), time_of(oldest).format("%F %R"));
            let text = format!(
                "{}: what was posted between {from} and {to} UTC is too old and was not read; \
                `roms discord backfill` reads it",
                channel.name
            );
            tracing::warn!("{text}");
            deps.notices.say(text);
        }
        Self {
            channel,
            after: after.max(oldest),
            cursor: Some(cursor.unwrap_or(first_sight).max(oldest)),
            pages: 0,
        }
    }

    /// Begins where a person says.
    fn since(channel: &'a Channel, since: DateTime<Utc>, cursor: Option<i64>) -> Self {
        let after = snowflake_at(since);
        Self { channel, after, cursor: cursor.filter(|cursor| after <= *cursor), pages: 0 }
    }

    async fn read_page(mut self, deps: &Deps) -> (Self, Result<PageRead, BackfillError>) {
        let page = self.page(deps).await;
        (self, page)
    }

    /// Reads and stores one page. The cursor moves when all of it is stored.
    async fn page(&mut self, deps: &Deps) -> Result<PageRead, BackfillError> {
        deps.rest.own().await?;
        let guild = deps.guild_of(self.channel.id).await?.ok_or(BackfillError::Elsewhere)?;
        let page = deps.rest.messages_after(self.channel.id, self.after).await?;
        let mut pending = Vec::new();
        for message in page.iter().filter_map(|message| deps.read(self.channel, guild, message)) {
            let id = message.discord_id.unwrap_or_default();
            let taken = deps.ingest.enqueue(message).await?;
            pending.push(async move { (id, taken.receipt().await) });
        }
        let mut receipts = Vec::with_capacity(pending.len());
        let mut failed = None;
        for (id, receipt) in join_all(pending).await {
            match receipt {
                Ok(receipt) => {
                    deps.feed_back(self.channel, id, &receipt);
                    receipts.push(receipt);
                }
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        let newest = page.iter().filter_map(|message| id_of(message, "id")).max();
        self.after = newest.unwrap_or(self.after).max(self.after);
        self.pages += 1;
        if let Some(cursor) = &mut self.cursor {
            *cursor = self.after.max(*cursor);
            deps.store.save_cursor(self.channel.id, *cursor, Utc::now()).await?;
        }
        Ok(PageRead { messages: page.len(), receipts, last: page.len() < PAGE })
    }

    fn finish(&self, deps: &Deps, at_end: bool) {
        if !at_end {
            tracing::info!(channel = self.channel.id, "much is to be read; going on with the next reading");
        }
        deps.reported.works(&self.channel.id);
        deps.board.update_channel(self.channel.id, |status| {
            status.read_to = self.cursor.map(time_of);
            status.checked_at = at_end.then(Utc::now).or(status.checked_at);
            status.error = None;
        });
    }

    async fn fail(&self, deps: &Deps, error: &BackfillError, penalties: &mut Penalties) {
        let is_final = match error {
            BackfillError::Rest(error) => error.is_final(),
            BackfillError::Elsewhere => true,
            BackfillError::Submit(_) | BackfillError::Store(_) => false,
        };
        if is_final {
            penalties.add(self.channel.id);
        }
        // Of its failures, and of an outage of the database, the pipeline tells itself.
        let is_told = match error {
            BackfillError::Submit(_) => true,
            BackfillError::Store(_) => deps.ingest.is_outage().await,
            BackfillError::Rest(_) | BackfillError::Elsewhere => false,
        };
        if !is_told && deps.reported.fails(self.channel.id) {
            tracing::warn!(channel = self.channel.id, name = self.channel.name, %error, "cannot read the history");
        }
        deps.board.update_channel(self.channel.id, |status| status.error = Some(error.to_string()));
    }
}
