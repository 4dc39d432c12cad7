//! Reads the earlier version of an edited message: its cards, and the orders that only this message has
//! created and changed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

use super::orders::numbers_of;
use crate::card::message::SLACK;
use crate::order::OrderNumber;
use crate::store::StoreError;
use crate::store::entity::{order_events, webhook_logs};

/// A message that may have other versions.
#[derive(Clone, Debug)]
pub struct EditKey {
    /// The deduplication key of its versions.
    pub key: String,
    /// For a message of a webhook link, the log row of its first version.
    pub first_row: Option<i64>,
    /// The hash of its content. A stored version with the same hash is not read, because nothing has changed since.
    pub content_hash: Option<String>,
}

/// The newest stored version of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredVersion {
    /// The message's own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// The text forms of its cards, with a blank line between two of them. Empty if the text was deleted.
    pub text_forms: String,
    /// The payload as it arrived. Empty if the text was deleted.
    pub payload: String,
    /// The orders of its cards.
    pub orders: HashSet<OrderNumber>,
    /// Those orders that only this message, in any version, has created and changed.
    pub own_orders: HashSet<OrderNumber>,
}

/// Reads the newest stored version of each message: the newer of the row that owns the key and the row of the
/// first version.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    edits: &[&EditKey],
) -> Result<HashMap<String, StoredVersion>, StoreError> {
    use webhook_logs::Column;
    type Row = (DateTime<Utc>, String, String, String, Option<i64>, String);

    let mut found = HashMap::new();
    for EditKey { key, first_row, .. } in edits {
        let chosen = Condition::any()
            .add(Column::SourceKey.eq(key.as_str()))
            .add_option(first_row.map(|row| Column::Id.eq(row)));
        let row: Option<Row> = webhook_logs::Entity::find()
            .select_only()
            .columns([
                Column::SentAt,
                Column::Flattened,
                Column::Payload,
                Column::OrderIds,
                Column::MessageId,
                Column::Endpoint,
            ])
            .filter(chosen)
            .order_by_desc(Column::Id)
            .into_tuple()
            .one(connection)
            .await?;
        let Some((sent_at, text_forms, payload, ids, message, endpoint)) = row else { continue };
        let ids: Vec<i64> = serde_json::from_str(&ids).unwrap_or_default();
        let numbers = numbers_of(connection, &ids).await?;
        let foreign = match first_row.or(message) {
            Some(message) if !ids.is_empty() => {
                made_by_others(connection, &ids, message, first_row.map(|_| endpoint.as_str())).await?
            }
            _ => ids.into_iter().collect(),
        };
        let own = numbers.iter().filter(|(id, _)| !foreign.contains(id)).map(|(_, number)| number.clone());
        let own_orders = own.collect();
        let orders = numbers.into_iter().map(|(_, number)| number).collect();
        found.insert(key.clone(), StoredVersion { sent_at, text_forms, payload, orders, own_orders });
    }
    Ok(found)
}

/// Returns those of the orders that a person or another message has created or changed. `link` is the endpoint of a
/// message of a webhook link: its id is the log row of its first version, which states no id itself.
async fn made_by_others(
    connection: &impl ConnectionTrait,
    orders: &[i64],
    message: i64,
    link: Option<&str>,
) -> Result<HashSet<i64>, StoreError> {
    type Event = (i64, Option<i64>, Option<i64>, Option<String>);

    let events: Vec<Event> = order_events::Entity::find()
        .select_only()
        .columns([order_events::Column::OrderId, order_events::Column::LogId])
        .columns([webhook_logs::Column::MessageId, webhook_logs::Column::Endpoint])
        .join(JoinType::LeftJoin, order_events::message())
        .filter(order_events::Column::OrderId.is_in(orders.iter().copied()))
        .into_tuple()
        .all(connection)
        .await?;
    // The first version may have come in Slack's form.
    let link_of = |endpoint: &str| endpoint.strip_suffix(SLACK).unwrap_or(endpoint).to_owned();
    let is_own = |(_, log_id, by, endpoint): &Event| match link {
        Some(link) => {
            endpoint.as_deref().map(link_of) == Some(link_of(link))
                && (*by == Some(message) || *log_id == Some(message))
        }
        None => *by == Some(message),
    };
    Ok(events.into_iter().filter(|event| !is_own(event)).map(|(order, ..)| order).collect())
}
