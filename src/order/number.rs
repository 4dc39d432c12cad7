//! The key of an order.

use std::fmt;

/// A retailer's order number: trimmed, without its leading `#`, 1 to 255 characters, none of
/// them a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(String);

/// Why a text is no order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderNumberError {
    /// Nothing is left after trimming.
    #[error("the order number is empty")]
    Empty,
    /// Longer than the longest number that is kept.
    #[error("the order number is longer than {} characters", OrderNumber::MAX_CHARS)]
    TooLong,
    /// Holds a control character such as NUL.
    #[error("the order number holds a control character")]
    Control,
}

impl OrderNumber {
    /// The longest number that is kept, in characters: the width of the users' own schema.
    pub const MAX_CHARS: usize = 255;

    /// Reads a number as people and cards write it, with or without `#` and spaces.
    ///
    /// # Errors
    /// Says what is wrong with the text; the text itself is not repeated.
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
