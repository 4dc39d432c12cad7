//! Reads the files that people import: a store's tracking list, a warehouse's scan report, a card statement, and orders.
//!
//! [`read`] turns the bytes of a file into typed rows. It knows nothing of the database: `ingest` decides
//! what a row changes: first for the preview, and again when the row is stored.
//!
//! 1. `decode`: the bytes become text, whatever their encoding. `workbook` reads the cells of an Excel file.
//! 2. `table`: the text becomes rows of cells.
//! 3. `mapping`: decides from the headings which field each column holds, and from the fields which [`Kind`]
//!    of file it is.
//! 4. `rows`: each row becomes the order it names and the values it states, or a reason why it cannot be used.

mod combine;
mod dates;
mod decode;
mod mapping;
mod outcome;
mod rows;
mod statement;
mod table;
mod text;
mod workbook;

use chrono_tz::Tz;
use iso_currency::Currency;

pub use mapping::{Field, Kind, MappedColumn};
pub use outcome::{ImportCounts, RowOutcome, RowResult, row_count};
pub use rows::{Row, RowKey, RowPatch};
pub(crate) use rows::{add_amounts, add_counts, parcels};
pub use statement::{Charge, number_in_details};

/// Maximum size of a file: 20 MB.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// Maximum rows of a file.
pub const MAX_ROWS: usize = 200_000;
/// Maximum columns of a file.
pub const MAX_COLUMNS: usize = 200;

/// How to read a file: settings of the group, and choices of the person who imports it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Time zone of times that name none.
    pub timezone: Tz,
    /// Currency of amounts that name none.
    pub currency: Currency,
    /// The kind, if a person chose it; otherwise it follows from the columns.
    pub kind: Option<Kind>,
    /// Columns for which a person chose the field: heading and field.
    pub mapping: Vec<(String, Field)>,
}

/// A file as typed rows.
#[derive(Clone, Debug)]
pub struct ImportFile {
    /// The kind of the file.
    pub kind: Kind,
    /// Its columns. A file of cards has none.
    pub columns: Vec<MappedColumn>,
    /// Its rows, in the order of the file.
    pub rows: Vec<Row>,
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is larger than [`MAX_BYTES`].
    #[error("the file is larger than 20 MB; split it")]
    TooLarge,
    /// It has more rows than [`MAX_ROWS`].
    #[error("the file has more than 200,000 rows; split it")]
    TooManyRows,
    /// It has more columns than [`MAX_COLUMNS`].
    #[error("the file has more than 200 columns")]
    TooManyColumns,
    /// It holds nothing.
    #[error("the file is empty")]
    Empty,
    /// The quote that opens a cell in this line is never closed.
    #[error("a quote is not closed, in line {0}")]
    OpenQuote(u32),
    /// The Excel workbook cannot be read.
    #[error("the workbook cannot be read: {0}")]
    Workbook(String),
    /// The workbook unpacks to more than 300 MB, as a zip bomb does.
    #[error("the workbook unpacks to more than 300 MB")]
    Bomb,
    /// The columns fit no kind of file.
    #[error("no kind of file has these columns: {0}; name the kind, or the fields of the columns")]
    Unknown(String),
    /// A statement without headings has several columns that may hold the amount.
    #[error(
        "the file has no headings, and several columns may hold the amount: {0}; name the field `amount` for one of them"
    )]
    SeveralAmounts(String),
    /// A column that the kind needs is missing.
    #[error("a file of {kind} needs a column with the {field}; its columns are: {columns}")]
    MissingColumn {
        /// The kind.
        kind: Kind,
        /// The missing field.
        field: String,
        /// The columns of the file.
        columns: String,
    },
    /// A person named a column that the file does not have.
    #[error("the file has no column `{name}`; its columns are: {columns}")]
    NoSuchColumn {
        /// The name.
        name: String,
        /// The columns of the file.
        columns: String,
    },
}

impl FileError {
    /// Whether the file may be read after a person has named its kind or the fields of its columns.
    #[must_use]
    pub const fn is_about_columns(&self) -> bool {
        matches!(
            self,
            Self::Unknown(_)
                | Self::SeveralAmounts(_)
                | Self::MissingColumn { .. }
                | Self::NoSuchColumn { .. }
        )
    }
}

/// The kind and the columns of a table that cannot be read as it is, with the fields that are guessed.
///
/// # Errors
/// If the file holds no table.
pub fn columns(bytes: &[u8], reading: &Reading) -> Result<(Kind, Vec<MappedColumn>), FileError> {
    Ok(mapping::guess_columns(&table_of(bytes)?, reading))
}

fn table_of(bytes: &[u8]) -> Result<Vec<table::TableRow>, FileError> {
    if workbook::is_workbook(bytes) { workbook::read(bytes) } else { table::read(&decode::decode(bytes)) }
}

/// Reads a file.
///
/// # Errors
/// If the file as a whole cannot be used. A row that cannot be used is no error; [`Row::problem`]
/// says why.
pub fn read(bytes: &[u8], reading: &Reading) -> Result<ImportFile, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLarge);
    }
    let rows = if workbook::is_workbook(bytes) {
        workbook::read(bytes)?
    } else {
        let text = decode::decode(bytes);
        let is_text = |kind: Kind| kind == Kind::Cards;
        if reading.kind.map_or_else(|| text::holds_cards(&text), is_text) {
            return text::read(&text, reading);
        }
        table::read(&text)?
    };
    let mapped = mapping::map(rows, reading)?;
    let kind = mapped.kind;
    let rows = rows::read(&mapped, reading);
    Ok(ImportFile { kind, columns: mapped.columns, rows: combine::combine(kind, rows) })
}
