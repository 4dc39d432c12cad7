//! Choosing the log rows that are replayed.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::card::outcome::Outcome;
use crate::store::entity::webhook_logs::{Column, Entity};
use crate::store::{LogEntry, Store, StoreError};

/// Rows that are read at once from the whole log.
const SCANNED_ROWS: u64 = 4096;

/// Which log rows to replay. Duplicates and rows without a payload are never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Only rows with this outcome.
    pub outcome: Option<String>,
    /// Only messages that arrived at this time or later. UTC.
    pub since: Option<DateTime<Utc>>,
}

impl Store {
    /// The number of rows to replay, and the id of the last one.
    pub async fn count_replayable(&self, filter: &ReplayFilter) -> Result<(u64, i64), StoreError> {
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

    /// The next rows to replay: at most `limit`, oldest first, with ids greater than `after` and up to `last`.
    pub async fn replayable(
        &self,
        filter: &ReplayFilter,
        after: i64,
        last: i64,
        limit: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let rows = Entity::find()
            .filter(condition(filter))
            .filter(Column::Id.gt(after))
            .filter(Column::Id.lte(last))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(LogEntry::from).collect())
    }
}

impl Store {
    /// The log rows that name these orders, by order. Reads the whole log once.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn logs_of_orders(
        &self,
        orders: &BTreeSet<i64>,
    ) -> Result<HashMap<i64, BTreeSet<i64>>, StoreError> {
        let mut found: HashMap<i64, BTreeSet<i64>> = HashMap::new();
        let mut after = 0;
        while !orders.is_empty() {
            let page: Vec<(i64, String)> = Entity::find()
                .select_only()
                .columns([Column::Id, Column::OrderIds])
                .filter(Column::OrderIds.ne("[]"))
                .filter(Column::Id.gt(after))
                .order_by_asc(Column::Id)
                .limit(SCANNED_ROWS)
                .into_tuple()
                .all(&self.readers)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (row, list) in page {
                let named: Vec<i64> = serde_json::from_str(&list).unwrap_or_default();
                for order in named.into_iter().filter(|order| orders.contains(order)) {
                    found.entry(order).or_default().insert(row);
                }
            }
        }
        Ok(found)
    }
}

fn condition(filter: &ReplayFilter) -> Condition {
    Condition::all()
        .add(Column::Outcome.ne(Outcome::Duplicate.as_str()))
        .add(Column::Payload.ne(""))
        .add_option(filter.outcome.as_deref().map(|outcome| Column::Outcome.eq(outcome)))
        .add_option(filter.since.map(|since| Column::CreatedAt.gte(since)))
}
