//! `/backfill`: reads the history of a channel again, as `roms backfill` does.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serenity::all::CreateAutocompleteResponse;
use tokio::sync::watch;

use super::context::{CommandResult, Context, Data, begin_deferred};
use super::progress::run_with_progress;
use crate::discord::channels::WatchedChannel;
use crate::discord::history::{self, BackfillSummary};
use crate::discord::reply::components::choices;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::text::{MAX_ECHO, code, plain_line, truncate};
use crate::order::dates::{self, DayEdge, EXAMPLES};

/// Read the history of a channel again
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn backfill(
    ctx: Context<'_>,
    #[description = "A channel that ROMS watches, with its threads, or one thread"]
    #[autocomplete = "complete_channel"]
    channel: String,
    #[description = "How far back: a date such as 2026-01-31, or a period such as 7 days"] since: String,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let channel = find_channel(data, &channel).await?;
    let since = read_since(data, &since)?;
    let lock = data.backfills.get(&channel.settings.id).map(Arc::clone).unwrap_or_default();
    let lock = lock.try_lock_owned().map_err(|_| {
        CommandError::user(format!("The history of {} is already being read.", code(&channel.settings.name)))
    })?;
    let services = data.services.clone();
    let work = async move |progress: watch::Sender<String>| {
        let _lock = lock;
        let report = |so_far: &BackfillSummary| {
            let to = so_far.read_to.map(|at| format!(", up to <t:{}:f>", at.timestamp()));
            let text = format!("Reading: {} messages so far{}.", so_far.messages, to.unwrap_or_default());
            progress.send_replace(text);
        };
        let channel = channel.without_reactions();
        Ok(describe(&channel.name(), &history::read_since(&services, &channel, since, report).await?))
    };
    run_with_progress(data, &responder, "/status shows how far it is", work).await
}

#[expect(clippy::unused_async, reason = "poise expects an async function")]
async fn complete_channel(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let typed = typed.trim().trim_start_matches('#').to_lowercase();
    let watched = &ctx.framework.user_data.channels;
    let matches = watched.iter().filter(|channel| {
        channel.name.to_lowercase().contains(&typed) || channel.id.to_string().contains(&typed)
    });
    choices(matches.map(|channel| (plain_line(&channel.name), channel.id.to_string())))
}

/// Finds a watched channel by its id, a mention of it, or its name, or a thread by its id or a mention.
async fn find_channel(data: &Data, typed: &str) -> Result<WatchedChannel, CommandError> {
    let channels = &data.services.channels;
    let name = typed.trim().trim_start_matches('#');
    let id = typed.trim().trim_start_matches("<#").trim_end_matches('>').parse::<i64>().ok();
    let named = channels.configured().find(|channel| channel.settings.name.eq_ignore_ascii_case(name));
    let found = match (named, id) {
        (Some(named), _) => Some(named),
        (None, Some(id)) => match channels.find(id).await {
            Ok(found) => found,
            Err(error) if error.is_final() => None,
            Err(error) => return Err(error.into()),
        },
        (None, None) => None,
    };
    found.ok_or_else(|| {
        let watched: Vec<String> =
            channels.configured().map(|channel| format!("<#{}>", channel.id)).collect();
        let watched = if watched.is_empty() { "none".to_owned() } else { watched.join(", ") };
        CommandError::user(format!("ROMS does not watch that channel. Watched channels: {watched}."))
    })
}

/// Reads a day in the configured time zone, a time, or a period before now.
fn read_since(data: &Data, text: &str) -> Result<DateTime<Utc>, CommandError> {
    let period = || TimeDelta::from_std(humantime::parse_duration(text.trim()).ok()?).ok();
    let since = dates::parse_limit(text, data.orders.timezone, DayEdge::Start)
        .or_else(|| Utc::now().checked_sub_signed(period()?));
    match since {
        Some(since) if since > Utc::now() => Err(CommandError::user("That is in the future.")),
        Some(since) => Ok(since),
        None => Err(CommandError::user(format!(
            "{} is neither a date such as {EXAMPLES} nor a period such as 7 days.",
            code(&truncate(text, MAX_ECHO))
        ))),
    }
}

fn describe(channel: &str, summary: &BackfillSummary) -> String {
    let BackfillSummary { messages, created, updated, known, ignored, rejected, .. } = summary;
    format!(
        "{}: {messages} messages read. Orders created: {created}, updated: {updated}. Cards already known: \
         {known}, not orders: {ignored}, not readable: {rejected}.",
        code(channel)
    )
}
