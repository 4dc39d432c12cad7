//! Writes the report of an import as CSV: the outcome of each row, and the reason.

use std::borrow::Cow;

use super::csv::{BYTE_ORDER_MARK, without_formula, writer};
use crate::files::RowResult;

/// The report of an import as a file.
#[must_use]
pub fn import_report(rows: &[RowResult]) -> Vec<u8> {
    let mut table = writer(BYTE_ORDER_MARK.to_vec());
    let headings = ["row", "outcome", "order", "details"].map(Cow::Borrowed);
    let lines = rows.iter().map(|row| {
        [
            Cow::Owned(row.line.to_string()),
            Cow::Borrowed(row.outcome.as_str()),
            Cow::Owned(without_formula(row.order.clone())),
            Cow::Owned(without_formula(row.text())),
        ]
    });
    for line in std::iter::once(headings).chain(lines) {
        // A vector can always be written, and all lines have four cells.
        drop(table.write_record(line.iter().map(|cell| cell.as_bytes())));
    }
    table.into_inner().unwrap_or_default()
}
