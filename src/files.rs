//! Reads the files that people import: a store's tracking list, a warehouse's scan report, a card statement, and orders.
//!
//! [`read`] turns the bytes of a file into typed rows. It knows nothing of the database: `ingest` decides what a row
//! changes, once to show it and once to store it.
//!
//! 1. `decode`: the bytes become text, whatever their encoding. `workbook` reads the cells of an Excel file.
//! 2. `table`: the text becomes rows of cells.
//! 3. `mapping`: the headings say which column holds which field, and the fields say of which [`Kind`] the file is.
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
pub use outcome::{ImportCounts, RowOutcome, RowResult};
pub use rows::{Row, RowKey, RowPatch};
pub(crate) use rows::{add_amounts, add_counts, parcels};
pub use statement::{Charge, number_in_details};

/// The largest file: 20 MB.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// The most rows of a file.
pub const MAX_ROWS: usize = 200_000;
/// The most columns of a file.
pub const MAX_COLUMNS: usize = 200;

/// Facts about a file that it does not state itself.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Zone of times without one.
    pub timezone: Tz,
    /// Currency of amounts that name none.
    pub currency: Currency,
    /// The kind, if a person named it.
    pub kind: Option<Kind>,
    /// Columns whose field a person named: heading and field.
    pub mapping: Vec<(String, Field)>,
}

/// A file as typed rows.
#[derive(Clone, Debug)]
pub struct ImportFile {
    /// Of which kind it is.
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
    /// It is not a file of this form.
    #[error("the workbook cannot be read: {0}")]
    Workbook(String),
    /// Its packed content is far larger than the file.
    #[error("the workbook unpacks to more than 300 MB")]
    Bomb,
    /// Its columns fit no kind.
    #[error("no kind of file has these columns: {0}; name the kind, or the fields of the columns")]
    Unknown(String),
    /// A column that the kind needs is missing.
    #[error("a file of {kind} needs a column with the {field}; name it, as in --map \"Heading={field}\"")]
    MissingColumn {
        /// The kind.
        kind: Kind,
        /// The missing field.
        field: String,
    },
    /// A person named a column that the file does not have.
    #[error("the file has no column `{0}`")]
    NoSuchColumn(String),
}

/// Reads a file.
///
/// # Errors
/// If nothing of the file can be used. A row that cannot be used is no error: it carries its reason.
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
