//! Imports: previews what each row of a file would change, stores the rows, and undoes an import.
//!
//! [`ImportPlan`] holds the order of each row. The rows go through the writer's queue, at most two batches at
//! a time, so that live cards do not wait behind a large file. The writer records the progress of an import
//! in the transaction that stores its rows, so an interrupted import continues after the last row that was
//! stored.

mod charges;
mod offer;
mod parcels;

use std::collections::{HashMap, HashSet, VecDeque};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::import_row::{ImportRow, REFUSED, RowChange};
use super::merge_batch::merge_batch;
use super::writer::batch_keys;
use super::{Ingest, Job, SubmitError};
use crate::clock;
use crate::files::{FileError, ImportCounts, ImportFile, Kind, Reading, Row, RowKey, RowOutcome, RowResult};
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::{Import, ImportState, NewImport, StoreError};

/// Rows to evaluate with one read of the database.
const PAGE_SIZE: usize = 256;
/// Maximum rows in the writer's queue: the batch that is being written, and the next one.
const MAX_WAITING: usize = 128;
/// Maximum orders that a report names for an ambiguous row.
const MAX_NAMED: usize = 5;

/// Where the rows of an import come from.
#[derive(Clone, Debug)]
pub enum ImportSource {
    /// A file.
    File {
        /// The file.
        file: ImportFile,
        /// The settings with which it was read.
        reading: Reading,
    },
    /// The id of an earlier import, to undo it.
    Undo(i64),
}

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
    /// The changes of an earlier import to undo, and whether it added the order.
    Undo { number: OrderNumber, changes: Vec<FieldChange>, created: bool },
    /// The row changes nothing: its outcome and the reason.
    Nothing(RowOutcome, String),
}

/// Why an import stopped. Rows that are already stored stay stored.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// ROMS does not have the file: its import is finished or was discarded, or ran on the command line.
    #[error("the file is not kept any more; import it again")]
    Gone,
    /// An import that is not finished cannot be undone.
    #[error("the import is not finished; finish it first")]
    Unfinished,
    /// The pipeline did not accept a row.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub use offer::{Offered, OfferedFile};

/// The result of a row in the queue.
type Waiting = oneshot::Receiver<Result<RowResult, SubmitError>>;

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
}

/// The SHA-256 of a file, to recognise it when it is imported again.
#[must_use]
pub fn hash_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

impl Ingest {
    /// Finds the order of each row.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn plan_import(&self, source: ImportSource) -> Result<ImportPlan, ImportError> {
        match source {
            ImportSource::File { file, reading } => {
                let rows = match file.kind {
                    Kind::Received => self.with_parcels(file.rows).await?,
                    Kind::Charges => self.with_charged_orders(file.rows).await?,
                    _ => file.rows.into_iter().map(planned).collect(),
                };
                Ok(ImportPlan { kind: file.kind, reading: Some(reading), rows })
            }
            ImportSource::Undo(id) => {
                let rows = self.undo_rows(id).await?;
                Ok(ImportPlan { kind: Kind::Undo, reading: None, rows })
            }
        }
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
            let (jobs, others) = plan.jobs(page, 0, "");
            let mut stored = self.store.read_state(&batch_keys(&jobs)).await?;
            for (number, order) in &remembered {
                if jobs.iter().filter_map(Job::import).any(|row| row.number == *number) {
                    stored.orders.insert(number.clone(), order.clone());
                }
            }
            let mut merged = merge_batch(&jobs, stored, clock::now());
            let evaluated = std::mem::take(&mut merged.imported);
            let kept = merged.orders.into_iter().filter(|(number, _)| several.contains(number));
            remembered.extend(kept.map(|(number, pending)| (number, pending.order)));
            let from = results.len();
            results.extend(evaluated.into_iter().chain(others));
            if let Some(page) = results.get_mut(from..) {
                page.sort_by_key(|result| result.line);
            }
            progress(results.len() as u64);
        }
        Ok(results)
    }

    /// Stores the rows of an import that are not stored yet, and marks it as finished. Calls `progress` with
    /// the number of rows done. Returns the results of the rows that this call has handled.
    ///
    /// # Errors
    /// While shutting down and if the database fails. Rows that are already stored stay stored; the
    /// next call continues after them.
    pub async fn run_import(
        &self,
        import: &Import,
        plan: &ImportPlan,
        mut progress: impl FnMut(u64),
    ) -> Result<Vec<RowResult>, ImportError> {
        if import.state == ImportState::Finished {
            return Ok(Vec::new());
        }
        self.store.start_import(import.id).await?;
        let mut results = Vec::new();
        let (mut waiting, mut never_queued) = (VecDeque::<Waiting>::new(), ImportCounts::default());
        let mut refused = ImportCounts::default();
        let mut finish = |result: RowResult| {
            // The writer counts rows in their transaction, so it has not counted a row that the database
            // refused.
            if result.reason.as_deref() == Some(REFUSED) {
                refused.add(result.outcome);
            }
            results.push(result);
            progress(results.len() as u64);
        };
        for page in plan.rows.chunks(MAX_WAITING / 2) {
            let (jobs, others) = plan.jobs(page, import.id, &import.actor);
            for result in others {
                never_queued.add(result.outcome);
                finish(result);
            }
            for job in jobs {
                let Job::Import { row, .. } = job else { continue };
                if row.line <= import.done {
                    continue;
                }
                while waiting.len() >= MAX_WAITING {
                    finish(result_of(waiting.pop_front()).await?);
                }
                let (answer, result) = oneshot::channel();
                self.queue.send(Job::Import { row, answer }).await.map_err(|_| SubmitError::Closed)?;
                waiting.push_back(result);
            }
        }
        while !waiting.is_empty() {
            finish(result_of(waiting.pop_front()).await?);
        }
        self.store.finish_import(import.id, never_queued.plus(refused), clock::now()).await?;
        results.sort_by_key(|result| result.line);
        Ok(results)
    }

    /// The earlier import of the same file with the same kind and columns, running or finished, if it was not
    /// undone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn same_import(&self, new: &NewImport) -> Result<Option<Import>, ImportError> {
        for import in self.store.imports_of(&new.hash).await? {
            if import.kind != new.kind || import.mapping != new.mapping {
                continue;
            }
            // If the undo was undone too, the import is in force again.
            let mut undone = false;
            let mut last = import.id;
            while let Some(undo) = self.store.undos_of(last).await?.into_iter().next() {
                undone = !undone;
                last = undo.id;
            }
            if !undone {
                return Ok(Some(import));
            }
        }
        Ok(None)
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
                    created: step.created,
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

async fn result_of(waiting: Option<Waiting>) -> Result<RowResult, SubmitError> {
    match waiting {
        Some(waiting) => waiting.await.unwrap_or(Err(SubmitError::Closed)),
        None => Err(SubmitError::Closed),
    }
}

impl ImportPlan {
    /// Makes the writer's jobs for these rows, and the results of rows that change nothing.
    fn jobs(&self, rows: &[PlannedRow], import: i64, actor: &str) -> (Vec<Job>, Vec<RowResult>) {
        let (mut jobs, mut others) = (Vec::new(), Vec::new());
        for planned in rows {
            let nothing = |outcome, reason| {
                RowResult::without_change(planned.line, outcome, planned.order.clone(), reason)
            };
            let (number, change, note) = match &planned.change {
                PlannedChange::Nothing(outcome, reason) => {
                    others.push(nothing(*outcome, reason.clone()));
                    continue;
                }
                PlannedChange::Undo { number, changes, created } => {
                    (number, RowChange::Undo { changes: changes.clone(), created: *created }, None)
                }
                PlannedChange::File { row, number, note } => {
                    let Some(reading) = &self.reading else { continue };
                    match row.patch(self.kind, number.clone(), clock::now(), reading) {
                        Ok(stated) => (number, RowChange::State(Box::new(stated)), note.clone()),
                        Err(reason) => {
                            others.push(nothing(RowOutcome::Bad, reason));
                            continue;
                        }
                    }
                }
            };
            let (kind, line, number, actor) = (self.kind, planned.line, number.clone(), actor.to_owned());
            let row = Box::new(ImportRow { import, kind, line, note, actor, number, change });
            // A placeholder: `run_import` replaces the answer when it queues the job.
            jobs.push(Job::Import { row, answer: oneshot::channel().0 });
        }
        (jobs, others)
    }
}
