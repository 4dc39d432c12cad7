//! Reads the value that a person typed for a column of an order, in Discord or over the API.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;
use url::Url;

use super::values::is_email;
use super::{count, money, status};
use crate::order::dates::{self, EXAMPLES};
use crate::order::{Amount, Fields, Status, currency_from_code, with_order_fields};

/// Maximum characters of a text on one line.
const MAX_LINE: usize = 1024;
/// Maximum characters of a text of several lines. Discord's limit for the text of a modal's input.
const MAX_LINES: usize = 4000;
/// Maximum digits of a Discord user id.
const MAX_ID_DIGITS: usize = 20;

macro_rules! define_set {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        /// Reads a text that is not empty into the column with this name. A date without a zone is read in `zone`.
        ///
        /// # Errors
        /// If the text cannot be read. The message completes a sentence that begins with the text:
        /// `is not a quantity`.
        pub fn set(fields: &mut Fields, column: &str, text: &str, zone: Tz) -> Result<(), String> {
            match column {
                $(stringify!($name) => fields.$name = Some(<$type>::typed(column, text, zone)?),)+
                _ => return Err("is for a column that does not exist".to_owned()),
            }
            Ok(())
        }
    };
}
with_order_fields!(define_set);

/// The type of a column, read from what a person typed.
trait Typed: Sized {
    fn typed(column: &str, text: &str, zone: Tz) -> Result<Self, String>;
}

impl Typed for String {
    fn typed(column: &str, text: &str, _: Tz) -> Result<Self, String> {
        let has_lines = ["notes", "shipping_address"].contains(&column);
        let max = if has_lines { MAX_LINES } else { MAX_LINE };
        if text.chars().count() > max {
            return Err(format!("is longer than {max} characters"));
        }
        if text.chars().any(|c| c.is_control() && !(has_lines && ['\n', '\t'].contains(&c))) {
            return Err("has control characters".to_owned());
        }
        if column.ends_with("_url") && !is_link(text) {
            return Err("is not a link that begins with http:// or https://".to_owned());
        }
        if column == "email" && !is_email(text) {
            return Err("is not an e-mail address such as name@example.com".to_owned());
        }
        if column == "owner_id" && !(text.len() <= MAX_ID_DIGITS && text.chars().all(|c| c.is_ascii_digit()))
        {
            return Err("is not the id of a Discord user".to_owned());
        }
        Ok(text.to_owned())
    }
}

impl Typed for u32 {
    fn typed(column: &str, text: &str, _: Tz) -> Result<Self, String> {
        let least = u32::from(column != "qty_received");
        let read = count(text).filter(|count| *count >= least);
        read.ok_or_else(|| format!("is not a quantity from {least} to 1,000,000"))
    }
}

impl Typed for Amount {
    fn typed(column: &str, text: &str, _: Tz) -> Result<Self, String> {
        let money = money::parse(text).ok_or("is not an amount such as 20.00")?;
        // Only a commission may be, as on a card.
        if column != "commission" && money.amount.hundredths() < 0 {
            return Err("is below zero".to_owned());
        }
        Ok(money.amount)
    }
}

impl Typed for Status {
    fn typed(_: &str, text: &str, _: Tz) -> Result<Self, String> {
        status(text).ok_or_else(|| format!("is not a status; use {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl Typed for DateTime<Utc> {
    fn typed(_: &str, text: &str, zone: Tz) -> Result<Self, String> {
        dates::parse(text, zone)
            .map(|date| date.at)
            .ok_or_else(|| format!("is not a date such as {EXAMPLES}"))
    }
}

impl Typed for Currency {
    fn typed(_: &str, text: &str, _: Tz) -> Result<Self, String> {
        currency_from_code(&text.to_uppercase()).ok_or_else(|| "is not a currency such as USD".to_owned())
    }
}

fn is_link(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}
