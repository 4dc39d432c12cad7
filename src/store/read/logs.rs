//! The webhook log: one row per message.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::stats::MAX_COUNTED;
use crate::redact::credentials;
use crate::store::entity::webhook_logs::{Column, Entity, Model};
use crate::store::{Page, Store, StoreError};

/// Characters of a payload that a list shows.
const PREVIEW_LENGTH: usize = 200;
/// Characters of a payload that a list reads: if they ended inside a proxy, its credentials would not be recognised.
const PREVIEW_READ: i32 = 800;

/// Which log rows to list.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only rows older than this one.
    pub before_id: Option<i64>,
    /// Only this outcome.
    pub outcome: Option<String>,
    /// Only this source.
    pub source: Option<String>,
}

/// One row of `webhook_logs`.
#[derive(Clone, Debug, Default)]
pub struct LogEntry {
    /// Row id.
    pub id: i64,
    /// Source name.
    pub source: String,
    /// Deduplication key; unique.
    pub source_key: Option<String>,
    /// HTTP path, or Discord channel.
    pub endpoint: String,
    /// Id of the Discord message.
    pub message_id: Option<i64>,
    /// Hash of the text form, for a Discord message.
    pub content_hash: Option<String>,
    /// `created`, `updated`, `unchanged`, `duplicate`, `ignored` or `rejected`.
    pub outcome: String,
    /// Why the message was ignored or rejected, for programs.
    pub code: Option<String>,
    /// Why the message was ignored or rejected, for people.
    pub error_message: Option<String>,
    /// Values that could not be read correctly.
    pub warnings: Vec<String>,
    /// Row ids of the orders it concerns.
    pub order_ids: Vec<i64>,
    /// The message's own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// When it arrived. UTC.
    pub created_at: DateTime<Utc>,
    /// The raw payload; lists contain its first 800 characters.
    pub payload: String,
    /// The text forms of its cards; empty in lists.
    pub flattened: String,
    /// When the message was deleted in Discord. UTC.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When payload and text forms were removed, by retention or purge. UTC.
    pub emptied_at: Option<DateTime<Utc>>,
}

impl Store {
    /// At most `limit` log rows, newest first, and how many have that outcome and source; the count stops
    /// after some thousand.
    pub async fn logs(&self, filter: &LogFilter, limit: u64) -> Result<Page<LogEntry>, StoreError> {
        let chosen = Condition::all()
            .add_option(filter.outcome.as_deref().map(|outcome| Column::Outcome.eq(outcome)))
            .add_option(filter.source.as_deref().map(|source| Column::Source.eq(source)));
        let ids = Entity::find().filter(chosen.clone()).select_only().column(Column::Id).into_query();
        let total = self.count_rows(ids, Condition::all(), MAX_COUNTED).await?;
        // Payloads may be long: the database cuts them for a list.
        let preview = Func::cust("substr").arg(Expr::col(Column::Payload)).arg(1).arg(PREVIEW_READ);
        let rows = Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::Source,
                Column::SourceKey,
                Column::Endpoint,
                Column::MessageId,
                Column::Outcome,
                Column::Code,
                Column::ErrorMessage,
                Column::Warnings,
                Column::OrderIds,
                Column::SentAt,
                Column::CreatedAt,
                Column::ContentHash,
                Column::DeletedAt,
                Column::EmptiedAt,
            ])
            .expr_as(preview, "payload")
            .expr_as(Expr::val(""), "flattened")
            .filter(chosen.add_option(filter.before_id.map(|id| Column::Id.lt(id))))
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        Ok(Page { items: rows.into_iter().map(LogEntry::from).collect(), total })
    }

    /// One complete log row.
    pub async fn log(&self, id: i64) -> Result<Option<LogEntry>, StoreError> {
        Ok(Entity::find_by_id(id).one(&self.readers).await?.map(LogEntry::from))
    }
}

impl LogEntry {
    /// The first 200 characters of the payload, without the credentials of proxies.
    #[must_use]
    pub fn preview(&self) -> String {
        credentials(&self.payload).chars().take(PREVIEW_LENGTH).collect()
    }
}

impl From<Model> for LogEntry {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            source: row.source,
            source_key: row.source_key,
            endpoint: row.endpoint,
            message_id: row.message_id,
            content_hash: row.content_hash,
            outcome: row.outcome,
            code: row.code,
            error_message: row.error_message,
            warnings: serde_json::from_str(&row.warnings).unwrap_or_default(),
            order_ids: serde_json::from_str(&row.order_ids).unwrap_or_default(),
            sent_at: row.sent_at,
            created_at: row.created_at,
            payload: row.payload,
            flattened: row.flattened,
            deleted_at: row.deleted_at,
            emptied_at: row.emptied_at,
        }
    }
}
