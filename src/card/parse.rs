//! Parses the text form of a card into a [`Patch`].

mod card;
mod columns;
mod currency;
mod draft;
pub mod entries;
pub mod headline;
mod items;
pub mod labels;
pub mod lines;
pub mod markup;
pub mod money;
mod preamble;
mod values;
mod words;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use super::outcome::{Outcome, Rejection, RejectionCode};
use crate::order::{OrderNumber, OrderNumberError, Patch, Source};

pub use values::{count, status};

/// What the parser needs to know beside the card's own text.
#[derive(Clone, Debug)]
pub struct ParseContext {
    /// The message's own time. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// Where the message came in.
    pub source: Source,
    /// Zone of dates without one, and of `order_time`.
    pub timezone: Tz,
    /// Currency of amounts whose card names none.
    pub currency: Currency,
    /// The number of a card that states none, where the configuration gives it one.
    pub fallback_number: Option<OrderNumber>,
}

/// A card that was understood as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedCard {
    /// News about an order.
    Order {
        /// What the card says about the order.
        patch: Box<Patch>,
        /// Values that could not be read, explained for people.
        warnings: Vec<String>,
    },
    /// Not an order, or an order that cannot be identified: ignored or rejected.
    NoOrder(Outcome),
}

/// Parses the text form of one card. `None` if the text is not a card at all.
#[must_use]
pub fn parse(text: &str, context: &ParseContext) -> Option<ParsedCard> {
    card::read(&entries::read(text), context)
}

/// An order's card that states no order number.
fn missing_order_number() -> Rejection {
    let detail = "the card states no order number: a line \"Order Number\" with the number on the next line is missing or empty";
    Rejection { code: RejectionCode::MissingOrderNumber, detail: detail.to_owned() }
}

fn bad_order_number(error: OrderNumberError) -> Rejection {
    let detail = format!("the card's order number cannot be kept: {error}");
    Rejection { code: RejectionCode::BadOrderNumber, detail }
}
