//! Opens a PostgreSQL database: checks the server, sets up each session, and creates the pools.

use std::fmt::{self, Display};
use std::io;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use sea_orm::{Database, DatabaseConnection, DbErr, RuntimeErr};
use tokio::time::{sleep, timeout};

use super::{BUSY_TIMEOUT, READERS, migrate, origin, pool};
use crate::config::DatabaseUrl;
use crate::store::database_file::DatabaseFile;
use crate::store::error::{postgres as codes, postgres_error, root, sqlx_error};
use crate::store::{Options, Store, StoreError};

/// Held until the migrating transaction ends. Every ROMS uses the same number: "roms" in ASCII.
pub(crate) const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(1919905139)";

/// The oldest supported release, in the form of `server_version_num`.
const MIN_VERSION: i32 = 150_000;
/// Connections that write. The writer uses one and the Discord edge another for its cursors; the rest are for the case
/// that a connection hangs on a broken network. Two stay open, because the pool checks a returning connection and the
/// next statement would otherwise have to open a new one.
const WRITERS: RangeInclusive<u32> = 2..=4;
/// Pause before another attempt to connect to a server that is starting up.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// The pools close a connection that was idle for this long.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);
/// The pools close a connection of this age.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// A migration may take long, and may wait for that of another process.
const MIGRATING: Settings<'_> = &[("statement_timeout", "0"), ("lock_timeout", "0")];
/// Every query of a writer has an index, but before the first ANALYZE the planner would scan whole tables.
const WRITING: Settings<'_> = &[
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
];
const READING: Settings<'_> = &[("statement_timeout", "30s"), ("default_transaction_read_only", "on")];
/// For a server that is configured to answer before data is on disk: ROMS must not acknowledge a message too early.
const DURABLE: Settings<'_> = &[("synchronous_commit", "on")];

/// The server, for connections outside the pools.
#[derive(Clone)]
pub(crate) struct Server {
    options: PgConnectOptions,
    url: DatabaseUrl,
}

impl fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.url, f)
    }
}

impl Server {
    fn new(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let mut options: PgConnectOptions = url.expose().parse().map_err(|_| StoreError::Url)?;
        if options.get_application_name().is_none() {
            options = options.application_name("roms");
        }
        let options = options.disable_statement_logging();
        Ok(Self { options, url: url.clone() })
    }

    /// Options to connect with these session settings.
    pub(crate) fn options(&self, settings: Settings<'_>) -> PgConnectOptions {
        self.options.clone().options(settings.iter().copied())
    }

    /// Connects with these session settings.
    pub(crate) async fn connect(&self, settings: Settings<'_>) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.options(settings)).await
    }

    /// The error that says why the server is not usable, and what to do.
    pub(crate) fn refused(&self, error: &sqlx::Error) -> StoreError {
        self.refused_because(reason(error))
    }

    fn refused_because(&self, reason: String) -> StoreError {
        StoreError::Server { url: self.url.to_string(), reason }
    }
}

/// What ROMS has to know about the server.
struct ServerInfo {
    version: String,
    /// Whether it answers a commit before the data is on disk, unless told otherwise.
    is_asynchronous: bool,
}

/// Opens and migrates.
pub(crate) async fn open(url: &DatabaseUrl, wanted: Options) -> Result<Store, StoreError> {
    let server = Server::new(url)?;
    let explain = |error: DbErr| match sqlx_error(&error) {
        Some(error) => server.refused(error),
        None => server.refused_because(root(&error).to_string()),
    };
    let info = inspect(&server).await.map_err(|reason| server.refused_because(reason))?;
    let migrator = connect(&server, 1..=1, &[MIGRATING]).await.map_err(explain)?;
    let (timezone, has_search_index) = migrate(&migrator, wanted).await.map_err(|error| match error {
        StoreError::Database(error)
            if postgres_error(&error).is_some_and(|e| e.code() == codes::NO_RIGHT) =>
        {
            explain(error)
        }
        other => other,
    })?;
    drop(migrator.close().await);
    let durable = if info.is_asynchronous { DURABLE } else { &[] };
    let writer = connect(&server, WRITERS, &[WRITING, durable]).await.map_err(explain)?;
    let readers = connect(&server, 1..=READERS, &[READING]).await.map_err(explain)?;
    let engine = format!("PostgreSQL {}", info.version);
    Ok(Store {
        writer,
        readers,
        engine,
        timezone,
        has_search_index,
        file: DatabaseFile::default(),
        server: Some(server),
        origin: origin(),
    })
}

/// Removes deleted row versions from tables, without the time limit of a writer's statement.
pub(crate) async fn vacuum(writer: &DatabaseConnection, tables: &[&str]) -> Result<(), DbErr> {
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(error.into()));
    // Taken out of the pool and closed at the end, because its settings change.
    let mut connection = writer.get_postgres_connection_pool().acquire().await.map_err(failed)?.detach();
    for statement in ["SET statement_timeout = 0".to_owned()]
        .into_iter()
        .chain(tables.iter().map(|table| format!("VACUUM {table}")))
    {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.map_err(failed)?;
    }
    drop(connection.close().await);
    Ok(())
}

async fn connect(
    server: &Server,
    connections: RangeInclusive<u32>,
    settings: &[Settings<'_>],
) -> Result<DatabaseConnection, DbErr> {
    let options = server.options(&settings.concat());
    let mut pool = pool("postgres://", *connections.end());
    pool.min_connections(*connections.start());
    pool.idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(MAX_LIFETIME)
        .map_sqlx_postgres_opts(move |_| options.clone());
    Database::connect(pool).await
}

/// Checks on a separate connection whether the server is usable; otherwise returns the reason.
async fn inspect(server: &Server) -> Result<ServerInfo, String> {
    let mut connection = connect_first(server).await?;
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding'), pg_is_in_recovery(), current_setting('synchronous_commit')";
    let asked =
        sqlx::query_as::<_, (i32, String, String, bool, String)>(sql).fetch_one(&mut connection).await;
    let (number, version, encoding, standby, commit) = asked.map_err(|error| reason(&error))?;
    drop(connection.close().await);
    // Distributions append their own text to the number.
    let version = version.split_whitespace().next().unwrap_or_default().to_owned();
    if number < MIN_VERSION {
        return Err(format!("it is PostgreSQL {version}; ROMS needs 15 or newer"));
    }
    if encoding != "UTF8" {
        return Err(format!(
            "its encoding is {encoding}; create a new one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        ));
    }
    if standby {
        return Err("it is a standby, which is read-only; put the primary into database.url".to_owned());
    }
    Ok(ServerInfo { version, is_asynchronous: commit == "off" })
}

/// Connects; tries again for a few seconds if the server is starting up.
async fn connect_first(server: &Server) -> Result<PgConnection, String> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    let mut last = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match timeout(left, server.connect(&[])).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(last.unwrap_or_else(|| unreachable(&"it does not answer in time"))),
        };
        let starting = match &error {
            sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
            _ => false,
        };
        if !starting || left < RETRY_PAUSE {
            return Err(reason(&error));
        }
        last = Some(reason(&error));
        sleep(RETRY_PAUSE).await;
    }
}

/// Why the database cannot be opened. Of the server's error only the message is shown, because its details repeat data.
fn reason(error: &sqlx::Error) -> String {
    match error {
        // sqlx reports an untrusted certificate this way.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => untrusted(error),
        sqlx::Error::Io(error) => unreachable(error),
        sqlx::Error::Tls(error) => untrusted(error),
        sqlx::Error::Database(error) => {
            let code = error.try_downcast_ref::<PgDatabaseError>().map_or("", PgDatabaseError::code);
            let known = codes::REASONS.iter().find(|(known, _)| *known == code);
            known.map_or_else(|| error.message().to_owned(), |(_, reason)| (*reason).to_owned())
        }
        other => root(other).to_string(),
    }
}

fn untrusted(error: &impl Display) -> String {
    format!("TLS fails ({error}); see sslmode and sslrootcert in database.url")
}

fn unreachable(error: &impl Display) -> String {
    format!(
        "cannot reach the server ({error}); is it running, and are host and port in database.url correct?"
    )
}
