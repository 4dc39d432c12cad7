//! One write transaction, which adds rows in multi-row statements and commits them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement};

use super::insert::{insert, reserve_ids};
use super::sums::{Contribution, SumChanges};
use crate::order::{FieldChange, OrderItem, OrderNumber, Source};
use crate::store::cluster::notify::CHANNEL;
use crate::store::connection::Transaction;
use crate::store::database_file::DatabaseFile;
use crate::store::entity::derived_tables;
use crate::store::entity::rows::changes_to_json;
use crate::store::{Store, StoreError};

/// The advisory lock of PostgreSQL that a writer holds from reserving ids of events to its commit.
const EVENT_LOCK: i64 = 1_919_905_145;
/// The name of the probe's row in `derived_tables`.
const PROBE: &str = "write_probe";
/// Size of a probe: the largest message. On a nearly full disk a small write may succeed where a message fails.
const PROBE_BYTES: usize = 256 * 1024;

/// A new step of an order's history.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The order's row id.
    pub order_id: i64,
    /// `created`, `updated`, or `legacy` for a step of the old system.
    pub event_type: &'static str,
    /// The changed fields.
    pub changes: Vec<FieldChange>,
    /// Where the change came from.
    pub source: Source,
    /// The message's log row; `None` for an edit.
    pub log_id: Option<i64>,
    /// The person, if a person did it.
    pub actor: Option<String>,
    /// The import that caused it.
    pub import: Option<i64>,
    /// When. UTC.
    pub created_at: DateTime<Utc>,
}

/// The facts that a transaction knows about a stored order.
pub(crate) struct KnownOrder {
    pub(crate) id: i64,
    /// The amounts that the order adds to the sums.
    pub(crate) contribution: Contribution,
    /// Items that were read and not written since. Other items are written even if they are stored already.
    pub(crate) items: Vec<OrderItem>,
}

/// One write transaction. Dropping it without [`Batch::commit`] changes nothing.
pub struct Batch {
    pub(crate) transaction: Transaction,
    pub(crate) timezone: Tz,
    /// The orders that were read or written; `None` if there is no such order.
    pub(crate) known: HashMap<OrderNumber, Option<KnownOrder>>,
    /// How the sums change.
    pub(crate) sums: SumChanges,
    file: DatabaseFile,
    /// Distinguishes this process from others.
    pub(crate) origin: Arc<str>,
}

impl Store {
    /// Begins a write transaction. On SQLite it waits for the write lock.
    pub async fn begin(&self) -> Result<Batch, StoreError> {
        self.file.check()?;
        Ok(Batch {
            transaction: self.writer.begin().await?,
            timezone: self.timezone,
            known: HashMap::new(),
            sums: SumChanges::default(),
            file: self.file.clone(),
            origin: Arc::clone(&self.origin),
        })
    }

    /// Finds out whether the database accepts as much as the largest message. Leaves nothing behind.
    pub(crate) async fn probe_writer(&self) -> Result<(), StoreError> {
        let batch = self.begin().await?;
        for table in ["orders", "order_items", "webhook_logs", "order_events", "order_sums"] {
            // PostgreSQL reports a locked table only to a statement that wants to change it.
            batch.transaction.execute_unprepared(&format!("DELETE FROM {table} WHERE 1 = 0")).await?;
        }
        let row = derived_tables::ActiveModel {
            name: Set(PROBE.to_owned()),
            made_for: Set("x".repeat(PROBE_BYTES)),
        };
        // An earlier probe may have been committed without its answer, or another process may be probing.
        let replace = OnConflict::column(derived_tables::Column::Name)
            .update_column(derived_tables::Column::MadeFor)
            .to_owned();
        derived_tables::Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&batch.transaction)
            .await?;
        batch.commit().await?;
        // A second transaction: within one, SQLite would not write the pages at all.
        derived_tables::Entity::delete_by_id(PROBE).exec(&self.writer).await?;
        Ok(())
    }
}

impl Batch {
    pub(crate) fn backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    /// Adds steps of history, and notifies other processes of them when the batch is committed.
    ///
    /// Returns their ids, in the same order. The ids of concurrent transactions become visible in ascending order.
    pub async fn save_events(&self, events: &[NewEvent]) -> Result<Vec<i64>, StoreError> {
        let ids = self.reserve_event_ids(events.len()).await?;
        let columns = [
            "id",
            "order_id",
            "event_type",
            "changes",
            "source",
            "log_id",
            "actor",
            "import_id",
            "created_at",
        ];
        let rows = ids.iter().zip(events).map(|(id, event)| {
            vec![
                (*id).into(),
                event.order_id.into(),
                event.event_type.into(),
                changes_to_json(&event.changes).into(),
                event.source.as_str().into(),
                event.log_id.into(),
                event.actor.clone().into(),
                event.import.into(),
                event.created_at.into(),
            ]
        });
        insert(&self.transaction, "order_events", &columns, rows, "").await?;
        Ok(ids)
    }

    /// Reserves the ids of new events. PostgreSQL assigns ids before the commit, so that a reader could see an id before
    /// a smaller one of a transaction that is still open. Each writer therefore holds a lock until its commit. The
    /// notification needs no statement of its own: PostgreSQL sends it at the commit.
    async fn reserve_event_ids(&self, count: usize) -> Result<Vec<i64>, StoreError> {
        if count == 0 || self.backend() != DbBackend::Postgres {
            return reserve_ids(&self.transaction, "order_events", count).await;
        }
        // The ids come from the rows of the join, and it has none before the lock is held.
        let sql = "WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock($1), pg_notify($2, $3)) \
                   SELECT nextval(pg_get_serial_sequence('order_events', 'id')) AS id \
                   FROM locked, generate_series(1, $4)";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let values = [EVENT_LOCK.into(), CHANNEL.into(), (*self.origin).into(), count.into()];
        let query = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let rows = self.transaction.query_all_raw(query).await?;
        let mut ids = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, DbErr>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Makes everything durable, including the sums of the orders that changed.
    ///
    /// # Errors
    /// If the database fails. Then nothing is stored, unless the file was replaced during the commit.
    pub async fn commit(self) -> Result<(), StoreError> {
        // The rows of today's sums come last: every writer changes them, and they stay locked until the commit.
        self.sums.save(&self.transaction).await?;
        self.transaction.commit().await?;
        self.file.check()
    }
}
