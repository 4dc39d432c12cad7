//! Opens an SQLite database: the file, one connection that writes, and a pool of readers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection as _, SqliteConnection};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr};
use tokio::time::sleep;

use super::{BUSY_TIMEOUT, READERS, migrate, origin, pool};
use crate::store::admin::file::explain;
use crate::store::admin::legacy;
use crate::store::admin::temp_file::create_private;
use crate::store::connection::Connection;
use crate::store::database_file::DatabaseFile;
use crate::store::error::{extended_sqlite_code, sqlite};
use crate::store::{Options, Store, StoreError};

/// SQLite truncates the write-ahead log to this size after a checkpoint, in bytes.
const MAX_LOG_SIZE: u32 = 64 * 1024 * 1024;
/// Statements that each connection keeps prepared. The writer has about 40 for each table, one for each number of rows.
const PREPARED_STATEMENTS: usize = 256;
/// Pause before another attempt to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Opens and migrates.
pub(crate) async fn open(path: &Path, options: Options) -> Result<Store, StoreError> {
    legacy::refuse(path).await?;
    create_private(path)
        .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
    let explain = |error| explain(path, error);
    let writer = connect_first(path).await.map_err(explain)?;
    let (timezone, has_search_index, schema_change) =
        migrate(&writer, options, Some(path)).await.map_err(|error| match error {
            StoreError::Database(error) => explain(error),
            other => other,
        })?;
    // After the migrations: they may create a large index, which is sorted in a file.
    keep_undo_in_memory(&writer, true).await.map_err(explain)?;
    let readers = connect(path, READERS, true).await.map_err(explain)?;
    let (engine, origin) = ("SQLite".to_owned(), origin());
    let file = DatabaseFile::opened(path)
        .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Store {
        writer: Connection::Sqlite(writer),
        readers: Connection::Sqlite(readers),
        engine,
        timezone,
        has_search_index,
        schema_change,
        file,
        server: None,
        origin,
        epoch: Arc::default(),
    })
}

/// Opens the first connection, which switches a new file to the write-ahead log. That needs exclusive access, and
/// SQLite fails at once instead of waiting if another process uses the file, so this tries again.
///
/// The other process may be a restore, which replaces the file. SQLite notices that at the first write, and the next
/// attempt opens the new file. A restore needs exclusive access too, so it fails once the log is in use.
async fn connect_first(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(path, 1, false).await {
            Err(error) if is_temporary(&error) && Instant::now() < deadline => sleep(RETRY_PAUSE).await,
            connected => return connected,
        }
    }
}

/// Whether another attempt may succeed: the file is in use, or was replaced.
fn is_temporary(error: &DbErr) -> bool {
    extended_sqlite_code(error)
        .is_some_and(|code| code & 0xff == sqlite::BUSY || code == sqlite::READONLY_DBMOVED)
}

async fn connect(path: &Path, connections: u32, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    // As a path: in a URL, percent signs would be escapes.
    let path = path.to_owned();
    let mut options = pool("sqlite::memory:", connections);
    options
        // Connections to a file do not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            // A slow connection only means that the database is locked, and the writer reports that.
            pool.acquire_slow_threshold(BUSY_TIMEOUT)
                .after_release(|connection, _| Box::pin(is_outside_of_transactions(connection)))
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&path)
                .in_memory(false)
                .shared_cache(false)
                .busy_timeout(BUSY_TIMEOUT)
                .statement_cache_capacity(PREPARED_STATEMENTS)
                .foreign_keys(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("journal_size_limit", MAX_LOG_SIZE.to_string())
                .pragma("query_only", if read_only { "ON" } else { "OFF" })
        });
    Database::connect(options).await
}

/// Chooses where a connection keeps temporary data. In memory: otherwise each statement of many rows writes its undo
/// journal to a file. In files: for work on the whole database, such as `VACUUM`, which makes a copy of it.
pub(crate) async fn keep_undo_in_memory(writer: &impl ConnectionTrait, wanted: bool) -> Result<(), DbErr> {
    let place = if wanted { "MEMORY" } else { "FILE" };
    writer.execute_unprepared(&format!("PRAGMA temp_store = {place}")).await.map(drop)
}

/// Whether a connection that returns to its pool can be used again; otherwise the pool closes it.
///
/// On a full disk, SQLite ends the transaction by itself. sqlx then fails to roll it back and believes that the
/// connection is still inside it. Later transactions on that connection become savepoints, and after the first one
/// that is rolled back, a commit no longer commits anything.
async fn is_outside_of_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // The connection's thread may not have finished a rollback yet.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}
