//! Menu of a message, "Show order": shows the orders that the message created or changed.

use serenity::all::Message;

use super::context::{CommandResult, Context, begin_deferred};
use super::order_view::{order_reply, order_select};
use crate::config::Level;
use crate::discord::reply::Reply;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::text::pluralize;

#[poise::command(context_menu_command = "Show order", guild_only, ephemeral)]
pub(crate) async fn show_order(ctx: Context<'_>, message: Message) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let orders = data.services.store.orders_of_message(message.id.get().cast_signed()).await?;
    let reply = match orders.as_slice() {
        [] => {
            let hint = if responder.has_level(Level::Manager) {
                " To read it now, choose \"Read as order\" in the same menu."
            } else {
                ""
            };
            return Err(CommandError::user(format!("No order is stored from this message.{hint}")));
        }
        [order] => order_reply(data, &responder, order).await?,
        orders => {
            let count = pluralize(orders.len() as u64, "order", "orders");
            Reply::text(format!("{count} are stored from this message:")).with_row(order_select(orders))
        }
    };
    responder.show(reply).await
}
