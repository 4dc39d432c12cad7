//! The database of the old system, the Python program that ROMS replaces: recognizes it and reads it.
//!
//! SQLite may write to a file that it only reads, for example to recover its write-ahead log. So the file and its side
//! files are copied to a temporary folder, and only the copy is opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, Value};
use tempfile::TempDir;

use super::file;
use super::temp_file::{file_error, private_folder};
use crate::card::decode::legacy::LegacyRow;
use crate::store::StoreError;

/// Endings of the names of the database and its side files.
const SIDE_FILES: [&str; 3] = ["", "-wal", "-journal"];

/// The schema of the old system has `orders` but no list of migrations.
const IS_LEGACY: &str = "SELECT (SELECT count(*) FROM pragma_table_info('orders') WHERE name = 'order_number') = 1 \
                         AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations')";

/// A copy of the old system's database.
#[derive(Debug)]
pub struct LegacyDatabase {
    connection: DatabaseConnection,
    path: PathBuf,
    /// The files as they were when they were copied.
    state: State,
    /// Holds the copy until the end.
    _folder: TempDir,
}

/// Size and time of change of the database and its side files.
type State = Vec<Option<(u64, Option<SystemTime>)>>;

/// A row of the old `webhook_logs`.
#[derive(Clone, Debug)]
pub struct LegacyMessage {
    /// Row id.
    pub id: i64,
    /// The path that the message was posted to.
    pub endpoint: String,
    /// The message.
    pub payload: String,
    /// When it arrived, as the old system wrote it.
    pub created_at: String,
}

impl LegacyDatabase {
    /// Copies and opens the database at `path`.
    ///
    /// # Errors
    /// If there is no such file, it is not a database of the old system, or it changes while it is copied.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        if path.is_dir() {
            return Err(StoreError::Folder(path.to_owned()));
        }
        let folder = private_folder(&std::env::temp_dir())
            .map_err(|error| file_error("write to", &std::env::temp_dir(), error))?;
        let copy = folder.path().join("legacy.db");
        let state = state(path);
        for suffix in SIDE_FILES {
            let (from, to) = (beside(path, suffix), beside(&copy, suffix));
            if from.exists() {
                fs::copy(&from, to).map_err(|error| file_error("copy", &from, error))?;
            }
        }
        let unusable = |error| match error {
            StoreError::NotADatabase(_) => StoreError::NotLegacy(path.to_owned()),
            other => other.of_damaged(path),
        };
        let connection = file::open(&copy, |options| options).await.map_err(unusable)?;
        let old = Self { connection, path: path.to_owned(), state, _folder: folder };
        old.check_unchanged()?;
        if is_legacy(&old.connection).await.map_err(|error| unusable(file::explain(path, error)))? {
            Ok(old)
        } else {
            Err(StoreError::NotLegacy(path.to_owned()))
        }
    }

    /// Fails if the old system has written to the database since it was copied.
    ///
    /// # Errors
    /// Says that the old system must be stopped.
    pub fn check_unchanged(&self) -> Result<(), StoreError> {
        if state(&self.path) == self.state { Ok(()) } else { Err(StoreError::LegacyInUse(self.path.clone())) }
    }

    /// The ids and arrival times of all messages with a payload, in the order of the ids.
    pub async fn message_times(&self) -> Result<Vec<(i64, Option<String>)>, StoreError> {
        if self.columns("webhook_logs").await?.is_empty() {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT rowid, CAST(created_at AS TEXT) FROM webhook_logs WHERE payload <> '' ORDER BY rowid";
        let rows = self.query(sql, Vec::new()).await?;
        let times = rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        Ok(times.collect::<Result<_, DbErr>>()?)
    }

    /// The messages with these ids, in any order.
    pub async fn messages(&self, ids: &[i64]) -> Result<Vec<LegacyMessage>, StoreError> {
        let sql = format!(
            "SELECT rowid, coalesce(CAST(endpoint AS TEXT), ''), CAST(payload AS TEXT), \
             coalesce(CAST(created_at AS TEXT), '') FROM webhook_logs WHERE rowid IN ({})",
            list(ids)
        );
        let message = |row: &QueryResult| {
            Ok(LegacyMessage {
                id: row.try_get_by_index(0)?,
                endpoint: row.try_get_by_index(1)?,
                payload: row.try_get_by_index(2)?,
                created_at: row.try_get_by_index(3)?,
            })
        };
        Ok(self.query(&sql, Vec::new()).await?.iter().map(message).collect::<Result<_, DbErr>>()?)
    }

    /// The next `limit` rows of the old `orders`, with their ids, after the row with the id `after`.
    pub async fn orders(&self, after: i64, limit: u64) -> Result<Vec<(i64, LegacyRow)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows("orders", "rowid > ? ORDER BY rowid LIMIT ?", vec![after.into(), limit.into()]).await
    }

    /// The history of these old orders, oldest first.
    pub async fn events(&self, orders: &[i64]) -> Result<Vec<LegacyRow>, StoreError> {
        let condition = format!("order_id IN ({}) ORDER BY rowid", list(orders));
        let rows = self.rows("order_events", &condition, Vec::new()).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The number of rows of a table; 0 if there is no such table.
    pub async fn count(&self, table: &str) -> Result<u64, StoreError> {
        if self.columns(table).await?.is_empty() {
            return Ok(0);
        }
        let rows = self.query(&format!("SELECT count(*) FROM {table}"), Vec::new()).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Rows of a table with all columns as texts: SQLite prints a float with 15 digits, which removes the error of a
    /// price. Columns with NULL are left out.
    async fn rows(
        &self,
        table: &str,
        condition: &str,
        values: Vec<Value>,
    ) -> Result<Vec<(i64, LegacyRow)>, StoreError> {
        let columns = self.columns(table).await?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<_> = columns.iter().map(|name| format!("CAST(\"{name}\" AS TEXT)")).collect();
        let sql = format!("SELECT rowid, {} FROM {table} WHERE {condition}", texts.join(", "));
        let mut rows = Vec::new();
        for row in self.query(&sql, values).await? {
            let mut named = LegacyRow::new();
            for (name, at) in columns.iter().zip(1..) {
                if let Some(text) = row.try_get_by_index::<Option<String>>(at)? {
                    named.insert(name.clone(), text);
                }
            }
            rows.push((row.try_get_by_index(0)?, named));
        }
        Ok(rows)
    }

    async fn columns(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let rows = self.query("SELECT name FROM pragma_table_info(?)", vec![table.into()]).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?)
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = self.connection.query_all_raw(statement).await;
        rows.map_err(|error| StoreError::from(error).of_damaged(&self.path))
    }
}

/// Fails if the file is a database of the old system. Does not change it, its write-ahead log or its journal.
pub(crate) async fn refuse(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    // Without locks and side files, so that SQLite writes nothing. A file that cannot be read like this is not refused
    // here: opening it gives the better error.
    let look = |options: SqliteConnectOptions| options.read_only(true).immutable(true);
    let Ok(connection) = file::open(path, look).await else { return Ok(()) };
    let tables = count_tables(&connection).await;
    let found = is_legacy(&connection).await.unwrap_or(false);
    drop(connection.close().await);
    let wal = beside(path, "-wal").metadata().is_ok_and(|file| file.len() > 0);
    // The schema of a new database may still be in the write-ahead log alone.
    let found = found || tables == Some(0) && wal && LegacyDatabase::open(path).await.is_ok();
    if found { Err(StoreError::Legacy(path.to_owned())) } else { Ok(()) }
}

async fn is_legacy(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, IS_LEGACY)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index::<i64>(0).map(|found| found == 1))
}

async fn count_tables(connection: &DatabaseConnection) -> Option<i64> {
    let sql = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) FROM sqlite_master");
    connection.query_one_raw(sql).await.ok()??.try_get_by_index(0).ok()
}

fn state(path: &Path) -> State {
    let state = |suffix| {
        let metadata = beside(path, suffix).metadata().ok()?;
        Some((metadata.len(), metadata.modified().ok()))
    };
    SIDE_FILES.into_iter().map(state).collect()
}

/// The path of a side file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn list(ids: &[i64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
