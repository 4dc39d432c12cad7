//! The order number, which identifies an order.

use std::fmt;

/// The beginning of a number that ROMS makes from a Discord message.
const MESSAGE_PREFIX: &str = "DISCORD-";

/// A retailer's order number: trimmed, without leading `#`, 1 to 255 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(String);

/// Why a text is not an order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderNumberError {
    /// Nothing is left after trimming.
    #[error("the order number is empty")]
    Empty,
    /// It has too many characters.
    #[error("the order number is longer than {} characters", OrderNumber::MAX_CHARS)]
    TooLong,
    /// It contains a control character.
    #[error("the order number contains a control character")]
    Control,
}

impl OrderNumber {
    /// Maximum number of characters: the width of the column in the seed's schema.
    pub const MAX_CHARS: usize = 255;

    /// Parses a number as people and cards write it, with or without `#` and spaces.
    ///
    /// # Errors
    /// When the text is not an order number. The error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, OrderNumberError> {
        let text = text.trim_start_matches(|c: char| c == '#' || c.is_whitespace()).trim_end();
        if text.is_empty() {
            Err(OrderNumberError::Empty)
        } else if text.chars().count() > Self::MAX_CHARS {
            Err(OrderNumberError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(OrderNumberError::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The number of an order that states none: made from its Discord message and the place of its card in the
    /// message, from 1.
    #[must_use]
    pub fn of_message(id: i64, card: usize) -> Self {
        Self(format!("{MESSAGE_PREFIX}{id}-{card}"))
    }

    /// The Discord message, if [`Self::of_message`] made this number.
    #[must_use]
    pub fn message_id(&self) -> Option<i64> {
        let (id, card) = self.0.strip_prefix(MESSAGE_PREFIX)?.split_once('-')?;
        card.parse::<usize>().ok().and(id.parse().ok())
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
