//! What the Discord edge must know after a restart.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::store::entity::{channel_cursors, gateway_identifies, webhook_logs};
use crate::store::{Store, StoreError};

/// How far a channel was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Every message up to this one is stored.
    pub message: i64,
    /// When that was so. UTC.
    pub read_at: DateTime<Utc>,
}

impl Store {
    /// How far each channel was read, by channel id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cursors(&self) -> Result<HashMap<i64, Cursor>, StoreError> {
        let rows = channel_cursors::Entity::find().all(&self.readers).await?;
        let cursor =
            |row: channel_cursors::Model| Cursor { message: row.message_id, read_at: row.updated_at };
        Ok(rows.into_iter().map(|row| (row.channel_id, cursor(row))).collect())
    }

    /// Notes that every message of a channel up to this one is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_cursor(
        &self,
        channel: i64,
        message: i64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = channel_cursors::ActiveModel {
            channel_id: Set(channel),
            message_id: Set(message),
            updated_at: Set(now),
        };
        let replace = OnConflict::column(channel_cursors::Column::ChannelId)
            .update_columns([channel_cursors::Column::MessageId, channel_cursors::Column::UpdatedAt])
            .to_owned();
        channel_cursors::Entity::insert(row).on_conflict(replace).exec(&self.writer).await?;
        Ok(())
    }

    /// Notes that the bot identified itself to the gateway, and forgets what is older than `keep`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_identify(&self, now: DateTime<Utc>, keep: DateTime<Utc>) -> Result<(), StoreError> {
        gateway_identifies::Entity::delete_many()
            .filter(gateway_identifies::Column::At.lt(keep))
            .exec(&self.writer)
            .await?;
        let row = gateway_identifies::ActiveModel { at: Set(now), ..Default::default() };
        gateway_identifies::Entity::insert(row).exec(&self.writer).await?;
        Ok(())
    }

    /// How often the bot identified itself since then, in this process and those before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identifies_since(&self, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let noted = gateway_identifies::Entity::find().filter(gateway_identifies::Column::At.gte(since));
        Ok(noted.count(&self.readers).await?)
    }

    /// Marks the log rows of Discord messages that were deleted there. Orders stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_deleted(&self, messages: &[i64], now: DateTime<Utc>) -> Result<(), StoreError> {
        webhook_logs::Entity::update_many()
            .col_expr(webhook_logs::Column::DeletedAt, now.into())
            .filter(webhook_logs::Column::MessageId.is_in(messages.iter().copied()))
            .filter(webhook_logs::Column::DeletedAt.is_null())
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}
