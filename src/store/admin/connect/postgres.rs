//! Opens a PostgreSQL database: waits for a usable server, migrates, and creates the pools.

use std::sync::Arc;

use sea_orm::sqlx::{self, AssertSqlSafe, Executor, Row};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement};

use super::{BUSY_TIMEOUT, migrate, origin, pool, retry};
use crate::config::DatabaseUrl;
use crate::store::connection::pool::{Pool, Settings};
use crate::store::connection::server::{Server, detect_pooler};
use crate::store::connection::{Connection, rights};
use crate::store::database_file::DatabaseFile;
use crate::store::error::{postgres as codes, postgres_code, postgres_error, root, sqlx_error};
use crate::store::{Options, Store, StoreError};

/// Prepares the transaction of the migrations. It may take long, and may wait for that of another process. Every ROMS
/// uses the same lock: "roms" in ASCII. SeaORM prepares statements, whose names may already be in use in a session that
/// a pooler hands on.
pub(crate) const BEGIN_MIGRATION: &str = "DEALLOCATE ALL; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
                                          SET LOCAL synchronous_commit = on; SELECT pg_advisory_xact_lock(1919905139)";
/// Leaves no prepared statement to whoever gets the session next.
pub(crate) const END_MIGRATION: &str = "DEALLOCATE ALL";

/// The oldest supported release, in the form of `server_version_num`.
const MIN_VERSION: i32 = 150_000;
/// Connections that write. The writer uses one and the Discord edge another for its cursors; the rest are for the case
/// that a connection hangs on a broken network.
const WRITERS: usize = 4;
/// Connections that read.
const READERS: usize = 4;

/// Every query of a writer has an index, but before the first ANALYZE the planner would scan whole tables. The next
/// statement of a transaction follows at once. If the network has lost it, and the end of the connection with it, the
/// server must soon release the locks: new transactions wait for them.
const WRITING: Settings<'_> = &[
    ("TimeZone", "UTC"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "2s"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
];
const READING: Settings<'_> = &[("TimeZone", "UTC"), ("statement_timeout", "30s")];
/// The settings that PostgreSQL must show in a transaction that only reads.
const READ_ONLY: (&str, &str) = ("transaction_read_only", "on");

/// Opens and migrates, as soon as the server can be used.
pub(crate) async fn open(url: &DatabaseUrl, wanted: Options) -> Result<Store, StoreError> {
    let server = Server::new(url)?;
    retry(wanted.wait.unwrap_or(BUSY_TIMEOUT), || open_on(server.clone(), wanted)).await
}

async fn open_on(server: Server, wanted: Options) -> Result<Store, StoreError> {
    let explain = |error: DbErr| match sqlx_error(&error) {
        Some(error) => server.refused(error),
        None => server.refused_because(root(&error).to_string()),
    };
    let version = inspect(&server).await.map_err(|error| match postgres_code(&error) {
        Some(codes::NO_RIGHT) => server.refused_because(rights::connect(&server.options())),
        _ => server.refused(&error),
    })?;
    let version = version.map_err(|reason| server.refused_because(reason))?;
    detect_pooler(&server).await.map_err(|error| server.refused(&error))?;
    let migrator = connect_migrator(&server).await.map_err(explain)?;
    let writer = Connection::Postgres(Pool::new(server.clone(), WRITING, false, WRITERS));
    let (timezone, has_search_index, schema_change) = match migrate(&migrator, wanted, None).await {
        Err(StoreError::Database(error))
            if postgres_error(&error)
                .is_some_and(|error| [codes::NO_RIGHT, codes::NO_SCHEMA].contains(&error.code())) =>
        {
            // If the tables exist, the user needs rights on them, and none to create any.
            let missing = rights::check(&server, &writer).await.err();
            return Err(missing
                .filter(|error| matches!(error, StoreError::Server { .. }))
                .unwrap_or_else(|| explain(error)));
        }
        migrated => migrated?,
    };
    drop(migrator.close().await);
    let readers = Connection::Postgres(Pool::new(server.clone(), READING, true, READERS));
    check_settings(&server, &writer, WRITING).await?;
    check_settings(&server, &readers, &[READING, &[READ_ONLY]].concat()).await?;
    rights::check(&server, &writer).await?;
    Ok(Store {
        writer,
        readers,
        engine: format!("PostgreSQL {version}"),
        timezone,
        has_search_index,
        schema_change,
        file: DatabaseFile::default(),
        server: Some(server),
        origin: origin(),
        epoch: Arc::default(),
    })
}

/// The tables that `roms purge` empties.
const PURGED: [&str; 8] = [
    "orders",
    "order_items",
    "order_events",
    "webhook_logs",
    "order_sums",
    "discord_views",
    "saved_views",
    "imports",
];

/// Removes deleted row versions from all tables that hold personal data.
pub(crate) async fn vacuum(server: &Server) -> Result<(), DbErr> {
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(error.into()));
    let mut session = server.open_session().await.map_err(failed)?;
    for table in PURGED {
        let vacuum = sqlx::raw_sql(AssertSqlSafe(format!("VACUUM {table}")));
        session.connection.execute(vacuum).await.map_err(failed)?;
    }
    session.close().await;
    Ok(())
}

/// SeaORM's migrations need a connection of SeaORM.
async fn connect_migrator(server: &Server) -> Result<DatabaseConnection, DbErr> {
    let (options, mut pool) = (server.options(), pool("postgres://", 1));
    pool.map_sqlx_postgres_opts(move |_| options.clone());
    Database::connect(pool).await
}

/// Returns the version, or why ROMS cannot use a server of this kind.
async fn inspect(server: &Server) -> Result<Result<String, String>, sqlx::Error> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding')";
    let mut session = server.open_session().await?;
    let row = session.connection.fetch_one(sqlx::raw_sql(sql)).await?;
    session.close().await;
    let (number, version, encoding): (i32, String, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    // Distributions append their own text to the number.
    let version = version.split_whitespace().next().unwrap_or_default().to_owned();
    if number < MIN_VERSION {
        return Ok(Err(format!("it is PostgreSQL {version}; ROMS needs 15 or newer")));
    }
    if encoding != "UTF8" {
        return Ok(Err(format!(
            "its encoding is {encoding}; create a new one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )));
    }
    Ok(Ok(version))
}

/// Refuses a server, or a pooler in front of it, that does not keep the settings of a transaction.
async fn check_settings(
    server: &Server,
    pool: &Connection,
    expected: Settings<'_>,
) -> Result<(), StoreError> {
    let transaction = pool.begin().await.map_err(|error| match sqlx_error(&error) {
        Some(error) => server.refused(error),
        None => error.into(),
    })?;
    let shown = async |name: &str| -> Result<String, StoreError> {
        let sql = "SELECT current_setting($1)";
        let sql = Statement::from_sql_and_values(DbBackend::Postgres, sql, [name.into()]);
        let row = transaction.query_one_raw(sql).await?;
        Ok(row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?)
    };
    let refuse = |name: &str, value: &str, shown: &str| {
        server.refused_because(format!(
            "it does not keep {name} = {value}, which ROMS sets in each transaction (it shows {shown}); use another \
             pooler, or connect without one"
        ))
    };
    for (name, value) in expected {
        let shown = shown(name).await?;
        if shown != *value {
            return Err(refuse(name, value, &shown));
        }
    }
    let commit = shown("synchronous_commit").await?;
    if commit == "off" && !expected.contains(&READ_ONLY) {
        return Err(refuse("synchronous_commit", "on", &commit));
    }
    Ok(())
}
