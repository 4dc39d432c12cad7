//! Reads statements of payment cards from Amex and other banks, with or without headings, in several
//! languages.

use chrono::{DateTime, Utc};

use super::dates;
use super::mapping::MappedTable;
use super::table::TableRow;
use super::{Field, FileError, Kind, Reading, Row, RowKey, RowOutcome};
use crate::card::parse::money;
use crate::order::Amount;
use crate::order::dates as order_dates;
use iso_currency::Currency;

/// Rows to examine to decide what the columns of a file without headings hold.
const SAMPLE: usize = 50;
/// Maximum characters of a charge's text in a report.
const MAX_DETAILS: usize = 200;
/// A shorter word in the text of a charge, such as the number of a shop, is an order number only if the order has the total
/// of the charge.
const MIN_NUMBER: usize = 6;
/// Maximum digits of an amount in a file without headings. A longer number is a reference.
const MAX_DIGITS: usize = 12;

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
    /// Short words of the details. One of them is an order number only if the order has this amount as its total.
    pub short_numbers: Vec<String>,
}

/// The meaning of the columns of a file without headings.
pub(crate) enum Guess {
    /// The file is no statement.
    None,
    /// The field of each column.
    Fields(Vec<Field>),
    /// The fields of a statement that cannot be read as it is, and the reason.
    Unusable(Vec<Field>, FileError),
}

/// The heading of a column in a file that has none. Counts from 1.
pub(crate) fn heading(at: usize) -> String {
    format!("Column {}", at + 1)
}

/// Decides from the values what the columns of a statement without headings hold. A person's choice comes first.
pub(crate) fn map_by_content(rows: &[TableRow], reading: &Reading) -> Guess {
    if reading.kind.is_some_and(|kind| kind != Kind::Charges) {
        return Guess::None;
    }
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let named = |at: usize| {
        let heading = heading(at);
        let chosen = reading.mapping.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(&heading));
        chosen.map(|(_, field)| field.clone())
    };
    let mut fields: Vec<Option<Field>> = (0..width).map(named).collect();
    let is_numbered = fields.iter().any(Option::is_some);
    let sample = Sample { rows: rows.get(..rows.len().min(SAMPLE)).unwrap_or_default(), reading };
    let free = |fields: &[Option<Field>]| -> Vec<usize> {
        fields.iter().enumerate().filter(|(_, field)| field.is_none()).map(|(at, _)| at).collect()
    };
    let fill = |fields: &mut [Option<Field>], field: Field, found: &[usize]| {
        let [at] = found else { return false };
        fields.get_mut(*at).map(|place| *place = Some(field)).is_some()
    };
    let date = Field::Order("posted_date");
    if !fields.contains(&Some(date.clone())) {
        let found = free(&fields).into_iter().find(|at| sample.all(*at, |text| sample.is_date(text)));
        fill(&mut fields, date.clone(), found.as_slice());
    }
    let amounts =
        if fields.contains(&Some(Field::Amount)) { Vec::new() } else { sample.amounts(free(&fields)) };
    fill(&mut fields, Field::Amount, &amounts);
    let reference = Field::Order("reference_number");
    if !fields.contains(&Some(reference.clone())) {
        let found =
            free(&fields).into_iter().find(|at| !amounts.contains(at) && sample.all(*at, is_reference));
        fill(&mut fields, reference, found.as_slice());
    }
    let missing = [date, Field::Amount].into_iter().find(|field| !fields.contains(&Some(field.clone())));
    let rest = |at: usize| if amounts.contains(&at) { Field::Ignored } else { Field::Details };
    let fields =
        fields.into_iter().enumerate().map(|(at, field)| field.unwrap_or_else(|| rest(at))).collect();
    let columns = |columns: Vec<usize>| columns.into_iter().map(heading).collect::<Vec<_>>().join(", ");
    match missing {
        None => Guess::Fields(fields),
        Some(Field::Amount) if amounts.len() > 1 => {
            Guess::Unusable(fields, FileError::SeveralAmounts(columns(amounts)))
        }
        Some(field) if is_numbered => {
            let (field, columns) = (field.to_string(), columns((0..width).collect()));
            Guess::Unusable(fields, FileError::MissingColumn { kind: Kind::Charges, field, columns })
        }
        Some(_) => Guess::None,
    }
}

/// The first rows of a statement without headings.
struct Sample<'a> {
    rows: &'a [TableRow],
    reading: &'a Reading,
}

impl Sample<'_> {
    /// The cells of a column that are not empty.
    fn cells(&self, at: usize) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().filter_map(move |row| row.cells.get(at));
        cells.map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// Whether most cells of a column hold something, and each of them this.
    fn all(&self, at: usize, holds: impl Fn(&str) -> bool) -> bool {
        self.cells(at).count() * 2 > self.rows.len() && self.cells(at).all(holds)
    }

    fn is_date(&self, text: &str) -> bool {
        let iso = dates::iso(text, dates::DateOrder::MonthFirst);
        let iso = iso.or_else(|| dates::iso(text, dates::DateOrder::DayFirst));
        text.chars().any(|c| ['/', '.', '-', ' '].contains(&c))
            && order_dates::parse(iso.as_deref().unwrap_or(text), self.reading.timezone).is_some()
    }

    /// The columns that may hold the amount. An amount with decimals or a currency is the surest one. Among columns of
    /// whole numbers, one with numbers as long as references is the last choice.
    fn amounts(&self, columns: Vec<usize>) -> Vec<usize> {
        let is_amount = |at: &usize| {
            let is_short = |text: &str| text.chars().filter(char::is_ascii_digit).count() <= MAX_DIGITS;
            self.all(*at, |text| is_short(text) && money::parse(text).is_some())
        };
        let all = columns.into_iter().filter(is_amount);
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '-');
        let is_whole = |at: &usize| self.cells(*at).all(is_plain);
        let (whole, clear): (Vec<usize>, Vec<usize>) = all.partition(is_whole);
        let short: Vec<usize> =
            whole.iter().copied().filter(|at| !self.cells(*at).all(is_reference)).collect();
        [clear, short, whole].into_iter().find(|columns| !columns.is_empty()).unwrap_or_default()
    }
}

/// Whether a text looks like the reference of a charge: letters and digits, most of them digits.
fn is_reference(text: &str) -> bool {
    let bare = text.trim_matches('\'');
    bare.len() >= MIN_NUMBER
        && bare.chars().all(|c| c.is_ascii_alphanumeric())
        && bare.chars().filter(char::is_ascii_digit).count() * 2 > bare.len()
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
    let named = first(&Field::OrderNumber).map(|number| (vec![number.to_owned()], Vec::new()));
    let (numbers, short_numbers) = named.unwrap_or_else(|| numbers_in(&whole));
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
    let charge = Charge {
        posted: posted.at,
        amount: money.amount.absolute(),
        currency,
        details,
        numbers,
        short_numbers,
    };
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

/// Words of a charge's text that may be an order number, and shorter ones. Amex writes
/// `Description : 112-345 Price : 0.00`; a number in that place has any length.
fn numbers_in(details: &str) -> (Vec<String>, Vec<String>) {
    let described = details.lines().filter_map(number_in_details).map(str::to_owned);
    let words = details.split(|c: char| c.is_whitespace() || [',', ';', '|', '(', ')'].contains(&c));
    let is_number = |word: &&str| {
        word.chars().any(|c| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '#'].contains(&c))
    };
    let words = words.map(|word| word.trim_matches(['#', '-', '.', ':', '*'])).filter(is_number);
    let (long, short): (Vec<&str>, Vec<&str>) = words.partition(|word| word.len() >= MIN_NUMBER);
    let mut numbers: Vec<String> = Vec::new();
    for number in described.chain(long.into_iter().map(str::to_owned)) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    (numbers, short.into_iter().map(str::to_owned).collect())
}

/// The text between `Description :` and `Price :` in a line of Amex's extended details, if it has a digit.
#[must_use]
pub fn number_in_details(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("Description :")?;
    let text = rest.split_once("Price :").map_or(rest, |(text, _)| text).trim();
    text.chars().any(|c| c.is_ascii_digit()).then_some(text)
}
