//! One write transaction: what waits is read, merged above, and written in multi-row statements.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    QuerySelect, Value,
};

use super::insert::{fresh_ids, insert};
use super::sums::{Changes, Share};
use crate::order::{FieldChange, OrderNumber, Source};
use crate::store::admin::connect;
use crate::store::entity::rows::{changes_to_json, to_json};
use crate::store::entity::{gateway_identifies, webhook_logs};
use crate::store::search::SearchIndex;
use crate::store::{Store, StoreError};

/// Most rows in one statement: few statement sizes keep the cache of prepared ones small, and
/// rows of 38 values stay far below the limits, of which SQLite's is 32,766 values.
pub(crate) const MAX_ROWS: usize = 64;

/// The keys of a condition, the last one again up to a power of two, so that few statements are
/// prepared.
pub(crate) fn padded<T>(keys: &[T]) -> impl Iterator<Item = &T> {
    let missing = keys.len().next_power_of_two() - keys.len();
    keys.iter().chain(keys.last().into_iter().cycle().take(missing))
}

/// A log row to be written.
#[derive(Clone, Debug)]
pub struct NewLog {
    /// Where the message came in.
    pub source: Source,
    /// What makes the message the same one again; unique.
    pub source_key: Option<String>,
    /// Path or channel.
    pub endpoint: String,
    /// Id of the Discord message.
    pub message_id: Option<i64>,
    /// The same for the same content.
    pub content_hash: Option<String>,
    /// Name of the outcome.
    pub outcome: &'static str,
    /// Machine-readable reason.
    pub code: Option<&'static str>,
    /// The reason for people.
    pub error_message: Option<String>,
    /// What could not be read right.
    pub warnings: Vec<String>,
    /// The orders concerned.
    pub order_ids: Vec<i64>,
    /// The payload as it came.
    pub payload: String,
    /// The text forms of its cards.
    pub flattened: String,
    /// The message's own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// Its arrival. UTC.
    pub created_at: DateTime<Utc>,
}

/// A step of an order's history to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The order's row id.
    pub order_id: i64,
    /// `created` or `updated`.
    pub event_type: &'static str,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// What brought it.
    pub source: Source,
    /// The message's log row; `None` for an edit.
    pub log_id: Option<i64>,
    /// Who did it by hand.
    pub actor: Option<String>,
    /// When. UTC.
    pub created_at: DateTime<Utc>,
}

/// A message that is in the log already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMessage {
    /// Its log row.
    pub log_id: i64,
    /// Its own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// Its arrival. UTC.
    pub received_at: DateTime<Utc>,
    /// The same for the same content.
    pub content_hash: Option<String>,
}

/// One write transaction. Dropping it without [`Batch::commit`] leaves no trace.
pub struct Batch {
    pub(crate) transaction: DatabaseTransaction,
    pub(crate) timezone: Tz,
    /// The orders that were read or written, as they are at present: row id, and what they add to
    /// the sums; `None` where there is no such order.
    pub(crate) seen: HashMap<OrderNumber, Option<(i64, Share)>>,
    /// Whether an order was written, which the search index then follows.
    pub(crate) wrote_orders: bool,
    /// How the sums change.
    pub(crate) sums: Changes,
    search: SearchIndex,
    /// What tells this process from others.
    pub(crate) origin: Arc<str>,
}

impl Store {
    /// Begins a write transaction. On SQLite it waits for the write lock.
    ///
    /// # Errors
    /// When another process holds the lock too long, or the database fails.
    pub async fn begin(&self) -> Result<Batch, StoreError> {
        Ok(Batch {
            transaction: connect::begin(&self.writer).await?,
            timezone: self.timezone,
            seen: HashMap::new(),
            wrote_orders: false,
            sums: Changes::default(),
            search: self.search.clone(),
            origin: Arc::clone(&self.origin),
        })
    }
}

impl Batch {
    pub(crate) fn backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    /// The messages of these keys that are in the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_messages(&self, keys: &[String]) -> Result<HashMap<String, KnownMessage>, StoreError> {
        let mut known = HashMap::new();
        for chunk in keys.chunks(MAX_ROWS) {
            let rows = webhook_logs::Entity::find()
                .select_only()
                .columns([
                    webhook_logs::Column::SourceKey,
                    webhook_logs::Column::Id,
                    webhook_logs::Column::SentAt,
                    webhook_logs::Column::CreatedAt,
                    webhook_logs::Column::ContentHash,
                ])
                .filter(webhook_logs::Column::SourceKey.is_in(padded(chunk)))
                .into_tuple::<(String, i64, DateTime<Utc>, DateTime<Utc>, Option<String>)>()
                .all(&self.transaction)
                .await?;
            let message = |(key, log_id, sent_at, received_at, content_hash)| {
                (key, KnownMessage { log_id, sent_at, received_at, content_hash })
            };
            known.extend(rows.into_iter().map(message));
        }
        Ok(known)
    }

    /// Takes the key from log rows, so that a later message may have it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_keys(&self, log_ids: &[i64]) -> Result<(), StoreError> {
        for chunk in log_ids.chunks(MAX_ROWS) {
            webhook_logs::Entity::update_many()
                .col_expr(webhook_logs::Column::SourceKey, Value::String(None).into())
                .filter(webhook_logs::Column::Id.is_in(chunk.iter().copied()))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Writes log rows, and gives their ids in the same order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_logs(&self, logs: Vec<NewLog>) -> Result<Vec<i64>, StoreError> {
        let columns = [
            "id",
            "source",
            "source_key",
            "endpoint",
            "message_id",
            "content_hash",
            "outcome",
            "code",
            "error_message",
            "warnings",
            "order_ids",
            "payload",
            "flattened",
            "sent_at",
            "created_at",
        ];
        let ids = fresh_ids(&self.transaction, "webhook_logs", logs.len()).await?;
        let rows = logs.into_iter().zip(&ids).map(|(log, id)| {
            vec![
                (*id).into(),
                log.source.as_str().into(),
                log.source_key.into(),
                log.endpoint.into(),
                log.message_id.into(),
                log.content_hash.into(),
                log.outcome.into(),
                log.code.into(),
                log.error_message.into(),
                to_json(&log.warnings).into(),
                to_json(&log.order_ids).into(),
                log.payload.into(),
                log.flattened.into(),
                log.sent_at.into(),
                log.created_at.into(),
            ]
        });
        insert(&self.transaction, "webhook_logs", &columns, rows, "").await?;
        Ok(ids)
    }

    /// Writes steps of history.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_events(&self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        let columns = ["order_id", "event_type", "changes", "source", "log_id", "actor", "created_at"];
        let rows = events.into_iter().map(|event| {
            vec![
                event.order_id.into(),
                event.event_type.into(),
                changes_to_json(&event.changes).into(),
                event.source.as_str().into(),
                event.log_id.into(),
                event.actor.into(),
                event.created_at.into(),
            ]
        });
        insert(&self.transaction, "order_events", &columns, rows, "").await.map(drop)
    }

    /// Writes what leaves no trace, so that it is known whether there is room to write, and a right to.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn touch(&self) -> Result<(), StoreError> {
        for table in ["orders", "webhook_logs", "order_events", "order_sums"] {
            // PostgreSQL tells of a lock on a table when something is to be changed there.
            self.transaction.execute_unprepared(&format!("DELETE FROM {table} WHERE 1 = 0")).await?;
        }
        let row = gateway_identifies::ActiveModel { at: Set(Utc::now()), ..Default::default() };
        let row = gateway_identifies::Entity::insert(row).exec(&self.transaction).await?;
        gateway_identifies::Entity::delete_by_id(row.last_insert_id).exec(&self.transaction).await?;
        Ok(())
    }

    /// Makes all of it durable, with the sums of the orders that it changed.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored.
    pub async fn commit(self) -> Result<(), StoreError> {
        // Last of all, because everybody writes the rows of today: they are locked from here on.
        self.sums.save(&self.transaction).await?;
        self.transaction.commit().await?;
        if self.wrote_orders {
            self.search.notify();
        }
        Ok(())
    }
}
