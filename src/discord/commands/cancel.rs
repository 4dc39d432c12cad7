//! `/cancel`: asks first, and can be undone.

use chrono::{DateTime, Utc};
use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::completion::number as complete;
use super::data::{Ctx, Done};
use super::failure::Failure;
use super::order;
use super::route::{Arguments, custom_id};
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{code, money, shown_line};
use crate::order::{Edit, Fields, Guard, Order, Status};

/// Stands for an order without a status.
const NONE: &str = "-";

/// Cancel an order; asks first
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn cancel(
    ctx: Ctx<'_>,
    #[description = "Order number, or the beginning of product, e-mail or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let order = order::find(turn.data, &number).await?;
    turn.show(question(&order)).await
}

/// Button: cancels, where the order is still as it was when the question was asked.
pub(crate) async fn confirmed(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let (id, seen) = (arguments.read()?, arguments.text()?);
    let found = order::by_id(turn.data, id).await?;
    if name_of(found.fields.status) != seen {
        return turn.show(question(&found)).await;
    }
    let set = Fields { status: Some(Status::Cancelled), ..Fields::default() };
    // Of two who press at once, only one cancels, and only that one can undo it.
    let guard = found.fields.status.map(|status| Guard { status, since: found.newest });
    let edit = Edit { order: id, at: Utc::now(), actor: turn.actor(), set, clear: Vec::new(), guard };
    let edited = turn.data.deps.ingest.edit(edit).await?;
    let (before, since) = (name_of(edited.before.fields.status), edited.after.newest.timestamp_micros());
    let undo = CreateButton::new(custom_id("undo", &[&id, &before, &since]))
        .label("Undo")
        .style(ButtonStyle::Secondary);
    turn.show(Screen {
        rows: vec![CreateActionRow::Buttons(vec![undo])],
        ..Screen::text(format!("Order {} is cancelled.", code(edited.after.number.as_str())))
    })
    .await
}

/// Button: leaves everything as it is.
pub(crate) async fn kept(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let order = order::by_id(turn.data, arguments.read()?).await?;
    turn.show(Screen::text(format!("Order {} stays as it is.", code(order.number.as_str())))).await
}

/// Button: gives the order back the status that it had, unless something newer has been said of it.
pub(crate) async fn undone(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let (id, before) = (arguments.read()?, arguments.text()?);
    let since = DateTime::from_timestamp_micros(arguments.read()?).ok_or(Failure::OutOfDate)?;
    let (mut set, mut clear) = (Fields::default(), Vec::new());
    if before == NONE {
        clear.push("status");
    } else {
        set.status = Some(Status::from_name(before).ok_or(Failure::OutOfDate)?);
    }
    let guard = Some(Guard { status: Status::Cancelled, since });
    let edit = Edit { order: id, at: Utc::now(), actor: turn.actor(), set, clear, guard };
    let edited = turn.data.deps.ingest.edit(edit).await?;
    let mut screen = order::screen(turn, &edited.after).await?;
    "It is not cancelled any more.".clone_into(&mut screen.text);
    turn.show(screen).await
}

fn question(order: &Order) -> Screen {
    let Order { id, number, fields, .. } = order;
    let number = code(number.as_str());
    if let Some(status) = fields.status.filter(|status| status.is_void()) {
        return Screen::text(format!("Order {number} is {status} already."));
    }
    let what = [
        fields.product.as_deref().map(shown_line),
        fields.total.map(|total| money(total, order)),
        fields.status.map(|status| format!("now {status}")),
    ];
    let what = what.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let yes = custom_id("cancel", &[id, &name_of(fields.status)]);
    let buttons = vec![
        CreateButton::new(yes).label("Cancel the order").style(ButtonStyle::Danger),
        CreateButton::new(custom_id("keep", &[id])).label("Keep it").style(ButtonStyle::Secondary),
    ];
    Screen {
        rows: vec![CreateActionRow::Buttons(buttons)],
        ..Screen::text(format!("Cancel order {number}?\n{what}"))
    }
}

fn name_of(status: Option<Status>) -> &'static str {
    status.map_or(NONE, Status::as_str)
}
