//! Reads what the database holds of the things that a batch names.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use super::batch::Batch;
use super::insert::MAX_ROWS;
use super::legacy::LEGACY_EVENT;
use super::versions::{EditKey, StoredVersion};
use super::{logs, orders, renumber, versions};
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::entity::rows::changes_from_json;
use crate::store::entity::{order_events, webhook_logs};
use crate::store::imports::claims::{self, ImportPosition};
use crate::store::imports::lookups;
use crate::store::{LoggedMessage, Store, StoreError};

/// The orders and log rows that the messages and edits of a batch name.
#[derive(Debug, Default)]
pub struct BatchKeys {
    /// The order numbers that cards name, unsorted; a number may be repeated.
    pub numbers: Vec<OrderNumber>,
    /// Row ids of orders that edits name.
    pub order_ids: Vec<i64>,
    /// Deduplication keys of messages.
    pub dedup_keys: Vec<String>,
    /// Log rows that are replayed.
    pub log_ids: Vec<i64>,
    /// Discord messages with a card that states no order number.
    pub message_ids: Vec<i64>,
    /// Messages that may have other versions.
    pub edits: Vec<EditKey>,
    /// Imports with rows in the batch.
    pub imports: Vec<i64>,
    /// Orders that an import added, each with the import, if the batch undoes that import.
    pub added: Vec<(OrderNumber, i64)>,
}

/// The stored orders and log rows that a batch names.
#[derive(Debug, Default)]
pub struct StoredState {
    /// The orders.
    pub orders: HashMap<OrderNumber, Order>,
    /// Log rows by deduplication key.
    pub logged: HashMap<String, LoggedMessage>,
    /// Outcomes of replayed log rows. Rows that are gone, or whose payload is, are missing.
    pub outcomes: HashMap<i64, String>,
    /// The orders of Discord messages, in the order of the cards.
    pub message_orders: HashMap<i64, Vec<OrderNumber>>,
    /// Replayed log rows with the row ids of the orders that they created.
    pub created: HashSet<(i64, i64)>,
    /// For a replay: which message gave a field of an order its value, by the order's row id and the field's name.
    pub origins: HashMap<(i64, String), Origin>,
    /// The stored versions of edited messages, by deduplication key.
    pub versions: HashMap<String, StoredVersion>,
    /// How far the imports have come.
    pub imports: HashMap<i64, ImportPosition>,
    /// The fields of orders that have changed since an import added them, by the order's row id.
    pub changed_since: HashMap<i64, Vec<String>>,
}

/// The last change of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The message's row in the log; `None` if a person made the change.
    pub log_id: Option<i64>,
    /// The message's own time, if its row still exists. UTC.
    pub sent_at: Option<DateTime<Utc>>,
    /// Whether the field was empty before.
    pub filled: bool,
}

impl Store {
    /// Reads what a batch names without locking anything, for a batch that is not written.
    pub async fn read_state(&self, keys: &BatchKeys) -> Result<StoredState, StoreError> {
        read_state(&self.readers, keys, false).await
    }
}

impl Batch {
    /// Reads and locks what a batch names.
    pub async fn read_state(&mut self, keys: &BatchKeys) -> Result<StoredState, StoreError> {
        let stored = read_state(&self.transaction, keys, true).await?;
        self.note_known(&keys.numbers, &stored.orders);
        Ok(stored)
    }
}

/// Reads what a batch names. Orders come before log rows, as they do when they are written: two writers must lock in
/// the same order.
async fn read_state(
    connection: &impl ConnectionTrait,
    keys: &BatchKeys,
    for_update: bool,
) -> Result<StoredState, StoreError> {
    let message_orders = renumber::orders_of_messages(connection, &keys.message_ids).await?;
    let logged = logs::find_logged_with_edits(connection, &keys.dedup_keys).await?;
    let is_edited = |edit: &&EditKey| {
        let stored = logged.get(&edit.key);
        edit.first_row.is_some() || stored.is_some_and(|stored| stored.content_hash != edit.content_hash)
    };
    let edits: Vec<&EditKey> = keys.edits.iter().filter(is_edited).collect();
    let versions = versions::find(connection, &edits).await?;
    let edited = orders::numbers_of(connection, &keys.order_ids).await?;
    let mut numbers: Vec<_> = edited.into_iter().map(|(_, number)| number).collect();
    numbers.extend(versions.values().flat_map(|version| version.orders.iter().cloned()));
    numbers.extend_from_slice(&keys.numbers);
    numbers.extend(message_orders.values().flatten().cloned());
    numbers.sort_unstable();
    numbers.dedup();
    let orders = orders::find(connection, &numbers, for_update).await?;
    let order_ids: Vec<i64> = orders.values().map(|order| order.id).collect();
    let added = keys.added.iter().filter_map(|(number, import)| Some((orders.get(number)?.id, *import)));
    let added: HashMap<i64, i64> = added.collect();
    Ok(StoredState {
        orders,
        logged,
        outcomes: logs::outcomes(connection, &keys.log_ids, for_update).await?,
        message_orders,
        created: created_by(connection, &keys.log_ids, &order_ids).await?,
        origins: if keys.log_ids.is_empty() {
            HashMap::new()
        } else {
            origins(connection, &order_ids).await?
        },
        versions,
        imports: claims::positions(connection, &keys.imports).await?,
        changed_since: lookups::changed_since(connection, &added).await?,
    })
}

/// Which messages gave the fields of these orders their values.
async fn origins(
    connection: &impl ConnectionTrait,
    order_ids: &[i64],
) -> Result<HashMap<(i64, String), Origin>, StoreError> {
    type Event = (i64, Option<i64>, String, Option<DateTime<Utc>>);

    let mut origins = HashMap::new();
    for chunk in order_ids.chunks(MAX_ROWS) {
        let events: Vec<Event> = order_events::Entity::find()
            .select_only()
            .columns([
                order_events::Column::OrderId,
                order_events::Column::LogId,
                order_events::Column::Changes,
            ])
            .column(webhook_logs::Column::SentAt)
            .join(JoinType::LeftJoin, order_events::message())
            .filter(order_events::Column::OrderId.is_in(chunk.iter().copied()))
            .filter(order_events::Column::EventType.ne(LEGACY_EVENT))
            .order_by_asc(order_events::Column::Id)
            .into_tuple()
            .all(connection)
            .await?;
        for (order, log_id, changes, sent_at) in events {
            let changes = changes_from_json(&changes);
            // Two orders became one in this step. Their own steps say where the values come from.
            let is_joined = changes.iter().any(|change| change.field == "order_number");
            for FieldChange { field, old, .. } in changes {
                let origin = Origin { log_id, sent_at, filled: old.is_none() };
                let known = origins.entry((order, field)).or_insert(origin);
                if !is_joined {
                    *known = origin;
                }
            }
        }
    }
    Ok(origins)
}

/// The log rows, of these, that created one of these orders.
async fn created_by(
    connection: &impl ConnectionTrait,
    log_ids: &[i64],
    order_ids: &[i64],
) -> Result<HashSet<(i64, i64)>, StoreError> {
    let mut created = HashSet::new();
    if log_ids.is_empty() {
        return Ok(created);
    }
    for chunk in order_ids.chunks(MAX_ROWS) {
        let rows: Vec<(i64, i64)> = order_events::Entity::find()
            .select_only()
            .columns([order_events::Column::LogId, order_events::Column::OrderId])
            .filter(order_events::Column::OrderId.is_in(chunk.iter().copied()))
            .filter(order_events::Column::EventType.eq("created"))
            .filter(order_events::Column::LogId.is_in(log_ids.iter().copied()))
            .into_tuple()
            .all(connection)
            .await?;
        created.extend(rows);
    }
    Ok(created)
}
