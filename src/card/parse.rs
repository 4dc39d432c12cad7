//! Parses the text form of a card into a [`Patch`].

mod add;
pub(crate) mod bots;
mod builder;
mod color;
pub mod heading;
mod item_line;
pub mod labels;
pub mod markup;
pub mod money;
mod number;
mod prices;
mod products;
pub mod text_form;
pub mod typed;
pub(crate) mod values;
mod word_table;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use super::outcome::{Ignored, Outcome};
use crate::order::{Extra, Fields, OrderNumber, Patch, Source, Status};
use crate::redact;
use add::{add_value, time_of_day};
use builder::{PatchBuilder, ReasonKind};
use heading::{CardKind, Certainty, Heading, Notice};
use labels::Column;
use products::StatedQuantities;
use text_form::{LabelledValue, TextForm};

pub(crate) use builder::usual_currency;
pub(crate) use values::proxy_host;
pub use values::{count, status};

/// Maximum characters of the reason of a failed checkout.
const MAX_REASON: usize = 200;

/// The parser's knowledge besides the text of the card: its time, its source and the settings.
#[derive(Clone, Debug)]
pub struct ParseContext {
    /// The time of the message: Discord's edit timestamp, else its timestamp, else the arrival. UTC,
    /// microseconds.
    pub at: DateTime<Utc>,
    /// How the message arrived.
    pub source: Source,
    /// Time zone of dates that name none, and of `order_time`.
    pub timezone: Tz,
    /// Currency of amounts if neither the card nor its store implies one.
    pub currency: Currency,
    /// Order number for a card that states none, made from its Discord message.
    pub fallback_number: Option<OrderNumber>,
}

/// A card that was understood as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedCard {
    /// The card reports a new order or a change of an order.
    Order {
        /// The fields that the card states or implies.
        patch: Box<Patch>,
        /// Values that could not be read, explained for people.
        warnings: Vec<String>,
    },
    /// The card is about an order that may exist: a failed checkout, or an update without an order number. It
    /// never creates an order.
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
    products::split_columns(&mut form.known);
    products::number_repeated(&mut form.known);
    let mut builder = PatchBuilder::default();
    // Weak labels come last, because they only fill what the others leave empty.
    let (strong, weak): (Vec<_>, Vec<_>) = form.known.iter().partition(|value| !value.label.weak);
    let quantities = StatedQuantities::of(&form.known);
    for value in strong.into_iter().chain(weak) {
        add_value(&mut builder, value, &quantities, context.timezone);
    }
    for (name, value) in &form.unknown {
        builder.keep(name, value);
    }
    if let Some(number) = form.heading.as_ref().and_then(|heading| heading.number.as_deref()) {
        builder.set_number("order", number);
    }
    let kind = outcome(&builder, &form);
    if matches!(kind, None | Some(CardKind::Update | CardKind::Failure)) && builder.failure_reason.is_none() {
        use_error_label(&mut builder, &form, kind);
    }
    let has_outcome = builder.stated.status.is_some() || kind.is_some_and(CardKind::is_outcome);
    let looks_like_order = looks_like_order(&builder, &form);
    let is_order = kind.is_some() || number::is_clear(&form) || looks_like_order;
    let names_product = builder.has_product();
    let title_is_number = number::assign_title(&mut builder, has_outcome, is_order);
    let is_new = matches!(kind, Some(CardKind::Success | CardKind::Hold));
    builder.set_product_from_intro(&form.intro, has_outcome, is_new);
    if title_is_number {
        builder.set_store_from_intro(&form.intro);
    }

    let heading = form.heading.as_ref();
    let said = heading.filter(|heading| Some(heading.kind) == kind);
    let heading_reason = said.and_then(|heading| heading.reason.as_deref()).map(redact::credentials);
    if let Some(ignored) = ignored(&builder, &form, kind, heading_reason.as_deref()) {
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
    let is_prose = (!has_label(&form) && kind != Some(CardKind::Update))
        || (builder.number.is_none() && is_new && is_chat(&builder, said, names_product));
    if is_prose || (kind.is_none() && !(looks_like_order || title_is_number)) {
        return None;
    }
    number::use_link_text(&mut builder);
    let (number, otherwise) =
        match (number::of_card(&builder, kind, context.fallback_number.as_ref()), &context.fallback_number) {
            (Ok(number), _) => (number, None),
            // The message may have stated a new order before it was edited.
            (Err(why), Some(number)) if builder.number.is_none() => {
                (number.clone(), Some(Outcome::Rejected(why)))
            }
            (Err(why), _) => return Some(ParsedCard::NoOrder(Outcome::Rejected(why))),
        };

    // The card is not a failure, so a failure reason explains the cancellation.
    let reason = builder.failure_reason.take().or(heading_reason.map(Cow::into_owned));
    set_status_from_heading(&mut builder, kind);
    match reason {
        Some(reason) if builder.stated.status == Some(Status::Cancelled) => {
            builder.stated.cancel_reason = Some(values::cancel_reason(&reason));
        }
        Some(reason) => builder.keep("failure_reason", &reason),
        None => {}
    }
    builder.use_total_as_refund();
    builder.use_total_in_name();
    builder.use_count_in_name();
    builder.fill_from_items();
    let store_of_heading = heading.and_then(|heading| heading.store.clone());
    builder.derived.store = store_of_heading
        .or(builder.derived.store.take())
        .or_else(|| builder.author.clone().filter(|author| bots::is_store_name(author)))
        .or_else(|| amazon(&builder));
    if builder.stated.email.is_none() {
        builder.stated.email = builder.stated.profile.clone().filter(|profile| values::is_email(profile));
    }
    builder.set_currency(context.currency);
    let placed_at = builder.embed_time.unwrap_or(context.at);
    let states_date = builder.stated.order_date.is_some();
    builder.set_mentioned_owner(&form.mentions);
    builder.stated.proxy_host = builder.stated.proxy_list.as_deref().and_then(values::proxy_host);
    let items = builder.order_items();
    let PatchBuilder { stated, derived, extra, warnings, .. } = builder;
    let derived = Fields {
        quantity: Some(1),
        order_date: Some(placed_at),
        order_time: (!states_date).then(|| time_of_day(placed_at, context.timezone)),
        ..derived
    };
    let patch =
        Box::new(Patch { number, at: context.at, source: context.source, stated, derived, extra, items });
    Some(match otherwise {
        None => ParsedCard::Order { patch, warnings },
        Some(otherwise) => ParsedCard::IfKnown { patch, warnings, otherwise },
    })
}

/// Takes the value of a label `Error`, or of `Message` on a card about a failure, for the reason of a failure. As a line
/// of its own, `Error` is a heading and no label. Beside an outcome other than a failure, it says little.
fn use_error_label(builder: &mut PatchBuilder, form: &TextForm, kind: Option<CardKind>) {
    let names: &[&str] = if kind == Some(CardKind::Failure) { &["error", "message"] } else { &["error"] };
    let is_error = |(name, value): &&(String, String)| {
        names.iter().any(|known| name.eq_ignore_ascii_case(known)) && !markup::is_no_value(value)
    };
    if let Some((name, value)) = form.unknown.iter().find(is_error) {
        builder.set_reason(name, value);
    }
}

/// The result for a failed checkout with an order number that may exist. A fraud reason cancels the order;
/// any other failure only leaves its reason.
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
    let (status, cancel_reason, extra) = if builder.reason_kind == Some(ReasonKind::Fraud) {
        (Some(Status::Cancelled), Some(values::cancel_reason(&reason)), Extra::new())
    } else {
        (None, None, Extra::from([("failure_reason".to_owned(), reason)]))
    };
    let patch = Patch {
        number,
        at: context.at,
        source: context.source,
        stated: Fields { status, cancel_reason, ..Fields::default() },
        derived: Fields::default(),
        extra,
        items: Vec::new(),
    };
    let otherwise = Outcome::Ignored(ignored);
    ParsedCard::IfKnown { patch: Box::new(patch), warnings: Vec::new(), otherwise }
}

/// The kind of event that the card reports. A `Result` label counts more than the heading, and the heading
/// more than the footer. A heading for a test card counts most of all. Some bots always write the same
/// heading; the color states their outcome.
fn outcome(builder: &PatchBuilder, form: &TextForm) -> Option<CardKind> {
    let footer = builder.footer.as_deref();
    let test = CardKind::Notice(Notice::Test);
    if form
        .heading
        .as_ref()
        .is_some_and(|heading| heading.kind == test && heading.certainty > Certainty::Weak)
    {
        return Some(test);
    }
    let heading = form.heading.as_ref().map(|heading| heading.kind);
    let footer_kind = || footer.and_then(heading::parse_footer);
    let monitor = || is_from_monitor(builder).then_some(CardKind::Notice(Notice::Monitor));
    let kind = builder.result.or(heading).or_else(footer_kind).or_else(monitor);
    match (kind, builder.color) {
        (kind, _) if builder.reason_kind == Some(ReasonKind::Hold) && kind != Some(CardKind::Failure) => {
            Some(CardKind::Hold)
        }
        (Some(CardKind::Success), Some(rgb)) if footer.is_some_and(bots::bot_uses_color) => {
            color::outcome_of(rgb).or(kind)
        }
        _ => kind,
    }
}

/// Whether the author or the footer says that a card without an order number comes from a stock monitor.
fn is_from_monitor(builder: &PatchBuilder) -> bool {
    let names = [builder.author.as_deref(), builder.footer.as_deref()];
    builder.number.is_none() && names.into_iter().flatten().any(bots::is_monitor_name)
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

/// Whether a card without a number that seems to report a new order is only chat. That is so if no label
/// names a product and prose follows the heading, as in `Successful checkout for my brother`; if the card has
/// neither a product nor another readable value; or if the heading is everyday words, and the card has a
/// product, an unreadable value and nothing else.
fn is_chat(builder: &PatchBuilder, said: Option<&Heading>, names_product: bool) -> bool {
    let has_prose = said.is_some_and(|heading| heading.reason.is_some());
    let is_weak = said.is_some_and(|heading| heading.certainty == Certainty::Weak);
    let product = builder.stated.product.clone();
    let states_nothing = builder.stated == Fields { product, ..Fields::default() };
    (!names_product && has_prose)
        || (!builder.has_product() && states_nothing)
        || (is_weak && states_nothing && !builder.warnings.is_empty())
}

/// Whether a label of the table stands in the card's text or fields, with a value that it may have.
fn has_label(form: &TextForm) -> bool {
    let is_label =
        |value: &LabelledValue| !value.lines.is_empty() && !is_embed_part(value) && !number::is_prose(value);
    form.known.iter().any(is_label)
}

/// Whether a value comes from a part of the embed, such as the footer, and not from a label in the card's
/// text.
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

/// Whether the card is not an order, judged by its outcome, `*Reason` labels and status.
fn ignored(
    builder: &PatchBuilder,
    form: &TextForm,
    kind: Option<CardKind>,
    heading_reason: Option<&str>,
) -> Option<Ignored> {
    match kind {
        Some(CardKind::Notice(notice)) => return Some(Ignored::Notice(notice)),
        Some(CardKind::Success) if is_queue_pass(builder, form) => {
            return Some(Ignored::Notice(Notice::Queue));
        }
        _ => {}
    }
    let has_failed = kind == Some(CardKind::Failure) || builder.failure_reason.is_some();
    let is_cancelled_or_refunded = builder.reason_kind == Some(ReasonKind::Cancellation)
        || matches!(kind, Some(CardKind::Cancelled | CardKind::Refunded))
        || builder.stated.status.is_some_and(Status::is_cancelled_or_refunded);
    (has_failed && !is_cancelled_or_refunded).then(|| {
        let reason = builder.failure_reason.as_deref().or(heading_reason);
        Ignored::Failure { reason: reason.map(|reason| reason.chars().take(MAX_REASON).collect()) }
    })
}

/// Whether a card looks like a checkout but announces a pass of a waiting room: it has no price, no order number, and
/// the name of a queue.
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
            number::is_clear(form) || (valued > 1 && number.contains(|c: char| c.is_ascii_digit()))
        }
        None => has_goods && valued > 1,
    }
}

/// A heading about an existing order states its status. A success or hold only derives one.
fn set_status_from_heading(builder: &mut PatchBuilder, kind: Option<CardKind>) {
    let (stated, derived) = match kind {
        _ if builder.reason_kind == Some(ReasonKind::Cancellation) => (Some(Status::Cancelled), None),
        Some(CardKind::Cancelled) => (Some(Status::Cancelled), None),
        Some(CardKind::Processing) => (Some(Status::Processing), None),
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
