//! Reads the earlier version of an edited message: its cards, and the orders that only this message has
//! created and changed.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

use super::orders::numbers_of;
use crate::order::OrderNumber;
use crate::store::StoreError;
use crate::store::entity::{order_events, webhook_logs};

/// The newest stored version of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredVersion {
    /// The text forms of its cards, with a blank line between two of them. Empty if the text was deleted.
    pub text_forms: String,
    /// The orders of its cards.
    pub orders: HashSet<OrderNumber>,
    /// Those orders that only this message, in any version, has created and changed.
    pub own_orders: HashSet<OrderNumber>,
}

/// Reads the newest stored version of each message: the newer of the row that owns the key and the row of the
/// first version.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    edits: &[(String, Option<i64>)],
) -> Result<HashMap<String, StoredVersion>, StoreError> {
    use webhook_logs::Column;

    let mut found = HashMap::new();
    for (key, first_row) in edits {
        let chosen = Condition::any()
            .add(Column::SourceKey.eq(key.as_str()))
            .add_option(first_row.map(|row| Column::Id.eq(row)));
        let row: Option<(String, String, Option<i64>)> = webhook_logs::Entity::find()
            .select_only()
            .columns([Column::Flattened, Column::OrderIds, Column::MessageId])
            .filter(chosen)
            .order_by_desc(Column::Id)
            .into_tuple()
            .one(connection)
            .await?;
        let Some((text_forms, ids, message)) = row else { continue };
        let ids: Vec<i64> = serde_json::from_str(&ids).unwrap_or_default();
        let numbers = numbers_of(connection, &ids).await?;
        let foreign = match message {
            Some(message) if !ids.is_empty() => made_by_others(connection, &ids, message).await?,
            _ => ids.into_iter().collect(),
        };
        let own = numbers.iter().filter(|(id, _)| !foreign.contains(id)).map(|(_, number)| number.clone());
        let own_orders = own.collect();
        let orders = numbers.into_iter().map(|(_, number)| number).collect();
        found.insert(key.clone(), StoredVersion { text_forms, orders, own_orders });
    }
    Ok(found)
}

/// Returns those of the orders that a person or another message has created or changed.
async fn made_by_others(
    connection: &impl ConnectionTrait,
    orders: &[i64],
    message: i64,
) -> Result<HashSet<i64>, StoreError> {
    let events: Vec<(i64, Option<i64>)> = order_events::Entity::find()
        .select_only()
        .column(order_events::Column::OrderId)
        .column(webhook_logs::Column::MessageId)
        .join(
            JoinType::LeftJoin,
            order_events::Entity::belongs_to(webhook_logs::Entity)
                .from(order_events::Column::LogId)
                .to(webhook_logs::Column::Id)
                .into(),
        )
        .filter(order_events::Column::OrderId.is_in(orders.iter().copied()))
        .into_tuple()
        .all(connection)
        .await?;
    let others = events.into_iter().filter(|(_, by)| *by != Some(message));
    Ok(others.map(|(order, _)| order).collect())
}
