//! `/status`: shows the health of ROMS.

use std::time::Duration;

use chrono::Utc;
use tokio::time::timeout;

use super::context::{CommandResult, Context, Data, begin_deferred};
use crate::discord::reply::Reply;
use crate::discord::reply::embed::{EmbedBuilder, GREEN, RED};
use crate::discord::reply::text::{code, escape_line, pluralize, relative_time, timestamp};
use crate::status::ChannelStatus;
use crate::store::{LogFilter, StoreError};

const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Show the health of ROMS: gateway, database, queue, channels
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn status(ctx: Context<'_>) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let board = data.services.board.snapshot();
    let (database, database_works) = check_database(data).await;
    let is_healthy =
        database_works && board.connected && board.channels.iter().all(|channel| problem(channel).is_none());
    let mut embed = if is_healthy {
        EmbedBuilder::titled("Health: everything works", GREEN)
    } else {
        EmbedBuilder::titled("Health: something is wrong", RED)
    };
    embed.footer = format!("ROMS {}", env!("CARGO_PKG_VERSION"));
    let latency = board.latency.map(|latency| format!(", {} ms", latency.as_millis())).unwrap_or_default();
    let last = board.last_event_at.map(|at| format!("\nlast event {}", relative_time(at)));
    let gateway = if board.connected { "connected" } else { "**not connected**" };
    embed.inline_field("Gateway", format!("{gateway}{latency}{}", last.unwrap_or_default()));
    embed.inline_field("Database", database);
    let waiting = data.services.ingest.waiting();
    embed.inline_field("Queue", pluralize(waiting, "message waiting", "messages waiting"));
    embed.inline_field("Last card", last_card(data).await);
    if let Some(outbox) = outbox(data).await {
        embed.inline_field("Outbox", outbox);
    }
    embed.field("Tokens", expiring_tokens(data).await);
    // Channels with a problem come first, because an embed may not have room for all channels.
    let mut channels: Vec<&ChannelStatus> = board.channels.iter().collect();
    channels.sort_by_key(|channel| problem(channel).is_none());
    let shown = embed.free_fields();
    let hidden = channels.len().saturating_sub(shown) as u64;
    if hidden > 0 {
        let hidden = pluralize(hidden, "more channel is", "more channels are");
        embed.footer = format!("{} · {hidden} not shown", embed.footer);
    }
    for channel in channels.into_iter().take(shown) {
        embed.field(&escape_line(&channel.name), describe(channel));
    }
    responder.show(Reply::embed(embed)).await
}

/// The state of the database as text, and whether it works.
async fn check_database(data: &Data) -> (String, bool) {
    let store = &data.services.store;
    let pings = async { Ok::<_, StoreError>((store.ping().await?, store.ping_writer().await?)) };
    match timeout(DATABASE_TIMEOUT, pings).await {
        Ok(Ok((read, write))) => {
            (format!("reads in {} ms, writes in {} ms", read.as_millis(), write.as_millis()), true)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database failed during /status");
            ("**failing**; the log has the reason".to_owned(), false)
        }
        Err(_) => ("**not responding**".to_owned(), false),
    }
}

/// The numbers of deliveries that wait or are dead; `None` if there are none.
async fn outbox(data: &Data) -> Option<String> {
    let counts = timeout(DATABASE_TIMEOUT, data.services.store.outbox_counts()).await;
    let Ok(Ok(counts)) = counts else { return None };
    let dead = match counts.dead {
        0 => String::new(),
        dead => format!("\n⚠️ **{dead} could not be sent**; `roms outbox list` shows them"),
    };
    (counts.due + counts.dead > 0).then(|| format!("{} to send{dead}", counts.due))
}

async fn last_card(data: &Data) -> String {
    match timeout(DATABASE_TIMEOUT, data.services.store.logs(&LogFilter::default(), 1)).await {
        Ok(Ok(page)) => page.items.first().map_or_else(
            || "none yet".to_owned(),
            |log| format!("{} ({})", relative_time(log.created_at), log.outcome),
        ),
        Ok(Err(_)) | Err(_) => "unknown".to_owned(),
    }
}

/// The tokens that expire within a week or have expired, one per line.
async fn expiring_tokens(data: &Data) -> String {
    let now = Utc::now();
    let Ok(Ok(tokens)) = timeout(DATABASE_TIMEOUT, data.services.store.tokens()).await else {
        // The line about the database says so.
        return String::new();
    };
    let lines = tokens.iter().filter_map(|token| {
        let end = token.expires_at?;
        let verb = match (token.expires_soon(now), token.is_expired(now)) {
            (true, _) => "expires",
            (_, true) => "expired",
            _ => return None,
        };
        Some(format!("⚠️ {} {verb} {}", code(&token.name), relative_time(end)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn describe(channel: &ChannelStatus) -> String {
    let read = match channel.read_to {
        Some(read_to) => format!("read up to {}", timestamp(read_to)),
        None => "not read yet".to_owned(),
    };
    let checked = channel.checked_at.map(|at| format!(", checked {}", relative_time(at)));
    let problem = problem(channel).map(|problem| format!("\n⚠️ {problem}"));
    let forum = if channel.is_forum { "(forum) " } else { "" };
    let threads = channel.threads.as_ref().map(|threads| {
        format!(", {} watched", pluralize(threads.active as u64, "active thread", "active threads"))
    });
    let (id, checked, threads) = (channel.id, checked.unwrap_or_default(), threads.unwrap_or_default());
    format!("<#{id}> {forum}{read}{checked}{threads}{}", problem.unwrap_or_default())
}

fn problem(channel: &ChannelStatus) -> Option<String> {
    if !channel.missing.is_empty() {
        return Some(format!("missing permissions: {}", channel.missing.join(", ")));
    }
    channel.any_error().map(escape_line)
}
