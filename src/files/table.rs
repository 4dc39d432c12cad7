//! Splits the text of a file into rows of cells: comma, semicolon or tab, quoted or not.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{FileError, MAX_COLUMNS, MAX_ROWS};

/// The separators to try.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// Records to examine to find the separator.
const SAMPLE: usize = 50;
/// An export puts an apostrophe before a text that begins with one of these characters; see `export::csv`.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    /// Its line in the text, or its row in the workbook, from 1.
    pub(crate) line: u32,
    /// Its cells, trimmed.
    pub(crate) cells: Vec<String>,
}

/// Splits a text into rows, and leaves out empty ones.
pub(crate) fn read(text: &str) -> Result<Vec<TableRow>, FileError> {
    let separator = separator(text);
    if let Some(line) = open_quote(text, separator) {
        return Err(FileError::OpenQuote(line));
    }
    let mut rows = Vec::new();
    for (line, record) in records(text, separator) {
        if record.len() > MAX_COLUMNS {
            return Err(FileError::TooManyColumns);
        }
        let cells: Vec<String> = record.iter().map(cell).collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        // `>` and not `>=`, because one row is the headings.
        if rows.len() > MAX_ROWS {
            return Err(FileError::TooManyRows);
        }
        rows.push(TableRow { line, cells });
    }
    if rows.is_empty() { Err(FileError::Empty) } else { Ok(rows) }
}

/// The records of a text with their line numbers. No record is lost as invalid: the text is UTF-8, and
/// records may differ in length.
fn records(text: &str, separator: u8) -> impl Iterator<Item = (u32, StringRecord)> {
    let reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let (mut line, mut counted) = (1_u32, 0_usize);
    reader.into_records().filter_map(Result::ok).map(move |record| {
        // The reader's own count of lines is wrong after `\r\n` and after empty lines.
        let byte = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let skipped = text.get(byte.unwrap_or(counted)..).unwrap_or_default();
        let breaks = skipped.len() - skipped.trim_start_matches(['\r', '\n']).len();
        let start = byte.unwrap_or(counted) + breaks;
        let passed = text.get(counted..start).unwrap_or_default();
        // A line ends with `\n`, `\r\n` or `\r`.
        let pairs = passed.matches("\r\n").count();
        let lines = passed.matches(['\r', '\n']).count().saturating_sub(pairs);
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        counted = start;
        (line, record)
    })
}

/// The line of the first quote that is never closed, and so puts the rows after it into one cell. The next
/// quote may look like its end: then the cell has several lines, and text follows its end.
fn open_quote(text: &str, separator: u8) -> Option<u32> {
    enum Place {
        /// Before the first character of a cell, where a quote opens.
        Start,
        Unquoted,
        /// After a quote that was opened in this line.
        Quoted(u32),
        /// After a quote that ends the cell, or is the first of two that stand for one.
        Closed(u32),
    }
    let (mut place, mut line) = (Place::Start, 1_u32);
    for byte in text.bytes() {
        let is_end = byte == separator || byte == b'\r' || byte == b'\n';
        place = match place {
            Place::Start if byte == b'"' => Place::Quoted(line),
            Place::Quoted(opened) if byte == b'"' => Place::Closed(opened),
            Place::Quoted(opened) => Place::Quoted(opened),
            Place::Closed(opened) if byte == b'"' => Place::Quoted(opened),
            Place::Closed(opened) if opened < line && !is_end && byte != b' ' => return Some(opened),
            _ if is_end => Place::Start,
            _ => Place::Unquoted,
        };
        line = line.saturating_add(u32::from(byte == b'\n'));
    }
    match place {
        Place::Quoted(opened) => Some(opened),
        _ => None,
    }
}

/// Chooses the separator that gives most records the same number of cells; the comma if none occurs.
fn separator(text: &str) -> u8 {
    let score = |separator: u8| {
        let lengths: Vec<usize> =
            records(text, separator).take(SAMPLE).map(|(_, record)| record.len()).collect();
        let same = |length: usize| lengths.iter().filter(|other| **other == length).count();
        let usual = lengths.iter().copied().filter(|length| *length > 1).max_by_key(|length| same(*length));
        usual.map_or((0, 0), |length| (same(length), length))
    };
    // `max_by_key` returns the last of several equal scores; reversed, that is the comma.
    SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(b',')
}

/// The text of a cell. Removes `="…"`, with which spreadsheets protect leading zeros, and the apostrophe of
/// an export before a text that looks like a formula. Formulas are never calculated.
pub(crate) fn cell(text: &str) -> String {
    let text = text.trim();
    let unquoted = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let text = unquoted.filter(|inner| !inner.contains('"')).unwrap_or(text);
    let is_protected = |rest: &&str| rest.trim_start_matches('\'').starts_with(FORMULA_STARTS);
    let text = text.strip_prefix('\'').filter(is_protected).unwrap_or(text);
    text.to_owned()
}
