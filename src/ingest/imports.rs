//! Imports: previews what each row of a file would change, stores the rows, and undoes an import.
//!
//! [`ImportPlan`] holds the order of each row. [`ClaimedImport`] stores the rows: they go through the writer's queue, at
//! most two batches at a time, so that live cards do not wait behind a large file. The writer records how far an
//! import has come in the transaction that stores its rows, so an interrupted import continues after the last row
//! that was stored, in any process.

mod charges;
mod claimed;
mod offer;
mod parcels;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::import_row::{ImportRow, RowChange, RowPlace};
use super::merge_batch::merge_batch;
use super::writer::batch_keys;
use super::{Ingest, Job, SubmitError};
use crate::clock;
use crate::files::{FileError, ImportFile, Kind, Reading, Row, RowKey, RowOutcome, RowResult};
use crate::order::{FieldChange, Order, OrderNumber, View};
use crate::store::{Import, StoreError};

pub use claimed::ClaimedImport;
pub use offer::{Offered, OfferedFile, ReadImport};

/// Rows to evaluate with one read of the database.
const PAGE_SIZE: usize = 256;
/// Maximum orders that a report names for an ambiguous row.
const MAX_NAMED: usize = 5;

/// The rows of an import, each with its order.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    kind: Kind,
    /// The settings with which the file was read; `None` for an undo.
    reading: Option<Reading>,
    rows: Vec<PlannedRow>,
}

/// A row after the search for its order.
#[derive(Clone, Debug)]
pub(crate) struct PlannedRow {
    line: u32,
    /// The order's number, or the row's own text if no order was found.
    order: String,
    change: PlannedChange,
}

#[derive(Clone, Debug)]
pub(crate) enum PlannedChange {
    /// A row of a file with its order. `note` says how the order was found, if the row does not state its
    /// number.
    File { row: Row, number: OrderNumber, note: Option<String> },
    /// The changes of an earlier import to undo. `added_by` is the import if it added the order.
    Undo { number: OrderNumber, changes: Vec<FieldChange>, added_by: Option<i64> },
    /// The row changes nothing: its outcome and the reason.
    Nothing(RowOutcome, String),
}

/// Why an import does not start, or why it stopped. Rows that are already stored stay stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// ROMS does not have the file: the preview was discarded, or a purge deleted the file.
    #[error("ROMS does not keep this file any more; import it again")]
    Gone,
    /// A process is storing the rows of the import.
    #[error("the import is running; wait until it is finished")]
    Running,
    /// All rows of the import are stored, or it was undone.
    #[error("the import has ended already")]
    Ended,
    /// The same file was imported meanwhile, as the import with this id.
    #[error("this file is import {0} already; nothing is imported again")]
    Repeated(i64),
    /// The import with this id has undone the import, or is about to.
    #[error("import {0} undoes it already; nothing is undone again")]
    Undone(i64),
    /// The file states personal data, and the caller may not see such data: the outcome of a row would reveal by trying
    /// whether a value is right.
    #[error("the file states personal data, which the caller may not see")]
    Personal,
    /// The pipeline did not accept a row.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The result of a row in the queue.
type PendingRow = oneshot::Receiver<Result<RowResult, ImportError>>;

impl ImportPlan {
    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Refuses rows that state values which are masked for a person with this view.
    ///
    /// # Errors
    /// If there is such a row.
    pub fn check_view(&self, view: View) -> Result<(), ImportError> {
        let is_hidden = |planned: &PlannedRow| match &planned.change {
            PlannedChange::File { row, .. } => row.states_hidden(self.kind, view),
            PlannedChange::Undo { .. } | PlannedChange::Nothing(..) => false,
        };
        if self.rows.iter().any(is_hidden) { Err(ImportError::Personal) } else { Ok(()) }
    }
}

impl Ingest {
    /// Finds the order of each row of a file.
    async fn plan_file(&self, file: ImportFile, reading: Reading) -> Result<ImportPlan, ImportError> {
        let rows = match file.kind {
            Kind::Received => self.with_parcels(file.rows).await?,
            Kind::Charges => self.with_charged_orders(file.rows).await?,
            _ => file.rows.into_iter().map(planned).collect(),
        };
        Ok(ImportPlan { kind: file.kind, reading: Some(reading), rows })
    }

    /// Plans the undo of an import: one row for each order that it changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn plan_undo(&self, import: i64) -> Result<ImportPlan, ImportError> {
        Ok(ImportPlan { kind: Kind::Undo, reading: None, rows: self.undo_rows(import).await? })
    }

    /// Evaluates what each row would change, without storing anything.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn preview_import(
        &self,
        plan: &ImportPlan,
        mut progress: impl FnMut(u64),
    ) -> Result<Vec<RowResult>, ImportError> {
        // Orders that several rows name, as the earlier rows would leave them.
        let several = named_twice(plan);
        let mut remembered: HashMap<OrderNumber, Order> = HashMap::new();
        let mut results = Vec::with_capacity(plan.rows.len());
        for page in plan.rows.chunks(PAGE_SIZE) {
            let jobs: Vec<Job> = plan.jobs(page, None).into_iter().map(|(job, _)| job).collect();
            let mut stored = self.store.read_state(&batch_keys(&jobs)).await?;
            for (number, order) in &remembered {
                if jobs.iter().filter_map(Job::import).any(|row| row.number() == Some(number)) {
                    stored.orders.insert(number.clone(), order.clone());
                }
            }
            let merged = merge_batch(&jobs, stored, clock::now());
            results.extend(merged.imported.into_iter().flatten());
            let kept = merged.orders.into_iter().filter(|(number, _)| several.contains(number));
            remembered.extend(kept.map(|(number, pending)| (number, pending.order)));
            progress(results.len() as u64);
        }
        Ok(results)
    }

    /// The changes of an import, one row for each order.
    async fn undo_rows(&self, import: i64) -> Result<Vec<PlannedRow>, ImportError> {
        let mut rows: Vec<PlannedRow> = Vec::new();
        let mut last = None;
        for step in self.store.steps_of_import(import).await? {
            if last == Some(step.order)
                && let Some(PlannedRow { change: PlannedChange::Undo { changes, .. }, .. }) = rows.last_mut()
            {
                for change in step.changes {
                    match changes.iter_mut().find(|earlier| earlier.field == change.field) {
                        Some(earlier) => earlier.new = change.new,
                        None => changes.push(change),
                    }
                }
                continue;
            }
            last = Some(step.order);
            rows.push(PlannedRow {
                line: u32::try_from(rows.len() + 1).unwrap_or(u32::MAX),
                order: step.number.to_string(),
                change: PlannedChange::Undo {
                    number: step.number,
                    changes: step.changes,
                    added_by: step.created.then_some(import),
                },
            });
        }
        Ok(rows)
    }
}

fn names<'a>(numbers: impl ExactSizeIterator<Item = &'a OrderNumber>) -> String {
    let more = numbers.len().saturating_sub(MAX_NAMED);
    let shown: Vec<_> = numbers.take(MAX_NAMED).map(ToString::to_string).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("orders {}{more}", shown.join(", "))
}

/// Plans a row that states the number of its order.
fn planned(row: Row) -> PlannedRow {
    let (line, order) = (row.line, row.key.text().to_owned());
    let change = match (&row.problem, &row.key) {
        (Some((outcome, reason)), _) => PlannedChange::Nothing(*outcome, reason.clone()),
        (None, RowKey::Number(number)) => {
            let number = number.clone();
            PlannedChange::File { row, number, note: None }
        }
        (None, _) => PlannedChange::Nothing(RowOutcome::Bad, "no order number".to_owned()),
    };
    PlannedRow { line, order, change }
}

/// The orders that more than one row names.
fn named_twice(plan: &ImportPlan) -> HashSet<OrderNumber> {
    let (mut once, mut several) = (HashSet::new(), HashSet::new());
    for row in &plan.rows {
        if let PlannedChange::File { number, .. } = &row.change
            && !once.insert(number)
        {
            several.insert(number.clone());
        }
    }
    several
}

impl ImportPlan {
    /// Makes the writer's jobs for these rows, with the channels for the results. `import` is the import with the
    /// owner of its claim and the position of the first row; `None` for a preview.
    fn jobs(&self, rows: &[PlannedRow], import: Option<(&Import, &Arc<str>, u32)>) -> Vec<(Job, PendingRow)> {
        let job = |(planned, offset): (&PlannedRow, u32)| {
            let (change, note) = self.change(planned);
            let place = import.map(|(import, owner, first)| RowPlace {
                import: import.id,
                owner: Arc::clone(owner),
                index: first.saturating_add(offset),
            });
            let row = ImportRow {
                place,
                kind: self.kind,
                line: planned.line,
                order: planned.order.clone(),
                note,
                actor: import.map(|(import, ..)| import.actor.clone()).unwrap_or_default(),
                change,
            };
            let (answer, result) = oneshot::channel();
            (Job::Import { row: Box::new(row), answer }, result)
        };
        rows.iter().zip(0..).map(job).collect()
    }

    /// The change that a row makes, and how its order was found.
    fn change(&self, row: &PlannedRow) -> (RowChange, Option<String>) {
        match &row.change {
            PlannedChange::Nothing(outcome, reason) => (RowChange::Nothing(*outcome, reason.clone()), None),
            PlannedChange::Undo { number, changes, added_by } => {
                let (number, changes) = (number.clone(), changes.clone());
                (RowChange::Undo { number, changes, added_by: *added_by }, None)
            }
            PlannedChange::File { row, number, note } => {
                let patch = match &self.reading {
                    Some(reading) => row.patch(self.kind, number.clone(), clock::now(), reading),
                    None => Err("this row belongs to no file".to_owned()),
                };
                match patch {
                    Ok(stated) => (RowChange::State(Box::new(stated)), note.clone()),
                    Err(reason) => (RowChange::Nothing(RowOutcome::Bad, reason), None),
                }
            }
        }
    }
}
