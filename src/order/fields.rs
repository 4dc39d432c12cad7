//! The columns of an order that cards speak of: one table, from which the struct, the two ways
//! of merging and the comparison are made.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Amount, Status};
use iso_currency::Currency;

/// What one field of an order was and what it became. Texts are those of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Column name, or `extra.` and the label.
    pub field: String,
    /// Before; `None` where it was empty.
    pub old: Option<String>,
    /// After; `None` where it is empty now.
    pub new: Option<String>,
}

macro_rules! fields {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        /// The columns that cards speak of. `None` is an empty column in an order, and "not
        /// said" in a patch.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Fields {
            $($(#[$doc])+ pub $name: Option<$type>,)+
        }

        impl Fields {
            /// Column names, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];

            /// Replaces each column that `from` names and `may_replace` allows, and calls
            /// `replaced` with its name. Columns that `from` does not name are kept.
            pub fn apply(
                &mut self,
                from: &Self,
                may_replace: impl Fn(&'static str, bool) -> bool,
                mut replaced: impl FnMut(&'static str),
            ) {
                $(if let Some(value) = &from.$name
                    && may_replace(stringify!($name), self.$name.is_none())
                {
                    self.$name = Some(value.clone());
                    replaced(stringify!($name));
                })+
            }

            /// Empties the column of that name, where there is one.
            pub fn clear(&mut self, name: &str) {
                match name {
                    $(stringify!($name) => self.$name = None,)+
                    _ => {}
                }
            }

            /// What differs between `self` and a later state, as the texts of the database.
            #[must_use]
            pub fn changes_to(&self, after: &Self) -> Vec<FieldChange> {
                let mut changes = Vec::new();
                $(if self.$name != after.$name {
                    changes.push(FieldChange {
                        field: stringify!($name).to_owned(),
                        old: self.$name.as_ref().map(ColumnText::column_text),
                        new: after.$name.as_ref().map(ColumnText::column_text),
                    });
                })+
                changes
            }

            /// The columns that are not empty, by name, as the texts of the database.
            #[must_use]
            pub fn named_texts(&self) -> Vec<(&'static str, String)> {
                let mut texts = Vec::new();
                $(if let Some(value) = &self.$name {
                    texts.push((stringify!($name), value.column_text()));
                })+
                texts
            }
        }
    };
}

fields! {
    /// What was bought.
    product: String,
    /// Price of one unit.
    price: Amount,
    /// Price of the whole order.
    total: Amount,
    /// What the buyer earns by it.
    commission: Amount,
    /// Units ordered, at least 1.
    quantity: u32,
    /// The buyer's e-mail address, or what stood in its place.
    email: String,
    /// The buyer's name.
    customer_name: String,
    /// The checkout bot's profile.
    profile: String,
    /// Proxy that the checkout went through. May hold credentials.
    proxy_list: String,
    /// A further number that the store gave.
    reference_number: String,
    /// Where the order stands.
    status: Status,
    /// The carrier's parcel number.
    tracking_number: String,
    /// Units that have arrived.
    qty_received: u32,
    /// How it was paid.
    payment_method: String,
    /// Where it goes, several lines.
    shipping_address: String,
    /// How it goes.
    shipping_method: String,
    /// Anything, several lines.
    notes: String,
    /// When the order was placed. UTC.
    order_date: DateTime<Utc>,
    /// The time of day of the order in the configured time zone, as `05:56:00 PM`.
    order_time: String,
    /// When the purchase was posted to the card's statement. UTC.
    posted_date: DateTime<Utc>,
    /// When it was shipped. UTC.
    shipped_date: DateTime<Utc>,
    /// When it arrived. UTC.
    delivered_date: DateTime<Utc>,
    /// The sheet that an imported order stood on.
    worksheet_name: String,
    /// The store as the card names it, such as `Best Buy US`.
    store: String,
    /// ISO 4217 currency of price, total and commission.
    currency: Currency,
    /// Link to the product, `http` or `https`.
    product_url: String,
    /// Link to the order at the store, `http` or `https`.
    order_url: String,
    /// Picture of the product, `http` or `https`.
    image_url: String,
    /// The store's fraud check, as the card words it; never the status of the order.
    fraud_status: String,
    /// The checkout bot, such as `Refract`.
    bot: String,
}

/// A value as the text that stands for it in events.
trait ColumnText {
    fn column_text(&self) -> String;
}

impl ColumnText for String {
    fn column_text(&self) -> String {
        self.clone()
    }
}

impl ColumnText for DateTime<Utc> {
    fn column_text(&self) -> String {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl ColumnText for Currency {
    fn column_text(&self) -> String {
        self.code().to_owned()
    }
}

macro_rules! by_display {
    ($($type:ty),+) => {
        $(impl ColumnText for $type {
            fn column_text(&self) -> String {
                self.to_string()
            }
        })+
    };
}
by_display!(Amount, Status, u32);
