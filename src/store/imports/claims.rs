//! Claims on imports: one process at a time stores the rows of an import. The writer checks the claim in the
//! transaction that stores the rows, so each row is stored once even if a process has lost its claim.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, UpdateMany,
};

use super::{Import, ImportState, columns, mappings};
use crate::clock;
use crate::files::{Field, ImportCounts, Kind, row_count};
use crate::store::entity::imports::{Column, Entity};
use crate::store::{Batch, Store, StoreError};

/// A claim lapses if its owner does not renew it for this long, because it was killed or its machine is off.
pub(crate) const CLAIM_LIFETIME: TimeDelta = TimeDelta::seconds(5);
/// The advisory lock of PostgreSQL that a process holds while it claims an import.
const CLAIM_LOCK: i64 = 1_919_905_129;

/// How far an import has come, and the counts of the rows that a batch adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPosition {
    /// The process that stores the rows.
    pub(crate) owner: Option<String>,
    /// How many rows are handled.
    pub(crate) done: u32,
    /// Outcomes of the rows in the batch.
    pub(crate) counts: ImportCounts,
}

impl Import {
    /// Whether no rows of the import can be stored any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, ImportState::Finished | ImportState::Stopped)
    }

    /// The state for programs: `interrupted`, or the name of [`Import::state`].
    #[must_use]
    pub const fn state_name(&self) -> &'static str {
        if self.is_interrupted { "interrupted" } else { self.state.as_str() }
    }

    /// The label of the button that stores the rows: `Store 2 rows`, or `Restore 2 orders` for an undo.
    #[must_use]
    pub fn store_label(&self, changing: u64) -> String {
        match (self.undoes, changing) {
            (None, rows) => format!("Store {}", row_count(rows)),
            (Some(_), 1) => "Restore 1 order".to_owned(),
            (Some(_), orders) => format!("Restore {orders} orders"),
        }
    }

    /// The state for people: `interrupted`, or `finished, undone by import 2`.
    #[must_use]
    pub fn status(&self) -> String {
        let state = self.state_name();
        match self.undone_by {
            Some(undo) => format!("{state}, undone by import {undo}"),
            None => state.to_owned(),
        }
    }
}

/// The time that all processes agree on: the server's on PostgreSQL.
pub(crate) async fn shared_now(connection: &impl ConnectionTrait) -> Result<DateTime<Utc>, DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(clock::now());
    }
    let query = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS now");
    let row = connection.query_one_raw(query).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?.try_get("", "now")
}

/// Whether no process holds a claim on a running import.
fn is_free(now: DateTime<Utc>) -> Condition {
    let has_lapsed = Column::ClaimedAt.is_null().or(Column::ClaimedAt.lt(now - CLAIM_LIFETIME));
    Condition::all().add(Column::State.eq(ImportState::Running.as_str())).add(has_lapsed)
}

/// The answer to a claim on an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The import belongs to the caller.
    Granted,
    /// Another process stores the rows of the import, or the import has ended.
    Refused,
    /// The same file was imported meanwhile, as the import with this id.
    Repeated(i64),
}

impl Store {
    /// The import of the same file with the same kind and columns, running or finished, if it was not undone.
    pub async fn same_import(
        &self,
        hash: &str,
        kind: Kind,
        mapping: &[(String, Field)],
    ) -> Result<Option<Import>, StoreError> {
        match same_import(&self.readers, hash, kind, mapping).await? {
            Some(id) => self.import(id).await,
            None => Ok(None),
        }
    }

    /// Starts an import, or continues an interrupted one.
    pub(crate) async fn claim_import(&self, import: &Import, owner: &str) -> Result<Claim, StoreError> {
        // Of two processes with the same new file, the second one must see the first one's claim. On SQLite, the
        // transaction itself excludes others. A lock of the table would wait for writers, which could wait for it.
        let batch = self.begin().await?;
        if batch.backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({CLAIM_LOCK})");
            batch.transaction.execute_unprepared(&lock).await?;
        }
        let same = same_import(&batch.transaction, &import.hash, import.kind, &import.mapping).await?;
        if let Some(other) = same.filter(|other| *other != import.id) {
            return Ok(Claim::Repeated(other));
        }
        let now = shared_now(&batch.transaction).await?;
        let is_new = Column::State.eq(ImportState::Shown.as_str());
        let claim = Entity::update_many()
            .col_expr(Column::State, ImportState::Running.as_str().into())
            .col_expr(Column::Owner, owner.into())
            .col_expr(Column::ClaimedAt, now.into())
            .filter(Column::Id.eq(import.id))
            .filter(Condition::any().add(is_new).add(is_free(now)));
        let is_granted = claim.exec(&batch.transaction).await?.rows_affected > 0;
        batch.commit().await?;
        Ok(if is_granted { Claim::Granted } else { Claim::Refused })
    }

    /// Renews the owner's claim on an import.
    pub(crate) async fn renew_import(&self, id: i64, owner: &str) -> Result<(), StoreError> {
        let now = shared_now(&self.writer).await?;
        owned(id, owner).col_expr(Column::ClaimedAt, now.into()).exec(&self.writer).await?;
        Ok(())
    }

    /// Gives up the claim on an import that is not finished.
    pub(crate) async fn release_import(&self, id: i64, owner: &str) -> Result<(), StoreError> {
        let none = Option::<DateTime<Utc>>::None;
        owned(id, owner).col_expr(Column::ClaimedAt, Expr::val(none)).exec(&self.writer).await?;
        Ok(())
    }

    /// Marks an import as finished, and deletes the content of the file. Returns false if the import does not belong
    /// to this owner any more.
    pub(crate) async fn finish_import(&self, id: i64, owner: &str) -> Result<bool, StoreError> {
        let finish = ended(owned(id, owner), ImportState::Finished, clock::now());
        Ok(finish.exec(&self.writer).await?.rows_affected > 0)
    }

    /// Ends an interrupted import for good, and deletes the content of the file. Returns false if a process
    /// stores its rows.
    pub(crate) async fn stop_import(&self, id: i64) -> Result<bool, StoreError> {
        let now = shared_now(&self.writer).await?;
        let interrupted = Entity::update_many().filter(Column::Id.eq(id)).filter(is_free(now));
        let stop = ended(interrupted, ImportState::Stopped, now);
        Ok(stop.exec(&self.writer).await?.rows_affected > 0)
    }
}

/// The id of the import of the same file with the same kind and columns, running or finished, if it was not undone.
async fn same_import(
    connection: &impl ConnectionTrait,
    hash: &str,
    kind: Kind,
    mapping: &[(String, Field)],
) -> Result<Option<i64>, StoreError> {
    let states = [ImportState::Running, ImportState::Finished].map(ImportState::as_str);
    let ids: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Hash.eq(hash))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Mapping.eq(mappings::to_text(mapping)))
        .filter(Column::State.is_in(states))
        .order_by_desc(Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    if ids.is_empty() {
        return Ok(None);
    }
    let undone = undone_imports(connection).await?;
    Ok(ids.into_iter().find(|id| !undone.contains_key(id)))
}

/// The imports that are undone, each with the import that has undone it.
pub(crate) async fn undone_imports(
    connection: &impl ConnectionTrait,
) -> Result<HashMap<i64, i64>, StoreError> {
    let undos: Vec<(i64, Option<i64>)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Undoes])
        .filter(Column::Undoes.is_not_null())
        .filter(Column::State.ne(ImportState::Shown.as_str()))
        .order_by_desc(Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    // Newest first, because the undo of an undo is newer than both.
    let mut undone = HashMap::new();
    for (id, import) in undos {
        if let Some(import) = import.filter(|_| !undone.contains_key(&id)) {
            undone.entry(import).or_insert(id);
        }
    }
    Ok(undone)
}

fn owned(id: i64, owner: &str) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Id.eq(id))
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.eq(ImportState::Running.as_str()))
}

/// Ends an import. It has no owner then, so that the writer refuses the rows of a process that was suspended.
fn ended(import: UpdateMany<Entity>, state: ImportState, now: DateTime<Utc>) -> UpdateMany<Entity> {
    import
        .col_expr(Column::State, state.as_str().into())
        .col_expr(Column::FinishedAt, now.into())
        .col_expr(Column::Owner, Expr::val(Option::<String>::None))
        .col_expr(Column::Content, Expr::val(Option::<Vec<u8>>::None))
}

/// Reads how far imports have come, and locks them until the end of the transaction.
pub(crate) async fn positions(
    connection: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<HashMap<i64, ImportPosition>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Option<String>, i64)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Owner, Column::Done])
        .filter(Column::Id.is_in(ids.iter().copied()))
        .lock_exclusive()
        .into_tuple()
        .all(connection)
        .await?;
    let position = |(id, owner, done)| {
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        (id, ImportPosition { owner, done, counts: ImportCounts::default() })
    };
    Ok(rows.into_iter().map(position).collect())
}

impl Batch {
    /// Records how far an import has come, with the outcomes of its rows in this transaction.
    pub(crate) async fn record_import(&self, id: i64, position: &ImportPosition) -> Result<(), StoreError> {
        let mut update = Entity::update_many()
            .col_expr(Column::Done, i64::from(position.done).into())
            .filter(Column::Id.eq(id));
        for (column, count) in columns(position.counts).filter(|(_, count)| *count > 0) {
            update = update.col_expr(column, Expr::col(column).add(count));
        }
        update.exec(&self.transaction).await?;
        Ok(())
    }
}
