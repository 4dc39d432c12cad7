//! Messages that were posted to a webhook link: the sender may edit and delete them.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use crate::card::message::SLACK;
use crate::store::entity::webhook_logs::{Column, Entity};
use crate::store::outgoing::queue;
use crate::store::{LogEntry, NewDelivery, Store, StoreError, Target};

/// The `event` of a delivery that deletes the Discord message of a card.
pub const DELETION: &str = "deletion";

/// The log rows of the message whose first row is `id`: that row, which may have come in Slack's form, and those of its
/// edits.
fn versions(endpoint: &str, id: i64) -> Condition {
    let first = Condition::all().add(Column::Id.eq(id)).add(Column::MessageId.is_null());
    let any = Condition::any().add(first).add(Column::MessageId.eq(id));
    let endpoints = [endpoint.to_owned(), format!("{endpoint}{SLACK}")];
    Condition::all().add(Column::Endpoint.is_in(endpoints)).add(any)
}

impl Store {
    /// The newest version of a message that was posted to a link. `None` if there is no such message or it was deleted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn linked_message(&self, endpoint: &str, id: i64) -> Result<Option<LogEntry>, StoreError> {
        let newest = Entity::find().filter(versions(endpoint, id)).order_by_desc(Column::Id);
        let newest = newest.one(&self.readers).await?.map(LogEntry::from);
        Ok(newest.filter(|row| row.deleted_at.is_none()))
    }

    /// Marks a message that was posted to the link of this token as deleted, and, if the token has a relay,
    /// queues the deletion of its Discord message. The orders stay. Returns whether there was such a message.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn delete_linked_message(
        &self,
        token: i64,
        endpoint: &str,
        id: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let has_relay = self.relay_url(token).await?.is_some();
        let transaction = self.writer.begin().await?;
        let delete = Entity::update_many()
            .col_expr(Column::DeletedAt, now.into())
            .filter(versions(endpoint, id))
            .filter(Column::DeletedAt.is_null());
        let is_deleted = delete.exec(&transaction).await?.rows_affected > 0;
        if is_deleted && has_relay {
            let deletion = NewDelivery { target: Target::Relay(token), subject: id, event: DELETION };
            queue::save(&transaction, &[deletion], now).await?;
        }
        transaction.commit().await?;
        Ok(is_deleted)
    }
}
