//! Reads statements of payment cards from Amex and other banks, with or without headings, in several
//! languages.

use chrono::{DateTime, Utc};

use super::dates;
use super::mapping::MappedTable;
use super::table::TableRow;
use super::{Field, Kind, Reading, Row, RowKey, RowOutcome};
use crate::card::parse::money;
use crate::order::Amount;
use crate::order::dates as order_dates;
use iso_currency::Currency;

/// Rows to examine to decide what the columns of a file without headings hold.
const SAMPLE: usize = 50;
/// Maximum characters of a charge's text in a report.
const MAX_DETAILS: usize = 200;
/// Shorter words in the text of a charge are not tried as order numbers.
const MIN_NUMBER: usize = 6;

/// A charge of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// When it was posted. UTC.
    pub posted: DateTime<Utc>,
    /// The amount, above 0.
    pub amount: Amount,
    /// Its currency, if the statement names it.
    pub currency: Option<Currency>,
    /// The text of the charge, on one line.
    pub details: String,
    /// The number in a column of its own, or the words of the details that may be an order number.
    pub numbers: Vec<String>,
}

/// Decides from the values what the columns of a statement without headings hold.
pub(crate) fn map_by_content(rows: &[TableRow], reading: &Reading) -> Option<Vec<Field>> {
    if reading.kind.is_some_and(|kind| kind != Kind::Charges) {
        return None;
    }
    let width = rows.iter().map(|row| row.cells.len()).max()?;
    let sample: Vec<&TableRow> = rows.iter().take(SAMPLE).collect();
    let cells =
        |at: usize| sample.iter().filter_map(move |row| row.cells.get(at)).filter(|cell| !cell.is_empty());
    let all = |at: usize, holds: &dyn Fn(&str) -> bool| {
        let (mut count, mut held) = (0_usize, 0_usize);
        for cell in cells(at) {
            count += 1;
            held += usize::from(holds(cell));
        }
        count * 2 > sample.len() && held == count
    };
    let is_date = |text: &str| {
        let iso = dates::iso(text, dates::DateOrder::MonthFirst);
        let iso = iso.or_else(|| dates::iso(text, dates::DateOrder::DayFirst));
        text.chars().any(|c| ['/', '.', '-', ' '].contains(&c))
            && order_dates::parse(iso.as_deref().unwrap_or(text), reading.timezone).is_some()
    };
    let is_amount = |text: &str| text.contains(['.', ',']) && money::parse(text).is_some();
    let mut fields = vec![Field::Ignored; width];
    let date = (0..width).find(|at| all(*at, &is_date))?;
    let amount = (0..width).find(|at| *at != date && all(*at, &is_amount))?;
    for (at, field) in fields.iter_mut().enumerate() {
        let is_reference = |text: &str| {
            let bare = text.trim_matches('\'');
            bare.len() >= MIN_NUMBER
                && bare.chars().all(|c| c.is_ascii_alphanumeric())
                && bare.chars().filter(char::is_ascii_digit).count() * 2 > bare.len()
        };
        *field = if at == date {
            Field::Order("posted_date")
        } else if at == amount {
            Field::Amount
        } else if all(at, &is_reference) {
            Field::Order("reference_number")
        } else {
            Field::Details
        };
    }
    let mut seen_reference = false;
    for field in &mut fields {
        if *field == Field::Order("reference_number") && std::mem::replace(&mut seen_reference, true) {
            *field = Field::Details;
        }
    }
    Some(fields)
}

/// The sign of charges in a statement: banks differ, so it is the sign of most rows. Payments and refunds
/// have the other sign.
pub(crate) fn sign(table: &MappedTable) -> i64 {
    let column = table.columns.iter().position(|column| column.field == Field::Amount);
    let amounts = table.rows.iter().filter_map(|row| money::parse(row.cells.get(column?)?));
    let (mut above, mut below) = (0_usize, 0_usize);
    for money in amounts {
        if money.amount.hundredths() < 0 { below += 1 } else { above += 1 }
    }
    if below > above { -1 } else { 1 }
}

/// Reads a row of a statement. The dates in `values` are in ISO 8601.
pub(crate) fn row(line: u32, values: &[(Field, String)], sign: i64, reading: &Reading) -> Row {
    let first =
        |field: &Field| values.iter().find(|(other, _)| other == field).map(|(_, text)| text.as_str());
    let texts = values.iter().filter(|(field, _)| *field == Field::Details).map(|(_, text)| text.as_str());
    let whole = texts.collect::<Vec<_>>().join("\n");
    let details: String =
        whole.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_DETAILS).collect();
    let bad = |reason: String| Row::bad(line, &details, reason);
    let Some(date) = first(&Field::Order("posted_date")) else { return bad("no date".to_owned()) };
    let Some(posted) = order_dates::parse(date, reading.timezone) else {
        return bad(format!("posted_date: `{date}` is not a date"));
    };
    let Some(text) = first(&Field::Amount) else { return bad("no amount".to_owned()) };
    let Some(money) = money::parse(text) else { return bad(format!("amount: `{text}` is not an amount")) };
    let reference = first(&Field::Order("reference_number")).map(|text| text.trim_matches('\'').to_owned());
    // A column of its own is surer than a word of the details.
    let named = first(&Field::OrderNumber).map(|number| vec![number.to_owned()]);
    let numbers = named.unwrap_or_else(|| numbers_in(&whole));
    let stated = first(&Field::Order("currency"));
    let currency =
        match (stated.map(|code| crate::order::currency_from_code(&code.to_uppercase())), money.currency) {
            (Some(None), _) => return bad("currency: not a currency such as USD".to_owned()),
            (Some(Some(currency)), hint) if hint.allows(currency) => Some(currency),
            (Some(Some(_)), _) => return bad("the amount is in another currency than the row".to_owned()),
            (None, money::CurrencyHint::Named(currency)) => Some(currency),
            (None, _) => None,
        };
    let is_charge = money.amount.hundredths().signum() == sign;
    let charge = Charge { posted: posted.at, amount: money.amount.absolute(), currency, details, numbers };
    let mut kept = vec![(Field::Order("posted_date"), date.to_owned())];
    kept.extend(
        reference.filter(|text| !text.is_empty()).map(|text| (Field::Order("reference_number"), text)),
    );
    let charged = currency.map_or_else(
        || charge.amount.to_string(),
        |currency| format!("{} {}", charge.amount, currency.code()),
    );
    kept.push((Field::Extra("Charged".to_owned()), charged));
    let problem =
        (!is_charge).then(|| (RowOutcome::Unchanged, "a payment or refund, not a charge".to_owned()));
    Row { line, key: RowKey::Charge(Box::new(charge)), values: kept, problem }
}

/// Words of a charge's text that may be an order number. Amex writes `Description : 112-345 Price : 0.00`.
fn numbers_in(details: &str) -> Vec<String> {
    let described = details.lines().filter_map(number_in_details).map(str::to_owned);
    let words = details.split(|c: char| c.is_whitespace() || [',', ';', '|', '(', ')'].contains(&c));
    let is_number = |word: &&str| {
        word.len() >= MIN_NUMBER
            && word.chars().any(|c| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '#'].contains(&c))
    };
    let words =
        words.map(|word| word.trim_matches(['#', '-', '.', ':', '*'])).filter(is_number).map(str::to_owned);
    let mut numbers: Vec<String> = Vec::new();
    for number in described.chain(words) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

/// The text between `Description :` and `Price :` in a line of Amex's extended details.
#[must_use]
pub fn number_in_details(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("Description :")?;
    let text = rest.split_once("Price :").map_or(rest, |(text, _)| text).trim();
    (text.len() >= MIN_NUMBER && text.chars().any(|c| c.is_ascii_digit())).then_some(text)
}
