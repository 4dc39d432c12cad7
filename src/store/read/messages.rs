//! Finds the orders of a Discord message, and the Discord message of an order.

use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use crate::card::decode::discord::{ChannelRef, MessageRef};
use crate::order::{Order, Source};
use crate::store::entity::rows;
use crate::store::entity::{order_events, orders, webhook_logs};
use crate::store::{Store, StoreError};

impl Store {
    /// The orders that a Discord message named, with their items, in the order of the message.
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
        let mut orders = self.orders_by_ids(&ids).await?;
        self.load_items(&mut orders).await?;
        Ok(orders)
    }

    /// The orders with these row ids, in this order, without their items. Orders that no longer exist are left out.
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

    /// The Discord message that created an order, or else the newest one that changed it; `None` if no Discord
    /// message did.
    pub async fn source_message(&self, order_id: i64) -> Result<Option<MessageRef>, StoreError> {
        let found: Option<(String, Option<i64>)> = order_events::Entity::find()
            .select_only()
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
            .filter(webhook_logs::Column::Source.eq(Source::DiscordBot.as_str()))
            .filter(webhook_logs::Column::MessageId.is_not_null())
            // "created" sorts before "updated".
            .order_by_asc(order_events::Column::EventType)
            .order_by_desc(order_events::Column::Id)
            .limit(1)
            .into_tuple()
            .one(&self.readers)
            .await?;
        Ok(found.and_then(|(endpoint, message)| {
            Some(MessageRef { channel: ChannelRef::from_endpoint(&endpoint)?, message: message? })
        }))
    }
}
