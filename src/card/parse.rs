//! A card's text form read into a [`Patch`].
//!
//! "Not mine" is `Ok(None)`, "mine but broken" is `Err`. Reads with the reader's context alone:
//! no clock, no configuration file, no database.

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

use super::outcome::Ignored;
use crate::order::{OrderNumber, OrderNumberError, Patch, Source};

pub use values::{count, status};

/// What a card does not say itself.
#[derive(Clone, Debug)]
pub struct Context {
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

/// What a card is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// News of an order.
    Order {
        /// What it says.
        patch: Box<Patch>,
        /// What could not be read right, for people.
        warnings: Vec<String>,
    },
    /// Understood, and no order.
    NoOrder(Ignored),
}

/// Why a card that is meant as an order cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It does not say its number.
    #[error(
        "the card states no order number: a line \"Order Number\" with the number on the next line is missing or empty"
    )]
    MissingOrderNumber,
    /// Its number cannot be kept.
    #[error("the card's order number cannot be kept: {0}")]
    BadOrderNumber(#[from] OrderNumberError),
}

/// Reads one card.
///
/// # Errors
/// [`ParseError`] where the text is an order's card and does not name its order.
pub fn read(text: &str, context: &Context) -> Result<Option<Reading>, ParseError> {
    card::read(&entries::read(text), context)
}
