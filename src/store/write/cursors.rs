//! Facts that the Discord edge needs after a restart: cursors, gateway identifies and deletions.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::store::entity::{channel_cursors, gateway_identifies, webhook_logs};
use crate::store::{Store, StoreError};

/// How far a channel's history was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Every message up to this one is stored.
    pub message: i64,
    /// When the cursor was stored. UTC.
    pub read_at: DateTime<Utc>,
}

/// A message that the bot has to react to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueReaction {
    /// Its row in the webhook log.
    pub log_id: i64,
    /// Its channel, as the endpoint of the log row.
    pub endpoint: String,
    /// The message.
    pub message: i64,
    /// The outcome that the reaction shows.
    pub outcome: String,
}

impl Store {
    /// The cursors of these channels and threads, by id. The threads of a channel together have the negated
    /// id of the channel.
    pub async fn cursors(&self, channels: &[i64]) -> Result<HashMap<i64, Cursor>, StoreError> {
        let these = channel_cursors::Column::ChannelId.is_in(channels.iter().copied());
        let rows = channel_cursors::Entity::find().filter(these).all(&self.readers).await?;
        let cursor =
            |row: channel_cursors::Model| Cursor { message: row.message_id, read_at: row.updated_at };
        Ok(rows.into_iter().map(|row| (row.channel_id, cursor(row))).collect())
    }

    /// Records that every message of a channel up to this one is stored. A cursor never moves back: a manual backfill
    /// may run beside the periodic one.
    ///
    /// # Errors
    /// Also if another process has become the leader.
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
        let stored = Expr::col((channel_cursors::Entity, channel_cursors::Column::MessageId));
        let advance = OnConflict::column(channel_cursors::Column::ChannelId)
            .update_columns([channel_cursors::Column::MessageId, channel_cursors::Column::UpdatedAt])
            .action_and_where(stored.lte(message))
            .to_owned();
        let transaction = self.writer.begin().await?;
        self.confirm_leadership(&transaction).await?;
        channel_cursors::Entity::insert(row)
            .on_conflict(advance)
            .exec_without_returning(&transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Records that the bot identified itself to the gateway, and deletes records older than `keep`.
    pub async fn note_identify(&self, now: DateTime<Utc>, keep: DateTime<Utc>) -> Result<(), StoreError> {
        gateway_identifies::Entity::delete_many()
            .filter(gateway_identifies::Column::At.lt(keep))
            .exec(&self.writer)
            .await?;
        let row = gateway_identifies::ActiveModel { at: Set(now), ..Default::default() };
        gateway_identifies::Entity::insert(row).exec(&self.writer).await?;
        Ok(())
    }

    /// How often the bot identified itself since this time, in this process and earlier ones.
    pub async fn identifies_since(&self, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let noted = gateway_identifies::Entity::find().filter(gateway_identifies::Column::At.gte(since));
        Ok(noted.count(&self.readers).await?)
    }

    /// The reactions that are due, oldest first: to messages that are not deleted, from a given id on.
    pub async fn due_reactions(&self, since: i64, limit: u64) -> Result<Vec<DueReaction>, StoreError> {
        let rows: Vec<(i64, String, i64, String)> = webhook_logs::Entity::find()
            .select_only()
            .columns([
                webhook_logs::Column::Id,
                webhook_logs::Column::Endpoint,
                webhook_logs::Column::MessageId,
                webhook_logs::Column::Outcome,
            ])
            .filter(webhook_logs::Column::MessageId.gte(since))
            .filter(webhook_logs::Column::Outcome.is_in(["created", "updated", "rejected"]))
            .filter(webhook_logs::Column::ReactedAt.is_null())
            .filter(webhook_logs::Column::DeletedAt.is_null())
            .order_by_asc(webhook_logs::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let due = |(log_id, endpoint, message, outcome)| DueReaction { log_id, endpoint, message, outcome };
        Ok(rows.into_iter().map(due).collect())
    }

    /// Records that the bot reacted to the messages of these log rows.
    pub async fn mark_reacted(&self, log_ids: &[i64], now: DateTime<Utc>) -> Result<(), StoreError> {
        webhook_logs::Entity::update_many()
            .col_expr(webhook_logs::Column::ReactedAt, now.into())
            .filter(webhook_logs::Column::Id.is_in(log_ids.iter().copied()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// The ids of the messages of a channel that are logged and not marked as deleted, from a given id on.
    pub async fn logged_messages(&self, endpoint: &str, since: i64) -> Result<BTreeSet<i64>, StoreError> {
        let ids: Vec<i64> = webhook_logs::Entity::find()
            .select_only()
            .column(webhook_logs::Column::MessageId)
            .filter(webhook_logs::Column::MessageId.gte(since))
            .filter(webhook_logs::Column::Endpoint.eq(endpoint))
            .filter(webhook_logs::Column::DeletedAt.is_null())
            .into_tuple()
            .all(&self.readers)
            .await?;
        Ok(ids.into_iter().collect())
    }

    /// The endpoints of the Discord messages that are logged and not marked as deleted, from a given id on.
    pub async fn logged_channels(&self, since: i64) -> Result<Vec<String>, StoreError> {
        Ok(webhook_logs::Entity::find()
            .select_only()
            .column(webhook_logs::Column::Endpoint)
            .distinct()
            .filter(webhook_logs::Column::MessageId.gte(since))
            .filter(webhook_logs::Column::DeletedAt.is_null())
            .into_tuple()
            .all(&self.readers)
            .await?)
    }

    /// Marks the log rows of messages that were deleted in Discord. Their orders stay.
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
