//! The history that the old system wrote about an order, as steps of the order's history.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::batch::NewEvent;
use super::insert::MAX_ROWS;
use crate::store::entity::order_events::{Column, Entity};
use crate::store::entity::rows::changes_to_json;
use crate::store::{Store, StoreError};

/// The event type of steps that the old system wrote.
pub(crate) const LEGACY_EVENT: &str = "legacy";

impl Store {
    /// Adds steps of the old system, in one transaction. A step that is stored already is not added again. Returns how
    /// many were added.
    ///
    /// # Errors
    /// If the database fails. Then nothing is added.
    pub async fn add_legacy_events(&self, mut events: Vec<NewEvent>) -> Result<usize, StoreError> {
        let batch = self.begin().await?;
        let mut orders: Vec<i64> = events.iter().map(|event| event.order_id).collect();
        orders.dedup();
        let mut known: HashSet<(i64, String, DateTime<Utc>)> = HashSet::new();
        for chunk in orders.chunks(MAX_ROWS) {
            let rows = Entity::find()
                .select_only()
                .columns([Column::OrderId, Column::Changes, Column::CreatedAt])
                .filter(Column::OrderId.is_in(chunk.iter().copied()))
                .filter(Column::EventType.eq(LEGACY_EVENT))
                .into_tuple::<(i64, String, DateTime<Utc>)>();
            known.extend(rows.all(&batch.transaction).await?);
        }
        events.retain(|event| {
            !known.contains(&(event.order_id, changes_to_json(&event.changes), event.created_at))
        });
        // PostgreSQL ends a transaction that waits long for its next statement.
        for chunk in events.chunks(MAX_ROWS) {
            batch.save_events(chunk).await?;
        }
        if !events.is_empty() {
            batch.commit().await?;
        }
        Ok(events.len())
    }
}
