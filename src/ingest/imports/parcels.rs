//! Finds the orders of a scan report by their tracking numbers.

use std::collections::{HashMap, HashSet};

use super::{ImportError, PlannedChange, PlannedRow, names, planned};
use crate::files::{Field, Row, RowKey, RowOutcome, add_amounts, add_counts, parcels};
use crate::ingest::Ingest;
use crate::order::OrderNumber;

impl Ingest {
    /// Finds the orders of parcels, and adds up the rows of parcels that belong to the same order.
    pub(crate) async fn with_parcels(&self, rows: Vec<Row>) -> Result<Vec<PlannedRow>, ImportError> {
        let parcel = |row: &Row| match &row.key {
            RowKey::Parcel(parcel) if row.problem.is_none() => Some(parcel.clone()),
            _ => None,
        };
        let wanted: HashSet<String> = rows.iter().filter_map(parcel).collect();
        let mut orders: HashMap<String, Vec<(OrderNumber, usize)>> = HashMap::new();
        if !wanted.is_empty() {
            self.store
                .each_tracked_order(|number, tracking| {
                    let numbers = parcels(tracking);
                    for parcel in numbers.iter().filter(|parcel| wanted.contains(*parcel)) {
                        orders.entry(parcel.clone()).or_default().push((number.clone(), numbers.len()));
                    }
                })
                .await?;
        }
        let mut in_file: HashMap<OrderNumber, usize> = HashMap::new();
        for parcel in &wanted {
            if let Some([(number, _)]) = orders.get(parcel).map(Vec::as_slice) {
                *in_file.entry(number.clone()).or_default() += 1;
            }
        }
        let mut sums: HashMap<OrderNumber, usize> = HashMap::new();
        let mut planned_rows: Vec<PlannedRow> = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(parcel) = parcel(&row) else {
                planned_rows.push(planned(row));
                continue;
            };
            let nothing = |outcome, reason: String| PlannedRow {
                line: row.line,
                order: parcel.clone(),
                change: PlannedChange::Nothing(outcome, reason),
            };
            let next = match orders.get(&parcel).map_or(&[][..], Vec::as_slice) {
                [] => nothing(RowOutcome::NotFound, "no order has this tracking number".to_owned()),
                [(number, parcels)] if in_file.get(number).is_some_and(|named| named < parcels) => nothing(
                    RowOutcome::Ambiguous,
                    format!("order {number} has {parcels} parcels, and the file does not name all of them"),
                ),
                [(number, _)] => {
                    if let Some(first) = sums.get(number).copied() {
                        let line = planned_rows.get(first).map_or(0, |row| row.line);
                        let is_added = planned_rows.get_mut(first).is_some_and(|first| add_up(first, &row));
                        if is_added {
                            nothing(RowOutcome::Unchanged, format!("added to row {line} of the same order"))
                        } else {
                            nothing(
                                RowOutcome::Bad,
                                format!("cannot be added to row {line} of the same order"),
                            )
                        }
                    } else {
                        sums.insert(number.clone(), planned_rows.len());
                        let note = Some(format!("parcel {parcel}"));
                        let (line, number) = (row.line, number.clone());
                        let order = number.to_string();
                        PlannedRow { line, order, change: PlannedChange::File { row, number, note } }
                    }
                }
                several => nothing(
                    RowOutcome::Ambiguous,
                    format!("the parcel of {}", names(several.iter().map(|(n, _)| n))),
                ),
            };
            planned_rows.push(next);
        }
        Ok(planned_rows)
    }
}

/// Adds the quantity and the amounts of a parcel to those of the first parcel of its order. Returns false if they cannot
/// be added.
fn add_up(first: &mut PlannedRow, row: &Row) -> bool {
    let PlannedChange::File { row: sum, note, .. } = &mut first.change else { return false };
    for (field, text) in &row.values {
        let Field::Order(name) = field else { continue };
        let Some((_, total)) = sum.values.iter_mut().find(|(other, _)| other == field) else {
            sum.values.push((field.clone(), text.clone()));
            continue;
        };
        let added = match *name {
            "qty_received" => add_counts(total, text),
            "total" | "commission" => add_amounts(total, text),
            // One parcel that was not verified leaves the order unverified.
            "status" if text.eq_ignore_ascii_case("unverified") => Some(text.clone()),
            _ => Some(total.clone()),
        };
        let Some(added) = added else { return false };
        *total = added;
    }
    if let (Some(note), RowKey::Parcel(parcel)) = (note, &row.key) {
        note.push_str(", ");
        note.push_str(parcel);
    }
    true
}
