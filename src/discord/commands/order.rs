//! `/order`: one order, its history, and sharing it.

use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::completion::number as complete;
use super::data::{Ctx, Data, Done};
use super::failure::Failure;
use super::order_sheet;
use super::route::{Arguments, custom_id};
use crate::config::Level;
use crate::discord::reply::embed::{Sheet, TITLE};
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{code, code_within, colour, cut, moment, shown_line};
use crate::order::Order;
use crate::redact::credentials;
use crate::store::OrderEvent;

/// Numbers that are offered where one is not found.
const NEAREST: usize = 5;
/// Longest value of a change, in a history.
const LONGEST_VALUE: usize = 120;
/// Steps of a history that are shown: the newest.
const STEPS: usize = 15;

/// Show one order
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn order(
    ctx: Ctx<'_>,
    #[description = "Order number, or the beginning of product, e-mail or profile"]
    #[autocomplete = "complete"]
    number: String,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let order = find(turn.data, &number).await?;
    turn.show(screen(&turn, &order).await?).await
}

/// The order of a number as people write it.
///
/// # Errors
/// Tells which numbers come near, where there is none.
pub(crate) async fn find(data: &Data, number: &str) -> Result<Order, Failure> {
    let store = &data.deps.store;
    if let Some(order) = store.order(number.trim()).await? {
        return Ok(order);
    }
    let nearest = store.nearest(number, NEAREST).await?;
    let nearest: Vec<String> = nearest.iter().map(|number| code(number.as_str())).collect();
    let asked = code(&cut(number, LONGEST_VALUE));
    Err(Failure::told(if nearest.is_empty() {
        format!("There is no order {asked}.")
    } else {
        format!("There is no order {asked}. The nearest: {}.", nearest.join(", "))
    }))
}

/// The order of a row id.
///
/// # Errors
/// Out of date, where it is gone.
pub(crate) async fn by_id(data: &Data, id: i64) -> Result<Order, Failure> {
    data.deps.store.order_by_id(id).await?.ok_or(Failure::OutOfDate)
}

/// An order with its buttons.
pub(crate) async fn screen(turn: &Turn<'_>, order: &Order) -> Result<Screen, Failure> {
    let source = turn.data.deps.store.source_message(order.id).await?;
    let id = &order.id;
    let mut buttons =
        vec![CreateButton::new(custom_id("history", &[id])).label("History").style(ButtonStyle::Secondary)];
    if turn.may(Level::Manager) {
        buttons.push(CreateButton::new(custom_id("edit", &[id])).label("Edit"));
    }
    buttons.push(CreateButton::new(custom_id("share", &[id])).label("Share").style(ButtonStyle::Secondary));
    Ok(Screen {
        rows: vec![CreateActionRow::Buttons(buttons)],
        ..Screen::sheet(order_sheet::whole(order, source))
    })
}

/// Button: back to the order.
pub(crate) async fn again(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let order = by_id(turn.data, arguments.read()?).await?;
    turn.show(screen(turn, &order).await?).await
}

/// Select: one order of several, in a message of its own.
pub(crate) async fn chosen(turn: &Turn<'_>, _: Arguments<'_>) -> Done {
    turn.defer().await?;
    let id = turn.chosen.first().and_then(|id| id.parse().ok()).ok_or(Failure::OutOfDate)?;
    let order = by_id(turn.data, id).await?;
    turn.show(screen(turn, &order).await?).await
}

/// Button: posts the order for everybody, without what is nobody else's.
pub(crate) async fn share(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let order = by_id(turn.data, arguments.read()?).await?;
    turn.publish(Screen::sheet(order_sheet::shared(&order))).await
}

/// Button: what happened to the order.
pub(crate) async fn history(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let order = by_id(turn.data, arguments.read()?).await?;
    let events = turn.data.deps.store.events(order.id).await?;
    let back =
        CreateButton::new(custom_id("order", &[&order.id])).label("Back").style(ButtonStyle::Secondary);
    let mut sheet = Sheet {
        author: "History".to_owned(),
        title: code_within(order.number.as_str(), TITLE),
        colour: colour(order.fields.status),
        ..Sheet::default()
    };
    let hidden = events.len().saturating_sub(STEPS);
    if hidden > 0 {
        sheet.footer = format!("{hidden} older steps are not shown");
    }
    for event in events.iter().rev().take(STEPS) {
        sheet.wide(&headline(event), steps(event));
    }
    let rows = vec![CreateActionRow::Buttons(vec![back])];
    turn.show(Screen { rows, ..Screen::sheet(sheet) }).await
}

fn headline(event: &OrderEvent) -> String {
    let by = match event.source.as_str() {
        "webhook" => "over HTTP",
        "discord_bot" => "from Discord",
        _ => "by hand",
    };
    match event.log_id {
        Some(log_id) => format!("{} {by} (log {log_id})", event.event_type),
        None => format!("{} {by}", event.event_type),
    }
}

/// Who did something by hand. A mention shows the name, and pings nobody.
fn who(actor: &str) -> String {
    match actor.strip_prefix("discord:") {
        Some(user) => format!("<@{user}>"),
        None => code(actor),
    }
}

fn steps(event: &OrderEvent) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => shown_line(&cut(&credentials(value), LONGEST_VALUE)),
        None => "—".to_owned(),
    };
    let by = event.actor.as_deref().map(|actor| format!(" by {}", who(actor))).unwrap_or_default();
    let mut lines = vec![format!("{}{by}", moment(event.created_at))];
    lines.extend(event.changes.iter().map(|change| {
        let field = shown_line(&change.field);
        match &change.old {
            None => format!("{field}: {}", value(&change.new)),
            Some(_) => format!("{field}: {} → {}", value(&change.old), value(&change.new)),
        }
    }));
    lines.join("\n")
}
