//! Rechecks messages that are stored already, to find edits and deletions that no event reported.
//!
//! After a break (a start, a new session, a permission that came back) ROMS reads the last days of each
//! channel and its threads again, newest messages first. The pipeline ignores unchanged messages by their content hash.
//! A logged message that is missing from the history was deleted.

use std::collections::BTreeSet;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::{BackfillError, submit_messages};
use crate::card::decode::discord::{ChannelRef, id_field, snowflake_at};
use crate::discord::channels::WatchedChannel;
use crate::discord::check::can_read_history;
use crate::discord::missed::Missed;
use crate::discord::rest::{ErrorCode, PAGE_SIZE, RestError};
use crate::discord::restart::restart_on_panic;
use crate::discord::services::Services;

/// Most pages of one channel in one recheck.
const MAX_PAGES: u32 = 100;

/// Rechecks what [`crate::discord::missed`] remembers, until `stop` is cancelled.
pub(crate) async fn run(services: Services, stop: CancellationToken) {
    let task = restart_on_panic("recheck", || recheck_repeatedly(&services));
    stop.run_until_cancelled(task).await;
}

async fn recheck_repeatedly(services: &Services) {
    loop {
        let mut is_complete = true;
        for (channel, missed) in services.missed.take() {
            is_complete &= recheck_channel(services, channel, missed).await;
        }
        if is_complete {
            services.missed.added().await;
        } else {
            tokio::time::sleep(services.timing.history_interval).await;
        }
    }
}

/// Rechecks one channel or thread. Remembers again what failed, and returns whether everything succeeded.
async fn recheck_channel(services: &Services, id: i64, missed: Missed) -> bool {
    let mut is_complete = true;
    // A final error ends with a change of permissions, which requests a new recheck.
    let is_temporary = |error: BackfillError, message: Option<i64>| {
        tracing::debug!(channel = id, message.id = message, %error, "cannot recheck a channel");
        !error.is_final()
    };
    let channel = match services.channels.find(id).await {
        Ok(Some(channel)) => channel,
        Err(error) if is_temporary(error.into(), None) => {
            services.missed.add(id, missed);
            return false;
        }
        Ok(None) | Err(_) => return true,
    };
    if missed.recent {
        for result in [recheck_recent(services, &channel).await, recheck_threads(services, &channel).await] {
            if let Err(error) = result
                && is_temporary(error, None)
            {
                services.missed.add_channel(id);
                is_complete = false;
            }
        }
    }
    for message in missed.messages {
        if let Err(error) = recheck_message(services, &channel, message).await
            && is_temporary(error, Some(message))
        {
            services.missed.add_messages(id, [message]);
            is_complete = false;
        }
    }
    is_complete
}

/// Rechecks the threads of a channel that have logged messages of the last days.
async fn recheck_threads(services: &Services, channel: &WatchedChannel) -> Result<(), BackfillError> {
    if !services.channels.watches_threads(channel).await? {
        return Ok(());
    }
    let guild = services.channels.guild_of(channel.id).await?;
    let since = snowflake_at(Utc::now() - channel.settings.edits);
    for endpoint in services.store.logged_channels(since).await? {
        let Some(place) = ChannelRef::from_endpoint(&endpoint) else { continue };
        if Some(place.guild) != guild || services.channels.is_configured(place.channel) {
            continue;
        }
        match services.channels.find(place.channel).await {
            Ok(Some(thread)) if thread.settings.id == channel.id => {
                match recheck_recent(services, &thread).await {
                    Err(error) if !error.is_final() => return Err(error),
                    _ => {}
                }
            }
            Err(RestError::NotFound(ErrorCode::UNKNOWN_CHANNEL)) => {
                let logged = services.store.logged_messages(&endpoint, since).await?;
                mark_thread_deleted(services, place.channel, logged).await?;
            }
            Err(error) if !error.is_final() => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Rechecks the messages of the last days, as many as the channel's `edits` says. Messages older than
/// the oldest logged one are left out: the channel's `history` may exclude them.
async fn recheck_recent(services: &Services, channel: &WatchedChannel) -> Result<(), BackfillError> {
    services.rest.identity().await?;
    let guild = services.channels.guild_of(channel.id).await?.ok_or(BackfillError::OtherGuild)?;
    let endpoint = ChannelRef { guild, channel: channel.id }.endpoint();
    let since = snowflake_at(Utc::now() - channel.settings.edits);
    // Read before the history, so that a message posted meanwhile does not look like a deleted one.
    let logged = services.store.logged_messages(&endpoint, since).await?;
    let Some(oldest) = logged.first().copied() else { return Ok(()) };
    let mut before = None;
    for _ in 0..MAX_PAGES {
        let mut page = match services.rest.messages_before(channel.id, before).await {
            Err(RestError::NotFound(ErrorCode::UNKNOWN_CHANNEL)) if channel.is_thread() => {
                return mark_thread_deleted(services, channel.id, logged).await;
            }
            page => page?,
        };
        let page_oldest = page.iter().filter_map(|message| id_field(message, "id")).min();
        let is_last = page.len() < PAGE_SIZE || page_oldest.is_none_or(|id| id <= oldest);
        page.retain(|message| id_field(message, "id").is_some_and(|id| id >= oldest));
        let found: BTreeSet<i64> = page.iter().filter_map(|message| id_field(message, "id")).collect();
        let lower = if is_last { oldest } else { page_oldest.unwrap_or(oldest) };
        let range = logged.range(lower..before.unwrap_or(i64::MAX));
        let gone: Vec<i64> = range.filter(|id| !found.contains(id)).copied().collect();
        submit_messages(services, channel, guild, &page).await?;
        mark_deleted(services, channel, &gone).await?;
        if is_last {
            return Ok(());
        }
        before = page_oldest;
    }
    tracing::info!(channel = channel.id, "only the newest {MAX_PAGES} pages were rechecked");
    Ok(())
}

async fn recheck_message(
    services: &Services,
    channel: &WatchedChannel,
    message: i64,
) -> Result<(), BackfillError> {
    services.rest.identity().await?;
    let guild = services.channels.guild_of(channel.id).await?.ok_or(BackfillError::OtherGuild)?;
    match services.rest.message(channel.id, message).await {
        Ok(found) => submit_messages(services, channel, guild, &[found]).await.map(drop),
        Err(RestError::NotFound(ErrorCode::UNKNOWN_MESSAGE)) => {
            mark_deleted(services, channel, &[message]).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Marks messages as deleted that the history does not have. An empty page proves nothing: without the
/// permission to read the history, Discord returns one too.
async fn mark_deleted(
    services: &Services,
    channel: &WatchedChannel,
    gone: &[i64],
) -> Result<(), BackfillError> {
    if gone.is_empty() || !can_read_history(&services.rest, channel.id).await? {
        return Ok(());
    }
    services.store.mark_deleted(gone, Utc::now()).await?;
    tracing::info!(channel = channel.id, "marked {} messages as deleted", gone.len());
    Ok(())
}

/// Marks the messages of a thread that was deleted.
async fn mark_thread_deleted(
    services: &Services,
    thread: i64,
    logged: BTreeSet<i64>,
) -> Result<(), BackfillError> {
    let messages: Vec<i64> = logged.into_iter().collect();
    services.store.mark_deleted(&messages, Utc::now()).await?;
    services.channels.forget(thread);
    tracing::info!(channel = thread, "the thread was deleted; marked {} messages as deleted", messages.len());
    Ok(())
}
