//! Reads the history of threads, which Discord lists for each guild (active ones) and each channel (archived
//! ones). ROMS reads a thread only if its newest message is not stored yet.
//!
//! Each thread has a cursor, and so have all threads of a channel together, under the negated id of the channel:
//! every message in any of them up to this one is stored. A thread without a cursor is read from there. The first
//! time ROMS sees a channel with threads, it reads them as far back as the channel's `history` says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{BackfillError, ChannelReader, OVERLAP, Schedule, oldest_read, read_in_turns, report_hidden};
use crate::card::decode::discord::{id_field, snowflake_at, snowflake_time};
use crate::discord::channels::WatchedChannel;
use crate::discord::rest::{ErrorCode, Pauses, RestError};
use crate::discord::restart::restart_on_panic;
use crate::discord::services::Services;
use crate::status::ThreadsStatus;

/// Most pages of archived threads of one channel in one pass.
const MAX_LIST_PAGES: u32 = 100;

/// Archive times that are closer than this may be listed in any order.
const LIST_OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// A thread in Discord's list.
pub(crate) struct ListedThread {
    pub(crate) channel: WatchedChannel,
    /// Its newest message, which may be deleted.
    pub(crate) newest: i64,
    /// When it was archived, if it is.
    archived_at: Option<DateTime<Utc>>,
}

/// Reads the threads of all configured channels again and again, until `stop` is cancelled.
pub(crate) async fn run(services: Services, stop: CancellationToken) {
    let task = restart_on_panic("thread history", || read_repeatedly(&services));
    stop.run_until_cancelled(task).await;
}

async fn read_repeatedly(services: &Services) {
    let (mut schedule, mut archived) = (Schedule::new(services), HashMap::new());
    loop {
        schedule.begin_pass();
        read_all(services, &mut schedule.pauses, &mut archived).await;
        schedule.next_pass(services).await;
    }
}

/// The result of one pass over the threads of a channel.
struct ThreadsPass {
    /// Every message in any of the threads up to this one is stored, unless a thread failed.
    read_to: i64,
    /// The newest archive time that was listed.
    archived_to: DateTime<Utc>,
    /// How many threads are not archived.
    active: usize,
    /// Whether every thread was read to its end.
    is_complete: bool,
    failed: Vec<(i64, BackfillError)>,
}

/// Reads what is new in the threads of all channels. `archived` has the newest archive time that was listed for
/// each channel.
async fn read_all(services: &Services, pauses: &mut Pauses, archived: &mut HashMap<i64, DateTime<Utc>>) {
    let channels: Vec<_> =
        services.channels.configured().filter(|channel| !pauses.is_paused(channel.id)).collect();
    let reading = channels.iter().map(|channel| {
        let archived_to = archived.get(&channel.id).copied();
        read_channel(services, pauses, channel, archived_to)
    });
    for (channel, pass) in channels.iter().zip(join_all(reading).await) {
        match pass {
            Ok(None) => {}
            Ok(Some(pass)) => {
                pauses.end(channel.id);
                if pass.is_complete {
                    archived.insert(channel.id, pass.archived_to);
                }
                for (thread, error) in &pass.failed {
                    if error.is_final() {
                        pauses.start(*thread);
                    }
                    log_failure(services, channel, error);
                }
                report(services, channel, &pass).await;
            }
            Err(error) => {
                if error.is_final() {
                    pauses.start(channel.id);
                    services.check_now.notify_one();
                }
                log_failure(services, channel, &error);
                services.board.update_channel(channel.id, |status| {
                    status.threads.get_or_insert_default().error = Some(error.to_string());
                });
            }
        }
    }
}

/// Reads what is new in the threads of a channel. Returns `None` if its threads are not watched.
async fn read_channel(
    services: &Services,
    pauses: &Pauses,
    channel: &WatchedChannel,
    archived_to: Option<DateTime<Utc>>,
) -> Result<Option<ThreadsPass>, BackfillError> {
    // If Discord does not say what kind of channel this is, the reader of the channel itself reports that.
    if !services.channels.watches_threads(channel).await.unwrap_or_default() {
        return Ok(None);
    }
    let (now, all) = (Utc::now(), -channel.id);
    let oldest = oldest_read(channel, now);
    let cursor = services.store.cursors(&[all]).await?.get(&all).copied();
    if services.channels.is_forum(channel.id).await? {
        report_hidden(services, channel, cursor, oldest);
    }
    let cursor = cursor.map(|cursor| cursor.message);
    let start =
        cursor.map_or_else(|| snowflake_at(now - channel.settings.history), before_overlap).max(oldest);
    let archived_from = archived_to.map_or_else(|| snowflake_time(start), |to| to - LIST_OVERLAP);
    let threads = list(services, channel, archived_from).await?;
    let ids: Vec<i64> = threads.iter().map(|thread| thread.channel.id).collect();
    let cursors = services.store.cursors(&ids).await?;
    let mut pass = ThreadsPass {
        read_to: threads.iter().map(|thread| thread.newest).fold(cursor.unwrap_or(start), i64::max),
        archived_to: threads.iter().filter_map(|thread| thread.archived_at).fold(archived_from, Ord::max),
        active: threads.iter().filter(|thread| thread.archived_at.is_none()).count(),
        is_complete: true,
        failed: Vec::new(),
    };
    let mut unread = VecDeque::new();
    for ListedThread { channel, newest, .. } in threads {
        let cursor = cursors.get(&channel.id).map(|cursor| cursor.message);
        if newest <= cursor.unwrap_or(start) {
            continue;
        }
        if pauses.is_paused(channel.id) {
            pass.is_complete = false;
            continue;
        }
        let after = cursor.map_or(start, |cursor| before_overlap(cursor).max(oldest));
        unread.push_back(ChannelReader { channel, after, cursor: cursor.or(Some(after)), newest, pages: 0 });
    }
    read_in_turns(services, unread, |reader, result| match result {
        Ok(is_at_end) => pass.is_complete &= is_at_end,
        // Deleted since it was listed.
        Err(BackfillError::Rest(RestError::NotFound(ErrorCode::UNKNOWN_CHANNEL))) => {
            services.missed.add_channel(reader.channel.id);
        }
        Err(error) => {
            pass.is_complete = false;
            pass.failed.push((reader.channel.id, error));
        }
    })
    .await;
    if pass.is_complete {
        services.store.save_cursor(all, pass.read_to, now).await?;
    }
    Ok(Some(pass))
}

/// Lists the threads of a channel that the bot can see: the active ones, and the public ones that were archived
/// since a given time. Threads with a section of their own in the configuration are left out. Discord refuses
/// this without the permission to read the history.
pub(crate) async fn list(
    services: &Services,
    channel: &WatchedChannel,
    archived_from: DateTime<Utc>,
) -> Result<Vec<ListedThread>, BackfillError> {
    services.rest.identity().await?;
    let guild = services.channels.guild_of(channel.id).await?.ok_or(BackfillError::OtherGuild)?;
    let mut found = BTreeMap::new();
    let mut add = |threads: &[Value]| {
        for thread in threads {
            services.channels.learn(thread, Some(guild));
            let Some(id) = id_field(thread, "id") else { continue };
            if id_field(thread, "parent_id") == Some(channel.id) && !services.channels.is_configured(id) {
                let channel = WatchedChannel { id, settings: Arc::clone(&channel.settings) };
                // The first message of a forum post has the id of the thread.
                let newest = id_field(thread, "last_message_id").unwrap_or(id);
                found.insert(id, ListedThread { channel, newest, archived_at: archived_at(thread) });
            }
        }
        found.len()
    };
    // Active threads first: a thread that is archived between the two requests is then in the second list.
    let mut known = add(&services.rest.active_threads(guild).await?);
    let mut before = None;
    for _ in 0..MAX_LIST_PAGES {
        let (page, has_more) = services.rest.archived_threads(channel.id, before).await?;
        let (last_known, oldest) = (known, page.iter().filter_map(archived_at).min());
        known = add(&page);
        let is_new = known > last_known || before.is_none();
        let Some(oldest) = oldest.filter(|at| has_more && is_new && *at >= archived_from) else { break };
        // The next page repeats the threads of this moment, because it may have more of them.
        before = Some(oldest + TimeDelta::milliseconds(1));
    }
    Ok(found.into_values().collect())
}

fn archived_at(thread: &Value) -> Option<DateTime<Utc>> {
    let metadata = thread.get("thread_metadata")?;
    metadata.get("archived")?.as_bool().filter(|is_archived| *is_archived)?;
    let time = metadata.get("archive_timestamp")?.as_str()?;
    Some(DateTime::parse_from_rfc3339(time).ok()?.to_utc())
}

fn before_overlap(message: i64) -> i64 {
    snowflake_at(snowflake_time(message) - OVERLAP)
}

/// Logs the first failure in a row. The list of threads can fail while the channel can be read, so it is recorded
/// under the negative id of the channel.
fn log_failure(services: &Services, channel: &WatchedChannel, error: &BackfillError) {
    if services.is_logged_elsewhere(error) || !services.unreadable.is_first_failure(-channel.id) {
        return;
    }
    tracing::warn!(channel = channel.id, name = channel.settings.name, %error, "cannot read the threads");
}

async fn report(services: &Services, channel: &WatchedChannel, pass: &ThreadsPass) {
    if pass.failed.is_empty() {
        services.unreadable.is_recovery(&-channel.id);
    }
    let is_forum = services.channels.is_forum(channel.id).await.unwrap_or_default();
    services.board.update_channel(channel.id, |status| {
        let error = pass.failed.first().map(|(_, error)| error.to_string());
        status.threads = Some(ThreadsStatus { active: pass.active, error });
        status.is_forum = is_forum;
        if is_forum && pass.is_complete {
            status.read_to = Some(snowflake_time(pass.read_to));
            status.checked_at = Some(Utc::now());
        }
    });
}
