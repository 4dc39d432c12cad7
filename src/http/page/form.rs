//! The form that changes an order. It sends each value with the one that it showed, so that a change by somebody else
//! in the meantime is noticed and shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::cells::title_of;
use crate::order::Order;

/// The columns of the form, in groups.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Order",
        &["status", "product", "store", "quantity", "price", "total", "currency", "order_date", "commission"],
    ),
    (
        "Delivery",
        &[
            "tracking_number",
            "shipping_method",
            "shipped_date",
            "delivered_date",
            "qty_received",
            "shipping_address",
        ],
    ),
    ("Buyer", &["profile", "owner_id", "customer_name", "email", "payment_method", "reference_number"]),
    ("Other", &["cancel_reason", "order_url", "product_url", "notes"]),
];
/// Columns of several lines.
const LONG: [&str; 2] = ["notes", "shipping_address"];

/// The form with its values.
pub(crate) struct EditForm {
    /// The version of the order that the form was made from.
    pub(crate) version: i64,
    pub(crate) fields: Vec<FormField>,
    /// Whether somebody else has changed the order since.
    pub(crate) is_conflict: bool,
}

pub(crate) struct FormField {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) title: String,
    /// The text in the field.
    pub(crate) text: String,
    /// The text that the field showed at first.
    pub(crate) was: String,
    /// The stored value.
    pub(crate) stored: String,
    pub(crate) error: Option<String>,
    pub(crate) kind: FieldKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Line,
    Lines,
    Time,
    Status,
}

impl FormField {
    pub(crate) fn is_changed(&self) -> bool {
        self.text.trim() != self.was.trim()
    }

    /// Whether somebody else has changed the field to another value than the reader entered.
    pub(crate) fn is_in_conflict(&self) -> bool {
        let [text, was, stored] = [&self.text, &self.was, &self.stored].map(|text| text.trim());
        was != stored && text != stored
    }

    /// Whether the field begins a group.
    pub(crate) fn begins_group(&self) -> bool {
        GROUPS.iter().any(|(_, columns)| columns.first() == Some(&self.name))
    }
}

impl EditForm {
    /// The form of an order as it is stored.
    pub(crate) fn of(order: &Order, zone: Tz) -> Self {
        let texts = order.fields.named_texts();
        let text = |name| texts.iter().find(|(column, _)| *column == name).map(|(_, text)| text.as_str());
        let field = |group, name: &'static str| {
            let kind = kind_of(name);
            let text = text(name).unwrap_or_default();
            let text = if kind == FieldKind::Time { local(text, zone) } else { text.to_owned() };
            let title = title_of(name);
            FormField { group, name, title, was: text.clone(), stored: text.clone(), text, error: None, kind }
        };
        let fields =
            GROUPS.iter().flat_map(|(group, columns)| columns.iter().map(|name| field(*group, name)));
        Self { version: order.updated_at.timestamp_micros(), fields: fields.collect(), is_conflict: false }
    }

    /// Whether the reader and somebody else gave a field different values.
    pub(crate) fn has_conflicts(&self) -> bool {
        self.fields.iter().any(FormField::is_in_conflict)
    }

    /// The form as a browser sent it back, for the order as it is stored now.
    pub(crate) fn sent<'a>(order: &Order, zone: Tz, sent: impl Fn(&str) -> &'a str) -> Self {
        let mut form = Self::of(order, zone);
        form.version = sent("version").parse().unwrap_or_default();
        for field in &mut form.fields {
            sent(field.name).clone_into(&mut field.text);
            sent(&format!("was.{}", field.name)).clone_into(&mut field.was);
        }
        form
    }

    /// The form to show after a change by somebody else: with the values that the reader changed, and the stored ones
    /// of all others. Saving it again replaces the other person's values.
    pub(crate) fn after_conflict(mut self) -> Self {
        for field in &mut self.fields {
            if !field.is_changed() {
                field.text.clone_from(&field.stored);
            }
        }
        self.is_conflict = true;
        self
    }
}

fn kind_of(name: &str) -> FieldKind {
    match name {
        "status" => FieldKind::Status,
        _ if LONG.contains(&name) => FieldKind::Lines,
        _ if name.ends_with("_date") => FieldKind::Time,
        _ => FieldKind::Line,
    }
}

/// A stored time in the form of a field for local times.
fn local(text: &str, zone: Tz) -> String {
    let at = text.parse::<DateTime<Utc>>().ok();
    let local = at.map(|at| at.with_timezone(&zone).naive_local().format("%Y-%m-%dT%H:%M").to_string());
    local.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::GROUPS;
    use crate::order::Fields;

    #[test]
    fn every_column_of_the_form_exists() {
        for name in GROUPS.iter().flat_map(|(_, columns)| *columns) {
            assert!(Fields::NAMES.contains(name), "{name}");
        }
    }
}
