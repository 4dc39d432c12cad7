//! Orders, and the patches and edits that change them: the domain types of every other module.
//!
//! Pure data without serialization, database or clock. `http` and `store` convert these types to their own.

mod amount;
mod carrier;
pub mod dates;
mod edit;
mod email;
mod fields;
pub(crate) mod items;
pub mod merge;
mod number;
mod personal;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

pub(crate) use amount::format_amount;
pub use amount::{Amount, Money, currency_from_code};
pub use carrier::Carrier;
pub use edit::{Edit, Guard};
pub use email::{EmailAddress, EmailAddressError};
pub use fields::{FieldChange, Fields, OrderItem};
pub(crate) use fields::{with_item_fields, with_order_fields};
pub use number::{OrderNumber, OrderNumberError};
pub use personal::{View, is_personal};
pub use status::Status;

/// Maximum characters of a column of one line: the size of an embed field.
pub(crate) const MAX_LINE: usize = 1024;

/// Cuts a text to a number of characters. A text that was cut ends with an ellipsis, which counts.
pub(crate) fn cut(text: &str, max_chars: usize) -> String {
    if text.len() <= max_chars || text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect()
}

/// Values without a column of their own, by label.
pub type Extra = BTreeMap<String, String>;

/// The Discord user id in an id or a mention, such as `<@123456789012345678>`.
#[must_use]
pub fn parse_owner(text: &str) -> Option<String> {
    let text = text.trim();
    let mentioned = text.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>'));
    let id = mentioned.map_or(text, |id| id.trim_start_matches('!'));
    let is_id = (17..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| id.to_owned())
}

/// How a message arrived, and so the order that it created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Posted over HTTP.
    Webhook,
    /// Read in a Discord channel.
    DiscordBot,
    /// Imported from a file.
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

/// The fields that one card states or implies about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The order's number.
    pub number: OrderNumber,
    /// The time of the message: Discord's edit timestamp or timestamp, or else its arrival. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// How the message arrived.
    pub source: Source,
    /// Fields that the card states. They replace stored values.
    pub stated: Fields,
    /// Fields that follow from the card. They only fill empty columns.
    pub derived: Fields,
    /// Values without a column.
    pub extra: Extra,
    /// The products that the card lists. A card that names a product has at least one.
    pub items: Vec<OrderItem>,
}

impl Order {
    /// The same order, with 0 units received where no card and no person stated a number.
    pub(crate) fn counted(mut self) -> Self {
        self.fields.qty_received.get_or_insert(0);
        for item in &mut self.items {
            item.qty_received.get_or_insert(0);
        }
        self
    }

    /// The values that this order adds to the order with another number, if both turn out to be the same order. They
    /// count like a card of the time of its newest message.
    pub(crate) fn as_patch(&self, number: OrderNumber) -> Patch {
        // A success or a hold only fills an empty status.
        let is_derived = |name| {
            let is_new = matches!(self.fields.status, Some(Status::Verified | Status::Pending));
            self.derived.contains(name) || (name == "status" && is_new)
        };
        let (mut stated, mut derived) = (Fields::default(), Fields::default());
        stated.apply(&self.fields, |name, _| !is_derived(name), |_| ());
        derived.apply(&self.fields, |name, _| is_derived(name), |_| ());
        let (extra, mut items) = (self.extra.clone(), self.items.clone());
        if let [only] = items.as_mut_slice() {
            only.quantity = stated.quantity;
        }
        Patch { number, at: self.newest, source: self.source, stated, derived, extra, items }
    }
}

/// One order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Row id; 0 until the order is stored.
    pub id: i64,
    /// The retailer's number, the key of the order.
    pub number: OrderNumber,
    /// The columns that cards can fill.
    pub fields: Fields,
    /// Values without a column.
    pub extra: Extra,
    /// The product lines, in the order of their positions, which count from 1. Lists of orders leave them out.
    pub items: Vec<OrderItem>,
    /// Columns whose stored value no field can hold, such as a status that somebody invented, with that value as
    /// text. It is kept until a card or a person states another one.
    pub unreadable: BTreeMap<&'static str, String>,
    /// Names of the columns that hold a derived value. A stated value may replace it even if its message is
    /// older.
    pub derived: BTreeSet<&'static str>,
    /// Names of the columns that a person emptied. Only a newer message fills them again.
    pub cleared: BTreeSet<&'static str>,
    /// How the first message about the order arrived.
    pub source: Source,
    /// Time of the newest message or edit applied. UTC, microseconds.
    pub newest: DateTime<Utc>,
    /// When the row was created. UTC, microseconds.
    pub created_at: DateTime<Utc>,
    /// When a column last changed; the version of the order, later after each change. UTC, microseconds.
    pub updated_at: DateTime<Utc>,
}
