//! The earlier version of a message that was edited: its cards, and the orders that only this message has made.

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
    /// The orders that it names.
    pub orders: HashSet<OrderNumber>,
    /// Those of its orders that only versions of this message have made and changed.
    pub own_orders: HashSet<OrderNumber>,
}

/// The newest stored versions of these messages: those that own the key, or else the row of the first version.
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

/// The orders, of these, that a person or another message than this one has made or changed.
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
