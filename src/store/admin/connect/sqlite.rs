//! SQLite: the file and its mode, one connection that writes, and a pool of readers.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection, SqliteConnection};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr};
use tokio::time::sleep;

use super::{BUSY_TIMEOUT, READERS, migrate, origin, pool};
use crate::store::database_file::DatabaseFile;
use crate::store::error::{extended_sqlite_code, root, sqlite_code};
use crate::store::{Options, Store, StoreError};

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
pub(crate) async fn open(path: &Path, options: Options) -> Result<Store, StoreError> {
    create_private(path)
        .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
    let explain = |error| explain(path, error);
    let writer = connect_first(path).await.map_err(explain)?;
    let (timezone, has_search_index) = migrate(&writer, options).await.map_err(|error| match error {
        StoreError::Database(error) => explain(error),
        other => other,
    })?;
    // Only now: an index that a migration makes is sorted in a file.
    keep_undo_in_memory(&writer, true).await.map_err(explain)?;
    let readers = connect(path, READERS, true).await.map_err(explain)?;
    let (engine, origin) = ("SQLite".to_owned(), origin());
    let file = DatabaseFile::opened(path)
        .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Store { writer, readers, engine, timezone, has_search_index, file, server: None, origin })
}

/// What an error says of the file that was opened.
pub(crate) fn explain(path: &Path, error: DbErr) -> StoreError {
    match sqlite_code(&error) {
        Some(SQLITE_NOTADB) => StoreError::NotADatabase { path: path.to_owned() },
        Some(code) if REFUSED_BY_THE_SYSTEM.contains(&code) => {
            StoreError::Open { path: path.to_owned(), reason: root(&error).to_string() }
        }
        _ => StoreError::Database(error),
    }
}

/// Makes the file where it is missing, for this user alone; SQLite gives its side files the same
/// mode.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
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
    let mut options = pool("sqlite::memory:", connections);
    options
        // Connections to a file do not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            // Who waits for a connection waits for the lock, of which the writer tells.
            pool.acquire_slow_threshold(BUSY_TIMEOUT)
                .after_release(|connection, _| Box::pin(is_outside_of_transactions(connection)))
        })
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

/// Sets where a connection keeps what it needs for a while: in memory, because what a statement of
/// many rows keeps to undo itself would go to a file each time; or else in files, for work on the
/// whole database, of which a `VACUUM` makes a copy.
pub(crate) async fn keep_undo_in_memory(writer: &DatabaseConnection, wanted: bool) -> Result<(), DbErr> {
    let place = if wanted { "MEMORY" } else { "FILE" };
    writer.execute_unprepared(&format!("PRAGMA temp_store = {place}")).await.map(drop)
}

/// Whether a connection that comes back to its pool can be used again; else it is closed.
///
/// Where a disk is full, SQLite itself ends the transaction, so that sqlx fails to roll it back and
/// takes the connection for one inside it ever after. What follows on it are savepoints, of which
/// the first one that is rolled back stays open: then nothing that is said to be committed is.
async fn is_outside_of_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // A rollback may still be on its way to the thread that the connection lives on.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}
