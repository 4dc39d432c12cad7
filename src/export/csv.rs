//! Comma-separated values (RFC 4180).

use std::borrow::Cow;

use chrono::SecondsFormat;
use csv::{Terminator, Writer, WriterBuilder};

use super::column::Cell;

/// The byte order mark by which Excel recognises UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// A spreadsheet takes a cell that begins with one of these for a formula, which could send data elsewhere.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The lines that were added and not taken yet.
pub(crate) struct CsvTable(Writer<Vec<u8>>);

impl CsvTable {
    pub(crate) fn new<'a>(headings: impl Iterator<Item = &'a str>) -> Self {
        let mut table = Self(writer(BYTE_ORDER_MARK.to_vec()));
        table.write(headings.map(Cow::Borrowed));
        table
    }

    pub(crate) fn add(&mut self, cells: impl Iterator<Item = Cell>) {
        self.write(cells.map(|cell| match cell {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Owned(without_formula(text)),
            Cell::Count(count) => Cow::Owned(count.to_string()),
            Cell::Amount(amount) => Cow::Owned(amount.to_string()),
            Cell::Time(time) => Cow::Owned(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Cell::Day(day) => Cow::Owned(day.to_string()),
        }));
    }

    /// Removes the lines and returns them.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let full = std::mem::replace(&mut self.0, writer(Vec::new()));
        // Flushing into a vector cannot fail.
        full.into_inner().unwrap_or_default()
    }

    fn write<'a>(&mut self, values: impl Iterator<Item = Cow<'a, str>>) {
        // Fails only if lines differ in length, or if the vector cannot be written.
        drop(self.0.write_record(values.map(|value| value.as_bytes().to_vec())));
    }
}

pub(crate) fn writer(lines: Vec<u8>) -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(lines)
}

/// A text that a spreadsheet shows as it is: an apostrophe keeps it from being a formula.
pub(crate) fn without_formula(text: String) -> String {
    // If the text itself begins with such an apostrophe, add another one, because an import removes one.
    if text.trim_start_matches('\'').starts_with(FORMULA_STARTS) { format!("'{text}") } else { text }
}
