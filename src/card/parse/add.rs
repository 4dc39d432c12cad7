//! Adds the value of one label to the fields of the card.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::builder::{PatchBuilder, ReasonKind, amount_field, date_field, link_field, text_field};
use super::heading;
use super::labels::{Column, LIST_LABELS};
use super::markup::{self, Plain};
use super::number;
use super::products::StatedQuantities;
use super::text_form::LabelledValue;
use super::values;
use crate::order::dates::{self, ParsedDate};

/// Adds the value of one label of the table.
pub(crate) fn add_value(
    builder: &mut PatchBuilder,
    value: &LabelledValue,
    quantities: &StatedQuantities<'_>,
    zone: Tz,
) {
    let label = value.label;
    let Some(first) = value.lines.iter().find(|line| !markup::is_no_value(&line.text)) else {
        if label.column == Column::Email {
            builder.warn("email: no value".to_owned());
        }
        return;
    };
    let text = first.text.as_str();
    if label.name == "link" {
        builder.title_link.clone_from(&first.link);
    }
    if let Some((name, field)) = link_field(label.column) {
        builder.set_link(name, first.link.as_deref(), field);
    }
    match label.column {
        Column::NamedItem => return builder.set_named_item(value),
        Column::Product | Column::Item if add_products(builder, value, quantities) => return,
        column if label.item > 0 && column.is_of_item() => {
            return builder.set_item(column, label.item, first);
        }
        Column::Price if builder.set_price_with_count(text) => return,
        Column::Details if builder.set_details(&value.lines) => return,
        Column::Details => {
            let lines: Vec<&str> = value.lines.iter().map(|line| line.text.as_str()).collect();
            return builder.keep(label.name, &lines.join("\n"));
        }
        _ => {}
    }
    if add_by_value(builder, value, first) {
        return;
    }
    let text = if label.column == Column::Store { values::host_of_store(text).unwrap_or(text) } else { text };
    if let Some((name, field)) = text_field(label.column) {
        return builder.set_text(name, label.name, text, field);
    }
    if let Some((name, may_be_negative, field)) = amount_field(label.column, builder.has_price()) {
        return builder.set_amount(name, text, may_be_negative, field);
    }
    if let Some((name, field)) = date_field(label.column) {
        let date = builder.set_date(name, text, zone, field);
        if let (Column::OrderDate, Some(ParsedDate { at, day: None })) = (label.column, date) {
            builder.stated.order_time = Some(time_of_day(at, zone));
        }
        return;
    }
    match label.column {
        Column::Item => builder.set_product_with_total(label.name, text),
        Column::ShippingAddress => {
            builder.set_lines("shipping_address", value, |fields| &mut fields.shipping_address);
        }
        Column::Notes => builder.set_lines("notes", value, |fields| &mut fields.notes),
        Column::Email
        | Column::Profile
        | Column::Account
        | Column::ProfileAndEmail
        | Column::Payment
        | Column::Owner => add_buyer(builder, value, text),
        Column::Quantity => {
            builder.set_count("quantity", text, values::quantity(text), |fields| &mut fields.quantity);
        }
        Column::QtyReceived => {
            builder.set_count("qty_received", text, values::count(text), |fields| &mut fields.qty_received);
        }
        Column::Status => builder.set_status(text),
        Column::FailureReason | Column::CancelReason if heading::is_hold(text) => {
            builder.reason_kind = Some(ReasonKind::Hold);
        }
        Column::FailureReason => {
            builder.set_reason(label.name, text);
            if label.name == "fraud reason" {
                builder.reason_kind = builder.reason_kind.max(Some(ReasonKind::Fraud));
            }
        }
        Column::CancelReason => {
            builder.set_reason(label.name, text);
            builder.reason_kind = builder.reason_kind.max(Some(ReasonKind::Cancellation));
        }
        Column::OrderNumber if number::is_prose(value) => {
            // The text of a link such as `View Order` says nothing.
            builder.keep(label.name, if first.link.is_some() { "" } else { text });
        }
        Column::OrderNumber => builder.set_number(label.name, text),
        Column::Currency => builder.currency = builder.currency.take().or_else(|| Some(text.to_owned())),
        Column::Timestamp => {
            builder.embed_time = dates::parse(text, zone).map(|date| date.at);
        }
        Column::Footer => builder.set_footer(text),
        Column::Result => builder.set_result(label.name, text),
        Column::Title => builder.title = Some(text.to_owned()),
        Column::Color => builder.color = u32::from_str_radix(text.trim_start_matches('#'), 16).ok(),
        Column::Author => builder.set_author(text),
        Column::Mention => builder.mentioned = Some(text.to_owned()),
        Column::Extra("size") => add_size(builder, label.name, text),
        Column::Extra(name) => builder.keep_as(name, label.name, text),
        // Handled by the tables above, or not stored.
        _ => {}
    }
}

/// Adds a value that says itself what it is. Returns false if the column decides.
fn add_by_value(builder: &mut PatchBuilder, value: &LabelledValue, first: &Plain) -> bool {
    let text = first.text.as_str();
    match value.label.column {
        Column::CustomerName if values::mention_and_rest(text).is_some() => add_buyer(builder, value, text),
        Column::Amount if builder.is_quantity(text) => {
            builder.set_count("quantity", text, values::quantity(text), |fields| &mut fields.quantity);
        }
        Column::Tracking => {
            builder.tracking_link.clone_from(&first.link);
            return false;
        }
        Column::OrderUrl if first.link.is_some() && text.starts_with('#') => {
            builder.order_link_text = Some(text.to_owned());
            return false;
        }
        _ => return false,
    }
    true
}

/// Adds a numbered product, or a list of products. Returns false if the first line of the value is only the name of one.
fn add_products(
    builder: &mut PatchBuilder,
    value: &LabelledValue,
    quantities: &StatedQuantities<'_>,
) -> bool {
    let label = value.label;
    let lines: Vec<&Plain> = value.lines.iter().filter(|line| !markup::is_no_value(&line.text)).collect();
    if label.item > 0 {
        builder.set_numbered_item(label.item, &lines, quantities.has(label.item));
        return true;
    }
    let is_list_label = LIST_LABELS.contains(&label.name);
    if let [only] = lines.as_slice()
        && matches!(label.name, "items" | "products")
        && let count @ Some(_) = values::count(&only.text)
    {
        builder.set_count("quantity", &only.text, count, |fields| &mut fields.quantity);
        return true;
    }
    // A quantity that cannot be read is still a quantity, so the name holds none.
    let quantity = quantities.of_order.map(|text| values::quantity(text).unwrap_or_default());
    builder.may_end_in_total |= label.column == Column::Item;
    if builder.set_product_list(&value.lines, is_list_label, quantity) {
        return true;
    }
    builder.keep_further_lines(label.name, lines.get(1..).unwrap_or_default());
    false
}

/// Adds a size. Some bots append the color: `M -- Black`.
fn add_size(builder: &mut PatchBuilder, label: &str, text: &str) {
    let split = text.split_once(" -- ").or_else(|| text.split_once(" / ").filter(|_| label == "size/color"));
    let (size, color) = split.unwrap_or((text, ""));
    builder.keep_as("size", label, size.trim());
    builder.keep_as("color", "color", color.trim());
}

/// Adds a value about the buyer: an e-mail address, a profile, a payment method or the owner.
fn add_buyer(builder: &mut PatchBuilder, value: &LabelledValue, text: &str) {
    let label = value.label;
    match label.column {
        Column::Email if label.weak && !text.contains('@') => builder.keep(label.name, text),
        Column::Email => {
            let text = values::address_in_mail_form(text);
            // A password may follow the address. It is never stored.
            builder.set_email(label.name, values::email_of_account(text).unwrap_or(text));
        }
        Column::Profile => {
            builder.set_profile(label.name, text);
            // Some bots put the e-mail address on a second line.
            if let Some(second) = value.lines.get(1).filter(|line| values::is_email(&line.text)) {
                builder.set_email(label.name, &second.text);
            }
        }
        Column::Account => match values::email_of_account(text) {
            Some(address) => builder.set_email(label.name, address),
            None => builder.set_profile(label.name, text),
        },
        Column::ProfileAndEmail => {
            let (profile, address) = text.rsplit_once(" / ").unwrap_or((text, ""));
            builder.set_profile(label.name, profile);
            if address.contains('@') {
                builder.set_email(label.name, address);
            }
        }
        Column::Payment if values::is_payment_method(text) => {
            builder.set_text("payment_method", label.name, text, |fields| &mut fields.payment_method);
        }
        Column::Payment => builder.set_profile(label.name, text),
        Column::CustomerName => {
            if let Some((id, name)) = values::mention_and_rest(text) {
                builder.set_owner(id);
                let name = name.trim_matches(['(', ')', ' ', '-', '|']);
                if !name.is_empty() {
                    builder.set_text("customer_name", label.name, name, |fields| &mut fields.customer_name);
                }
            }
        }
        Column::Owner => {
            match values::mentioned_user(text).or(Some(text).filter(|id| values::is_snowflake(id))) {
                Some(id) => builder.set_owner(id),
                None => builder.keep(label.name, text),
            }
        }
        _ => {}
    }
}

/// The time of day in the configured zone, such as `05:56:00 PM`.
pub(crate) fn time_of_day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%I:%M:%S %p").to_string()
}
