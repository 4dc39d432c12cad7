//! How orders are read.

use std::{fmt, str::FromStr};

use chrono_tz::Tz;
use iso_currency::Currency;

/// How orders are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Time zone of an order's time of day.
    pub timezone: Tz,
    /// Currency where neither value nor store tells.
    pub currency: Currency,
    /// What to do with a card without an order number.
    pub number_missing: NumberMissing,
}

/// What becomes of a card without an order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberMissing {
    /// Rejected, kept in the log.
    Reject,
    /// A card of a Discord message is given `DISCORD-<message id>-<n>`.
    MessageId,
}

impl FromStr for NumberMissing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "reject" => Ok(Self::Reject),
            "message_id" => Ok(Self::MessageId),
            _ => Err(format!("`{text}` is not known; expected `reject` or `message_id`")),
        }
    }
}

impl fmt::Display for NumberMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reject => "reject",
            Self::MessageId => "message_id",
        })
    }
}

/// A time zone by its IANA name.
pub(crate) fn timezone_from_text(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        format!("`{text}` is no time zone; expected an IANA name such as `UTC` or `America/New_York`")
    })
}

/// A currency by its ISO 4217 code.
pub(crate) fn currency_from_text(text: &str) -> Result<Currency, String> {
    crate::order::currency_from_code(text).ok_or_else(|| {
        format!(
            "`{text}` is no currency that ROMS can keep; expected the ISO 4217 code of one with at most two \
             decimals, such as `USD` or `EUR`"
        )
    })
}
