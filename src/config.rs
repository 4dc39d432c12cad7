//! Configuration (stub).
use chrono_tz::Tz;
use iso_currency::Currency;

/// How orders are read.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Time zone.
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
