//! From Discord's messages to their orders, and back.

use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use crate::order::Order;
use crate::store::entity::rows;
use crate::store::entity::{order_events, orders, webhook_logs};
use crate::store::{Store, StoreError};

/// Where a Discord message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceMessage {
    /// Id of the guild.
    pub guild: i64,
    /// Id of the channel.
    pub channel: i64,
    /// Id of the message.
    pub message: i64,
}

impl Store {
    /// The orders that a Discord message spoke of, in its own order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders_of_message(&self, message_id: i64) -> Result<Vec<Order>, StoreError> {
        let lists: Vec<String> = webhook_logs::Entity::find()
            .select_only()
            .column(webhook_logs::Column::OrderIds)
            .filter(webhook_logs::Column::MessageId.eq(message_id))
            .order_by_asc(webhook_logs::Column::Id)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let mut ids = Vec::new();
        for id in lists.iter().flat_map(|list| serde_json::from_str::<Vec<i64>>(list).unwrap_or_default()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        self.orders_by_ids(&ids).await
    }

    /// The orders of these row ids, in this order; those that are gone are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders_by_ids(&self, ids: &[i64]) -> Result<Vec<Order>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = orders::Entity::find()
            .filter(orders::Column::Id.is_in(ids.iter().copied()))
            .all(&self.readers)
            .await?;
        let mut found = found.into_iter().map(rows::order).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
        Ok(found)
    }

    /// The Discord message that created an order, else the newest one that changed it; `None`
    /// where Discord had no part in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_message(&self, order_id: i64) -> Result<Option<SourceMessage>, StoreError> {
        let found: Vec<(String, String, Option<i64>)> = order_events::Entity::find()
            .select_only()
            .column(order_events::Column::EventType)
            .column(webhook_logs::Column::Endpoint)
            .column(webhook_logs::Column::MessageId)
            .join(
                JoinType::InnerJoin,
                order_events::Entity::belongs_to(webhook_logs::Entity)
                    .from(order_events::Column::LogId)
                    .to(webhook_logs::Column::Id)
                    .into(),
            )
            .filter(order_events::Column::OrderId.eq(order_id))
            .filter(webhook_logs::Column::MessageId.is_not_null())
            .order_by_desc(order_events::Column::Id)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let place = |(_, endpoint, message): &(String, String, Option<i64>)| place(endpoint, (*message)?);
        let created = found.iter().filter(|(event, ..)| event == "created").find_map(place);
        Ok(created.or_else(|| found.iter().find_map(place)))
    }
}

/// Reads an endpoint `discord/<guild>/<channel>`.
fn place(endpoint: &str, message: i64) -> Option<SourceMessage> {
    let (guild, channel) = endpoint.strip_prefix("discord/")?.split_once('/')?;
    Some(SourceMessage { guild: guild.parse().ok()?, channel: channel.parse().ok()?, message })
}
