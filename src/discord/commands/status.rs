//! `/status`: how ROMS is.

use std::time::Duration;

use tokio::time::timeout;

use super::data::{Ctx, Data, Done};
use crate::discord::reply::embed::{FIELDS, Sheet};
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{ago, counted, moment, shown_line};
use crate::status::ChannelStatus;
use crate::store::{LogFilter, StoreError};

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How ROMS is: gateway, database, queue, channels
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn status(ctx: Ctx<'_>) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let board = turn.data.deps.board.snapshot();
    let (database, works) = database(turn.data).await;
    let well = works && board.connected && board.channels.iter().all(|channel| problem(channel).is_none());
    let mut sheet = Sheet {
        title: if well { "All is well" } else { "Something is wrong" }.to_owned(),
        colour: if well { 0x0023_A55A } else { 0x00DA_373C },
        footer: format!("ROMS {}", env!("CARGO_PKG_VERSION")),
        ..Sheet::default()
    };
    let latency = board.latency.map(|latency| format!(", {} ms", latency.as_millis())).unwrap_or_default();
    let last = board.last_event_at.map(|at| format!("\nlast event {}", ago(at))).unwrap_or_default();
    let gateway = if board.connected { "connected" } else { "**not connected**" };
    sheet.beside("Gateway", format!("{gateway}{latency}{last}"));
    sheet.beside("Database", database);
    sheet.beside("Queue", counted(turn.data.deps.ingest.waiting(), "message waits", "messages wait"));
    sheet.beside("Last card", last_card(turn.data).await);
    // Those with a problem first, for an embed has room for so many.
    let mut channels: Vec<&ChannelStatus> = board.channels.iter().collect();
    channels.sort_by_key(|channel| problem(channel).is_none());
    let room = FIELDS.saturating_sub(sheet.fields.len());
    let hidden = channels.len().saturating_sub(room) as u64;
    if hidden > 0 {
        let hidden = counted(hidden, "channel more is", "channels more are");
        sheet.footer = format!("{} · {hidden} not shown", sheet.footer);
    }
    for channel in channels.into_iter().take(room) {
        sheet.wide(&shown_line(&channel.name), channel_text(channel));
    }
    turn.show(Screen::sheet(sheet)).await
}

/// What the database says, and whether it works.
async fn database(data: &Data) -> (String, bool) {
    let store = &data.deps.store;
    let asked = async { Ok::<_, StoreError>((store.ping().await?, store.ping_writer().await?)) };
    match timeout(PATIENCE, asked).await {
        Ok(Ok((read, write))) => {
            (format!("reads in {} ms, writes in {} ms", read.as_millis(), write.as_millis()), true)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer /status");
            ("**does not answer**; the log says why".to_owned(), false)
        }
        Err(_) => ("**does not answer in time**".to_owned(), false),
    }
}

async fn last_card(data: &Data) -> String {
    let asked = timeout(PATIENCE, data.deps.store.logs(&LogFilter::default(), 1)).await;
    match asked {
        Ok(Ok(page)) => page.items.first().map_or_else(
            || "none yet".to_owned(),
            |log| format!("{} ({})", ago(log.created_at), log.outcome),
        ),
        Ok(Err(_)) | Err(_) => "not known".to_owned(),
    }
}

fn channel_text(channel: &ChannelStatus) -> String {
    let read = match channel.read_to {
        Some(read_to) => format!("read up to {}", moment(read_to)),
        None => "not read yet".to_owned(),
    };
    let checked = channel.checked_at.map(|at| format!(", checked {}", ago(at))).unwrap_or_default();
    let problem = problem(channel).map(|problem| format!("\n⚠️ {problem}")).unwrap_or_default();
    format!("<#{}> {read}{checked}{problem}", channel.id)
}

fn problem(channel: &ChannelStatus) -> Option<String> {
    if !channel.missing.is_empty() {
        return Some(format!("the bot lacks {}", channel.missing.join(", ")));
    }
    channel.error.as_deref().map(shown_line)
}
