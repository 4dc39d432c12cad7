//! The rows of `webhook_logs` in a write transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Value,
};

use super::batch::Batch;
use super::insert::{MAX_ROWS, insert, padded, reserve_ids};
use crate::store::entity::rows::to_json;
use crate::store::entity::webhook_logs::{ActiveModel, Column, Entity};
use crate::store::{LogEntry, StoreError};

/// The facts about a logged message that deduplication needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedMessage {
    /// Its log row.
    pub log_id: i64,
    /// Its own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// Its arrival. UTC.
    pub received_at: DateTime<Utc>,
    /// The hash of its content, for a Discord message.
    pub content_hash: Option<String>,
}

impl LoggedMessage {
    /// The deduplication key of the edits of this message, if it was sent to a webhook link.
    #[must_use]
    pub fn key_of_edits(&self) -> String {
        key_of_edits(self.log_id)
    }
}

/// The deduplication key that all edits of one message share, if the message came by a webhook link. `first_row` is the
/// log row of the message before its first edit.
#[must_use]
pub fn key_of_edits(first_row: i64) -> String {
    format!("webhook:edit:{first_row}")
}

/// The log rows that own these deduplication keys. A row without a content hash may be the first version of a message of
/// a webhook link, so this also finds the row of its newest edit.
pub(crate) async fn find_logged_with_edits(
    connection: &impl ConnectionTrait,
    keys: &[String],
) -> Result<HashMap<String, LoggedMessage>, StoreError> {
    let mut found = find_logged(connection, keys).await?;
    let may_be_edited = found.values().filter(|row| row.content_hash.is_none());
    let edits: Vec<String> = may_be_edited.map(LoggedMessage::key_of_edits).collect();
    found.extend(find_logged(connection, &edits).await?);
    Ok(found)
}

/// The log rows that own these deduplication keys.
pub(crate) async fn find_logged(
    connection: &impl ConnectionTrait,
    keys: &[String],
) -> Result<HashMap<String, LoggedMessage>, StoreError> {
    let mut found = HashMap::new();
    for chunk in keys.chunks(MAX_ROWS) {
        let rows = Entity::find()
            .select_only()
            .columns([Column::SourceKey, Column::Id, Column::SentAt, Column::CreatedAt, Column::ContentHash])
            .filter(Column::SourceKey.is_in(padded(chunk)))
            .into_tuple::<(String, i64, DateTime<Utc>, DateTime<Utc>, Option<String>)>()
            .all(connection)
            .await?;
        found.extend(rows.into_iter().map(|(key, log_id, sent_at, received_at, content_hash)| {
            (key, LoggedMessage { log_id, sent_at, received_at, content_hash })
        }));
    }
    Ok(found)
}

/// The outcomes of these log rows. Rows that are gone, or whose payload was deleted, are left out.
pub(crate) async fn outcomes(
    connection: &impl ConnectionTrait,
    log_ids: &[i64],
    for_update: bool,
) -> Result<HashMap<i64, String>, StoreError> {
    let mut outcomes = HashMap::new();
    for chunk in log_ids.chunks(MAX_ROWS) {
        let rows = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Outcome])
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::Payload.ne(""))
            .apply_if(for_update.then_some(()), |rows, ()| rows.lock_exclusive())
            .into_tuple::<(i64, String)>()
            .all(connection)
            .await?;
        outcomes.extend(rows);
    }
    Ok(outcomes)
}

impl Batch {
    /// Takes the deduplication key from log rows, so that a later message may own it.
    pub async fn release_keys(&self, log_ids: &[i64]) -> Result<(), StoreError> {
        for chunk in log_ids.chunks(MAX_ROWS) {
            Entity::update_many()
                .col_expr(Column::SourceKey, Value::String(None).into())
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Adds log rows and returns their new ids, in the same order. The entries' own ids are ignored.
    pub async fn save_logs(&self, logs: Vec<LogEntry>) -> Result<Vec<i64>, StoreError> {
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
        let ids = reserve_ids(&self.transaction, "webhook_logs", logs.len()).await?;
        let rows = logs.into_iter().zip(&ids).map(|(log, id)| {
            vec![
                (*id).into(),
                log.source.into(),
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

    /// Writes the result of replaying log rows. Their payload and times stay.
    pub async fn update_logs(&self, logs: Vec<LogEntry>) -> Result<(), StoreError> {
        // A key may move from one row to another, and it is unique.
        let ids: Vec<i64> = logs.iter().map(|log| log.id).collect();
        self.release_keys(&ids).await?;
        for log in logs {
            let row = ActiveModel {
                source_key: Set(log.source_key),
                content_hash: Set(log.content_hash),
                outcome: Set(log.outcome),
                code: Set(log.code),
                error_message: Set(log.error_message),
                warnings: Set(to_json(&log.warnings)),
                order_ids: Set(to_json(&log.order_ids)),
                flattened: Set(log.flattened),
                ..ActiveModel::default()
            };
            Entity::update_many().set(row).filter(Column::Id.eq(log.id)).exec(&self.transaction).await?;
        }
        Ok(())
    }
}
