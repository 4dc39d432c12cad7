//! Opens, checks and copies a single SQLite file: the database or a backup.

use std::path::Path;
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};

use crate::store::error::{root, sqlite, sqlite_code};
use crate::store::{Contents, StoreError};

/// Opens one connection to an existing file.
pub(crate) async fn open(
    path: &Path,
    tune: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> Result<DatabaseConnection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    if path.is_dir() {
        return Err(StoreError::Folder(path.to_owned()));
    }
    let file = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false);
            tune(sqlite.create_if_missing(false).busy_timeout(Duration::from_secs(5)))
        });
    Database::connect(options).await.map_err(|error| explain(path, error))
}

/// Turns an error of opening into one that names the file.
pub(crate) fn explain(path: &Path, error: DbErr) -> StoreError {
    match sqlite_code(&error) {
        Some(sqlite::NOTADB) => StoreError::NotADatabase(path.to_owned()),
        Some(code) if sqlite::REFUSED_BY_THE_SYSTEM.contains(&code) => {
            StoreError::Open { path: path.to_owned(), reason: root(&error).to_string() }
        }
        _ => StoreError::Database(error),
    }
}

/// Fails if the file is damaged, not a ROMS database, or of a newer release.
pub(crate) async fn check(file: &DatabaseConnection, path: &Path) -> Result<(), StoreError> {
    let explain = |error| explain(path, error);
    let findings = texts(file, "PRAGMA integrity_check(1)").await.map_err(explain)?;
    // The first line of a finding may only name the database.
    let mut findings = findings.iter().flat_map(|finding| finding.lines());
    if let Some(finding) = findings.find(|line| *line != "ok" && !line.starts_with("***")) {
        return Err(StoreError::Damaged { path: path.to_owned(), finding: finding.to_owned() });
    }
    let tables = texts(file, "SELECT name FROM sqlite_master WHERE name = 'seaql_migrations'").await?;
    let versions = if tables.is_empty() {
        Vec::new()
    } else {
        texts(file, "SELECT version FROM seaql_migrations ORDER BY version").await?
    };
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    if known.first().is_none_or(|first| !versions.contains(first)) {
        return Err(StoreError::NotRoms(path.to_owned()));
    }
    match versions.into_iter().find(|version| !known.contains(version)) {
        Some(migration) => Err(StoreError::NewerSchema(migration)),
        None => Ok(()),
    }
}

/// Writes a copy of the database at `path`, as it stands at this moment, into the empty file `to`, and
/// checks the copy. Others may go on writing. Errors name `path`: the copy is a temporary file.
pub(crate) async fn copy(
    database: &DatabaseConnection,
    path: &Path,
    to: &Path,
) -> Result<Contents, StoreError> {
    let name = to.to_str().ok_or_else(|| StoreError::Path(to.to_owned()))?;
    let backend = database.get_database_backend();
    database.execute_raw(Statement::from_sql_and_values(backend, "VACUUM INTO ?", [name.into()])).await?;
    let copy = open(to, |options| options).await?;
    check(&copy, path).await?;
    let contents = contents(&copy).await?;
    copy.close().await?;
    Ok(contents)
}

async fn contents(file: &DatabaseConnection) -> Result<Contents, DbErr> {
    let count = async |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let row = file.query_one_raw(Statement::from_string(file.get_database_backend(), sql)).await?;
        row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))
    };
    Ok(Contents { orders: count("orders").await?, logs: count("webhook_logs").await? })
}

/// The first column of every row.
async fn texts(file: &DatabaseConnection, sql: &str) -> Result<Vec<String>, DbErr> {
    let rows = file.query_all_raw(Statement::from_string(file.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
