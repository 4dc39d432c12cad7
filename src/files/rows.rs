//! Turns the rows of a table into typed rows: the order that each names, and the values that it states.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::dates::{self, DateOrder};
use super::mapping::MappedTable;
use super::statement::{self, Charge};
use super::table::TableRow;
use super::{Field, Kind, Reading, RowOutcome};
use crate::card::outcome::Outcome;
use crate::card::parse::money::{self, CurrencyHint};
use crate::card::parse::values::is_placeholder;
use crate::card::parse::{ParseContext, ParsedCard, count, proxy_host, typed, usual_currency};
use crate::order::{Extra, Fields, OrderItem, OrderNumber, Patch, Source, Status, View};

/// An export contains this in place of a value that its reader may not see.
const MASK: &str = "***";
/// Columns that hold an amount.
const AMOUNTS: [&str; 3] = ["price", "total", "commission"];
/// Labels of `extra` that ROMS gives to columns of statements and scan reports.
const OWN_LABELS: [&str; 4] = ["Charged", "Order ID", "Created", "Modified"];
/// Why a placeholder such as `undefined` names no order.
const NO_NUMBER: &str = "this stands in place of an order number";
/// Why a number with an exponent names no order.
const SHORTENED: &str = "a spreadsheet has shortened this number; format its column as text";

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the text, or its row in the workbook, from 1.
    pub line: u32,
    /// How its order is found.
    pub key: RowKey,
    /// The values that it states, as text. [`Row::patch`] can read all of them, unless there is a `problem`.
    pub values: Vec<(Field, String)>,
    /// The outcome and the reason, if the row cannot be used.
    pub problem: Option<(RowOutcome, String)>,
}

/// How the order of a row is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// By its number.
    Number(OrderNumber),
    /// By one of its tracking numbers.
    Parcel(String),
    /// By the number in the text of a charge, or by its amount, date and store.
    Charge(Box<Charge>),
    /// The row names no order that can be used. This is its text in place of the order.
    None(String),
}

/// The typed values of a row.
#[derive(Clone, Debug)]
pub struct RowPatch {
    /// The change to the order.
    pub patch: Patch,
    /// The currencies that its amounts allow.
    pub currencies: Vec<CurrencyHint>,
    /// Why the row may change an order but add none.
    pub adds_none: Option<String>,
    /// The time zone of its times.
    pub timezone: Tz,
}

impl RowKey {
    /// The order as the file names it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Number(number) => number.as_str(),
            Self::Parcel(text) | Self::None(text) => text,
            Self::Charge(charge) => &charge.details,
        }
    }
}

impl Row {
    /// A row that cannot be used.
    pub(crate) fn bad(line: u32, order: &str, reason: String) -> Self {
        let problem = Some((RowOutcome::Bad, reason));
        Self { line, key: RowKey::None(order.to_owned()), values: Vec::new(), problem }
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, field: &Field) -> Option<&str> {
        self.values.iter().find(|(other, _)| other == field).map(|(_, text)| text.as_str())
    }

    /// Whether the row states a value that is masked for a person with this view. A card may state anything.
    #[must_use]
    pub fn states_hidden(&self, kind: Kind, view: View) -> bool {
        let is_hidden = |(field, text): &(Field, String)| match field {
            Field::Order(name) => view.value(name, text) != text.as_str(),
            // The labels that ROMS itself gives to columns of statements and scan reports hold no personal data.
            Field::Extra(label) => kind == Kind::Orders || !OWN_LABELS.contains(&label.as_str()),
            Field::Details | Field::OrderNumber | Field::Amount | Field::Ignored => kind == Kind::Cards,
        };
        view == View::Masked && self.values.iter().any(is_hidden)
    }

    /// Reads the values into a patch for the order with this number. `at` is the time of the import.
    ///
    /// # Errors
    /// If a value cannot be read. The error names the field and the reason.
    pub fn patch(
        &self,
        kind: Kind,
        number: OrderNumber,
        at: DateTime<Utc>,
        reading: &Reading,
    ) -> Result<RowPatch, String> {
        if let [(Field::Details, card)] = self.values.as_slice()
            && kind == Kind::Cards
        {
            return card_patch(card, at, reading);
        }
        let mut stated = Fields::default();
        let (mut extra, mut currencies) = (Extra::new(), Vec::new());
        for (field, text) in &self.values {
            match field {
                Field::Order(name) => set(&mut stated, name, text, &mut currencies, reading)?,
                Field::Extra(label) => drop(extra.insert(label.clone(), text.clone())),
                Field::OrderNumber | Field::Details | Field::Amount | Field::Ignored => {}
            }
        }
        if kind == Kind::Cancellations {
            stated.status = Some(Status::Cancelled);
        }
        check_currency(&mut stated, &currencies)?;
        stated.proxy_host = stated.proxy_host.or_else(|| stated.proxy_list.as_deref().and_then(proxy_host));
        let derived =
            if kind == Kind::Orders { derived(&stated, &currencies, reading) } else { Fields::default() };
        let item = OrderItem {
            product: stated.product.clone(),
            sku: extra.get("sku").cloned(),
            size: extra.get("size").cloned(),
            quantity: stated.quantity,
            unit_price: stated.price,
            ..OrderItem::default()
        };
        let items = item.product.is_some().then_some(item).into_iter().collect();
        let patch = Patch { number, at, source: Source::ManualUpload, stated, derived, extra, items };
        Ok(RowPatch { patch, currencies, adds_none: None, timezone: reading.timezone })
    }
}

/// Reads the rows of a table. It also parses each value, so that unreadable values are reported before
/// anything is stored.
pub(crate) fn read(table: &MappedTable, reading: &Reading) -> Vec<Row> {
    let order = date_order(table);
    let sign = statement::sign(table);
    let has_days = table.columns.iter().any(|column| column.heading == "order_day");
    let read = |row: &TableRow| {
        let mut values = values(table, row);
        for (field, text) in &mut values {
            if is_date(field)
                && let Some(iso) = dates::iso(text, order)
            {
                *text = iso;
            }
        }
        let read = match table.kind {
            Kind::Charges => Ok(statement::row(row.line, &values, sign, reading)),
            kind => key(kind, row.line, values, has_days, reading),
        };
        let row = match read {
            Ok(row) if row.problem.is_none() => row,
            Ok(row) | Err(row) => return row,
        };
        // Any number will do: this only checks whether the values can be read.
        let number = match &row.key {
            RowKey::Number(number) => number.clone(),
            _ => OrderNumber::of_message(0, 0),
        };
        match row.patch(table.kind, number, DateTime::UNIX_EPOCH, reading) {
            Ok(_) => row,
            Err(reason) => Row { problem: Some((RowOutcome::Bad, reason)), ..row },
        }
    };
    table.rows.iter().map(read).collect()
}

/// The cells of a row that are not empty, masked or ignored, each with its field.
fn values(table: &MappedTable, row: &TableRow) -> Vec<(Field, String)> {
    let cells = table.columns.iter().zip(&row.cells);
    let states = |text: &str| !text.is_empty() && !text.contains(MASK);
    cells
        .filter(|(column, text)| column.field != Field::Ignored && states(text))
        .map(|(column, text)| (column.field.clone(), text.replace("\r\n", "\n")))
        .collect()
}

fn is_date(field: &Field) -> bool {
    matches!(field, Field::Order(name) if name.ends_with("_date"))
}

fn date_order(table: &MappedTable) -> DateOrder {
    let columns = table.columns.iter().enumerate().filter(|(_, column)| is_date(&column.field));
    let columns: Vec<usize> = columns.map(|(at, _)| at).collect();
    let cells = table.rows.iter().flat_map(|row| columns.iter().filter_map(|at| row.cells.get(*at)));
    dates::order_of(cells.map(String::as_str))
}

/// Finds the order that a row names, and prepares the row's values. The error is a row with the reason why it
/// cannot be used.
///
/// `has_days` says that the dates of the table have their times of day, as in an export.
fn key(
    kind: Kind,
    line: u32,
    mut values: Vec<(Field, String)>,
    has_days: bool,
    reading: &Reading,
) -> Result<Row, Row> {
    let take = |values: &mut Vec<(Field, String)>, field: &Field| {
        let at = values.iter().position(|(other, _)| other == field)?;
        Some(values.remove(at).1)
    };
    let tracking = Field::Order("tracking_number");
    let number = take(&mut values, &Field::OrderNumber);
    let key = match (number, kind) {
        (Some(text), _) => {
            if is_shortened(&text) {
                return Err(Row::bad(line, &text, SHORTENED.to_owned()));
            }
            let number = OrderNumber::parse(&text);
            let number = number.map_err(|error| Row::bad(line, &text, error.to_string()))?;
            let is_zero = text.chars().all(|c| c == '0' || !c.is_alphanumeric());
            if is_zero || is_placeholder(&text) {
                return Err(Row::bad(line, &text, NO_NUMBER.to_owned()));
            }
            RowKey::Number(number)
        }
        (None, Kind::Received) => match take(&mut values, &tracking) {
            Some(text) if is_shortened(&text) => return Err(Row::bad(line, &text, SHORTENED.to_owned())),
            Some(text) => RowKey::Parcel(parcel(&text)),
            None => return Err(Row::bad(line, "", "no order number and no tracking number".to_owned())),
        },
        (None, _) => return Err(Row::bad(line, "", "no order number".to_owned())),
    };
    if kind == Kind::Received {
        prepare_received(&mut values);
    }
    let bad = |reason: &str| Err(Row::bad(line, key.text(), reason.to_owned()));
    if let Some((_, text)) = values.iter_mut().find(|(field, _)| *field == tracking) {
        if is_shortened(text) {
            return bad(SHORTENED);
        }
        *text = parcels(text).join(", ");
    }
    if kind == Kind::Tracking && !values.iter().any(|(field, _)| *field == tracking) {
        return bad("no tracking number");
    }
    if kind == Kind::Received && !values.iter().any(|(field, _)| *field == Field::Order("qty_received")) {
        return bad("no quantity");
    }
    if !has_days {
        join_time(&mut values, reading);
    }
    Ok(Row { line, key, values, problem: None })
}

/// Removes values of a scan report that say nothing: 0.00 stands for an unknown amount, and only two of the
/// report's statuses exist for orders.
fn prepare_received(values: &mut Vec<(Field, String)>) {
    values.retain(|(field, text)| match field {
        Field::Order("total" | "commission") => {
            money::parse(text).is_none_or(|money| money.amount.hundredths() != 0)
        }
        Field::Order("status") => ["verified", "unverified"].contains(&text.to_lowercase().as_str()),
        _ => true,
    });
}

/// Adds the time of day from `order_time` to the day in `order_date`.
fn join_time(values: &mut [(Field, String)], reading: &Reading) {
    let of = |name: &'static str| values.iter().find(|(field, _)| *field == Field::Order(name));
    let (Some((_, date)), Some((_, time))) = (of("order_date"), of("order_time")) else { return };
    if let Some(joined) = dates::joined(date, time, reading.timezone) {
        for (field, text) in values {
            if *field == Field::Order("order_date") {
                joined.clone_into(text);
            }
        }
    }
}

/// The tracking numbers in a cell, without repetitions. A formula is one text.
pub(crate) fn parcels(text: &str) -> Vec<String> {
    if is_formula(text) {
        return vec![text.to_owned()];
    }
    let mut found: Vec<String> = Vec::new();
    for number in text.split([',', ';', '\n', '|']).map(parcel).filter(|number| !number.is_empty()) {
        if !found.contains(&number) {
            found.push(number);
        }
    }
    found
}

/// A tracking number in one spelling: without spaces and in upper case. A formula stays as it is.
pub(crate) fn parcel(text: &str) -> String {
    if is_formula(text) {
        return text.to_owned();
    }
    text.split_whitespace().collect::<String>().to_uppercase()
}

fn is_formula(text: &str) -> bool {
    text.trim_start().starts_with('=')
}

/// Whether a spreadsheet has replaced a long number by one with an exponent, which loses the last digits.
fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) =
        text.to_uppercase().split_once("E+").map(|(a, b)| (a.to_owned(), b.to_owned()))
    else {
        return false;
    };
    let is_digits =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
    is_digits(&mantissa) && is_digits(&exponent)
}

/// Reads one value into its column, and notes the currency of an amount.
fn set(
    fields: &mut Fields,
    name: &'static str,
    text: &str,
    currencies: &mut Vec<CurrencyHint>,
    reading: &Reading,
) -> Result<(), String> {
    typed::set(fields, name, text, reading.timezone).map_err(|error| {
        let shown: String = text.chars().take(40).collect();
        format!("{name}: `{shown}` {error}")
    })?;
    if AMOUNTS.contains(&name)
        && let Some(money) = money::parse(text)
        && !currencies.contains(&money.currency)
    {
        currencies.push(money.currency);
    }
    Ok(())
}

/// Sets the currency of a row from its amounts, and refuses a row whose amounts are in different currencies.
fn check_currency(stated: &mut Fields, currencies: &[CurrencyHint]) -> Result<(), String> {
    let named = currencies.iter().find_map(|hint| match hint {
        CurrencyHint::Named(currency) => Some(*currency),
        _ => None,
    });
    stated.currency = stated.currency.or(named);
    let agrees = stated.currency.is_none_or(|currency| currencies.iter().all(|hint| hint.allows(currency)));
    let is_one = !(currencies.contains(&CurrencyHint::Dollar) && currencies.contains(&CurrencyHint::Krone));
    if agrees && is_one { Ok(()) } else { Err("the amounts are in different currencies".to_owned()) }
}

/// The derived fields of a row of orders: they only fill empty columns.
fn derived(stated: &Fields, currencies: &[CurrencyHint], reading: &Reading) -> Fields {
    let has_amount = stated.price.is_some() || stated.total.is_some();
    let currency = has_amount.then(|| usual_currency(stated.store.as_deref(), reading.currency, currencies));
    Fields { quantity: Some(1), currency: currency.flatten(), ..Fields::default() }
}

/// Parses a card of a file. The file does not say when the card was posted, so no order date is derived.
pub(crate) fn card_patch(text: &str, at: DateTime<Utc>, reading: &Reading) -> Result<RowPatch, String> {
    let context = ParseContext {
        at,
        source: Source::ManualUpload,
        timezone: reading.timezone,
        currency: reading.currency,
        fallback_number: None,
    };
    let no_order =
        |outcome: Outcome| outcome.reason().unwrap_or_else(|| "this card is not an order".to_owned());
    let (mut patch, adds_none) = match crate::card::parse::parse(text, &context) {
        Some(ParsedCard::Order { patch, .. }) => (patch, None),
        Some(ParsedCard::IfKnown { patch, otherwise, .. }) => (patch, Some(no_order(otherwise))),
        Some(ParsedCard::NoOrder(outcome)) => return Err(no_order(outcome)),
        None => return Err("this is not a card of an order".to_owned()),
    };
    (patch.derived.order_date, patch.derived.order_time) = (None, None);
    let currencies = patch.stated.currency.map(CurrencyHint::Named).into_iter().collect();
    Ok(RowPatch { patch: *patch, currencies, adds_none, timezone: reading.timezone })
}

/// The sum of two counts.
pub(crate) fn add_counts(one: &str, other: &str) -> Option<String> {
    count(one)?.checked_add(count(other)?).map(|sum| sum.to_string())
}

/// The sum of two amounts in the same currency.
pub(crate) fn add_amounts(one: &str, other: &str) -> Option<String> {
    let (one, other) = (money::parse(one)?, money::parse(other)?);
    let sum = one.amount.plus(other.amount).filter(|_| one.currency == other.currency)?;
    Some(match one.currency {
        CurrencyHint::Named(currency) => format!("{sum} {}", currency.code()),
        CurrencyHint::Dollar => format!("${sum}"),
        CurrencyHint::Krone => format!("{sum} kr"),
        CurrencyHint::Absent => sum.to_string(),
    })
}
