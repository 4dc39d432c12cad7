//! Writes orders and statistics as a table: CSV, or a workbook for Excel.
//!
//! An [`Export`] reads the orders of a filter page by page, newest first, and returns the file piece by piece, so
//! that a million orders need no more memory than a few hundred.

mod column;
mod csv;
mod report;
mod statistics;
mod xlsx;

use chrono_tz::Tz;

use self::column::Cell;
use self::csv::CsvTable;
use self::xlsx::{Workbook, XlsxTable};
use crate::order::View;
use crate::store::{OrderFilter, PageStart, Store, StoreError};

pub use column::{ExportColumn, UnknownColumn};
pub use report::import_report;
pub(crate) use statistics::{StatisticsRow, statistics};

/// Orders read at once.
const PAGE_SIZE: u64 = 500;

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values in UTF-8, with a byte order mark, by which Excel recognises the encoding.
    Csv,
    /// A workbook of Excel 2007 and later.
    Xlsx,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Xlsx];

    /// The name, which is also the ending of the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More orders than a sheet of Excel has rows.
    #[error("an Excel sheet holds at most {} orders; narrow the filter, or export as CSV", xlsx::MAX_ORDERS)]
    TooManyOrders,
    /// The workbook could not be written, for example because the disk with the temporary files is full.
    #[error("cannot write the workbook: {0}")]
    Workbook(String),
}

/// A table of orders that is being written.
pub struct Export {
    store: Store,
    filter: OrderFilter,
    view: View,
    columns: Vec<ExportColumn>,
    zone: Tz,
    /// Where the next page begins; `None` after the last page.
    next: Option<PageStart>,
    table: Table,
}

/// The file so far.
enum Table {
    Csv(Box<CsvTable>),
    Xlsx(Box<XlsxTable>),
    /// A workbook is compressed as a whole, so it can be read only when it is complete.
    Complete(Workbook),
}

impl Export {
    /// A table of the orders that match, as much of them as the reader may see. Without `columns` it has all. Days are
    /// those of the time zone.
    ///
    /// # Errors
    /// If the workbook cannot be created.
    pub fn new(
        store: Store,
        filter: OrderFilter,
        view: View,
        columns: Vec<ExportColumn>,
        zone: Tz,
        format: ExportFormat,
    ) -> Result<Self, ExportError> {
        let columns = if columns.is_empty() { ExportColumn::all().collect() } else { columns };
        let table = Table::new(format, "Orders", columns.iter().map(|column| column.name()))?;
        Ok(Self { store, filter, view, columns, zone, next: Some(PageStart::Newest), table })
    }

    /// The next piece of the file; `None` after the last one.
    ///
    /// # Errors
    /// If the database fails, or the table is too large for its format. The file is then incomplete.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        loop {
            if let Some(start) = self.next {
                self.write_page(start).await?;
            }
            match &mut self.table {
                Table::Csv(table) => {
                    let piece = table.take();
                    if !piece.is_empty() || self.next.is_none() {
                        return Ok((!piece.is_empty()).then_some(piece));
                    }
                }
                Table::Xlsx(table) if self.next.is_none() => {
                    self.table = Table::Complete(table.complete().await?);
                }
                Table::Xlsx(_) => {}
                Table::Complete(workbook) => return workbook.next().await,
            }
        }
    }

    async fn write_page(&mut self, start: PageStart) -> Result<(), ExportError> {
        let mut page = self.store.order_page(&self.filter, start, PAGE_SIZE).await?;
        self.store.load_items(&mut page.items).await?;
        let oldest = page.items.last().map(|order| PageStart::Before(order.id));
        self.next = oldest.filter(|_| page.has_older);
        for order in page.items {
            let order = self.view.order(order.counted());
            let cells = self.columns.iter().map(|column| column.cell(&order, self.zone));
            self.table.add(cells, self.zone)?;
        }
        Ok(())
    }
}

impl Table {
    /// A table without rows. `name` is that of the sheet of a workbook.
    fn new<'a>(
        format: ExportFormat,
        name: &str,
        headings: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ExportError> {
        Ok(match format {
            ExportFormat::Csv => Self::Csv(Box::new(CsvTable::new(headings))),
            ExportFormat::Xlsx => Self::Xlsx(Box::new(XlsxTable::new(name, headings)?)),
        })
    }

    /// Adds a row. Excel knows no time zones, so times are those of `zone` there.
    fn add(&mut self, cells: impl Iterator<Item = Cell>, zone: Tz) -> Result<(), ExportError> {
        match self {
            Self::Csv(table) => table.add(cells),
            Self::Xlsx(table) => table.add(cells, zone)?,
            Self::Complete(_) => {}
        }
        Ok(())
    }
}
