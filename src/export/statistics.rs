//! Statistics as a table: a row for each day, store, product and so on.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::column::Cell;
use super::{ExportError, ExportFormat, Table};
use crate::order::Amount;
use crate::store::Totals;

/// A row of the table.
pub(crate) struct StatisticsRow {
    /// The name of the group; `None` for orders without one.
    pub(crate) name: Option<String>,
    pub(crate) totals: Totals,
    /// Units that have arrived. The table has a column for them if the first row has a number.
    pub(crate) received: Option<u64>,
}

/// The file with these groups. `by` is the heading of their names. Each currency has columns of its own, because
/// amounts of different currencies cannot be added up.
///
/// # Errors
/// If the workbook cannot be written.
pub(crate) async fn statistics(
    by: &str,
    rows: Vec<StatisticsRow>,
    zone: Tz,
    format: ExportFormat,
) -> Result<Vec<u8>, ExportError> {
    let spend = |row: &StatisticsRow| row.totals.spend();
    let currencies: BTreeSet<Option<Currency>> =
        rows.iter().flat_map(spend).map(|(currency, _)| currency).collect();
    let has_received = rows.first().is_some_and(|row| row.received.is_some());
    let mut headings = ["orders", "cancelled_or_refunded", "units"].map(str::to_owned).to_vec();
    headings.extend(has_received.then(|| "units_received".to_owned()));
    for currency in &currencies {
        let code = currency.map_or("unknown", |currency| currency.code());
        headings.extend([format!("spend_{code}"), format!("average_{code}")]);
    }
    let all_headings = [by].into_iter().chain(headings.iter().map(String::as_str));
    let mut table = Table::new(format, "Numbers", all_headings)?;
    for row in rows {
        let StatisticsRow { name, totals, received } = row;
        let counts = [totals.orders, totals.cancelled_or_refunded, totals.units].into_iter().chain(received);
        let mut cells = vec![name.map_or(Cell::Empty, Cell::Text)];
        cells.extend(counts.map(|count| Cell::Count(u32::try_from(count).unwrap_or(u32::MAX))));
        for currency in &currencies {
            let spend =
                totals.spend().into_iter().find(|(found, _)| found == currency).map(|(_, spend)| spend);
            cells.push(amount(spend.map(|spend| spend.amount)));
            cells.push(amount(spend.map(|spend| spend.average())));
        }
        table.add(cells.into_iter(), zone)?;
    }
    match table {
        Table::Csv(mut table) => Ok(table.take()),
        Table::Xlsx(mut table) => table.complete().await?.read_all().await,
        Table::Complete(workbook) => workbook.read_all().await,
    }
}

fn amount(number: Option<Decimal>) -> Cell {
    number.and_then(Amount::from_decimal).map_or(Cell::Empty, Cell::Amount)
}
