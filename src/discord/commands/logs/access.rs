//! `/logs kind:access`: lists the access log, which says when tokens were created, revoked and used from a new
//! address, when people signed in and out, and which requests were refused.

use serenity::all::CreateActionRow;

use super::PAGE_SIZE;
use crate::discord::commands::context::{CommandResult, Data};
use crate::discord::reply::Reply;
use crate::discord::reply::components::secondary_button;
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{code, escape_line, person, relative_time};
use crate::store::{AccessEvent, AccessEventKind, AccessFilter};

/// Buttons "Newest" and "Older".
pub(crate) async fn show_page(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let before = Some(responder.arguments().parse()?).filter(|id| *id > 0);
    responder.show(page(data, before).await?).await
}

pub(crate) async fn page(data: &Data, before: Option<i64>) -> Result<Reply, CommandError> {
    let filter = AccessFilter { before, ..AccessFilter::default() };
    let events = data.services.store.access_events(&filter, PAGE_SIZE).await?;
    let Some(oldest) = events.last().map(|event| event.id) else {
        return Ok(Reply::text("The access log is empty."));
    };
    let embed = EmbedBuilder {
        description: events.iter().map(line).collect::<Vec<_>>().join("\n"),
        footer: "Entries are kept for 90 days".to_owned(),
        ..EmbedBuilder::titled("Access", BLURPLE)
    };
    let is_last = (events.len() as u64) < PAGE_SIZE;
    let buttons = vec![
        secondary_button(custom_id("access", &[&0]), "Newest"),
        secondary_button(custom_id("access", &[&oldest]), "Older").disabled(is_last),
    ];
    Ok(Reply::embed(embed).with_row(CreateActionRow::Buttons(buttons)))
}

fn line(event: &AccessEvent) -> String {
    let emoji = match event.kind {
        AccessEventKind::Created => "🔑",
        AccessEventKind::Revoked => "🗑️",
        AccessEventKind::NewAddress => "📍",
        AccessEventKind::Refused => "🚫",
        AccessEventKind::SignedIn => "👤",
        AccessEventKind::SignedOut => "🚪",
    };
    let count = (event.count > 1).then(|| format!("{} times", event.count));
    let parts = [
        Some(format!("{emoji} {}", event.kind.title())),
        event.token.as_deref().map(code),
        event.peer.as_deref().map(|peer| format!("from {}", code(peer))),
        event.detail.as_deref().map(escape_line),
        count,
        event.actor.as_deref().map(|actor| format!("by {}", person(actor))),
        Some(relative_time(event.at)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
