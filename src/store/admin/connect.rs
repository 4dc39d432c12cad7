//! Opens and migrates the database. Each engine has its own file for what differs.

mod postgres;
mod sqlite;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
};
use tokio::time::sleep;

use super::before_upgrade;
use crate::config::DatabaseUrl;
use crate::store::connection::begin;
use crate::store::search;
use crate::store::write::sums::recount;
use crate::store::{Options, SchemaChange, Store, StoreError};

pub(crate) use postgres::vacuum;
pub(crate) use sqlite::keep_undo_in_memory;

/// How long to wait for a connection of a pool, and for a lock of another connection.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before another attempt to use a database that cannot be used yet.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Connections in the pool of readers.
const READERS: u32 = 4;

/// Opens and migrates.
pub(crate) async fn open(url: &DatabaseUrl, options: Options) -> Result<Store, StoreError> {
    match url.sqlite_path() {
        Some(path) => sqlite::open(path, options).await,
        None => postgres::open(url, options).await,
    }
}

/// Tries again while the database cannot be used for a reason that may pass, such as a failover.
pub(crate) async fn retry<T, F>(wait: Duration, attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let deadline = Instant::now() + wait;
    let mut is_logged = false;
    loop {
        let error = match attempt().await {
            Err(error) if error.is_temporary() => error,
            finished => return finished,
        };
        if Instant::now() + RETRY_PAUSE > deadline {
            return Err(error);
        }
        if !is_logged {
            is_logged = true;
            tracing::warn!("waiting up to {} s for the database: {}", wait.as_secs(), error.reason());
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// The value of an SQLite setting; empty if there is no such setting.
pub(crate) async fn pragma(connection: &impl ConnectionTrait, name: &str) -> Result<String, DbErr> {
    let sql = format!(
        "WITH setting(value) AS (SELECT * FROM pragma_{name}) SELECT CAST(value AS TEXT) FROM setting"
    );
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))
}

/// A random name that distinguishes this process from others on the same database.
fn origin() -> Arc<str> {
    format!("{:016x}", fastrand::u64(..)).into()
}

/// The pool options that both engines share. `scheme` only names the engine: SeaORM shows this text in traces, so the
/// location of the database is set elsewhere.
fn pool(scheme: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(scheme);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(BUSY_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// Applies missing migrations in one transaction under a lock, so that two processes can start at the same time and a
/// failed migration leaves nothing behind.
///
/// A `file` that holds tables already is copied first.
///
/// Returns the time zone of the days in `order_sums`, whether there is a search index, and whether the schema changed.
async fn migrate(
    writer: &DatabaseConnection,
    options: Options,
    file: Option<&Path>,
) -> Result<(Tz, bool, SchemaChange), StoreError> {
    let transaction = begin(writer).await?;
    let is_postgres = transaction.get_database_backend() == DbBackend::Postgres;
    if is_postgres {
        transaction.execute_unprepared(postgres::BEGIN_MIGRATION).await?;
    }
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = applied_migrations(&transaction).await?;
    if let Some(migration) = applied.iter().find(|name| !known.contains(name)) {
        return Err(StoreError::NewerSchema(migration.clone()));
    }
    let applied: HashSet<_> = applied.into_iter().collect();
    let change = match known.iter().all(|name| applied.contains(name)) {
        true => SchemaChange::None,
        false if applied.is_empty() => {
            if let Some(path) = file
                && let Some(table) = first_table(&transaction).await?
            {
                return Err(StoreError::Foreign { path: path.to_owned(), table });
            }
            SchemaChange::Created
        }
        false => SchemaChange::Updated,
    };
    // Without a missing migration, the user needs no right to create tables.
    if change != SchemaChange::None {
        if let Some(file) = file.filter(|_| change == SchemaChange::Updated) {
            before_upgrade::copy(file).await?;
        }
        Migrator::up(&transaction, None).await?;
    }
    let timezone = recount::ensure(&transaction, options.timezone).await?;
    let indexed = search::prepare(&transaction, options.search_index).await?;
    if is_postgres {
        transaction.execute_unprepared(postgres::END_MIGRATION).await?;
    }
    transaction.commit().await?;
    Ok((timezone, indexed, change))
}

/// The first table of an SQLite file without migrations. It must be one of another program.
async fn first_table(database: &DatabaseTransaction) -> Result<Option<String>, DbErr> {
    let tables = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                  AND name <> 'seaql_migrations' LIMIT 1";
    let table = database.query_one_raw(Statement::from_string(DbBackend::Sqlite, tables)).await?;
    table.map(|row| row.try_get("", "name")).transpose()
}

/// The migrations applied to this database, oldest first.
async fn applied_migrations(database: &DatabaseTransaction) -> Result<Vec<String>, DbErr> {
    let backend = database.get_database_backend();
    let query = |sql: &str| Statement::from_string(backend, sql);
    let table = match backend {
        DbBackend::Postgres => "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
        _ => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'",
    };
    if database.query_one_raw(query(table)).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = database.query_all_raw(query("SELECT version FROM seaql_migrations ORDER BY version")).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
