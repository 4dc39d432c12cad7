//! Keeps the database small: removes the text of old messages and moves SQLite's write-ahead log into the file.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, Order, QueryFilter, Statement};

use super::connect;
use crate::store::entity::webhook_logs::{Column, Entity};
use crate::store::{Store, StoreError};

/// How long a checkpoint waits for readers. Nothing can be written meanwhile.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_millis(200);

impl Store {
    /// Empties payload and text forms of at most `limit` messages that arrived before this time, oldest first, and
    /// returns how many. Their outcomes and orders stay.
    pub async fn empty_old_messages(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let old = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::EmptiedAt.is_null())
            .and_where(Column::CreatedAt.lt(before))
            .order_by(Column::CreatedAt, Order::Asc)
            .limit(limit)
            // Another process on the same server may be doing the same.
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .to_owned();
        let emptied = Entity::update_many()
            .col_expr(Column::Payload, Expr::val(""))
            .col_expr(Column::Flattened, Expr::val(""))
            .col_expr(Column::EmptiedAt, Expr::val(now))
            .filter(Column::Id.in_subquery(old))
            .exec(&self.writer)
            .await?;
        Ok(emptied.rows_affected)
    }

    /// The path of SQLite's write-ahead log; `None` for PostgreSQL.
    pub async fn wal_file(&self) -> Result<Option<PathBuf>, StoreError> {
        let backend = self.readers.get_database_backend();
        if backend != DbBackend::Sqlite {
            return Ok(None);
        }
        let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let row = self.readers.query_one_raw(Statement::from_string(backend, file)).await?;
        let file: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(file.map(|file| PathBuf::from(file + "-wal")))
    }

    /// Moves SQLite's write-ahead log into the database file and truncates it, unless a reader uses the log for longer
    /// than a moment.
    ///
    /// SQLite starts the log over only when no reader uses it. If there is always a reader, the log grows without
    /// limit. Here new readers use the file, and SQLite waits for the others.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        // This moves most of the log while others go on writing.
        self.writer.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await?;
        let truncate = format!(
            "PRAGMA busy_timeout = {}; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {}",
            CHECKPOINT_TIMEOUT.as_millis(),
            connect::BUSY_TIMEOUT.as_millis()
        );
        let truncated = self.writer.execute_unprepared(&truncate).await;
        if truncated.is_err() {
            let restore = format!("PRAGMA busy_timeout = {}", connect::BUSY_TIMEOUT.as_millis());
            self.writer.execute_unprepared(&restore).await?;
        }
        truncated?;
        Ok(())
    }
}
