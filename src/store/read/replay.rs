//! Reading rows of the log again: choosing them, and writing what came of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::card::outcome::{Outcome, Rejection, RejectionCode};
use crate::order::{OrderNumber, Source};
use crate::store::entity::orders;
use crate::store::entity::rows::to_json;
use crate::store::entity::webhook_logs::{ActiveModel, Column, Entity, Model};
use crate::store::write::batch::{Batch, MAX_ROWS, NewLog};
use crate::store::{Store, StoreError};

/// Which rows of the log to read again. Those that repeat another one, and those without a
/// payload, are never chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Only of this outcome.
    pub outcome: Option<String>,
    /// Only what came in from here on. UTC.
    pub since: Option<DateTime<Utc>>,
}

/// A message as its row of the log keeps it.
#[derive(Clone, Debug)]
pub struct LoggedMessage {
    /// Row id.
    pub id: i64,
    /// Where it came in.
    pub source: Source,
    /// Path or channel.
    pub endpoint: String,
    /// Id of the Discord message.
    pub message_id: Option<i64>,
    /// What became of it.
    pub outcome: String,
    /// Why it was refused unread, where it was.
    pub refused: Option<Rejection>,
    /// The payload as it came; empty where it is not kept any more.
    pub payload: String,
    /// The message's own time. UTC.
    pub sent_at: DateTime<Utc>,
    /// Its arrival. UTC.
    pub received_at: DateTime<Utc>,
}

impl Store {
    /// How many rows there are to read again, and the id of the last one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_logged(&self, filter: &ReplayFilter) -> Result<(u64, i64), StoreError> {
        let counted = Entity::find()
            .select_only()
            .column_as(Column::Id.count(), "rows")
            .column_as(Column::Id.max(), "last")
            .filter(condition(filter))
            .into_tuple::<(i64, Option<i64>)>()
            .one(&self.readers)
            .await?;
        let (rows, last) = counted.unwrap_or_default();
        Ok((u64::try_from(rows).unwrap_or_default(), last.unwrap_or_default()))
    }

    /// The next rows to read again: at most `limit`, oldest first, behind the row `after` and up
    /// to the row `last`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logged_messages(
        &self,
        filter: &ReplayFilter,
        after: i64,
        last: i64,
        limit: u64,
    ) -> Result<Vec<LoggedMessage>, StoreError> {
        let rows = Entity::find()
            .filter(condition(filter))
            .filter(Column::Id.gt(after))
            .filter(Column::Id.lte(last))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(logged).collect())
    }

    /// One row, whatever it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logged_message(&self, id: i64) -> Result<Option<LoggedMessage>, StoreError> {
        Ok(Entity::find_by_id(id).one(&self.readers).await?.map(logged))
    }
}

impl Batch {
    /// The outcomes of these rows of the log, which are locked. Those that are gone, or whose payload is, are left
    /// out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outcomes(&self, log_ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let mut outcomes = HashMap::new();
        for chunk in log_ids.chunks(MAX_ROWS) {
            let rows = Entity::find()
                .select_only()
                .columns([Column::Id, Column::Outcome])
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .filter(Column::Payload.ne(""))
                .lock_exclusive()
                .into_tuple::<(i64, String)>()
                .all(&self.transaction)
                .await?;
            outcomes.extend(rows);
        }
        Ok(outcomes)
    }

    /// The numbers of the orders of these row ids, as far as there are such orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_numbers(&self, ids: &[i64]) -> Result<Vec<OrderNumber>, StoreError> {
        let mut numbers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_ROWS) {
            let found = orders::Entity::find()
                .select_only()
                .column(orders::Column::OrderNumber)
                .filter(orders::Column::Id.is_in(chunk.iter().copied()))
                .into_tuple::<String>()
                .all(&self.transaction)
                .await?;
            let number = |text: String| OrderNumber::parse(&text);
            numbers.extend(found.into_iter().filter_map(|text| number(text).ok()));
        }
        Ok(numbers)
    }

    /// Writes what came of reading rows of the log again. Payload and times stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_logs(&self, logs: Vec<(i64, NewLog)>) -> Result<(), StoreError> {
        // A key may go from one row to another.
        let ids: Vec<i64> = logs.iter().map(|(id, _)| *id).collect();
        self.release_keys(&ids).await?;
        for (id, log) in logs {
            let row = ActiveModel {
                source_key: Set(log.source_key),
                content_hash: Set(log.content_hash),
                outcome: Set(log.outcome.to_owned()),
                code: Set(log.code.map(str::to_owned)),
                error_message: Set(log.error_message),
                warnings: Set(to_json(&log.warnings)),
                order_ids: Set(to_json(&log.order_ids)),
                flattened: Set(log.flattened),
                ..ActiveModel::default()
            };
            Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(&self.transaction).await?;
        }
        Ok(())
    }
}

fn condition(filter: &ReplayFilter) -> Condition {
    Condition::all()
        .add(Column::Outcome.ne(Outcome::Duplicate.as_str()))
        .add(Column::Payload.ne(""))
        .add_option(filter.outcome.as_deref().map(|outcome| Column::Outcome.eq(outcome)))
        .add_option(filter.since.map(|since| Column::CreatedAt.gte(since)))
}

fn logged(row: Model) -> LoggedMessage {
    let code = RejectionCode::ALL.into_iter().find(|code| row.code.as_deref() == Some(code.as_str()));
    let refused = code.filter(|code| code.is_truncated());
    LoggedMessage {
        id: row.id,
        source: Source::from_name(&row.source).unwrap_or(Source::ManualUpload),
        endpoint: row.endpoint,
        message_id: row.message_id,
        outcome: row.outcome,
        refused: refused.map(|code| Rejection { code, detail: row.error_message.unwrap_or_default() }),
        payload: row.payload,
        sent_at: row.sent_at,
        received_at: row.created_at,
    }
}
