//! Decodes JSON payloads, corrects what senders often get wrong, and reads flat objects as cards.

use std::borrow::Cow;

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
    "purchase", "record", "result", "transaction",
];
/// Keys whose value may be a list of such objects.
const LISTS: [&str; 8] = ["cards", "checkouts", "data", "events", "messages", "orders", "records", "results"];
/// Maximum nesting of wrappers.
const MAX_WRAPPERS: usize = 4;
/// Keys that mean the order number inside an object that is the value of `order`.
const NUMBER_KEYS: [&str; 4] = ["number", "id", "no", "name"];
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

/// The message of Discord or Slack that a wrapper holds.
pub(crate) fn wrapped_message(object: &Map<String, Value>) -> Option<&Value> {
    let is_wrapper = |key: &str| is_one_of(key, WRAPPERS);
    let mut inside = object.iter().filter(|(key, value)| is_wrapper(key) && value.is_object());
    inside.find_map(|(_, value)| (discord::is_message(value) || slack::is_message(value)).then_some(value))
}

/// The flat objects in an object: the objects of a list, or else the object itself, each with the members around it.
pub(crate) fn flat_objects(object: &Map<String, Value>) -> Vec<Map<String, Value>> {
    flat_objects_within(object, MAX_WRAPPERS)
}

fn flat_objects_within(object: &Map<String, Value>, depth: usize) -> Vec<Map<String, Value>> {
    let is_list = |value: &Value| {
        value.as_array().is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_object))
    };
    let inside = |(key, value): &(&String, &Value)| {
        (value.is_object() && is_one_of(key, WRAPPERS)) || (is_list(value) && is_one_of(key, &LISTS))
    };
    let found = object.iter().filter(|_| depth > 0).find(inside);
    let Some((wrapper, value)) = found else { return vec![object.clone()] };
    let around = object.iter().filter(|(key, _)| *key != wrapper);
    let around: Map<String, Value> = around.map(|(key, value)| (key.clone(), value.clone())).collect();
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let with_members_around = |inner: &Map<String, Value>| {
        let mut merged = around.clone();
        let starts_with_order = |text: &str| text.to_lowercase().starts_with("order");
        let of_event = || {
            let event =
                first_of(&around, &EVENT_KEYS).and_then(|key| around.get(key)).and_then(Value::as_str);
            event.is_some_and(starts_with_order) && !inner.values().any(Value::is_object)
        };
        let is_order = starts_with_order(wrapper) || of_event();
        let has_number = inner.keys().any(|key| is_order_number(&label_of(key)));
        for (key, value) in inner {
            let is_number = is_order
                && !has_number
                && scalar(value).is_some()
                && first_of(inner, &NUMBER_KEYS) == Some(key);
            merged.insert(if is_number { "order number".to_owned() } else { key.clone() }, value.clone());
        }
        flat_objects_within(&merged, depth - 1)
    };
    values.iter().filter_map(Value::as_object).flat_map(with_members_around).collect()
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
    let event = object.iter().find_map(|(key, value)| Some((key, event(key, value)?)));
    let fields = object.iter().filter(|(key, _)| event.as_ref().is_none_or(|(event, _)| event != key));
    let fields = fields.flat_map(|(key, value)| {
        let renamed = FLAT_KEY_LABELS.iter().find(|(flat, _)| *flat == key.to_lowercase());
        let name = renamed.map_or_else(|| label_of(key), |(_, label)| (*label).to_owned());
        fields_of(name, value)
    });
    let describes_order =
        || object.keys().any(|key| names_order(&label_of(key))).then(|| FLAT_HEADING.to_owned());
    let fields: Vec<Field> = fields.collect();
    let title = event.map(|(_, heading)| heading).or_else(describes_order);
    Embed { title, fields, ..Embed::default() }
}

/// The fields of a member of a flat object. An object may hold several values: the name and the e-mail address of a
/// customer, or the number and the link of a parcel.
fn fields_of(name: String, value: &Value) -> Vec<Field> {
    let column = labels::find(&name).map(|label| label.column);
    let field = |name: String, value: Option<String>| value.map(|value| Field { name, value });
    let text = match (column, value) {
        (Some(Column::Product), Value::Array(values)) => list_of_items(values),
        (Some(Column::Product | Column::Item), Value::Object(_)) => {
            list_of_items(std::slice::from_ref(value))
        }
        (Some(Column::Price | Column::Total | Column::Amount | Column::Commission), Value::Object(money)) => {
            amount_with_currency(money)
        }
        (Some(Column::ShippingAddress), _) => flat_value(value),
        (_, Value::Object(object)) => {
            let inner = |key: &String| {
                let (long, short) = (format!("{name} {}", label_of(key)), label_of(key));
                [long, short].into_iter().find(|label| labels::find(label).is_some_and(|label| !label.weak))
            };
            let named = object.iter().filter_map(|(key, value)| field(inner(key)?, flat_value(value)));
            let mut fields: Vec<Field> = named.collect();
            let own = first_of(object, &VALUE_KEYS).filter(|_| column.is_some());
            if fields.is_empty() && own.is_none() {
                return field(name, flat_value(value)).into_iter().collect();
            }
            let own = own.and_then(|key| object.get(key)).and_then(scalar);
            let is_own = |key: &String| first_of(object, &VALUE_KEYS) == Some(key);
            let others = object.iter().filter(|(key, _)| inner(key).is_none() && !is_own(key));
            let others =
                others.filter_map(|(key, value)| field(format!("{name} {}", label_of(key)), scalar(value)));
            fields.extend(others);
            fields.extend(field(name.clone(), own));
            return fields;
        }
        _ => flat_value(value),
    };
    field(name, text).into_iter().collect()
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
