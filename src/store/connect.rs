//! Opening the database: the file and its mode, the pools, the migrations under a lock.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::time::sleep;

use super::error::{extended_sqlite_code, root, sqlite_code};
use super::search::{self, SearchIndex};
use super::sums::recount;
use super::{Options, Store, StoreError};
use crate::config::DatabaseUrl;

/// How long a statement waits for another process's write lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read.
const READERS: u32 = 4;
/// The write-ahead log is cut back to this size after a checkpoint, in bytes.
const JOURNAL_LIMIT: u32 = 64 * 1024 * 1024;
/// How long to wait before asking once more for the switch to the write-ahead log.
const SWITCH_PAUSE: Duration = Duration::from_millis(10);
/// SQLite's code for a lock that somebody else holds.
const SQLITE_BUSY: i32 = 5;
/// SQLite's extended code for a file that has another name by now.
const SQLITE_READONLY_DBMOVED: i32 = 1032;
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
    let explain = |error| explain(&path, error);
    let writer = connect_first(&path).await.map_err(explain)?;
    let (timezone, indexed) = migrate(&writer, options).await.map_err(|error| match error {
        StoreError::Database(error) => explain(error),
        other => other,
    })?;
    let readers = connect(&path, READERS, true).await.map_err(explain)?;
    let search = SearchIndex::keep(indexed, writer.clone(), readers.clone());
    Ok(Store { writer, readers, timezone, search })
}

/// What an error says of the file that was opened.
pub(super) fn explain(path: &Path, error: DbErr) -> StoreError {
    match sqlite_code(&error) {
        Some(SQLITE_NOTADB) => StoreError::NotADatabase { path: path.to_owned() },
        Some(code) if REFUSED_BY_THE_SYSTEM.contains(&code) => {
            StoreError::Open { path: path.to_owned(), reason: root(&error).to_string() }
        }
        _ => StoreError::Database(error),
    }
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
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The first connection switches a new file to the write-ahead log. For that it needs the file to
/// itself, and where another process is at it too, SQLite gives up at once instead of waiting.
///
/// That other process may be a restore, which leaves a file without that log and puts another one
/// in its place. SQLite notices when it begins to write, and then the new file is opened. Once the
/// log is there, no restore gets the file to itself any more.
async fn connect_first(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(path, 1, false).await {
            Err(error) if is_passing(&error) && Instant::now() < deadline => sleep(SWITCH_PAUSE).await,
            connected => return connected,
        }
    }
}

/// Whether the file will soon be free, or is another one by now.
fn is_passing(error: &DbErr) -> bool {
    extended_sqlite_code(error)
        .is_some_and(|code| code & 0xff == SQLITE_BUSY || code == SQLITE_READONLY_DBMOVED)
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
///
/// Gives the time zone whose days the sums are for, and whether there is a search index.
async fn migrate(writer: &DatabaseConnection, options: Options) -> Result<(Tz, bool), StoreError> {
    let transaction = begin(writer).await?;
    if let Some(migration) = unknown_migration(&transaction).await? {
        return Err(StoreError::NewerSchema { migration });
    }
    Migrator::up(&transaction, None).await?;
    let timezone = recount::ensure(&transaction, options.timezone).await?;
    let indexed = search::prepare(&transaction, options.search_index).await?;
    transaction.commit().await?;
    Ok((timezone, indexed))
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
