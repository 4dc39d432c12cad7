//! The columns of an order and of an order item that cards can fill. There is one list for each; a macro turns it into
//! the struct and into everything that visits all columns.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Amount, Status, currency_from_code};
use iso_currency::Currency;

/// The old and new value of one field of an order, as texts of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The column name; or `extra.` and the label; or `items[2].` and the column of the second item.
    pub field: String,
    /// The value before; `None` if it was empty.
    pub old: Option<String>,
    /// The value after; `None` if it is empty.
    pub new: Option<String>,
}

macro_rules! define_struct {
    ($(#[$struct_doc:meta])+ $struct:ident: $($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        $(#[$struct_doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $struct {
            $($(#[$doc])+ pub $name: Option<$type>,)+
        }

        impl $struct {
            /// The column names, in the order of the list.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),+];

            /// Copies each field of `from` that is not empty and that `may_replace` allows. `may_replace` gets the
            /// column name and whether the column is empty; `replaced` gets the name of each copied field.
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

            /// Calls a function with the name and value of each text column that is not empty.
            pub(crate) fn for_each_text(&mut self, mut visit: impl FnMut(&'static str, &mut String)) {
                $(if let Some(text) = self.$name.as_mut().and_then(ColumnText::text_mut) {
                    visit(stringify!($name), text);
                })+
            }

            /// Empties the column of this name.
            pub fn clear(&mut self, name: &str) {
                match name {
                    $(stringify!($name) => self.$name = None,)+
                    _ => {}
                }
            }

            /// Sets the column of this name to its text in the database, or empties it. Returns false if there is no such
            /// column, or if it cannot hold the text.
            pub(crate) fn set_text(&mut self, name: &str, text: Option<&str>) -> bool {
                match name {
                    $(stringify!($name) => {
                        let value = text.map(ColumnText::from_column_text);
                        let is_readable = value != Some(None);
                        if is_readable {
                            self.$name = value.flatten();
                        }
                        is_readable
                    })+
                    _ => false,
                }
            }

            /// The differences between `self` and a later state.
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

            /// The names and database texts of the columns that are not empty.
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

/// Passes the list of fields to a macro. A new column of an order is added here, in a migration, and in the label
/// table if cards can state it.
macro_rules! with_order_fields {
    ($callback:ident) => {
        $callback! {
        /// The product.
        product: String,
        /// Price of one unit.
        price: Amount,
        /// Price of the whole order.
        total: Amount,
        /// The buyer's commission.
        commission: Amount,
        /// Units ordered, at least 1.
        quantity: u32,
        /// The buyer's e-mail address, or the text that stood in its place.
        email: String,
        /// The buyer's name.
        customer_name: String,
        /// The checkout bot's profile.
        profile: String,
        /// The proxy that the checkout used. May contain credentials.
        proxy_list: String,
        /// Another number that the store gave.
        reference_number: String,
        /// The status.
        status: Status,
        /// The carrier's parcel number.
        tracking_number: String,
        /// Units that have arrived.
        qty_received: u32,
        /// The payment method.
        payment_method: String,
        /// The shipping address, several lines.
        shipping_address: String,
        /// The shipping method.
        shipping_method: String,
        /// Notes, several lines.
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
        /// The worksheet of an imported order.
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
        /// The result of the store's fraud check, as the card words it. Never the status of the order.
        fraud_status: String,
        /// The checkout bot, such as `Refract`.
        bot: String,
        /// Why the order was cancelled, in one spelling for each reason.
        cancel_reason: String,
        /// The host of the proxy, without user, password and port.
        proxy_host: String,
        /// The Discord user id of the member that the order belongs to.
        owner_id: String,
            }
    };
}
pub(crate) use with_order_fields;

/// Passes the list of an item's fields to a macro. A new column of an item is added here and in a migration.
macro_rules! with_item_fields {
    ($callback:ident) => {
        $callback! {
        /// The name of the product.
        product: String,
        /// The store's article number.
        sku: String,
        /// The size or variant.
        size: String,
        /// Units ordered, at least 1.
        quantity: u32,
        /// Price of one unit.
        unit_price: Amount,
        /// Price of all units of the item.
        line_total: Amount,
        /// Link to the product, `http` or `https`.
        product_url: String,
        /// Picture of the product, `http` or `https`.
        image: String,
        /// Units that have arrived.
        qty_received: u32,
            }
    };
}
pub(crate) use with_item_fields;

macro_rules! define_fields {
    ($($list:tt)+) => {
        define_struct! {
            /// The columns that cards can fill. `None` means "empty" in an order and "not stated" in a patch.
            Fields: $($list)+
        }
    };
}
with_order_fields!(define_fields);

macro_rules! define_order_item {
    ($($list:tt)+) => {
        define_struct! {
            /// One product line of an order. `None` means "empty" in an order and "not stated" in a patch.
            OrderItem: $($list)+
        }
    };
}
with_item_fields!(define_order_item);

/// The text of a value in the database and in events.
trait ColumnText: Sized {
    fn column_text(&self) -> String;

    fn from_column_text(text: &str) -> Option<Self>;

    /// The value itself, if its column holds text.
    fn text_mut(&mut self) -> Option<&mut String> {
        None
    }
}

impl ColumnText for String {
    fn column_text(&self) -> String {
        self.clone()
    }

    fn from_column_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn text_mut(&mut self) -> Option<&mut String> {
        Some(self)
    }
}

impl ColumnText for DateTime<Utc> {
    fn column_text(&self) -> String {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    fn from_column_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl ColumnText for Currency {
    fn column_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_column_text(text: &str) -> Option<Self> {
        currency_from_code(text)
    }
}

macro_rules! by_display {
    ($($type:ty: $read:expr,)+) => {
        $(impl ColumnText for $type {
            fn column_text(&self) -> String {
                self.to_string()
            }

            fn from_column_text(text: &str) -> Option<Self> {
                $read(text)
            }
        })+
    };
}
by_display! {
    Amount: |text: &str| Amount::from_decimal(text.parse().ok()?),
    Status: Status::from_name,
    u32: |text: &str| text.parse().ok(),
}
