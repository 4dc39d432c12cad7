//! Reads the first sheet of an Excel workbook that is not empty.

use std::io::{Cursor, Read, copy, sink};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};
use chrono::{NaiveDateTime, NaiveTime, Timelike};
use zip::ZipArchive;

use super::table::{TableRow, cell};
use super::{FileError, MAX_COLUMNS, MAX_ROWS};

/// Maximum bytes of an unpacked workbook. 200,000 orders with all columns need about 250 MB.
const MAX_UNPACKED: u64 = 300 * 1024 * 1024;
/// The end of Excel's calendar, in days: midnight after 9999-12-31.
const END_OF_CALENDAR: f64 = 2_958_466.0;
/// Excel keeps 15 digits, so larger integers have lost their last digits.
const MAX_EXACT: f64 = 1e15;
/// Maximum decimals of a number. What is left of a difference such as 0.3 - 0.1 - 0.2 is 0.
const MAX_DECIMALS: usize = 9;

/// Whether a file is a zip archive, as workbooks are.
pub(crate) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Reads the rows of the first sheet that has any.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<TableRow>, FileError> {
    check_size(bytes)?;
    let unreadable = |error: calamine::XlsxError| FileError::Workbook(error.to_string());
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    for name in workbook.sheet_names() {
        let rows = read_sheet(&mut workbook, &name)?;
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    Err(FileError::Empty)
}

/// Refuses a workbook that unpacks to too many bytes. Unpacks each part to count them, because the sizes that
/// the file states may be false.
fn check_size(bytes: &[u8]) -> Result<(), FileError> {
    let unreadable = |error: zip::result::ZipError| FileError::Workbook(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(unreadable)?;
        let size = copy(&mut part.take(left.saturating_add(1)), &mut sink())
            .map_err(|error| FileError::Workbook(error.to_string()))?;
        left = left.checked_sub(size).ok_or(FileError::Bomb)?;
    }
    Ok(())
}

fn read_sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Vec<TableRow>, FileError> {
    let unreadable = |error: calamine::XlsxError| FileError::Workbook(error.to_string());
    let mut reader = match workbook.worksheet_cells_reader(name) {
        // A sheet may be a chart.
        Err(calamine::XlsxError::NotAWorksheet(_) | calamine::XlsxError::WorksheetNotFound(_)) => {
            return Ok(Vec::new());
        }
        reader => reader.map_err(unreadable)?,
    };
    let mut rows: Vec<TableRow> = Vec::new();
    while let Some(found) = reader.next_cell().map_err(unreadable)? {
        let (row, column) = found.get_position();
        let text = cell(&cell_text(found.get_value()));
        if text.is_empty() {
            continue;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MAX_COLUMNS {
            return Err(FileError::TooManyColumns);
        }
        let line = row.saturating_add(1);
        if rows.last().is_none_or(|last| last.line != line) {
            if rows.len() > MAX_ROWS {
                return Err(FileError::TooManyRows);
            }
            rows.push(TableRow { line, cells: Vec::new() });
        }
        if let Some(last) = rows.last_mut() {
            if last.cells.len() <= column {
                last.cells.resize(column + 1, String::new());
            }
            if let Some(place) = last.cells.get_mut(column) {
                *place = text;
            }
        }
    }
    Ok(rows)
}

fn cell_text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => time_text(time),
        // An error of a formula, such as #N/A, is not a value.
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// A number with as many decimals as it needs. An integer of more than 15 digits gets an exponent: Excel has
/// lost its last digits, and the exponent makes the row fail instead of naming a wrong order.
fn number_text(number: f64) -> String {
    if number.abs() < MAX_EXACT {
        // Excel has 15 digits. Rounding to them hides binary fractions: 0.1 + 0.2 is 0.3.
        let number: f64 = format!("{number:.14e}").parse().unwrap_or(number);
        let mut text = number.to_string();
        if text.split_once('.').is_some_and(|(_, decimals)| decimals.chars().count() > MAX_DECIMALS) {
            let rounded = format!("{number:.MAX_DECIMALS$}");
            rounded.trim_end_matches('0').trim_end_matches('.').clone_into(&mut text);
        }
        return if text == "-0" { "0".to_owned() } else { text };
    }
    format!("{number:E}").replace('E', "E+")
}

fn time_text(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    if !(0.0..END_OF_CALENDAR).contains(&days) {
        return number_text(days);
    }
    // Round to seconds: a calculated time may be a fraction of a second too early.
    let rounded = |time: NaiveDateTime| {
        let up = time.checked_add_signed(chrono::TimeDelta::milliseconds(500)).unwrap_or(time);
        up.with_nanosecond(0).unwrap_or(up)
    };
    match time.as_datetime().map(rounded) {
        Some(time) if days < 1.0 => time.format("%I:%M:%S %p").to_string(),
        Some(time) if time.time() == NaiveTime::MIN => time.format("%Y-%m-%d").to_string(),
        Some(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => number_text(days),
    }
}
