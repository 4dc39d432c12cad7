//! `[orders]`: how orders are read.

use chrono_tz::Tz;
use iso_currency::Currency;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text;

/// How orders are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Time zone of times and dates that name none.
    #[serde(deserialize_with = "timezone", serialize_with = "timezone_name")]
    pub timezone: Tz,
    /// Currency of a price if neither the price nor the store names one.
    #[serde(deserialize_with = "currency", serialize_with = "currency_code")]
    pub currency: Currency,
    /// How to treat a new order from Discord whose card states no order number.
    pub number_missing: NumberMissing,
}

/// How to treat a new order from Discord whose card states no order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberMissing {
    /// Store it under the number `DISCORD-<message id>-<n>`, until the message states the real number.
    MessageId,
    /// Reject the card. The webhook log keeps its message.
    Reject,
}

fn timezone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    text(deserializer, |text| {
        text.parse().map_err(|_| {
            format!("`{text}` is not a time zone; expected an IANA name such as `UTC` or `America/New_York`")
        })
    })
}

fn timezone_name<S: Serializer>(timezone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(timezone.name())
}

fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    text(deserializer, |text| {
        crate::order::currency_from_code(text).ok_or_else(|| {
            format!(
                "`{text}` is not a currency that ROMS can store; expected the ISO 4217 code of one with at most \
                 two decimals, such as `USD` or `EUR`"
            )
        })
    })
}

fn currency_code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}
