//! What keeps the database small: old messages emptied, the write-ahead log folded away.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, Order, QueryFilter, Statement};

use super::connect;
use crate::store::entity::webhook_logs::{Column, Entity};
use crate::store::{Store, StoreError};

/// How long folding the log away waits for those who read from it, while nothing is written.
const FOLD_TIME: Duration = Duration::from_millis(200);

impl Store {
    /// Empties payload and text forms of at most `limit` messages that came in before then, the
    /// oldest first, and gives how many. What became of them stays, and so do their orders.
    ///
    /// # Errors
    /// When the database fails.
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
            // On a server, another process may be at it as well.
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

    /// Where SQLite keeps its write-ahead log; `None` for another database.
    ///
    /// # Errors
    /// When the database fails.
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

    /// Folds SQLite's write-ahead log into the file and leaves it empty, unless somebody reads
    /// from it for longer than a moment.
    ///
    /// The log is started over only when nobody reads from it any more. With readers always at
    /// it that never happens by itself, and it grows; here new readers are sent to the file, and
    /// those under way are waited for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        // Most of it without keeping anybody from writing.
        self.writer.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await?;
        let fold = format!(
            "PRAGMA busy_timeout = {}; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {}",
            FOLD_TIME.as_millis(),
            connect::BUSY_TIMEOUT.as_millis()
        );
        let folded = self.writer.execute_unprepared(&fold).await;
        if folded.is_err() {
            let patient = format!("PRAGMA busy_timeout = {}", connect::BUSY_TIMEOUT.as_millis());
            self.writer.execute_unprepared(&patient).await?;
        }
        folded?;
        Ok(())
    }
}
