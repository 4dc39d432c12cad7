//! Decodes JSON payloads, corrects what senders often get wrong, and reads flat objects as cards.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::{discord, slack};
use crate::card::message::{Embed, Field};
use crate::card::parse::heading;
use crate::card::parse::labels;
use crate::card::parse::labels::{Column, Label};
use crate::order::dates;

/// Numbers with at most this many digits before the point survive decoding. Longer ones are ids, not
/// amounts.
const MAX_EXACT_DIGITS: usize = 15;

/// Keys of flat objects that mean something else there than as labels of a card.
const FLAT_KEY_LABELS: &[(&str, &str)] = &[("amount", "Total")];

/// Keys whose value may be the object that describes the order, or a whole message: `{"event": …, "data": {…}}`.
#[rustfmt::skip]
const WRAPPERS: &[&str] = &[
    "attributes", "body", "card", "checkout", "d", "data", "details", "event", "message", "notification", "object", "order", "payload",
    "purchase", "record", "result", "totals", "transaction",
];
/// Keys whose value may be a list of such objects.
const LISTS: [&str; 8] = ["cards", "checkouts", "data", "events", "messages", "orders", "records", "results"];
/// Maximum nesting of wrappers.
const MAX_WRAPPERS: usize = 4;
/// The most objects that ROMS reads from the lists of one JSON object.
pub(crate) const MAX_OBJECTS: usize = 100;
/// Keys that mean the order number inside an object that is the value of `order`.
const NUMBER_KEYS: [&str; 3] = ["number", "id", "no"];
/// The columns that a label inside an object of another meaning may fill: `{"shipping": {"tracking_number": …}}`.
const INNER_COLUMNS: [Column; 3] = [Column::Tracking, Column::ShippingAddress, Column::ShippingMethod];
/// Keys of the value that an object stands for: `{"store": {"name": "Target"}}`, `{"total": {"amount": 5, "currency": "USD"}}`.
const VALUE_KEYS: [&str; 7] = ["name", "number", "title", "value", "amount", "id", "text"];
/// Keys that state by true or false whether the checkout succeeded.
const SUCCESS_KEYS: [&str; 4] = ["success", "successful", "succeeded", "checkout_success"];

/// Keys of flat JSON objects whose value may state the outcome: `"event": "order.shipped"`.
const EVENT_KEYS: [&str; 4] = ["event", "event_type", "eventtype", "type"];

/// The heading of a flat object that describes an order. It states no outcome.
const FLAT_HEADING: &str = "Order Update";

/// How the keys of an address begin, in the order in which people write an address. (Objects are sorted
/// by key.)
const ADDRESS_KEYS: &[&str] = &[
    "name", "first", "last", "company", "street", "line", "address", "city", "state", "province", "zip",
    "postal", "country",
];

/// Decodes a payload. `None` if it does not start like JSON; an error if it starts like JSON but is not.
/// `serde_json` limits the depth.
pub(crate) fn decode(payload: &str) -> Option<Result<Value, String>> {
    let payload = payload.trim_start_matches('\u{feff}').trim();
    if !payload.starts_with(['{', '[', '"']) {
        return None;
    }
    let quoted = quote_long_numbers(payload);
    let decoded = serde_json::from_str(&quoted)
        .or_else(|_| serde_json::from_str(&replace_lone_surrogates(&quoted)))
        // This attempt reports the error at its position in the original payload.
        .or_else(|_| serde_json::from_str(payload));
    Some(decoded.map_err(|error| explain(&error)))
}

fn explain(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.to_string().starts_with("recursion limit") {
        return format!(
            "the payload is JSON that is nested too deep: ROMS reads fewer than 128 levels (line {line}, column {column})"
        );
    }
    let problem = match error.classify() {
        Category::Eof => "it ends too early",
        _ => "unexpected character",
    };
    format!("the payload begins like JSON but is not valid: {problem} at line {line}, column {column}")
}

/// Turns numbers that would lose digits into strings, for example tracking numbers. Decimals stay numbers:
/// they may be the rounding of a sender's calculation.
fn quote_long_numbers(payload: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut in_string = false;
    let mut escaped = false;
    let mut number_start = None;
    // A payload that starts with a bracket or a quote cannot end in a number.
    for (at, byte) in payload.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        in_string = byte == b'"';
        match (byte, number_start) {
            (b'-' | b'0'..=b'9', None) => number_start = Some(at),
            (b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9', Some(_)) | (_, None) => {}
            (_, Some(start)) => {
                number_start = None;
                let literal = payload.get(start..at).unwrap_or_default();
                if loses_digits(literal) {
                    out.push_str(payload.get(copied..start).unwrap_or_default());
                    out.extend(["\"", literal, "\""]);
                    copied = at;
                }
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(payload);
    }
    out.push_str(payload.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

fn loses_digits(literal: &str) -> bool {
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    let counted = if mantissa == literal { literal.split('.').next().unwrap_or_default() } else { mantissa };
    counted.bytes().filter(u8::is_ascii_digit).count() > MAX_EXACT_DIGITS
}

/// Replaces half a surrogate pair, which JavaScript lets pass as `\ud83d`, by U+FFFD.
fn replace_lone_surrogates(payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (escape, behind) =
            match (code_unit(after), after.get(5..).and_then(|next| code_unit(next.strip_prefix('\\')?))) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (after.get(..11), after.get(11..)),
                (Some(0xd800..=0xdfff), _) => (Some("ufffd"), after.get(5..)),
                _ => {
                    let next = after.chars().next().map_or(0, char::len_utf8);
                    (after.get(..next), after.get(next..))
                }
            };
        out.push('\\');
        out.push_str(escape.unwrap_or_default());
        rest = behind.unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The code unit of an escape whose backslash is removed: `u` and four hexadecimal digits.
fn code_unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether a key of an object names an order's number, goods or money.
pub(crate) fn describes_order(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.keys().any(|key| names_order(&label_of(key))))
}

/// The message of Discord or Slack that a wrapper holds. It is the text of an order if a key beside it or inside it names
/// an order.
pub(crate) fn wrapped_message(object: &Map<String, Value>) -> Option<&Value> {
    let is_message =
        |value: &Value| (discord::is_message(value) || slack::is_message(value)) && !describes_order(value);
    let mut wrappers = object.iter().filter(|(key, value)| is_one_of(key, WRAPPERS) && value.is_object());
    let (wrapper, message) =
        wrappers.find(|(key, value)| !key.eq_ignore_ascii_case("order") && is_message(value))?;
    let names_order = |key: &String| key != wrapper && names_order(&label_of(key));
    (!object.keys().any(names_order)).then_some(message)
}

/// The flat objects in an object: the objects of a list, or else the object itself, each with the members around it.
/// Counts those that it leaves out because the lists are too long.
pub(crate) fn flat_objects(object: &Map<String, Value>, left_out: &mut usize) -> Vec<Map<String, Value>> {
    let mut found = Vec::new();
    add_flat_objects(object.clone(), MAX_WRAPPERS, &mut found, left_out);
    found
}

fn add_flat_objects(
    mut object: Map<String, Value>,
    depth: usize,
    found: &mut Vec<Map<String, Value>>,
    left_out: &mut usize,
) {
    let is_list = |value: &Value| {
        value.as_array().is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_object))
    };
    let inside = |(key, value): &(&String, &Value)| {
        (value.is_object() && is_one_of(key, WRAPPERS)) || (is_list(value) && is_one_of(key, &LISTS))
    };
    let wrapper = object.iter().filter(|_| depth > 0).find(inside).map(|(key, _)| key.clone());
    let Some((wrapper, value)) = wrapper.and_then(|key| object.remove_entry(&key)) else {
        return if found.len() < MAX_OBJECTS { found.push(object) } else { *left_out += 1 };
    };
    match value {
        Value::Object(inner) => {
            add_flat_objects(merged(object, &wrapper, inner), depth - 1, found, left_out);
        }
        Value::Array(values) => {
            object.retain(|key, value| applies_to_each(key, value));
            for inner in values {
                let Value::Object(inner) = inner else { continue };
                if found.len() == MAX_OBJECTS {
                    *left_out += 1;
                    continue;
                }
                add_flat_objects(merged(object.clone(), &wrapper, inner), depth - 1, found, left_out);
            }
        }
        _ => {}
    }
}

/// Whether a member around a list says the same of every object in it: the store, the event and the currency.
fn applies_to_each(key: &str, value: &Value) -> bool {
    let column = flat_label(key).map(|label| label.column);
    let is_shared = is_one_of(key, &EVENT_KEYS) || matches!(column, Some(Column::Store | Column::Currency));
    is_shared && scalar(value).is_some()
}

/// The members of an object and those of the object around it. The outer object's own values stay: an inner value for the
/// same column is kept under its long name.
fn merged(mut around: Map<String, Value>, wrapper: &str, inner: Map<String, Value>) -> Map<String, Value> {
    let is_stated = |value: &Value| !value.is_null() && value.as_str() != Some("");
    let column = |key: &str| flat_label(key).map(|label| (label.column, label.item));
    let stated = around.iter().filter(|(_, value)| is_stated(value));
    let columns: HashSet<_> = stated.filter_map(|(key, _)| column(key)).collect();
    let has_event = around.iter().any(|(key, value)| value.is_string() && event(key, value).is_some());
    let starts_with_order = |text: &str| text.to_lowercase().starts_with("order");
    let of_event = || {
        let event = first_of(&around, &EVENT_KEYS).and_then(|key| around.get(key)).and_then(Value::as_str);
        event.is_some_and(starts_with_order) && !inner.values().any(Value::is_object)
    };
    let is_order = starts_with_order(wrapper) || of_event();
    let has_number = columns.contains(&(Column::OrderNumber, 0))
        || inner.keys().any(|key| is_order_number(&label_of(key)));
    let number = number_key(&inner).filter(|_| is_order && !has_number).cloned();
    for (key, value) in inner {
        if Some(&key) == number.as_ref() {
            around.insert("order number".to_owned(), value);
            continue;
        }
        let is_taken = match column(&key) {
            _ if is_one_of(&key, &EVENT_KEYS) => has_event,
            Some(column) => columns.contains(&column),
            None => around.get(&key).is_some_and(is_stated),
        };
        if !is_taken {
            around.insert(key, value);
            continue;
        }
        let long = format!("{wrapper} {key}");
        if labels::find(&long).is_none() {
            around.entry(long).or_insert(value);
        }
    }
    around
}

/// The key of the order number in an object that is the value of `order`. A name is a number if it looks like one: `#1001`.
fn number_key(order: &Map<String, Value>) -> Option<&String> {
    let named = || first_of(order, &["name"]).and_then(|key| Some((key, order.get(key)?.as_str()?)));
    let with_sign = named().filter(|(_, name)| name.starts_with('#'));
    let is_number = |name: &str| name.contains(|c: char| c.is_ascii_digit()) && !name.contains(' ');
    with_sign
        .map(|(key, _)| key)
        .or_else(|| first_of(order, &NUMBER_KEYS).filter(|key| order.get(*key).and_then(scalar).is_some()))
        .or_else(|| named().filter(|(_, name)| is_number(name)).map(|(key, _)| key))
}

fn is_one_of(key: &str, keys: &[&str]) -> bool {
    keys.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// The key of an object that comes first in a list of keys.
fn first_of<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a String> {
    keys.iter().find_map(|wanted| object.keys().find(|key| key.eq_ignore_ascii_case(wanted)))
}

fn is_order_number(key: &str) -> bool {
    labels::find(key).is_some_and(|label| label.column == Column::OrderNumber)
}

/// A flat object is a card whose keys are labels. If a key names what every order has, the card describes
/// an order even if the value is empty.
pub(crate) fn flat_object(object: &Map<String, Value>) -> Embed {
    let event = event_of(object);
    let others = || object.iter().filter(|(key, _)| event.as_ref().is_none_or(|(event, _)| event != key));
    let stated = others().filter(|(_, value)| !value.is_null()).filter_map(|(key, _)| flat_label(key));
    let stated: HashSet<Column> = stated.map(|label| label.column).collect();
    // The object's own labels come first: labels inside its members do not replace them.
    let (mut fields, mut inner) = (Vec::new(), Vec::new());
    for (key, value) in others() {
        let name = flat_name(key);
        match value {
            Value::Object(member) if !is_one_value(&name) => {
                let (own, others) = fields_of(&name, member, &stated);
                fields.extend(own);
                inner.extend(others);
            }
            value => fields.extend(text_of(&name, value).map(|value| Field { name, value })),
        }
    }
    fields.extend(inner);
    let describes_order =
        || object.keys().any(|key| names_order(&label_of(key))).then(|| FLAT_HEADING.to_owned());
    let title = event.map(|(_, heading)| heading).or_else(describes_order);
    Embed { title, fields, ..Embed::default() }
}

/// The key that states the outcome, and the heading that it means. A key such as `success` counts only if no event and no
/// status is stated: it may mean that a request succeeded.
fn event_of(object: &Map<String, Value>) -> Option<(&String, String)> {
    let events = EVENT_KEYS.iter().filter_map(|wanted| object.get_key_value(first_of(object, &[wanted])?));
    if let Some(found) = events.clone().find_map(|(key, value)| Some((key, event(key, value)?))) {
        return Some(found);
    }
    let is_status = |(key, value): (&String, &Value)| {
        labels::find(key).is_some_and(|label| label.column == Column::Status) && scalar(value).is_some()
    };
    let mut texts = events.filter(|(_, value)| value.is_string());
    if texts.next().is_some() || object.iter().any(is_status) {
        return None;
    }
    object.iter().find_map(|(key, value)| Some((key, event(key, value)?)))
}

/// Whether an object under this label is one value: products, an amount or an address.
fn is_one_value(name: &str) -> bool {
    labels::find(name).is_some_and(|label| {
        matches!(
            label.column,
            Column::Product
                | Column::Item
                | Column::Price
                | Column::Total
                | Column::Amount
                | Column::Commission
                | Column::ShippingAddress
        )
    })
}

fn text_of(name: &str, value: &Value) -> Option<String> {
    match (labels::find(name).map(|label| label.column), value) {
        (Some(Column::Product), Value::Array(values)) => list_of_items(values),
        (Some(Column::Product | Column::Item), Value::Object(_)) => {
            list_of_items(std::slice::from_ref(value))
        }
        (Some(Column::Price | Column::Total | Column::Amount | Column::Commission), Value::Object(money)) => {
            amount_with_currency(money)
        }
        _ => flat_value(value),
    }
}

/// The fields of an object in a flat object: the value that it stands for, and its other values under long names. It may
/// hold the name and the e-mail address of a customer, or the number and the link of a parcel. `stated` are the columns
/// that the flat object states itself.
fn fields_of(
    name: &str,
    object: &Map<String, Value>,
    stated: &HashSet<Column>,
) -> (Option<Field>, Vec<Field>) {
    let column = labels::find(name).map(|label| label.column);
    let own = first_of(object, &VALUE_KEYS).filter(|key| column.is_some() && is_value(column, key));
    let (mut others, mut has_label) = (Vec::new(), false);
    for (key, value) in object {
        let (long, short) = (format!("{name} {}", label_of(key)), label_of(key));
        let is_free = |label: &Label| !label.weak && !stated.contains(&label.column);
        let is_inner = |label: &Label| is_free(label) && INNER_COLUMNS.contains(&label.column);
        let (of_long, of_short) = (labels::find(&long), labels::find(&short));
        let label = if of_long.is_some_and(|label| is_free(&label)) {
            Some(long.clone())
        } else {
            of_short.filter(is_inner).map(|_| short)
        };
        has_label |= label.is_some() || of_short.is_some_and(|label| !label.weak);
        let text = match label {
            Some(_) => flat_value(value),
            None if own == Some(key) || of_long.is_some() => None,
            None => scalar(value),
        };
        others.extend(text.map(|value| Field { name: label.unwrap_or(long), value }));
    }
    let own_text = match own {
        Some(key) => object.get(key).and_then(scalar),
        None if column == Some(Column::CustomerName) => full_name(object),
        None if has_label || column == Some(Column::CustomerName) => None,
        None => return (joined(object).map(|value| Field { name: name.to_owned(), value }), Vec::new()),
    };
    (own_text.map(|value| Field { name: name.to_owned(), value }), others)
}

/// Whether the value of an object under a label may stand under this key. The id of a customer is not a name.
fn is_value(column: Option<Column>, key: &str) -> bool {
    let is_id = is_one_of(key, &["id", "number"]);
    !is_id || matches!(column, Some(Column::OrderNumber | Column::Reference | Column::Tracking))
}

/// The first and the last name of a customer.
fn full_name(customer: &Map<String, Value>) -> Option<String> {
    let names = [["first_name", "firstname"], ["last_name", "lastname"]];
    let names = names.iter().filter_map(|keys| customer.get(first_of(customer, keys)?).and_then(scalar));
    let names: Vec<String> = names.filter(|name| !name.trim().is_empty()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// The amount in `{"amount": 5, "currency": "USD"}`. Other objects are not understood, so all their values are kept.
fn amount_with_currency(money: &Map<String, Value>) -> Option<String> {
    const AMOUNT: [&str; 2] = ["amount", "value"];
    const CURRENCY: [&str; 3] = ["currency", "currency_code", "currencycode"];
    let find = |keys: &[&str]| first_of(money, keys).and_then(|key| money.get(key)).and_then(scalar);
    let is_known = money.keys().all(|key| is_one_of(key, &AMOUNT) || is_one_of(key, &CURRENCY));
    match find(&AMOUNT).filter(|_| is_known) {
        Some(amount) => Some(format!("{amount} {}", find(&CURRENCY).unwrap_or_default()).trim().to_owned()),
        None => joined(money),
    }
}

/// Turns the value of a key such as `event` into a heading: `checkout_success` becomes `checkout success`. A key such as
/// `success` states the outcome itself.
fn event(key: &str, value: &Value) -> Option<String> {
    if let Value::Bool(is_success) = value {
        let heading = if *is_success { "Successful Checkout" } else { "Checkout Failed" };
        return is_one_of(key, &SUCCESS_KEYS).then(|| heading.to_owned());
    }
    EVENT_KEYS.iter().find(|known| key.eq_ignore_ascii_case(known))?;
    let text = value.as_str()?.replace(['_', '.'], " ");
    heading::parse(&text).map(|_| text)
}

/// The label that a key means: `orderNumber` is `order Number`.
fn label_of(key: &str) -> String {
    let mut spaced = String::with_capacity(key.len());
    for c in key.chars() {
        if c.is_ascii_uppercase() && spaced.ends_with(|before: char| before.is_ascii_lowercase()) {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    if labels::find(key).is_none() && labels::find(&spaced).is_some() { spaced } else { key.to_owned() }
}

/// The label of a key of a flat object.
fn flat_name(key: &str) -> String {
    let renamed = FLAT_KEY_LABELS.iter().find(|(flat, _)| key.eq_ignore_ascii_case(flat));
    renamed.map_or_else(|| label_of(key), |(_, label)| (*label).to_owned())
}

fn flat_label(key: &str) -> Option<Label> {
    labels::find(&flat_name(key))
}

/// Whether a key names an order's number, goods or money. A key `order` alone may hold anything.
fn names_order(key: &str) -> bool {
    labels::find(key).is_some_and(|Label { column, name, weak, .. }| match column {
        Column::OrderNumber => !weak || name != "order",
        Column::Product | Column::Item | Column::Price | Column::Total => !weak,
        _ => false,
    })
}

/// The text of a scalar, or the scalars inside a list or an object, separated by commas.
fn flat_value(value: &Value) -> Option<String> {
    let inside: Vec<String> = match value {
        Value::Array(values) if values.iter().any(Value::is_object) => return list_of_items(values),
        Value::Array(values) => values.iter().filter_map(scalar).collect(),
        Value::Object(object) => return joined(object),
        _ => return scalar(value),
    };
    with_commas(&inside)
}

/// The scalars of an object, in the order of an address.
fn joined(object: &Map<String, Value>) -> Option<String> {
    let mut pairs: Vec<_> = object.iter().collect();
    pairs.sort_by_key(|(key, _)| {
        let begins = |beginning: &&str| key.to_lowercase().starts_with(beginning);
        ADDRESS_KEYS.iter().position(begins).unwrap_or(ADDRESS_KEYS.len())
    });
    let values: Vec<String> = pairs.into_iter().filter_map(|(_, value)| scalar(value)).collect();
    with_commas(&values)
}

fn with_commas(values: &[String]) -> Option<String> {
    let values: Vec<&str> = values.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// A list of products, one on each line.
fn list_of_items(values: &[Value]) -> Option<String> {
    let lines: Vec<String> = values.iter().filter_map(item_line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Keys of a product in a list, and the label under which its line states the value.
const ITEM_KEYS: &[(&[&str], &str)] = &[
    (&["size", "variant", "variant_title", "option"], "Size"),
    (&["sku", "asin", "pid", "product_id"], "SKU"),
    (&["unit_price", "unitprice", "price", "item_price", "price_each"], "Price"),
    (&["line_total", "linetotal", "total", "total_price", "line_price", "subtotal", "amount"], "Total"),
];

/// A product in a list of products as a line: `- 2x [Name](link) | Size: M | Price: 10`.
fn item_line(item: &Value) -> Option<String> {
    // The product may be an object of its own: `{"product": {"name": "Mug"}, "quantity": 2}`.
    let product = item.as_object().and_then(|item| {
        let key = first_of(item, &["product", "item", "variant"])?;
        item.get(key)?.as_object()
    });
    let find = |keys: &[&str]| {
        let text = |object: &Map<String, Value>| {
            let values = keys.iter().filter_map(|wanted| object.get(first_of(object, &[wanted])?));
            let mut texts = values.filter_map(|value| match value {
                Value::Object(inner) if first_of(inner, &["amount", "value"]).is_some() => {
                    amount_with_currency(inner)
                }
                value => scalar(value),
            });
            texts.find(|text| !text.trim().is_empty()).map(|text| text.trim().to_owned())
        };
        item.as_object().and_then(text).or_else(|| product.and_then(text))
    };
    let name =
        find(&["name", "product", "product_name", "title", "item", "item_name"]).or_else(|| scalar(item))?;
    let quantity = find(&["quantity", "qty", "count", "units"]).unwrap_or_else(|| "1".to_owned());
    let name = match find(&["url", "product_url", "link"]).filter(|link| link.starts_with("http")) {
        Some(link) => format!("[{name}]({link})"),
        None => name,
    };
    let notes = ITEM_KEYS.iter().filter_map(|(keys, label)| Some(format!(" | {label}: {}", find(keys)?)));
    let mut notes: String = notes.collect();
    // A line with a labelled note, such as `Qty: 2`, has no price or size at the end of its name.
    if notes.is_empty() && name.contains([' ', '(']) {
        notes = format!(" | Qty: {quantity}");
    }
    Some(format!("- {quantity}x {name}{notes}"))
}

/// The text of a key, if it is a scalar and not empty.
pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(scalar).filter(|text| !text.is_empty())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(decimal(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as plain digits, rounded to six decimals. Senders calculate in binary, so that 0.1 + 0.2
/// arrives as 0.30000000000000004.
fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && (float == 0.0 || (1e-6..1e15).contains(&float.abs())) => {
            format!("{float:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

/// A snowflake: a string of digits, or a number, that fits a signed 64-bit integer.
pub(crate) fn snowflake(value: &Value, key: &str) -> Option<i64> {
    text(value, key).and_then(|id| id.parse().ok())
}

/// A timestamp with a zone, in a plausible year.
pub(crate) fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(&text(value, key)?).ok()?.to_utc();
    dates::is_plausible(time).then_some(time)
}
