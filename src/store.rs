//! The database (stub).
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::order::{FieldChange, Order, Status};

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// stub
    #[error("the database does not answer")]
    Unavailable,
}

/// Which orders to list.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this store, in any case.
    pub store: Option<String>,
    /// Only where number, product, e-mail, profile or tracking number hold this text, in any case.
    pub search: Option<String>,
    /// Only with an order date from here on.
    pub since: Option<DateTime<Utc>>,
    /// Only with an order date before this.
    pub until: Option<DateTime<Utc>>,
}

/// A page of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// How many rows there are in all.
    pub total: u64,
}

/// One step of an order's history.
#[derive(Clone, Debug)]
pub struct OrderEvent {
    /// Row id.
    pub id: i64,
    /// The order.
    pub order_id: i64,
    /// `created` or `updated`.
    pub event_type: String,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// What brought it.
    pub source: String,
    /// The message that brought it, in `webhook_logs`.
    pub log_id: Option<i64>,
    /// When. UTC.
    pub created_at: DateTime<Utc>,
}

/// Which log rows to list.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only rows older than this one.
    pub before_id: Option<i64>,
    /// Only of this outcome.
    pub outcome: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
}

/// One row of `webhook_logs`.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Row id.
    pub id: i64,
    /// Source name.
    pub source: String,
    /// Path, or the channel.
    pub endpoint: String,
    /// `created`, `updated`, `unchanged`, `duplicate`, `ignored` or `rejected`.
    pub outcome: String,
    /// Reason of an ignored or rejected message, machine-readable.
    pub code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
    /// What could not be read right.
    pub warnings: Vec<String>,
    /// The orders concerned.
    pub order_ids: Vec<i64>,
    /// When it came in. UTC.
    pub created_at: DateTime<Utc>,
    /// The payload as it came; cut to 200 characters in lists.
    pub payload: String,
    /// The text forms of its cards; empty in lists.
    pub flattened: String,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store;

impl Store {
    /// Whether the database answers, and how fast.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<Duration, StoreError> {
        todo!()
    }

    /// Page `page` (from 1) of the orders, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders(
        &self,
        filter: &OrderFilter,
        page: u64,
        page_size: u64,
    ) -> Result<Page<Order>, StoreError> {
        todo!("{filter:?}{page}{page_size}")
    }

    /// The order of that number, else of that row id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order(&self, number_or_id: &str) -> Result<Option<Order>, StoreError> {
        todo!("{number_or_id}")
    }

    /// The history of an order, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, order_id: i64) -> Result<Vec<OrderEvent>, StoreError> {
        todo!("{order_id}")
    }

    /// At most `limit` log rows, newest first, and how many there are of that outcome and source.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logs(&self, filter: &LogFilter, limit: u64) -> Result<Page<LogEntry>, StoreError> {
        todo!("{filter:?}{limit}")
    }

    /// One log row, whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log(&self, id: i64) -> Result<Option<LogEntry>, StoreError> {
        todo!("{id}")
    }
}
