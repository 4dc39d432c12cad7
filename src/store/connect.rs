//! Opening the database: the file and its mode, the pools, the migrations under a lock.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::time::sleep;

use super::error::{root, sqlite_code};
use super::search::{self, SearchIndex};
use super::sums::recount;
use super::{Options, Store, StoreError};
use crate::config::DatabaseUrl;

/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read.
const READERS: u32 = 4;
/// The write-ahead log is cut back to this size after a checkpoint, in bytes.
const JOURNAL_LIMIT: u32 = 64 * 1024 * 1024;
/// How long to wait before asking once more for the switch to the write-ahead log.
const SWITCH_PAUSE: Duration = Duration::from_millis(10);
/// SQLite's code for a lock that somebody else holds.
const SQLITE_BUSY: i32 = 5;
/// SQLite's code for a file that is no database.
const SQLITE_NOTADB: i32 = 26;
/// SQLite's codes for a file that the system does not let it use: no permission, read-only,
/// cannot be opened.
const REFUSED_BY_THE_SYSTEM: [i32; 3] = [3, 8, 14];

/// Opens and migrates.
pub(super) async fn open(url: &DatabaseUrl, options: Options) -> Result<Store, StoreError> {
    let path = url.sqlite_path().ok_or(StoreError::Url)?.to_owned();
    create_private(&path)
        .map_err(|error| StoreError::Open { path: path.clone(), reason: error.to_string() })?;
    let explain = |error: DbErr| match sqlite_code(&error) {
        Some(SQLITE_NOTADB) => StoreError::NotADatabase { path: path.clone() },
        Some(code) if REFUSED_BY_THE_SYSTEM.contains(&code) => {
            StoreError::Open { path: path.clone(), reason: root(&error).to_string() }
        }
        _ => StoreError::Database(error),
    };
    let writer = connect_first(&path).await.map_err(explain)?;
    migrate(&writer, options).await.map_err(|error| match error {
        StoreError::Database(error) => explain(error),
        other => other,
    })?;
    let readers = connect(&path, READERS, true).await.map_err(explain)?;
    let search = if options.search_index {
        SearchIndex::keep(writer.clone(), readers.clone())
    } else {
        SearchIndex::None
    };
    Ok(Store { writer, readers, timezone: options.timezone, search })
}

/// A transaction that holds the write lock from its first moment on: one that begins reading
/// cannot wait for the lock later.
pub(super) async fn begin(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    writer
        .begin_with_options(TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() })
        .await
}

/// The value of a setting; empty where there is no such setting.
pub(super) async fn pragma(connection: &DatabaseConnection, name: &str) -> Result<String, DbErr> {
    let sql = format!(
        "WITH setting(value) AS (SELECT * FROM pragma_{name}) SELECT CAST(value AS TEXT) FROM setting"
    );
    let row =
        connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))
}

/// Makes the file where it is missing, for this user alone; SQLite gives its side files the same
/// mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The first connection switches a new file to the write-ahead log. For that it needs the file to
/// itself, and where another process is at it too, SQLite gives up at once instead of waiting.
async fn connect_first(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(path, 1, false).await {
            Err(error) if sqlite_code(&error) == Some(SQLITE_BUSY) && Instant::now() < deadline => {
                sleep(SWITCH_PAUSE).await;
            }
            connected => return connected,
        }
    }
}

async fn connect(path: &Path, connections: u32, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    // The file is named as a path: a URL would read percent signs in it as codes.
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(BUSY_TIMEOUT)
        // Connections to a file do not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&path)
                .in_memory(false)
                .shared_cache(false)
                .busy_timeout(BUSY_TIMEOUT)
                .foreign_keys(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("journal_size_limit", JOURNAL_LIMIT.to_string())
                .pragma("query_only", if read_only { "ON" } else { "OFF" })
        });
    Database::connect(options).await
}

/// Brings the schema up to date in one transaction under the write lock, so that two processes
/// may start at once and a failed migration leaves nothing behind.
async fn migrate(writer: &DatabaseConnection, options: Options) -> Result<(), StoreError> {
    let transaction = begin(writer).await?;
    if let Some(migration) = unknown_migration(&transaction).await? {
        return Err(StoreError::NewerSchema { migration });
    }
    Migrator::up(&transaction, None).await?;
    recount::ensure(&transaction, options.timezone).await?;
    search::prepare(&transaction, options.search_index).await?;
    transaction.commit().await?;
    Ok(())
}

/// The first applied migration that this release does not know.
async fn unknown_migration(database: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    let backend = database.get_database_backend();
    let query = |sql: &str| Statement::from_string(backend, sql);
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'";
    if database.query_one_raw(query(tables)).await?.is_none() {
        return Ok(None);
    }
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied =
        database.query_all_raw(query("SELECT version FROM seaql_migrations ORDER BY version")).await?;
    for row in applied {
        let version: String = row.try_get("", "version")?;
        if !known.contains(&version) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}
