//! Parses the text form of a card into a [`Patch`].

pub(crate) mod bots;
mod builder;
pub mod heading;
mod item_line;
pub mod labels;
pub mod markup;
pub mod money;
mod products;
pub mod text_form;
pub mod typed;
mod values;
mod word_table;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use super::outcome::{Ignored, Outcome, Rejection, RejectionCode};
use crate::order::dates::{self, ParsedDate};
use crate::order::{Carrier, Extra, Fields, OrderNumber, Patch, Source, Status};
use builder::{PatchBuilder, amount_field, date_field, link_field, text_field};
use heading::{CardKind, Notice};
use labels::Column;
use text_form::{LabelledValue, TextForm};

pub use values::{count, status};

/// Maximum characters of the reason of a failed checkout.
const MAX_REASON: usize = 200;

/// Facts that the parser needs beside the card's own text.
#[derive(Clone, Debug)]
pub struct ParseContext {
    /// Discord's edit timestamp or timestamp, or else the arrival. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// How the message arrived.
    pub source: Source,
    /// Zone of dates without one, and of `order_time`.
    pub timezone: Tz,
    /// Currency of amounts if neither the card nor its store implies one.
    pub currency: Currency,
    /// Number of the order of a card that states none: made from its Discord message.
    pub fallback_number: Option<OrderNumber>,
}

/// A card that was understood as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedCard {
    /// News about an order.
    Order {
        /// The fields that the card states or implies.
        patch: Box<Patch>,
        /// Values that could not be read, explained for people.
        warnings: Vec<String>,
    },
    /// News about an order that may exist: a failed checkout, or a card without a number that reports no new order.
    /// It never creates an order.
    IfKnown {
        /// The change if the order exists.
        patch: Box<Patch>,
        /// Values that could not be read, explained for people.
        warnings: Vec<String>,
        /// The outcome if there is no such order: ignored or rejected.
        otherwise: Outcome,
    },
    /// Not an order, or an order that cannot be identified: ignored or rejected.
    NoOrder(Outcome),
}

/// Parses the text form of one card. `None` if the text is not a card at all.
#[must_use]
pub fn parse(text: &str, context: &ParseContext) -> Option<ParsedCard> {
    let mut form = text_form::parse(text);
    products::number_repeated(&mut form.known);
    let mut builder = PatchBuilder::default();
    // Weak labels come last, because they only fill what the others leave empty.
    let (strong, weak): (Vec<_>, Vec<_>) = form.known.iter().partition(|value| !value.label.weak);
    for value in strong.into_iter().chain(weak) {
        add_value(&mut builder, value, context);
    }
    for (name, value) in &form.unknown {
        builder.keep(name, value);
    }
    if let Some(number) = form.heading.as_ref().and_then(|heading| heading.number.as_deref()) {
        builder.set_number("order", number);
    }
    let kind = outcome(&builder, &form);
    assign_title(&mut builder, kind, &form);
    builder.set_product_from_intro(&form.intro, matches!(kind, Some(CardKind::Success | CardKind::Hold)));

    let heading = form.heading.as_ref();
    let heading_reason = heading.and_then(|heading| heading.reason.as_deref());
    if let Some(ignored) = ignored(&builder, &form, kind, heading_reason) {
        let number = match &builder.number {
            Some(text) => OrderNumber::parse(text).ok(),
            None => context.fallback_number.clone(),
        };
        return Some(match number {
            Some(number) if matches!(ignored, Ignored::Failure { .. }) => {
                failure(&builder, number, ignored, context)
            }
            _ => ParsedCard::NoOrder(Outcome::Ignored(ignored)),
        });
    }
    let has_label = form.known.iter().any(|value| !value.lines.is_empty() && !is_embed_part(value));
    let is_prose = !has_label && kind != Some(CardKind::Update);
    if is_prose || (kind.is_none() && !looks_like_order(&builder, &form)) {
        return None;
    }
    use_link_text_as_number(&mut builder);
    let (number, otherwise) = match (order_number(&builder, kind, context), &context.fallback_number) {
        (Ok(number), _) => (number, None),
        // The message may have stated a new order before it was edited.
        (Err(why), Some(number)) if builder.number.is_none() => {
            (number.clone(), Some(Outcome::Rejected(why)))
        }
        (Err(why), _) => return Some(ParsedCard::NoOrder(Outcome::Rejected(why))),
    };

    // The card is not a failure, so a failure reason explains the cancellation.
    let reason = builder.failure_reason.take().or(heading_reason.map(str::to_owned));
    if let Some(reason) = reason {
        builder.keep("failure_reason", &reason);
    }
    set_status_from_heading(&mut builder, kind);
    if builder.stated.status == Some(Status::Cancelled) {
        builder.stated.cancel_reason =
            builder.extra.get("failure_reason").map(|reason| values::cancel_reason(reason));
    }
    builder.use_count_in_name();
    builder.fill_from_items();
    builder.derived.store = heading
        .and_then(|heading| heading.store.clone())
        .or_else(|| builder.author.clone().filter(|author| bots::is_store_name(author)))
        .or_else(|| amazon(&builder));
    if builder.stated.email.is_none() {
        builder.stated.email = builder.stated.profile.clone().filter(|profile| values::is_email(profile));
    }
    builder.set_currency(context.currency);
    let placed_at = builder.embed_time.unwrap_or(context.at);
    let states_date = builder.stated.order_date.is_some();
    if let Some(owner) = builder.mentioned.take() {
        builder.set_owner(&owner);
    }
    builder.stated.proxy_host = builder.stated.proxy_list.as_deref().and_then(values::proxy_host);
    let items = builder.order_items();
    let PatchBuilder { stated, derived, extra, warnings, .. } = builder;
    let derived = Fields {
        quantity: Some(1),
        order_date: Some(placed_at),
        order_time: (!states_date).then(|| time_of_day(placed_at, context)),
        ..derived
    };
    let patch =
        Box::new(Patch { number, at: context.at, source: context.source, stated, derived, extra, items });
    Some(match otherwise {
        None => ParsedCard::Order { patch, warnings },
        Some(otherwise) => ParsedCard::IfKnown { patch, warnings, otherwise },
    })
}

/// A failed checkout of an order number that may exist. A fraud reason cancels the order; any other failure only
/// leaves its reason.
fn failure(
    builder: &PatchBuilder,
    number: OrderNumber,
    ignored: Ignored,
    context: &ParseContext,
) -> ParsedCard {
    let reason = match &ignored {
        Ignored::Failure { reason: Some(reason) } => reason.clone(),
        _ => "Checkout failed".to_owned(),
    };
    let status = builder.is_fraud.then_some(Status::Cancelled);
    let patch = Patch {
        number,
        at: context.at,
        source: context.source,
        stated: Fields {
            status,
            cancel_reason: status.map(|_| values::cancel_reason(&reason)),
            ..Fields::default()
        },
        derived: Fields::default(),
        extra: Extra::from([("failure_reason".to_owned(), reason)]),
        items: Vec::new(),
    };
    let otherwise = Outcome::Ignored(ignored);
    ParsedCard::IfKnown { patch: Box::new(patch), warnings: Vec::new(), otherwise }
}

/// The kind of event that the card reports. A `Result` label counts more than the heading, and the heading more than
/// the footer.
/// Bots that always write the same heading state the outcome by the color.
fn outcome(builder: &PatchBuilder, form: &TextForm) -> Option<CardKind> {
    let footer = builder.footer.as_deref();
    let heading = form.heading.as_ref().map(|heading| heading.kind);
    let footer_kind = || footer.and_then(heading::parse_footer);
    let monitor = || is_from_monitor(builder).then_some(CardKind::Notice(Notice::Monitor));
    let kind = builder.result.or(heading).or_else(footer_kind).or_else(monitor);
    match (kind, builder.color) {
        (Some(CardKind::Success), Some(rgb)) if footer.is_some_and(bots::bot_uses_color) => {
            bots::color_outcome(rgb).or(kind)
        }
        _ => kind,
    }
}

/// Whether the author or the footer says that a card without an order number comes from a stock monitor.
fn is_from_monitor(builder: &PatchBuilder) -> bool {
    let names = [builder.author.as_deref(), builder.footer.as_deref()];
    builder.number.is_none() && names.into_iter().flatten().any(bots::is_monitor_name)
}

/// Uses the title of an embed that is not a heading: as the order number if it starts with `#`, otherwise as
/// the product if the card reports an outcome in another way.
fn assign_title(builder: &mut PatchBuilder, kind: Option<CardKind>, form: &TextForm) {
    let Some(title) = builder.title.take() else { return };
    let states_order = kind.is_some() || has_clear_number(form);
    let is_number = title.strip_prefix('#').is_some_and(|number| {
        !number.contains(char::is_whitespace) && number.contains(|c: char| c.is_ascii_digit())
    });
    if is_number && states_order {
        builder.set_number("embed title", &title);
    } else if states_order && builder.stated.product.is_none() && !bots::is_bot_name(&title) {
        builder.set_text("product", "embed title", &title, |fields| &mut fields.product);
        if let Some(link) = builder.title_link.take() {
            if builder.stated.order_url.as_ref() == Some(&link) {
                builder.stated.order_url = None;
            }
            builder.set_link("product_url", Some(&link), |fields| &mut fields.product_url);
        }
    }
}

/// Some bots write the order number only as the text of a link, under `Tracking` or `Order link`.
fn use_link_text_as_number(builder: &mut PatchBuilder) {
    if builder.number.is_some() {
        return;
    }
    if let Some(number) = builder.order_link_text.take() {
        builder.set_number("order link", &number);
        return;
    }
    let is_number = |number: &mut String| {
        Carrier::of(number).is_none() && !number.contains(char::is_whitespace) && !number.contains("://")
    };
    if builder.tracking_link.is_some()
        && let Some(number) = builder.stated.tracking_number.take_if(is_number)
    {
        builder.number = Some(number);
        let link = builder.tracking_link.take();
        builder.set_link("order_url", link.as_deref(), |fields| &mut fields.order_url);
    }
}

/// Amazon, if the card names no store but its order number or links are Amazon's.
fn amazon(builder: &PatchBuilder) -> Option<String> {
    let links = [&builder.stated.order_url, &builder.stated.product_url];
    let is_amazon = builder.number.as_deref().is_some_and(values::is_amazon_number)
        || links
            .into_iter()
            .flatten()
            .any(|link| link.contains("://www.amazon.") || link.contains("://amazon."));
    is_amazon.then(|| "Amazon".to_owned())
}

/// Whether a value comes from a part of the embed that is not a label of the card.
fn is_embed_part(value: &LabelledValue) -> bool {
    matches!(
        value.label.column,
        Column::Footer
            | Column::Timestamp
            | Column::Author
            | Column::Mention
            | Column::Title
            | Column::Color
            | Column::ImageUrl
    ) || value.label.name == "link"
}

/// Adds the value of one label of the table.
fn add_value(builder: &mut PatchBuilder, value: &LabelledValue, context: &ParseContext) {
    let label = value.label;
    let Some(first) = value.lines.iter().find(|line| !markup::is_no_value(&line.text)) else {
        if label.column == Column::Email {
            builder.warn("email: no value".to_owned());
        }
        return;
    };
    let text = first.text.as_str();
    if label.name == "link" {
        builder.title_link.clone_from(&first.link);
    }
    if let Some((name, field)) = link_field(label.column) {
        builder.set_link(name, first.link.as_deref(), field);
    }
    if label.item > 0 && products::is_item_column(label.column) {
        return builder.set_item(label.column, label.item, first);
    }
    if label.column == Column::Price && builder.set_price_with_count(text) {
        return;
    }
    if matches!(label.column, Column::Product | Column::Item) {
        if values::count(text).is_some() && matches!(label.name, "items" | "products") {
            return builder.set_count("quantity", text, values::count(text), |fields| &mut fields.quantity);
        }
        let is_list_label = matches!(label.name, "items" | "products" | "order items" | "ordered items");
        if builder.set_product_list(&value.lines, is_list_label) {
            return;
        }
    }
    match label.column {
        Column::Tracking => builder.tracking_link.clone_from(&first.link),
        Column::OrderUrl if first.link.is_some() && text.starts_with('#') => {
            builder.order_link_text = Some(text.to_owned());
        }
        Column::CustomerName if values::mentioned_user(text).is_some() => {
            return add_buyer(builder, value, text);
        }
        _ => {}
    }
    if let Some((name, field)) = text_field(label.column) {
        return builder.set_text(name, label.name, text, field);
    }
    if let Some((name, may_be_negative, field)) = amount_field(label.column, builder.has_price()) {
        return builder.set_amount(name, text, may_be_negative, field);
    }
    if let Some((name, field)) = date_field(label.column) {
        let date = builder.set_date(name, text, context.timezone, field);
        if let (Column::OrderDate, Some(ParsedDate { at, day: None })) = (label.column, date) {
            builder.stated.order_time = Some(time_of_day(at, context));
        }
        return;
    }
    match label.column {
        Column::Item => builder.set_product_with_total(label.name, text),
        Column::ShippingAddress => {
            builder.set_lines("shipping_address", value, |fields| &mut fields.shipping_address);
        }
        Column::Notes => builder.set_lines("notes", value, |fields| &mut fields.notes),
        Column::Email
        | Column::Profile
        | Column::Account
        | Column::ProfileAndEmail
        | Column::Payment
        | Column::Owner => add_buyer(builder, value, text),
        Column::Quantity => {
            builder.set_count("quantity", text, values::quantity(text), |fields| &mut fields.quantity);
        }
        Column::QtyReceived => {
            builder.set_count("qty_received", text, values::count(text), |fields| &mut fields.qty_received);
        }
        Column::Status => builder.set_status(text),
        Column::FailureReason => {
            builder.is_fraud |= label.name == "fraud reason";
            builder.failure_reason = Some(text.to_owned());
        }
        Column::CancelReason if heading::is_hold(text) => builder.result = Some(CardKind::Hold),
        Column::CancelReason => {
            builder.is_cancelled = true;
            builder.keep("failure_reason", text);
        }
        Column::OrderNumber => builder.set_number(label.name, text),
        Column::Currency => builder.currency = builder.currency.take().or_else(|| Some(text.to_owned())),
        Column::Timestamp => {
            builder.embed_time = dates::parse(text, context.timezone).map(|date| date.at);
        }
        Column::Footer => builder.set_footer(text),
        Column::Result => builder.set_result(label.name, text),
        Column::Title => builder.title = Some(text.to_owned()),
        Column::Color => builder.color = u32::from_str_radix(text.trim_start_matches('#'), 16).ok(),
        Column::Author => {
            builder.author = Some(text.to_owned());
            builder.stated.bot =
                builder.stated.bot.take().or_else(|| bots::bot(text).map(|(name, _)| name.to_owned()));
        }
        Column::Mention => builder.mentioned = Some(text.to_owned()),
        Column::Extra("size") => add_size(builder, label.name, text),
        Column::Extra(name) => builder.keep_as(name, label.name, text),
        // Handled by the tables above, or not stored.
        _ => {}
    }
}

/// Adds a size. Some bots append the color: `M -- Black`.
fn add_size(builder: &mut PatchBuilder, label: &str, text: &str) {
    let split = text.split_once(" -- ").or_else(|| text.split_once(" / ").filter(|_| label == "size/color"));
    let (size, color) = split.unwrap_or((text, ""));
    builder.keep_as("size", label, size.trim());
    builder.keep_as("color", "color", color.trim());
}

/// Adds a value that says who bought: an e-mail address, a profile, a payment method or the owner.
fn add_buyer(builder: &mut PatchBuilder, value: &LabelledValue, text: &str) {
    let label = value.label;
    match label.column {
        Column::Email if label.weak && !text.contains('@') => builder.keep(label.name, text),
        // A password may follow the address. It is never stored.
        Column::Email => builder.set_email(label.name, values::email_of_account(text).unwrap_or(text)),
        Column::Profile => {
            builder.set_profile(label.name, text);
            // Some bots put the e-mail address on a second line.
            if let Some(second) = value.lines.get(1).filter(|line| values::is_email(&line.text)) {
                builder.set_email(label.name, &second.text);
            }
        }
        Column::Account => match values::email_of_account(text) {
            Some(address) => builder.set_email(label.name, address),
            None => builder.set_profile(label.name, text),
        },
        Column::ProfileAndEmail => {
            let (profile, address) = text.rsplit_once(" / ").unwrap_or((text, ""));
            builder.set_profile(label.name, profile);
            if address.contains('@') {
                builder.set_email(label.name, address);
            }
        }
        Column::Payment if values::is_payment_method(text) => {
            builder.set_text("payment_method", label.name, text, |fields| &mut fields.payment_method);
        }
        Column::Payment => builder.set_profile(label.name, text),
        Column::Owner | Column::CustomerName => {
            match values::mentioned_user(text).or(Some(text).filter(|id| values::is_snowflake(id))) {
                Some(id) => builder.set_owner(id),
                None => builder.keep(label.name, text),
            }
        }
        _ => {}
    }
}

/// Whether the card is not an order, judged by its outcome, `*Reason` labels and status.
fn ignored(
    builder: &PatchBuilder,
    form: &TextForm,
    kind: Option<CardKind>,
    heading_reason: Option<&str>,
) -> Option<Ignored> {
    match kind {
        Some(CardKind::Notice(notice)) if notice.may_be_order() && builder.number.is_some() => {}
        Some(CardKind::Notice(notice)) => return Some(Ignored::Notice(notice)),
        Some(CardKind::Success) if is_queue_pass(builder, form) => {
            return Some(Ignored::Notice(Notice::Queue));
        }
        _ => {}
    }
    let has_failed = kind == Some(CardKind::Failure) || builder.failure_reason.is_some();
    let is_cancelled_or_refunded = builder.is_cancelled
        || matches!(kind, Some(CardKind::Cancelled | CardKind::Refunded))
        || builder.stated.status.is_some_and(Status::is_cancelled_or_refunded);
    (has_failed && !is_cancelled_or_refunded).then(|| {
        let reason = builder.failure_reason.as_deref().or(heading_reason);
        Ignored::Failure { reason: reason.map(|reason| reason.chars().take(MAX_REASON).collect()) }
    })
}

/// Whether a card announces a pass of a waiting room like a checkout: at no price, without an order number,
/// from a queue.
fn is_queue_pass(builder: &PatchBuilder, form: &TextForm) -> bool {
    let is_free = [builder.stated.price, builder.stated.total]
        .into_iter()
        .flatten()
        .all(|amount| amount.hundredths() == 0)
        && builder.has_price();
    let names_queue = |text: &str| text.to_lowercase().starts_with("queue");
    builder.number.is_none()
        && is_free
        && (builder.stated.store.as_deref().is_some_and(names_queue)
            || form.unknown.iter().any(|(name, _)| names_queue(name)))
}

/// Whether a card without a heading is about an order: it states an order number under an unambiguous label,
/// or a number or goods and something else.
fn looks_like_order(builder: &PatchBuilder, form: &TextForm) -> bool {
    let valued = form.known.iter().filter(|value| !value.lines.is_empty() && !is_embed_part(value)).count();
    let stated = &builder.stated;
    let has_goods = stated.product.is_some() || stated.price.is_some() || stated.total.is_some();
    match &builder.number {
        // People may write `Order: pizza`, but an order number has a digit.
        Some(number) => {
            has_clear_number(form) || (valued > 1 && number.contains(|c: char| c.is_ascii_digit()))
        }
        None => has_goods && valued > 1,
    }
}

/// Whether the card has an order number under a label that means nothing else.
fn has_clear_number(form: &TextForm) -> bool {
    form.known.iter().any(|value| value.label.column == Column::OrderNumber && !value.label.weak)
}

fn order_number(
    builder: &PatchBuilder,
    kind: Option<CardKind>,
    context: &ParseContext,
) -> Result<OrderNumber, Rejection> {
    let is_new_order = matches!(kind, Some(CardKind::Success | CardKind::Hold));
    match (&builder.number, context.fallback_number.as_ref().filter(|_| is_new_order)) {
        (Some(text), _) => OrderNumber::parse(text).map_err(|error| Rejection {
            code: RejectionCode::BadOrderNumber,
            detail: format!("the card's order number cannot be kept: {error}"),
        }),
        (None, Some(number)) => Ok(number.clone()),
        (None, None) => Err(Rejection {
            code: RejectionCode::MissingOrderNumber,
            detail: match kind {
                Some(CardKind::Cancelled) => "the card cancels an order but states no order number",
                _ => {
                    "the card states no order number: a line \"Order Number\" with the number on the next line is \
                     missing or empty"
                }
            }
            .to_owned(),
        }),
    }
}

/// A heading about an existing order states its status. A success or hold only derives one.
fn set_status_from_heading(builder: &mut PatchBuilder, kind: Option<CardKind>) {
    let (stated, derived) = match kind {
        _ if builder.is_cancelled => (Some(Status::Cancelled), None),
        Some(CardKind::Cancelled) => (Some(Status::Cancelled), None),
        Some(CardKind::Shipped) => (Some(Status::Shipped), None),
        Some(CardKind::Delivered) => (Some(Status::Delivered), None),
        Some(CardKind::Refunded) => (Some(Status::Refunded), None),
        Some(CardKind::Hold) => (None, Some(Status::Pending)),
        Some(CardKind::Success) => (None, Some(Status::Verified)),
        Some(CardKind::Update | CardKind::Failure | CardKind::Notice(_)) | None => (None, None),
    };
    builder.stated.status = builder.stated.status.or(stated);
    builder.derived.status = derived;
}

/// The time of day in the configured zone, such as `05:56:00 PM`.
fn time_of_day(at: DateTime<Utc>, context: &ParseContext) -> String {
    at.with_timezone(&context.timezone).format("%I:%M:%S %p").to_string()
}
