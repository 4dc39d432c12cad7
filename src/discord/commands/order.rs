//! `/order`: shows one order and its history, and shares it.

use serenity::all::CreateActionRow;

use super::context::{CommandResult, Context, Data, begin_deferred};
use super::order_view::{by_id, complete, find, order_reply, public_embed};
use crate::discord::reply::Reply;
use crate::discord::reply::components::secondary_button;
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::embed::{EmbedBuilder, MAX_TITLE};
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{code_within, escape_line, person, status_colour, timestamp, truncate};
use crate::order::View;
use crate::store::OrderEvent;

/// The length of an old or new value in a history.
const MAX_VALUE: usize = 120;
/// How many events of a history are shown, the newest first.
const MAX_EVENTS: usize = 15;

/// Show one order
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn order(
    ctx: Context<'_>,
    #[description = "Order number, or the start of a product; for managers also of an e-mail or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let order = find(data, &number).await?;
    responder.show(order_reply(data, &responder, &order).await?).await
}

/// Button "Back": shows the order again.
pub(crate) async fn show(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let order = by_id(data, responder.arguments().parse()?).await?;
    responder.show(order_reply(data, responder, &order).await?).await
}

/// Select: shows one of several orders in a message of its own.
pub(crate) async fn open(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer().await?;
    let order = by_id(data, responder.selected_id()?).await?;
    responder.show(order_reply(data, responder, &order).await?).await
}

/// Button "Share": posts the order for everybody, without private data.
pub(crate) async fn share(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let order = by_id(data, responder.arguments().parse()?).await?;
    responder.publish(Reply::embed(public_embed(&order))).await
}

/// Button "History": shows the events of the order.
pub(crate) async fn history(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let order = by_id(data, responder.arguments().parse()?).await?;
    let events = data.services.store.latest_events(order.id, MAX_EVENTS as u64).await?;
    let mut embed = EmbedBuilder {
        author: "History".to_owned(),
        title: code_within(order.number.as_str(), MAX_TITLE),
        colour: status_colour(order.fields.status),
        ..EmbedBuilder::default()
    };
    let hidden = events.total.count.saturating_sub(events.items.len() as u64);
    if hidden > 0 {
        embed.footer = format!("{hidden} older events are not shown");
    }
    for event in events.items {
        embed.field(&heading(&event), description(event, responder.view()));
    }
    let back = secondary_button(custom_id("order", &[&order.id]), "Back");
    responder.show(Reply::embed(embed).with_row(CreateActionRow::Buttons(vec![back]))).await
}

fn heading(event: &OrderEvent) -> String {
    let source = match event.source.as_str() {
        "webhook" => "over HTTP",
        "discord_bot" => "from Discord",
        _ => "by hand",
    };
    let log = event.log_id.map(|id| format!(" (log {id})")).unwrap_or_default();
    format!("{} {source}{log}", event.event_type)
}

fn description(event: OrderEvent, view: View) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => escape_line(&truncate(value, MAX_VALUE)),
        None => "—".to_owned(),
    };
    let actor = event.actor.as_deref().map(|actor| format!(" by {}", person(actor)));
    let mut lines = vec![format!("{}{}", timestamp(event.created_at), actor.unwrap_or_default())];
    lines.extend(event.changes.into_iter().map(|change| view.change(change)).map(|change| {
        let field = escape_line(&change.field);
        match &change.old {
            None => format!("{field}: {}", value(&change.new)),
            Some(_) => format!("{field}: {} → {}", value(&change.old), value(&change.new)),
        }
    }));
    lines.join("\n")
}
