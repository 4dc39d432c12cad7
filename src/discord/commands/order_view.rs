//! Finds orders and shows them: as an embed, as an option of a select, as an autocomplete choice.

use serenity::all::{CreateActionRow, CreateAutocompleteResponse, CreateButton};

use super::context::{Context, Data, begin};
use crate::card::decode::discord::MessageRef;
use crate::config::Level;
use crate::discord::reply::Reply;
use crate::discord::reply::components::{MAX_CHOICE_LENGTH, MAX_CHOICES, choices, secondary_button, select};
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::embed::{EmbedBuilder, MAX_FIELD_VALUE};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{
    MAX_ECHO, code, escape_line, escape_markdown, money, plain_line, status_colour, status_emoji, timestamp,
    tracking_link, truncate, utf16_len, web_link,
};
use crate::order::items::units;
use crate::order::{Fields, Order, OrderItem, Status};

/// How many similar numbers to suggest for an unknown one.
const MAX_SUGGESTIONS: usize = 5;

/// How many items of an order are listed.
const MAX_ITEMS: usize = 15;
/// The length of an item's name, and of its size and SKU.
const MAX_ITEM_NAME: usize = 120;
const MAX_ITEM_NOTE: usize = 40;
/// Room for the note that there are more items.
const MAX_HIDDEN_NOTE: usize = 15;

/// Finds an order by its number, in the spelling that people use.
///
/// # Errors
/// Suggests similar numbers if there is no such order.
pub(crate) async fn find(data: &Data, number: &str) -> Result<Order, CommandError> {
    let store = &data.services.store;
    if let Some(order) = store.order(number.trim()).await? {
        return Ok(order);
    }
    let similar = store.similar_numbers(number, MAX_SUGGESTIONS).await?;
    let similar: Vec<String> = similar.iter().map(|number| code(number.as_str())).collect();
    let mut text = format!("There is no order {}.", code(&truncate(number, MAX_ECHO)));
    if !similar.is_empty() {
        text = format!("{text} Similar numbers: {}.", similar.join(", "));
    }
    Err(CommandError::user(text))
}

/// Finds an order by its row id.
pub(crate) async fn by_id(data: &Data, id: i64) -> Result<Order, CommandError> {
    data.services.store.order_by_id(id).await?.ok_or(CommandError::OutOfDate)
}

/// Autocompletes an order number. The typed text may also begin the product, and the e-mail address or the
/// profile if the caller may see them.
pub(crate) async fn complete(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (data, responder) = begin(ctx);
    let found = data.services.store.autocomplete(typed, responder.view(), MAX_CHOICES as u64).await;
    // The caller can still type the whole number.
    let orders = found.unwrap_or_else(|error| {
        tracing::debug!(%error, "no autocomplete choices");
        Vec::new()
    });
    let value = |order: &Order| {
        let number = order.number.as_str();
        let fits = number.chars().count() <= MAX_CHOICE_LENGTH;
        // A number too long for a choice is replaced by the row id, which `find` accepts as well.
        if fits { number.to_owned() } else { order.id.to_string() }
    };
    choices(orders.iter().map(|order| (label(order), value(order))))
}

/// A select that opens one of these orders.
pub(crate) fn order_select(orders: &[Order]) -> CreateActionRow {
    let options = orders.iter().map(|order| (label(order), order.id.to_string()));
    select(custom_id("open", &[]), "Open an order", options)
}

/// An order on one line of plain text.
fn label(order: &Order) -> String {
    let Fields { product, store, status, .. } = &order.fields;
    let parts = [Some(order.number.as_str()), product.as_deref(), store.as_deref()];
    let line = parts.into_iter().flatten().map(plain_line).collect::<Vec<_>>().join(" · ");
    format!("{} {line}", status_emoji(*status))
}

/// An order with its buttons.
pub(crate) async fn order_reply(
    data: &Data,
    responder: &Responder<'_>,
    order: &Order,
) -> Result<Reply, CommandError> {
    let source = data.services.store.source_message(order.id).await?;
    let id = &order.id;
    let mut buttons = vec![secondary_button(custom_id("history", &[id]), "History")];
    if responder.has_level(Level::Manager) {
        buttons.push(CreateButton::new(custom_id("edit", &[id])).label("Edit"));
    }
    buttons.push(secondary_button(custom_id("share", &[id]), "Share"));
    let shown = responder.view().order(order.clone());
    Ok(Reply::embed(full_embed(&shown, source)).with_row(CreateActionRow::Buttons(buttons)))
}

/// Everything that the caller may see of an order, for the caller alone.
fn full_embed(order: &Order, source: Option<MessageRef>) -> EmbedBuilder {
    let fields = &order.fields;
    let mut embed = public_summary(order);
    let page = fields.order_url.as_deref().and_then(web_link).map(|page| format!("[Order](<{page}>)"));
    // A link that is cut off leads nowhere.
    let page = page.filter(|link| utf16_len(link) <= MAX_FIELD_VALUE);
    embed.inline_field("At the store", page.unwrap_or_default());
    // Before the fields that may be long, so that it is never cut off.
    let source = source.map(|message| format!("[Message]({})", message.url()));
    embed.inline_field("Source", source.unwrap_or_default());
    embed.inline_field("Profile", line(fields.profile.as_ref()));
    embed.inline_field("E-mail", line(fields.email.as_ref()));
    embed.inline_field("Customer", line(fields.customer_name.as_ref()));
    add_shipping(&mut embed, fields);
    let commission = fields.commission.map(|amount| money(amount, order));
    embed.inline_field("Commission", commission.unwrap_or_default());
    embed.inline_field("Payment", line(fields.payment_method.as_ref()));
    embed.inline_field("Reference", line(fields.reference_number.as_ref()));
    embed.inline_field("Fraud check", line(fields.fraud_status.as_ref()));
    embed.field("Dates", dates(order));
    embed.field("Ship to", fields.shipping_address.as_deref().map(escape_markdown).unwrap_or_default());
    embed.field("Proxy", line(fields.proxy_list.as_ref()));
    embed.field("Notes", fields.notes.as_deref().map(escape_markdown).unwrap_or_default());
    // Last, because an embed may not have room for all of them.
    for (label, value) in &order.extra {
        embed.inline_field(&escape_line(label), escape_markdown(value));
    }
    embed.footer = fields.bot.as_deref().map(plain_line).unwrap_or_default();
    embed
}

/// The part of an order that everybody in a channel may see: no e-mail address, profile, proxy or
/// address, and no field that may contain one, such as the URL of the order's page.
pub(crate) fn public_embed(order: &Order) -> EmbedBuilder {
    let mut embed = public_summary(order);
    add_shipping(&mut embed, &order.fields);
    embed.field("Dates", dates(order));
    embed
}

fn public_summary(order: &Order) -> EmbedBuilder {
    let fields = &order.fields;
    let status = fields.status.map_or("no status", Status::as_str);
    let store = fields.store.as_deref().map(|store| format!(" · {}", plain_line(store)));
    let mut embed = EmbedBuilder {
        author: format!("{} {status}{}", status_emoji(fields.status), store.unwrap_or_default()),
        title: fields.product.as_deref().map_or_else(|| "(no product)".to_owned(), escape_line),
        url: fields.product_url.as_deref().and_then(web_link),
        colour: status_colour(fields.status),
        thumbnail: fields.image_url.as_deref().and_then(web_link),
        ..EmbedBuilder::default()
    };
    embed.field("Order number", code(order.number.as_str()));
    embed.field("Price", price(order));
    embed.field("Items", items(order));
    embed
}

/// One line for each item, as many as fit into a field. The title and the price already show an only item.
fn items(order: &Order) -> String {
    if order.items.len() < 2 {
        return String::new();
    }
    let mut shown: Vec<String> = Vec::new();
    let mut length = 0;
    for (at, item) in order.items.iter().enumerate() {
        let line = item_line(item, order);
        length += utf16_len(&line) + 1;
        if at >= MAX_ITEMS || length + MAX_HIDDEN_NOTE > MAX_FIELD_VALUE {
            shown.push(format!("and {} more", order.items.len() - at));
            break;
        }
        shown.push(line);
    }
    shown.join("\n")
}

fn item_line(item: &OrderItem, order: &Order) -> String {
    let product = item.product.as_deref().unwrap_or("(no product)");
    let product = escape_line(&truncate(product, MAX_ITEM_NAME));
    let note = |text: &Option<String>| {
        text.as_deref().map(|text| format!(" · {}", escape_line(&truncate(text, MAX_ITEM_NOTE))))
    };
    let price = item.line_total.map(|total| format!(" · {}", money(total, order)));
    let received = item.qty_received.map(|received| format!(" · {received} received"));
    let notes = [note(&item.size), note(&item.sku), price, received];
    format!("{} × {product}{}", units(item), notes.into_iter().flatten().collect::<String>())
}

/// `price × quantity = total`, as far as they are known.
fn price(order: &Order) -> String {
    let Fields { price, quantity, total, .. } = &order.fields;
    let price = price.map(|price| money(price, order));
    let total = total.map(|total| format!("**{}**", money(total, order)));
    match (price, quantity, total) {
        (Some(price), Some(quantity), Some(total)) => format!("{price} × {quantity} = {total}"),
        (Some(price), Some(quantity), None) => format!("{price} × {quantity}"),
        (Some(price), None, None) => price,
        (Some(price), None, Some(total)) => format!("{price}; total {total}"),
        (None, Some(quantity), Some(total)) => format!("{quantity} for {total}"),
        (None, None, Some(total)) => total,
        (None, Some(quantity), None) => format!("× {quantity}"),
        (None, None, None) => String::new(),
    }
}

fn add_shipping(embed: &mut EmbedBuilder, fields: &Fields) {
    let tracking = fields.tracking_number.as_deref().map(tracking_link);
    embed.inline_field("Tracking", tracking.unwrap_or_default());
    embed.inline_field("Shipping", line(fields.shipping_method.as_ref()));
    let received = match (fields.qty_received, fields.quantity) {
        (Some(received), Some(quantity)) => format!("{received} of {quantity}"),
        (Some(received), None) => received.to_string(),
        (None, _) => String::new(),
    };
    embed.inline_field("Received", received);
}

fn dates(order: &Order) -> String {
    let Fields { order_date, posted_date, shipped_date, delivered_date, .. } = &order.fields;
    let dates = [
        ("Ordered", *order_date),
        ("Posted", *posted_date),
        ("Shipped", *shipped_date),
        ("Delivered", *delivered_date),
        ("Last change", Some(order.updated_at)),
    ];
    let lines = dates.into_iter().filter_map(|(name, at)| Some(format!("{name} {}", timestamp(at?))));
    lines.collect::<Vec<_>>().join("\n")
}

fn line(text: Option<&String>) -> String {
    text.map(|text| escape_line(text)).unwrap_or_default()
}
