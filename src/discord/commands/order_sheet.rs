//! An order as an embed: whole for the caller, and without what is nobody else's for everybody.

use crate::discord::reply::embed::{FIELD_VALUE, Sheet};
use crate::discord::reply::text::{
    code, colour, moment, money, plain_line, shown, shown_line, sign, tracking, units, web_link,
};
use crate::order::{Fields, Order, Status};
use crate::store::SourceMessage;

/// All that is known of an order.
pub(crate) fn whole(order: &Order, source: Option<SourceMessage>) -> Sheet {
    let fields = &order.fields;
    let mut sheet = begin(order);
    let page = fields.order_url.as_deref().and_then(web_link);
    // Half a link is none.
    let page = page.map(|page| format!("[Order](<{page}>)")).filter(|link| units(link) <= FIELD_VALUE);
    sheet.beside("At the store", page.unwrap_or_default());
    // Before what may be long, so that it is never cut.
    let source = source.map(|SourceMessage { guild, channel, message }| {
        format!("[Message](https://discord.com/channels/{guild}/{channel}/{message})")
    });
    sheet.beside("Source", source.unwrap_or_default());
    sheet.beside("Profile", line(fields.profile.as_ref()));
    sheet.beside("E-mail", line(fields.email.as_ref()));
    sheet.beside("Customer", line(fields.customer_name.as_ref()));
    travel(&mut sheet, fields);
    sheet.beside("Commission", fields.commission.map(|amount| money(amount, order)).unwrap_or_default());
    sheet.beside("Payment", line(fields.payment_method.as_ref()));
    sheet.beside("Reference", line(fields.reference_number.as_ref()));
    sheet.beside("Fraud check", line(fields.fraud_status.as_ref()));
    sheet.wide("Dates", dates(order));
    sheet.wide("Ship to", fields.shipping_address.as_deref().map(shown).unwrap_or_default());
    sheet.wide("Proxy", line(fields.proxy_list.as_ref()));
    sheet.wide("Notes", fields.notes.as_deref().map(shown).unwrap_or_default());
    // Last, for there may be more of them than an embed has room for.
    for (label, value) in &order.extra {
        sheet.beside(&shown_line(label), shown(value));
    }
    sheet.footer = fields.bot.as_deref().map(plain_line).unwrap_or_default();
    sheet
}

/// What everybody in a channel may see: no e-mail address, profile, proxy or address, and nothing in
/// which one may stand, such as the address of the order's page.
pub(crate) fn shared(order: &Order) -> Sheet {
    let mut sheet = begin(order);
    travel(&mut sheet, &order.fields);
    sheet.wide("Dates", dates(order));
    sheet
}

fn begin(order: &Order) -> Sheet {
    let Order { number, fields, .. } = order;
    let status = fields.status.map_or("no status", Status::as_str);
    let headline = match &fields.store {
        Some(store) => format!("{} {status} · {}", sign(fields.status), plain_line(store)),
        None => format!("{} {status}", sign(fields.status)),
    };
    let mut sheet = Sheet {
        author: headline,
        title: fields.product.as_deref().map_or_else(|| "(no product)".to_owned(), shown_line),
        url: fields.product_url.as_deref().and_then(web_link),
        colour: colour(fields.status),
        thumbnail: fields.image_url.as_deref().and_then(web_link),
        ..Sheet::default()
    };
    sheet.wide("Order number", code(number.as_str()));
    sheet.wide("Price", price(order));
    sheet
}

/// Price x quantity = total, as far as they are known.
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

fn travel(sheet: &mut Sheet, fields: &Fields) {
    sheet.beside("Tracking", fields.tracking_number.as_deref().map(tracking).unwrap_or_default());
    sheet.beside("Shipping", line(fields.shipping_method.as_ref()));
    let received = match (fields.qty_received, fields.quantity) {
        (Some(received), Some(quantity)) => format!("{received} of {quantity}"),
        (Some(received), None) => received.to_string(),
        (None, _) => String::new(),
    };
    sheet.beside("Received", received);
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
    let lines = dates.into_iter().filter_map(|(what, at)| Some(format!("{what} {}", moment(at?))));
    lines.collect::<Vec<_>>().join("\n")
}

fn line(text: Option<&String>) -> String {
    text.map(|text| shown_line(text)).unwrap_or_default()
}
