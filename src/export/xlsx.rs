//! A workbook for Excel, with numbers as numbers and times as times.

use std::fs::File;
use std::io::{Read, Seek};

use chrono_tz::Tz;
use rust_xlsxwriter::{Format, XlsxError};
use tokio::task::spawn_blocking;

use super::ExportError;
use super::column::Cell;
use super::csv::without_formula;
use crate::order::cut;

/// A sheet has 1,048,576 rows, and the first one holds the headings.
pub(crate) const MAX_ORDERS: u32 = 1_048_575;
/// Characters that Excel accepts in a cell.
const MAX_CELL_CHARS: usize = 32_767;
/// Bytes of the finished workbook that are read at once.
const PIECE_SIZE: usize = 256 * 1024;

/// A workbook of one sheet. Rows go to a temporary file as they are added.
pub(crate) struct XlsxTable {
    workbook: rust_xlsxwriter::Workbook,
    rows: u32,
    formats: Formats,
}

struct Formats {
    amount: Format,
    time: Format,
    day: Format,
}

impl XlsxTable {
    pub(crate) fn new<'a>(
        sheet_name: &str,
        headings: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ExportError> {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name)?.set_freeze_panes(1, 0)?;
        let heading = Format::new().set_bold();
        for (at, name) in (0..).zip(headings) {
            sheet.set_column_width(at, 16)?;
            sheet.write_string_with_format(0, at, name, &heading)?;
        }
        let formats = Formats {
            amount: Format::new().set_num_format("0.00"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
        };
        Ok(Self { workbook, rows: 0, formats })
    }

    /// Adds a row. Excel knows no time zones, so times are those of `zone`.
    pub(crate) fn add(&mut self, cells: impl Iterator<Item = Cell>, zone: Tz) -> Result<(), ExportError> {
        if self.rows == MAX_ORDERS {
            return Err(ExportError::TooManyOrders);
        }
        self.rows += 1;
        let (row, formats) = (self.rows, &self.formats);
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (at, cell) in (0..).zip(cells) {
            match cell {
                Cell::Empty => continue,
                // As in CSV, an apostrophe in front of a formula gets another one, because an import removes one.
                Cell::Text(text) if text.starts_with('\'') => {
                    sheet.write_string(row, at, cut(&without_formula(text), MAX_CELL_CHARS))?
                }
                Cell::Text(text) => sheet.write_string(row, at, cut(&text, MAX_CELL_CHARS))?,
                Cell::Count(count) => sheet.write_number(row, at, count)?,
                Cell::Amount(amount) => {
                    sheet.write_with_format(row, at, amount.to_decimal(), &formats.amount)?
                }
                Cell::Time(time) => {
                    let local = time.with_timezone(&zone).naive_local();
                    sheet.write_datetime_with_format(row, at, local, &formats.time)?
                }
                Cell::Day(day) => sheet.write_datetime_with_format(row, at, day, &formats.day)?,
            };
        }
        Ok(())
    }

    /// Compresses the workbook into a temporary file.
    pub(crate) async fn complete(&mut self) -> Result<Workbook, ExportError> {
        let mut workbook = std::mem::take(&mut self.workbook);
        let save = move || -> Result<File, ExportError> {
            let mut file = tempfile::tempfile().map_err(failed)?;
            workbook.save_to_writer(file.try_clone().map_err(failed)?)?;
            file.rewind().map_err(failed)?;
            Ok(file)
        };
        Ok(Workbook(spawn_blocking(save).await.map_err(failed)??))
    }
}

/// A complete workbook, which is being read.
pub(crate) struct Workbook(File);

impl Workbook {
    /// The next piece of the file; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let file = self.0.try_clone().map_err(failed)?;
        let read = move || {
            let mut piece = Vec::with_capacity(PIECE_SIZE);
            file.take(PIECE_SIZE as u64).read_to_end(&mut piece).map(|_| piece)
        };
        let piece = spawn_blocking(read).await.map_err(failed)?.map_err(failed)?;
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// Reads the rest of the file.
    pub(crate) async fn read_all(mut self) -> Result<Vec<u8>, ExportError> {
        let mut file = Vec::new();
        while let Some(piece) = self.next().await? {
            file.extend(piece);
        }
        Ok(file)
    }
}

impl From<XlsxError> for ExportError {
    fn from(error: XlsxError) -> Self {
        failed(error)
    }
}

fn failed(error: impl std::fmt::Display) -> ExportError {
    ExportError::Workbook(error.to_string())
}
