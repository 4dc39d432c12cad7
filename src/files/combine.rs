//! Combines rows of one file that name the same order: tracking numbers are joined, repeated rows count as
//! unchanged, and rows that contradict each other are reported as ambiguous.

use std::collections::HashMap;

use super::rows::parcels;
use super::{Field, Kind, Row, RowKey, RowOutcome};

const TRACKING: Field = Field::Order("tracking_number");

/// Combines rows that name the same order. Cards and charges stay as they are: each of them is applied in
/// turn.
pub(crate) fn combine(kind: Kind, mut rows: Vec<Row>) -> Vec<Row> {
    if matches!(kind, Kind::Cards | Kind::Charges | Kind::Undo) {
        return rows;
    }
    let mut by_order: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.problem.is_none()) {
        if !matches!(row.key, RowKey::None(_)) {
            by_order.entry(row.key.text().to_owned()).or_default().push(at);
        }
    }
    for at in by_order.into_values().filter(|rows| rows.len() > 1) {
        if kind == Kind::Tracking { add_parcels(&mut rows, &at) } else { compare(&mut rows, &at) }
    }
    rows
}

/// Gives the first row of an order the tracking numbers of all its rows. The other rows count as unchanged.
fn add_parcels(rows: &mut [Row], about_order: &[usize]) {
    let numbers = about_order.iter().filter_map(|at| rows.get(*at)?.value(&TRACKING));
    let all = parcels(&numbers.collect::<Vec<_>>().join(",")).join(", ");
    let Some((first, others)) = about_order.split_first() else { return };
    let Some(line) = rows.get(*first).map(|row| row.line) else { return };
    let values = rows.get_mut(*first).into_iter().flat_map(|row| &mut row.values);
    for (_, text) in values.filter(|(field, _)| *field == TRACKING) {
        all.clone_into(text);
    }
    for at in others {
        if let Some(row) = rows.get_mut(*at) {
            row.problem = Some((RowOutcome::Unchanged, format!("its parcel is in row {line}")));
        }
    }
}

/// Marks copies of the first row as unchanged. If any row differs, all rows of the order are ambiguous.
fn compare(rows: &mut [Row], about_order: &[usize]) {
    let Some(first) = about_order.first().and_then(|at| rows.get(*at)).cloned() else { return };
    let is_same = |row: &Row| row.values == first.values;
    let all_same = about_order.iter().filter_map(|at| rows.get(*at)).all(is_same);
    let lines: Vec<u32> = about_order.iter().filter_map(|at| Some(rows.get(*at)?.line)).collect();
    for (position, at) in about_order.iter().enumerate() {
        let Some(row) = rows.get_mut(*at) else { continue };
        if !all_same {
            let other = lines.iter().find(|line| **line != row.line).copied().unwrap_or_default();
            let reason = format!("row {other} states the same order differently");
            row.problem = Some((RowOutcome::Ambiguous, reason));
        } else if position > 0 {
            row.problem = Some((RowOutcome::Unchanged, format!("a copy of row {}", first.line)));
        }
    }
}
