//! Entries read into a reading: which kind of card it is, and what each label says.

use super::columns::{amount_slot, date_slot, link_slot, text_slot};
use super::draft::Draft;
use super::entries::{Entries, Entry};
use super::headline::Kind;
use super::labels::Column;
use super::{ParseContext, ParsedCard, bad_order_number, markup, missing_order_number, values};
use crate::card::outcome::{Ignored, Outcome, Rejection};
use crate::order::dates;
use crate::order::dates::ParsedDate;
use crate::order::{Fields, OrderNumber, Patch, Status};

/// Longest reason of a failure that is told, in characters.
const MAX_REASON: usize = 200;

/// Reads a card from its entries.
pub(crate) fn read(entries: &Entries, context: &ParseContext) -> Option<ParsedCard> {
    let mut draft = Draft::default();
    // Weak labels fill what the others leave empty, so they come last.
    let (strong, weak): (Vec<_>, Vec<_>) = entries.known.iter().partition(|entry| !entry.label.weak);
    for entry in strong.into_iter().chain(weak) {
        take(&mut draft, entry, context);
    }
    draft.take_preamble(&entries.preamble);
    for (name, value) in &entries.unknown {
        draft.keep(name, value);
    }
    let headline = entries.headline.as_ref();
    let kind = headline.map(|headline| headline.kind);
    if let Some(ignored) = ignored(&draft, kind, headline.and_then(|headline| headline.remark.as_deref())) {
        return Some(ParsedCard::NoOrder(Outcome::Ignored(ignored)));
    }
    if kind.is_none() && !reads_as_order(&draft, entries) {
        return None;
    }
    let number = match number(&draft, context) {
        Ok(number) => number,
        Err(rejection) => return Some(ParsedCard::NoOrder(Outcome::Rejected(rejection))),
    };
    // The reason of a failure that is none is that of the cancellation.
    if let Some(reason) = draft.failure.take() {
        draft.keep("failure_reason", &reason);
    }
    take_kind(&mut draft, kind, headline.and_then(|headline| headline.store.as_deref()));
    Some(into_parsed(draft, number, context))
}

/// Takes the value of one label.
fn take(draft: &mut Draft, entry: &Entry, context: &ParseContext) {
    let Some(first) = entry.lines.iter().find(|line| !markup::is_no_value(&line.text)) else {
        if entry.label.column == Column::Email {
            draft.warn("email: no value".to_owned());
        }
        return;
    };
    let (label, text) = (entry.label, first.text.as_str());
    if let Some((name, slot)) = link_slot(label.column) {
        draft.take_link(name, first.link.as_deref(), slot);
    }
    if let (Column::Product | Column::Item | Column::Price | Column::Quantity, 1..) =
        (label.column, label.item)
    {
        return draft.take_item(label.column, label.item, text);
    }
    if let Some((name, slot)) = text_slot(label.column) {
        return draft.take_text(name, label.name, text, slot);
    }
    if let Some((name, signed, slot)) = amount_slot(label.column, draft.has_price()) {
        return draft.take_amount(name, text, signed, slot);
    }
    if let Some((name, slot)) = date_slot(label.column) {
        let date = draft.take_date(name, text, context.timezone, slot);
        if let (Column::OrderDate, Some(ParsedDate { at, day: None })) = (label.column, date) {
            draft.stated.order_time = Some(time_of_day(at, context));
        }
        return;
    }
    match label.column {
        Column::Item => draft.take_item_with_total(label.name, text),
        Column::ShippingAddress => {
            draft.take_lines("shipping_address", entry, |fields| &mut fields.shipping_address);
        }
        Column::Notes => draft.take_lines("notes", entry, |fields| &mut fields.notes),
        Column::Email if label.weak && !text.contains('@') => draft.keep(label.name, text),
        // A password behind the address is nobody's business.
        Column::Email => draft.take_email(label.name, values::email_of_account(text).unwrap_or(text)),
        Column::Profile => {
            draft.take_profile(label.name, text);
            // Some bots put the e-mail on a second line.
            if let Some(second) = entry.lines.get(1).filter(|line| values::is_email(&line.text)) {
                draft.take_email(label.name, &second.text);
            }
        }
        Column::Account => match values::email_of_account(text) {
            Some(address) => draft.take_email(label.name, address),
            None => draft.take_profile(label.name, text),
        },
        Column::ProfileAndEmail => {
            let (profile, address) = text.rsplit_once(" / ").unwrap_or((text, ""));
            draft.take_profile(label.name, profile);
            if address.contains('@') {
                draft.take_email(label.name, address);
            }
        }
        Column::Payment if values::is_payment_method(text) => {
            draft.take_text("payment_method", label.name, text, |fields| &mut fields.payment_method);
        }
        Column::Payment => draft.take_profile(label.name, text),
        Column::Quantity => draft.take_count("quantity", text, values::quantity(text), |f| &mut f.quantity),
        Column::QtyReceived => {
            draft.take_count("qty_received", text, values::count(text), |f| &mut f.qty_received);
        }
        Column::Status => draft.take_status(text),
        Column::FailureReason => draft.failure = Some(text.to_owned()),
        Column::CancelReason => {
            draft.cancelled = true;
            draft.keep("failure_reason", text);
        }
        Column::OrderNumber => draft.take_number(label.name, text),
        Column::Currency => draft.currency = draft.currency.take().or_else(|| Some(text.to_owned())),
        Column::Timestamp => draft.sent = dates::parse(text, context.timezone).map(|date| date.at),
        Column::Footer => draft.take_footer(text),
        Column::Extra(name) => draft.keep(name, text),
        // The rest were taken by the tables above, or are left out.
        _ => {}
    }
}

/// Whether the card is none of an order, by heading, `*Reason` fields and status.
fn ignored(draft: &Draft, kind: Option<Kind>, remark: Option<&str>) -> Option<Ignored> {
    match kind {
        Some(Kind::Test) if draft.number.is_none() => return Some(Ignored::Test),
        Some(Kind::Monitor) if draft.number.is_none() => return Some(Ignored::Monitor),
        _ => {}
    }
    let failed = kind == Some(Kind::Failure) || draft.failure.is_some();
    let void = draft.cancelled
        || matches!(kind, Some(Kind::Cancelled | Kind::Refunded))
        || draft.stated.status.is_some_and(Status::is_cancelled_or_refunded);
    (failed && !void).then(|| Ignored::Failure {
        reason: draft.failure.as_deref().or(remark).map(|reason| reason.chars().take(MAX_REASON).collect()),
    })
}

/// Whether a card without a headline is one of an order: it states a number under a label that
/// means nothing else, or a number or goods with something more.
fn reads_as_order(draft: &Draft, entries: &Entries) -> bool {
    let valued = entries.known.iter().filter(|entry| !entry.lines.is_empty()).count();
    let named_number =
        entries.known.iter().any(|entry| entry.label.column == Column::OrderNumber && !entry.label.weak);
    let stated = &draft.stated;
    let goods = stated.product.is_some() || stated.price.is_some() || stated.total.is_some();
    match &draft.number {
        // Talk may say `Order: pizza`; a number has a digit.
        Some(number) => named_number || (valued > 1 && number.contains(|c: char| c.is_ascii_digit())),
        None => goods && valued > 1,
    }
}

fn number(draft: &Draft, context: &ParseContext) -> Result<OrderNumber, Rejection> {
    match (&draft.number, &context.fallback_number) {
        (Some(text), _) => OrderNumber::parse(text).map_err(bad_order_number),
        (None, Some(number)) => Ok(number.clone()),
        (None, None) => Err(missing_order_number()),
    }
}

/// What the headline says: news of an order are stated, a success is derived.
fn take_kind(draft: &mut Draft, kind: Option<Kind>, store: Option<&str>) {
    let (stated, derived) = match kind {
        _ if draft.cancelled => (Some(Status::Cancelled), None),
        Some(Kind::Cancelled) => (Some(Status::Cancelled), None),
        Some(Kind::Shipped) => (Some(Status::Shipped), None),
        Some(Kind::Delivered) => (Some(Status::Delivered), None),
        Some(Kind::Refunded) => (Some(Status::Refunded), None),
        Some(Kind::Hold) => (None, Some(Status::Pending)),
        Some(Kind::Success) => (None, Some(Status::Verified)),
        Some(Kind::Update | Kind::Failure | Kind::Test | Kind::Monitor) | None => (None, None),
    };
    draft.stated.status = draft.stated.status.or(stated);
    draft.derived.status = derived;
    draft.derived.store = store.map(str::to_owned);
}

/// Adds what follows from the card and its message.
fn into_parsed(mut draft: Draft, number: OrderNumber, context: &ParseContext) -> ParsedCard {
    draft.take_items();
    draft.settle_currency(context.currency);
    let placed = draft.sent.unwrap_or(context.at);
    let dated = draft.stated.order_date.is_some();
    draft.derived = Fields {
        quantity: Some(1),
        order_date: Some(placed),
        order_time: (!dated).then(|| time_of_day(placed, context)),
        ..draft.derived
    };
    let Draft { stated, derived, extra, warnings, .. } = draft;
    let patch = Patch { number, at: context.at, source: context.source, stated, derived, extra };
    ParsedCard::Order { patch: Box::new(patch), warnings }
}

/// `05:56:00 PM` in the configured zone.
fn time_of_day(at: chrono::DateTime<chrono::Utc>, context: &ParseContext) -> String {
    at.with_timezone(&context.timezone).format("%I:%M:%S %p").to_string()
}
