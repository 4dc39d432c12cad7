//! Decides which values of an order are personal data, and masks them. Every answer of the API passes through
//! here.

use std::borrow::Cow;

use super::email::EmailAddress;
use super::{FieldChange, Order};
use crate::redact;

/// Replaces a value that the reader may not see.
const MASK: &str = "***";

/// Columns that name a person or a proxy, or in which free text may do so.
const PERSONAL: [&str; 8] = [
    "email",
    "customer_name",
    "profile",
    "proxy_list",
    "proxy_host",
    "shipping_address",
    "notes",
    "order_url",
];
/// Labels without a column may say anything.
const EXTRA: &str = "extra";

/// Whether a column may hold personal data.
#[must_use]
pub fn is_personal(column: &str) -> bool {
    PERSONAL.contains(&column)
}

/// How much a reader sees. The credentials of proxies are hidden from every reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Personal data too.
    Full,
    /// Personal data is masked.
    Masked,
}

impl View {
    /// The value of a column as the reader sees it. `extra` and `extra.LABEL` name a label without a column.
    #[must_use]
    pub fn value<'a>(self, column: &str, value: &'a str) -> Cow<'a, str> {
        let is_extra = column.split('.').next() == Some(EXTRA);
        match self {
            Self::Masked if !is_extra && !is_personal(column) => without_emails(value),
            Self::Masked => Cow::Borrowed(MASK),
            Self::Full if !is_extra && !is_personal(column) => Cow::Borrowed(value),
            Self::Full => redact::labelled(column, value),
        }
    }

    /// An order as the reader sees it.
    #[must_use]
    pub fn order(self, mut order: Order) -> Order {
        order.fields.for_each_text(|column, text| self.hide(column, text));
        for item in &mut order.items {
            item.for_each_text(|column, text| self.hide(column, text));
        }
        order.extra.iter_mut().for_each(|(label, text)| self.hide(&format!("{EXTRA}.{label}"), text));
        order
    }

    /// A change as the reader sees it.
    #[must_use]
    pub fn change(self, mut change: FieldChange) -> FieldChange {
        for text in [&mut change.old, &mut change.new].into_iter().flatten() {
            self.hide(&change.field, text);
        }
        change
    }

    fn hide(self, column: &str, text: &mut String) {
        *text = self.value(column, text).into_owned();
    }
}

/// Masks the e-mail addresses in a text, such as that of an account in `PayPal (name@example.com)`.
fn without_emails(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let is_email = |word: &str| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        EmailAddress::parse(plain).is_ok() && plain.rsplit('@').next().is_some_and(|host| host.contains('.'))
    };
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let end = word.trim_end();
        if is_email(end) { word.replacen(end, MASK, 1) } else { word.to_owned() }
    });
    Cow::Owned(words.collect())
}

#[cfg(test)]
mod tests {
    use super::{PERSONAL, View};
    use crate::order::Fields;

    #[test]
    fn every_personal_column_exists() {
        for column in PERSONAL {
            assert!(Fields::NAMES.contains(&column), "{column}");
        }
    }

    #[test]
    fn a_reader_sees_personal_data_only_with_the_right_to() {
        let proxy = "http://user:pass@proxy.example:80";
        for (column, value, full) in [
            ("product", "a@b", None),
            ("product", "BE@RBRICK 100% @07", None),
            ("email", "a@b.example", Some("a@b.example")),
            ("proxy_list", proxy, Some("http://***@proxy.example:80")),
            ("extra.Proxy", proxy, Some("http://***@proxy.example:80")),
            ("extra", "x", Some("x")),
        ] {
            assert_eq!(View::Full.value(column, value), full.unwrap_or(value));
            assert_eq!(View::Masked.value(column, value), if full.is_some() { "***" } else { value });
        }
        let paid = "PayPal (a@b.example) and\nVisa";
        assert_eq!(View::Masked.value("payment_method", paid), "PayPal *** and\nVisa");
        assert_eq!(View::Full.value("payment_method", paid), paid);
    }
}
