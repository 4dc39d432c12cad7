//! Finds the order number of a card in titles and links, and decides which number the order gets.

use super::builder::PatchBuilder;
use super::heading::CardKind;
use super::labels::{self, Column};
use super::text_form::{LabelledValue, TextForm};
use super::{bots, values};
use crate::card::outcome::{Rejection, RejectionCode};
use crate::order::{Carrier, MAX_LINE, OrderNumber, cut};

/// Parts of links that lead to an order and not to a parcel.
const ORDER_PATHS: [&str; 2] = ["/orders/", "/order/"];
/// Minimum digits of an order number in a title without `#`.
const MIN_DIGITS: usize = 4;

/// Minimum digits of a title that consists only of an order number.
const MIN_DIGITS_ALONE: usize = 9;

/// The order number that a title states, and the store in front of it: `#112-…`, `Order #112-…`, `Amazon Order: 112-…`.
pub(crate) fn in_title(title: &str) -> Option<(&str, Option<&str>)> {
    let title = title.trim();
    let number = title.rsplit(|c: char| c.is_whitespace() || matches!(c, '#' | ':')).next()?;
    let before = title.strip_suffix(number)?;
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let has_mark = before.trim_end().ends_with(['#', ':']);
    let before = before.trim_end_matches(['#', ':', ' ']);
    if digits == 0 || !(has_mark || digits >= MIN_DIGITS) {
        return None;
    }
    if before.is_empty() {
        let is_long = digits >= MIN_DIGITS_ALONE && digits == number.len();
        return (has_mark || is_long || values::is_amazon_number(number)).then_some((number, None));
    }
    let is_label = |text: &str| labels::find(text).is_some_and(|label| label.column == Column::OrderNumber);
    let store = before.match_indices(' ').find_map(|(at, _)| {
        let (store, label) = before.split_at_checked(at)?;
        (bots::is_store_name(store) && is_label(label)).then_some(store)
    });
    (store.is_some() || is_label(before)).then_some((number, store))
}

/// Uses the title of an embed that is not a heading: as the order number if it is one, otherwise as the
/// product if the card reports an outcome in another way. Such a product is derived, because the title may
/// also be an outcome in words that ROMS does not know. Returns whether the title is the number.
pub(crate) fn assign_title(builder: &mut PatchBuilder, has_outcome: bool, is_order: bool) -> bool {
    let Some(title) = builder.title.take() else { return false };
    let store = if has_outcome { bots::store_in_title(&title) } else { None };
    match in_title(&title).filter(|_| is_order) {
        Some((number, store)) => {
            builder.set_number("embed title", &format!("#{number}"));
            if let Some(store) = store {
                builder.set_text("store", "embed title", store, |fields| &mut fields.store);
            }
            return true;
        }
        None if store.is_some() => builder.derived.store = store,
        None if has_outcome
            && !builder.has_product()
            && !bots::is_bot_name(&title)
            && labels::find(&title).is_none() =>
        {
            builder.derived.product = Some(cut(&title, MAX_LINE));
            if let Some(link) = builder.title_link.take() {
                if builder.stated.order_url.as_ref() == Some(&link) {
                    builder.stated.order_url = None;
                }
                builder.derived.product_url = Some(link).filter(|link| link.chars().count() <= MAX_LINE);
            }
        }
        None => {}
    }
    false
}

/// Whether a value under the everyday label `Order` is no order number: people may write `Order: pizza`, but an order
/// number has a digit.
pub(crate) fn is_prose(value: &LabelledValue) -> bool {
    let has_digit = |text: &str| text.contains(|c: char| c == '#' || c.is_ascii_digit());
    value.label.name == "order" && !value.lines.iter().any(|line| has_digit(&line.text))
}

/// Whether the card has an order number under a label that is not ambiguous.
pub(crate) fn is_clear(form: &TextForm) -> bool {
    form.known.iter().any(|value| value.label.column == Column::OrderNumber && !value.label.weak)
}

/// Sets the order number from the text of a link, because some bots write it only there, under `Tracking` or
/// `Order link`.
pub(crate) fn use_link_text(builder: &mut PatchBuilder) {
    if builder.number.is_some() {
        return;
    }
    if let Some(number) = builder.order_link_text.take() {
        builder.set_number("order link", &number);
        return;
    }
    let leads_to_order =
        builder.tracking_link.as_ref().is_some_and(|link| ORDER_PATHS.iter().any(|path| link.contains(path)));
    let is_number = |number: &mut String| {
        (leads_to_order || Carrier::of(number).is_none())
            && !number.contains(char::is_whitespace)
            && !number.contains("://")
    };
    if builder.tracking_link.is_some()
        && let Some(number) = builder.stated.tracking_number.take_if(is_number)
    {
        builder.number = Some(number);
        let link = builder.tracking_link.take();
        builder.set_link("order_url", link.as_deref(), |fields| &mut fields.order_url);
    }
}

/// The number of the order of a card, or why there is none.
pub(crate) fn of_card(
    builder: &PatchBuilder,
    kind: Option<CardKind>,
    fallback: Option<&OrderNumber>,
) -> Result<OrderNumber, Rejection> {
    let is_new_order = matches!(kind, Some(CardKind::Success | CardKind::Hold));
    match (&builder.number, fallback.filter(|_| is_new_order)) {
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
