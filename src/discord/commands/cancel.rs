//! `/cancel`: cancels an order after a confirmation, and can undo that.

use chrono::{DateTime, Utc};
use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::context::{CommandResult, Context, Data, begin_deferred};
use super::order_view::{by_id, complete, find, order_reply};
use crate::discord::reply::Reply;
use crate::discord::reply::components::secondary_button;
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{code, escape_line, money};
use crate::order::{Edit, Fields, Guard, Order, Source, Status};

/// The status argument of a custom id if the order has no status.
const NO_STATUS: &str = "-";

/// Cancel an order, after a confirmation
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn cancel(
    ctx: Context<'_>,
    #[description = "Order number, or the start of a product, e-mail address or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let order = find(data, &number).await?;
    responder.show(question(&order)).await
}

/// Button "Cancel the order": cancels it, unless its status has changed since the question.
pub(crate) async fn confirm(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    responder.defer_update().await?;
    let (id, shown_status) = (arguments.parse()?, arguments.text()?);
    let order = by_id(data, id).await?;
    if status_argument(order.fields.status) != shown_status {
        return responder.show(question(&order)).await;
    }
    let set = Fields { status: Some(Status::Cancelled), ..Fields::default() };
    // If two people confirm at once, only one edit passes the guard, and only that one can be undone.
    let guard = order.fields.status.map(|status| Guard::Status { status, since: order.newest });
    let edit = Edit { set, guard, ..Edit::new(id, Source::DiscordBot, responder.actor(), Utc::now()) };
    let edited = data.services.ingest.edit(edit).await?;
    let before = status_argument(edited.before.fields.status);
    let since = edited.after.newest.timestamp_micros();
    let undo = secondary_button(custom_id("undo", &[&id, &before, &since]), "Undo");
    let reply = Reply::text(format!("Order {} is cancelled.", code(edited.after.number.as_str())));
    responder.show(reply.with_row(CreateActionRow::Buttons(vec![undo]))).await
}

/// Button "Keep it": changes nothing.
pub(crate) async fn decline(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let order = by_id(data, responder.arguments().parse()?).await?;
    responder.show(Reply::text(format!("Order {} was not changed.", code(order.number.as_str())))).await
}

/// Button "Undo": restores the earlier status, unless a newer message or edit has changed the order.
pub(crate) async fn undo(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    responder.defer_update().await?;
    let (id, before) = (arguments.parse()?, arguments.text()?);
    let since = DateTime::from_timestamp_micros(arguments.parse()?).ok_or(CommandError::OutOfDate)?;
    let (mut set, mut clear) = (Fields::default(), Vec::new());
    if before == NO_STATUS {
        clear.push("status");
    } else {
        set.status = Some(Status::from_name(before).ok_or(CommandError::OutOfDate)?);
    }
    let guard = Some(Guard::Status { status: Status::Cancelled, since });
    let edit = Edit { set, clear, guard, ..Edit::new(id, Source::DiscordBot, responder.actor(), Utc::now()) };
    let edited = data.services.ingest.edit(edit).await?;
    let reply = order_reply(data, responder, &edited.after).await?;
    responder.show(reply.with_text("The cancellation was undone.")).await
}

fn question(order: &Order) -> Reply {
    let Order { id, number, fields, .. } = order;
    let number = code(number.as_str());
    if let Some(status) = fields.status.filter(|status| status.is_cancelled_or_refunded()) {
        return Reply::text(format!("Order {number} is already {status}."));
    }
    let summary = [
        fields.product.as_deref().map(escape_line),
        fields.total.map(|total| money(total, order)),
        fields.status.map(|status| format!("now {status}")),
    ];
    let summary = summary.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let confirm = custom_id("cancel", &[id, &status_argument(fields.status)]);
    let buttons = vec![
        CreateButton::new(confirm).label("Cancel the order").style(ButtonStyle::Danger),
        secondary_button(custom_id("keep", &[id]), "Keep it"),
    ];
    Reply::text(format!("Cancel order {number}?\n{summary}")).with_row(CreateActionRow::Buttons(buttons))
}

fn status_argument(status: Option<Status>) -> &'static str {
    status.map_or(NO_STATUS, Status::as_str)
}
