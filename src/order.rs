//! Orders and patches: the domain types that every floor above speaks.
//!
//! Pure data: no serialisation formats, no database, no clock. The wire types of HTTP and the
//! rows of the database are made from these at their own edges.

mod amount;
mod carrier;
pub mod dates;
mod edit;
mod email;
mod fields;
pub mod merge;
mod number;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

pub use amount::{Amount, Money, currency_from_code};
pub use carrier::Carrier;
pub use edit::{Edit, Guard};
pub use email::{EmailAddress, EmailAddressError};
pub use fields::{FieldChange, Fields};
pub use number::{OrderNumber, OrderNumberError};
pub use status::Status;

/// Labels of a card that have no column of their own, by label, and what they said.
pub type Extra = BTreeMap<String, String>;

/// Where a message, and so the order it created, came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Posted over HTTP.
    Webhook,
    /// Read in a Discord channel.
    DiscordBot,
    /// Imported from a file by hand.
    ManualUpload,
}

impl Source {
    /// All sources, for lists and error texts.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::DiscordBot, Self::ManualUpload];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::DiscordBot => "discord_bot",
            Self::ManualUpload => "manual_upload",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

/// What one card says about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Which order.
    pub number: OrderNumber,
    /// The message's own time: Discord's (edit) timestamp, else its arrival. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// Where the message came in.
    pub source: Source,
    /// What the card says in so many words: replaces what is stored.
    pub stated: Fields,
    /// What follows from the card: fills empty columns only.
    pub derived: Fields,
    /// Labels without a column.
    pub extra: Extra,
}

/// One order, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Row id; 0 until the order is stored.
    pub id: i64,
    /// The retailer's number, the key of the order.
    pub number: OrderNumber,
    /// The columns that cards speak of.
    pub fields: Fields,
    /// Labels without a column.
    pub extra: Extra,
    /// Names of the columns that hold a derived value, which a stated one may still replace,
    /// however old its message is.
    pub derived: BTreeSet<&'static str>,
    /// Names of the columns that somebody emptied by hand, which only a newer message fills.
    pub cleared: BTreeSet<&'static str>,
    /// What brought the order in first.
    pub source: Source,
    /// Time of the newest message or edit applied. UTC, microseconds.
    pub newest: DateTime<Utc>,
    /// When the row was made. UTC, microseconds.
    pub created_at: DateTime<Utc>,
    /// When a column last changed. UTC, microseconds.
    pub updated_at: DateTime<Utc>,
}
