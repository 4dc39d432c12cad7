//! Menu of a message: the orders that came of it.

use serenity::all::{
    CreateActionRow, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption, Message,
};

use super::completion::label;
use super::data::{Ctx, Done};
use super::failure::Failure;
use super::order;
use super::route::custom_id;
use crate::config::Level;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::counted;
use crate::order::Order;

/// Most options of a select.
const MOST: usize = 25;

#[poise::command(context_menu_command = "Show order", guild_only, ephemeral)]
pub(crate) async fn show_order(ctx: Ctx<'_>, message: Message) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let orders = turn.data.deps.store.orders_of_message(message.id.get().cast_signed()).await?;
    let screen = match orders.as_slice() {
        [] => {
            let hint = if turn.may(Level::Manager) {
                " \"Read as order\" in the same menu looks at it again."
            } else {
                ""
            };
            return Err(Failure::told(format!("No order came of this message.{hint}")));
        }
        [only] => order::screen(&turn, only).await?,
        several => Screen {
            rows: vec![choice_of(several)],
            ..Screen::text(format!(
                "{} came of this message:",
                counted(several.len() as u64, "order", "orders")
            ))
        },
    };
    turn.show(screen).await
}

/// A select that opens one of these orders.
pub(crate) fn choice_of(orders: &[Order]) -> CreateActionRow {
    let option = |order: &Order| CreateSelectMenuOption::new(label(order), order.id.to_string());
    let options = orders.iter().take(MOST).map(option).collect();
    let kind = CreateSelectMenuKind::String { options };
    CreateActionRow::SelectMenu(
        CreateSelectMenu::new(custom_id("open", &[]), kind).placeholder("Open an order"),
    )
}
