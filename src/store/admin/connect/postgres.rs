//! PostgreSQL: what must be true of the server, the settings of each session, and the pools.

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
use crate::store::error::{postgres_error, root, sqlx_error};
use crate::store::{Options, Store, StoreError};

/// Held to the end of the transaction that migrates. The number only has to be the same in every
/// ROMS: "roms" in ASCII.
pub(crate) const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(1919905139)";

/// The oldest release that is supported, as `server_version_num` tells it.
const OLDEST: i32 = 150_000;
/// Connections that write: the pipeline has one at work, the Discord edge notes its cursors, and
/// one that hangs on a network that is gone must not keep the others waiting. Two stay open: the pool
/// looks at a connection that comes back, and whoever writes meanwhile would have to open another one.
const WRITERS: RangeInclusive<u32> = 2..=4;
/// How long to wait before connecting once more to a server that is starting up.
const START_PAUSE: Duration = Duration::from_millis(100);
/// A pooled connection is closed when it was idle for so long, or is so old.
const IDLE: Duration = Duration::from_mins(10);
const LIFETIME: Duration = Duration::from_mins(30);

pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// A migration may take long, and waits for that of another process.
const MIGRATING: Settings<'_> = &[("statement_timeout", "0"), ("lock_timeout", "0")];
/// All that a writer looks for has its index; before the first ANALYZE the planner would scan.
const WRITING: Settings<'_> = &[
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
];
const READING: Settings<'_> = &[("statement_timeout", "30s"), ("default_transaction_read_only", "on")];
/// For a server that would answer before it has written: the acknowledgement must be true.
const DURABLE: Settings<'_> = &[("synchronous_commit", "on")];

/// The way to the server, for connections that are in no pool.
#[derive(Clone)]
pub(crate) struct Server {
    options: PgConnectOptions,
    url: DatabaseUrl,
}

impl fmt::Debug for Server {
    /// Less the password.
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

    /// How to connect, with these settings for the session.
    pub(crate) fn options(&self, settings: Settings<'_>) -> PgConnectOptions {
        self.options.clone().options(settings.iter().copied())
    }

    /// A connection with these settings.
    pub(crate) async fn connect(&self, settings: Settings<'_>) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.options(settings)).await
    }

    /// Why the database cannot be used, and what to do.
    pub(crate) fn refused(&self, error: &sqlx::Error) -> StoreError {
        self.refused_because(reason(error))
    }

    fn refused_because(&self, reason: String) -> StoreError {
        StoreError::Server { url: self.url.to_string(), reason }
    }
}

/// What is known of the server.
struct Look {
    version: String,
    /// Whether it must be told to write before it answers.
    lazy: bool,
}

/// Opens and migrates.
pub(crate) async fn open(url: &DatabaseUrl, wanted: Options) -> Result<Store, StoreError> {
    let server = Server::new(url)?;
    let explain = |error: DbErr| match sqlx_error(&error) {
        Some(error) => server.refused(error),
        None => server.refused_because(root(&error).to_string()),
    };
    let look = look_at(&server).await.map_err(|reason| server.refused_because(reason))?;
    let migrator = connect(&server, 1..=1, &[MIGRATING]).await.map_err(explain)?;
    let (timezone, has_search_index) = migrate(&migrator, wanted).await.map_err(|error| match error {
        StoreError::Database(error) if postgres_error(&error).is_some_and(|e| e.code() == NO_RIGHT) => {
            explain(error)
        }
        other => other,
    })?;
    drop(migrator.close().await);
    let durable = if look.lazy { DURABLE } else { &[] };
    let writer = connect(&server, WRITERS, &[WRITING, durable]).await.map_err(explain)?;
    let readers = connect(&server, 1..=READERS, &[READING]).await.map_err(explain)?;
    let engine = format!("PostgreSQL {}", look.version);
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

/// Takes what is no longer valid out of tables, and out of the way. The time that this may take is
/// not that of a statement of the writer's.
pub(crate) async fn vacuum(writer: &DatabaseConnection, tables: &[&str]) -> Result<(), DbErr> {
    let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(error.into()));
    // A connection of the writers' is taken from them, and closed at the end.
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
    pool.idle_timeout(IDLE).max_lifetime(LIFETIME).map_sqlx_postgres_opts(move |_| options.clone());
    Database::connect(pool).await
}

/// Asks the server, on a connection of its own, whether it can serve; in words, if it cannot.
async fn look_at(server: &Server) -> Result<Look, String> {
    let mut connection = connect_first(server).await?;
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding'), pg_is_in_recovery(), current_setting('synchronous_commit')";
    let asked =
        sqlx::query_as::<_, (i32, String, String, bool, String)>(sql).fetch_one(&mut connection).await;
    let (number, version, encoding, standby, commit) = asked.map_err(|error| reason(&error))?;
    drop(connection.close().await);
    // Packagers add words of their own behind the number.
    let version = version.split_whitespace().next().unwrap_or_default().to_owned();
    if number < OLDEST {
        return Err(format!("it is PostgreSQL {version}; ROMS needs 15 or newer"));
    }
    if encoding != "UTF8" {
        return Err(format!(
            "its encoding is {encoding}; make it anew with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        ));
    }
    if standby {
        return Err("it is a standby, which only reads; name the primary in database.url".to_owned());
    }
    Ok(Look { version, lazy: commit == "off" })
}

/// Connects, and waits a little for a server that is starting up.
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
        if !starting || left < START_PAUSE {
            return Err(reason(&error));
        }
        last = Some(reason(&error));
        sleep(START_PAUSE).await;
    }
}

/// The user lacks a right.
const NO_RIGHT: &str = "42501";

/// What PostgreSQL's codes mean for somebody who opens a database.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const REASONS: [(&str, &str); 6] = [
    ("28P01", "it refuses the password of database.url"),
    (
        "3D000",
        "it has no such database; make it with CREATE DATABASE, with the user of database.url as its owner",
    ),
    (
        NO_RIGHT,
        "the user of database.url may not make or use tables there; make it the owner of the database, or \
         GRANT USAGE, CREATE ON SCHEMA public to it",
    ),
    ("3F000", "there is no schema to make tables in; see the user's search_path"),
    ("53300", "it has no connection left; raise its max_connections, or close other programs"),
    ("57P03", "it is starting up or shutting down; try again"),
];

/// Why the database cannot be opened, in words. Of what the server says only the message is
/// shown: details repeat data.
fn reason(error: &sqlx::Error) -> String {
    match error {
        // The driver hands on in this way what it does not believe of a certificate.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => untrusted(error),
        sqlx::Error::Io(error) => unreachable(error),
        sqlx::Error::Tls(error) => untrusted(error),
        sqlx::Error::Database(error) => {
            let code = error.try_downcast_ref::<PgDatabaseError>().map_or("", PgDatabaseError::code);
            let known = REASONS.iter().find(|(known, _)| *known == code);
            known.map_or_else(|| error.message().to_owned(), |(_, reason)| (*reason).to_owned())
        }
        other => root(other).to_string(),
    }
}

fn untrusted(error: &impl Display) -> String {
    format!("TLS fails ({error}); see sslmode and sslrootcert in database.url")
}

fn unreachable(error: &impl Display) -> String {
    format!("cannot reach the server ({error}); does it run, and are host and port of database.url right?")
}
