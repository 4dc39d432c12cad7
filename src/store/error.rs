//! Errors of the database, and what the result codes of SQLite and PostgreSQL mean.

use std::{
    error::Error,
    fmt::{self, Display},
    io,
    path::{Path, PathBuf},
};

use sea_orm::sqlx::{self, error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};
use sea_orm::{DbErr, RuntimeErr};

/// The advice about a damaged database.
const RESTORE_HINT: &str = "stop ROMS and put a backup in its place with `roms restore FILE`";

/// An error of the database. The texts say what to do and never repeat stored data.
#[derive(thiserror::Error)]
pub enum StoreError {
    /// The URL has an unknown form.
    #[error("database.url must have the form sqlite://path or postgres://user:password@host/database")]
    Url,
    /// A command for SQLite files was used with a server.
    #[error(
        "the database is on a PostgreSQL server, which has its own tools for this: pg_dump --format=custom and \
         pg_restore"
    )]
    NoFile,
    /// The file cannot be created or opened.
    #[error(
        "cannot open the database file {path}: {reason}; give database.url a path in a folder that this user may write to"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's message.
        reason: String,
    },
    /// The file is not an SQLite database.
    #[error("{0} is not an SQLite database; {RESTORE_HINT}, or give database.url another path")]
    NotADatabase(PathBuf),
    /// The server cannot be reached, or is not usable.
    #[error("cannot use the database {url}: {reason}")]
    Server {
        /// Host and database.
        url: String,
        /// The reason, and what to do.
        reason: String,
        /// Whether the server may be usable soon.
        is_temporary: bool,
    },
    /// SQLite accepts only file names in UTF-8.
    #[error("the name of {0} is not valid UTF-8; choose another name")]
    Path(PathBuf),
    /// The file to read does not exist.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// A folder was given in place of a file.
    #[error("{0} is a folder; name the database file in it")]
    Folder(PathBuf),
    /// A file exists where a new one should be created.
    #[error("{0} already exists and is not overwritten")]
    Exists(PathBuf),
    /// The database itself was given in place of a backup.
    #[error("{0} is the database itself, not a backup; name a file that `roms backup` has written")]
    IsTheDatabase(PathBuf),
    /// The open file is not the one that the path leads to.
    #[error(
        "the database file {0} was removed or replaced while ROMS is using it; put it back, or restart ROMS to use \
         what is there now"
    )]
    FileReplaced(PathBuf),
    /// Another process has the database open.
    #[error("{0} is in use; stop roms and whatever else has it open, then try again")]
    InUse(PathBuf),
    /// The write-ahead log cannot be emptied because of a reader.
    #[error("another program keeps reading from the database, so that its write-ahead log cannot be emptied")]
    LogInUse,
    /// The file is a database of another program.
    #[error("{0} is not a ROMS database")]
    NotRoms(PathBuf),
    /// The database of ROMS is that of another program.
    #[error(
        "table \"{table}\" already exists, so {path} is the database of another program: set database.url to another file"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// One of its tables.
        table: String,
    },
    /// The file is a database of the old system.
    #[error(
        "{0} is the database of the old Python system, which ROMS leaves as it is: set database.url to another file, \
         such as sqlite://roms.db, and run `roms import-legacy {0}` to take the orders over"
    )]
    Legacy(PathBuf),
    /// The file to take over is not a database of the old system.
    #[error("{0} is not a database of the old Python system: it has no table `orders` of its form")]
    NotLegacy(PathBuf),
    /// The old system has changed its database meanwhile.
    #[error("the old system has just written to {0}; stop it and run the command again")]
    LegacyInUse(PathBuf),
    /// The file is damaged.
    #[error("{path} is damaged: {finding}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing that SQLite found.
        finding: String,
    },
    /// An operation on a file or folder failed.
    #[error("cannot {action} {path}: {error}")]
    File {
        /// The operation, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's message.
        error: io::Error,
    },
    /// A newer release created the schema. Holds the first unknown migration.
    #[error(
        "the database was created by a newer release of roms (it has the unknown migration {0}); update roms, or use another database"
    )]
    NewerSchema(String),
    /// A stored row cannot be read back. Holds its column.
    #[error("the stored value of {0} cannot be read")]
    Corrupt(&'static str),
    /// Another token has the name. Holds the name.
    #[error("there is already a token named {0}; choose another name, or revoke that token first")]
    TokenExists(String),
    /// Another endpoint has the name. Holds the name.
    #[error(
        "there is already a webhook endpoint named {0}; choose another name, or delete that endpoint first"
    )]
    EndpointExists(String),
    /// The operating system gives no random numbers.
    #[error("the system has no random numbers for a token; try again")]
    NoRandom,
    /// Another process has created the same order in the meantime.
    #[error("another process has created the same order")]
    Raced,
    /// This process is no longer the leader, so that it may not record what it has read.
    #[error("another process is the leader now")]
    NotLeader,
    /// The database did not answer in time.
    #[error("the database does not answer")]
    Silent,
    /// The database reports an error, or its server cannot be used.
    #[error("{}", described(.0))]
    Database(DbErr),
}

impl fmt::Debug for StoreError {
    /// The same text as `Display`: the wrapped error repeats stored data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The innermost cause. The errors around it only repeat it.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root)
}

/// The database's own message, except PostgreSQL's messages about a value: those repeat data. If there is no message,
/// because the server cannot be used, the reason for that.
fn described(error: &DbErr) -> String {
    if let Some(error) = postgres_error(error) {
        let code = error.code();
        if code.starts_with(postgres::INVALID_VALUE) {
            return format!("the database reports: a value that it does not accept (SQLSTATE {code})");
        }
        let known = postgres::CAUSES.iter().find(|(known, _)| *known == code);
        let cause = known.map_or(String::new(), |(_, cause)| format!("; {cause}"));
        return format!("the database reports: {} (SQLSTATE {code}){cause}", error.message());
    }
    match sqlx_error(error) {
        Some(error) if is_about_connection(error) => {
            format!("the database cannot be used: {}", reason(error))
        }
        _ if is_damage(error) => format!("the database reports: {}; {RESTORE_HINT}", root(error)),
        _ => format!("the database reports: {}", root(error)),
    }
}

/// Whether there is no message of the server, because there is no connection to a usable one.
fn is_about_connection(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    matches!(
        error,
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::PoolTimedOut | Error::Configuration(_)
    )
}

/// Whether SQLite reports that the file is damaged or not a database.
fn is_damage(error: &DbErr) -> bool {
    sqlite_code(error).is_some_and(|code| [sqlite::CORRUPT, sqlite::NOTADB].contains(&code))
}

/// Result codes of SQLite. <https://sqlite.org/rescode.html>
pub(crate) mod sqlite {
    /// Another connection holds the lock.
    pub(crate) const BUSY: i32 = 5;
    /// The file is damaged.
    pub(crate) const CORRUPT: i32 = 11;
    /// The file is not a database.
    pub(crate) const NOTADB: i32 = 26;
    /// Extended code: the open file no longer has its name.
    pub(crate) const READONLY_DBMOVED: i32 = 1032;
    /// The operating system refuses the file: no permission, read-only, cannot open.
    pub(crate) const REFUSED_BY_THE_SYSTEM: [i32; 3] = [3, 8, 14];
    /// The data is at fault: too big, a constraint, a type.
    pub(crate) const FAULTS_OF_THE_DATA: [i32; 3] = [18, 19, 20];
}

/// Error codes of PostgreSQL. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
pub(crate) mod postgres {
    /// Class: a value is not valid.
    pub(crate) const INVALID_VALUE: &str = "22";
    /// Classes and codes for which the data is at fault: a value, a constraint, a limit such as that of an
    /// index, a trigger that refuses.
    pub(crate) const FAULTS_OF_THE_DATA: [&str; 4] = [INVALID_VALUE, "23", "54", "P0001"];
    /// Two transactions are in each other's way: a serialization failure, a deadlock.
    pub(crate) const CONFLICTS: [&str; 2] = ["40001", "40P01"];
    /// The session has no such prepared statement.
    pub(crate) const NO_SUCH_STATEMENT: &str = "26000";
    /// The session is another one than before: it lacks a prepared statement, or has it already.
    pub(crate) const OTHER_SESSION: [&str; 2] = [NO_SUCH_STATEMENT, "42P05"];
    /// A division by zero.
    pub(crate) const DIVISION_BY_ZERO: &str = "22012";
    /// Classes and codes after which a session can still be used: the statement is at fault, or took too long.
    pub(crate) const SESSION_STAYS_USABLE: [&str; 8] =
        [INVALID_VALUE, "23", NO_SUCH_STATEMENT, "40", "42", "54", "57014", "P0"];
    /// Classes and codes of a server that may be usable soon: a broken connection, no connection left, starting or
    /// stopping.
    pub(crate) const TEMPORARY: [&str; 3] = ["08", "533", "57P"];
    /// A violation of the protocol, and the code under which pgbouncer reports most errors.
    pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
    /// Parts of pgbouncer's messages, and the codes that PostgreSQL has for the same.
    pub(crate) const OF_PGBOUNCER: [(&str, &str); 4] = [
        ("authentication failed", NO_LOGIN),
        ("no such user", NO_LOGIN),
        ("no such database", NO_DATABASE),
        ("does not exist", NO_DATABASE),
    ];
    /// User or password are wrong.
    const NO_LOGIN: &str = "28P01";
    /// There is no such database.
    const NO_DATABASE: &str = "3D000";
    /// Another row has the value.
    pub(crate) const UNIQUE_VIOLATION: &str = "23505";
    /// If one of these constraints is violated, another process was faster.
    pub(crate) const RACED_CONSTRAINTS: [&str; 2] =
        ["orders_order_number_key", "webhook_logs_source_key_key"];
    /// The user lacks a right.
    pub(crate) const NO_RIGHT: &str = "42501";
    /// There is no schema, or the user may not see it.
    pub(crate) const NO_SCHEMA: &str = "3F000";
    /// The possible cause of an error that occurs while ROMS runs.
    pub(crate) const CAUSES: [(&str, &str); 2] = [
        (
            "55P03",
            "another transaction has held a lock for too long: it may wait for a synchronous standby that is gone, or be \
             a VACUUM FULL",
        ),
        ("25006", "the server is a standby, or somebody has set default_transaction_read_only"),
    ];
    /// The meaning of each code for somebody who opens a database.
    pub(crate) const REASONS: [(&str, &str); 6] = [
        (NO_LOGIN, "it refuses the password of database.url"),
        (
            NO_DATABASE,
            "it has no such database; create it with CREATE DATABASE, with the user of database.url as its owner",
        ),
        (
            NO_RIGHT,
            "the user of database.url may not create or change tables there; make it the owner of the database, GRANT \
             USAGE, CREATE ON SCHEMA public to it, or run roms migrate as the owner of the tables",
        ),
        (
            NO_SCHEMA,
            "its user sees no schema to keep tables in; GRANT USAGE ON SCHEMA public to the user of database.url, or see \
             the user's search_path",
        ),
        ("53300", "it has no connection left; raise its max_connections, or close other programs"),
        ("57P03", "it is starting up or shutting down; try again"),
    ];
}

impl StoreError {
    /// Whether another connection holds the lock.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::LogInUse => true,
            Self::Database(error) => sqlite_code(error) == Some(sqlite::BUSY),
            _ => false,
        }
    }

    /// Whether the database may be usable soon: the server is starting, stopping or being replaced.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Server { is_temporary, .. } => *is_temporary,
            Self::Silent => true,
            Self::Database(error) => sqlx_error(error).is_some_and(is_temporary),
            _ => false,
        }
    }

    /// Why the database cannot be used, without its address.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Server { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Whether the file is damaged or not an SQLite database.
    pub(crate) fn is_unreadable(&self) -> bool {
        match self {
            Self::NotADatabase(..) => true,
            Self::Database(error) => is_damage(error),
            _ => false,
        }
    }

    /// Turns SQLite's error about damage into one that names the file.
    pub(crate) fn of_damaged(self, path: &Path) -> Self {
        match self {
            Self::Database(error) if sqlite_code(&error) == Some(sqlite::CORRUPT) => {
                Self::Damaged { path: path.to_owned(), finding: root(&error).to_string() }
            }
            other => other,
        }
    }

    /// Adds what to do if the damaged file is the database itself and not a backup.
    pub(crate) fn with_restore_hint(self) -> Self {
        match self {
            Self::Damaged { path, finding } => {
                Self::Damaged { path, finding: format!("{finding}; {RESTORE_HINT}") }
            }
            other => other,
        }
    }

    /// Whether the data is at fault, so that trying again does not help. Other errors (busy, full, gone) pass,
    /// or concern every message alike.
    #[must_use]
    pub fn is_fault_of_data(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Corrupt(..)) };
        let by_sqlite = sqlite_code(error).is_some_and(|code| sqlite::FAULTS_OF_THE_DATA.contains(&code));
        let by_postgres = postgres_error(error).is_some_and(|error| {
            postgres::FAULTS_OF_THE_DATA.iter().any(|class| error.code().starts_with(class))
        });
        (by_sqlite || by_postgres) && !self.is_race()
    }

    /// Whether another process changed the same rows meanwhile. The same transaction succeeds if it is tried
    /// again, because it then sees what the other process did.
    #[must_use]
    pub fn is_race(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Raced) };
        postgres_error(error).is_some_and(|error| {
            let raced_for =
                error.constraint().is_some_and(|name| postgres::RACED_CONSTRAINTS.contains(&name));
            postgres::CONFLICTS.contains(&error.code())
                || postgres::OTHER_SESSION.contains(&error.code())
                || error.code() == postgres::UNIQUE_VIOLATION && raced_for
        })
    }
}

/// The primary result code, if this is an error of SQLite.
pub(crate) fn sqlite_code(error: &DbErr) -> Option<i32> {
    extended_sqlite_code(error).map(|extended| extended & 0xff)
}

/// The extended result code, if this is an error of SQLite.
pub(crate) fn extended_sqlite_code(error: &DbErr) -> Option<i32> {
    let error = database_error(error)?;
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse().ok()
}

/// The code of PostgreSQL's error, if this is one.
pub(crate) fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => Some(error.try_downcast_ref::<PgDatabaseError>()?.code()),
        _ => None,
    }
}

/// The error of PostgreSQL, if this is one.
pub(crate) fn postgres_error(error: &DbErr) -> Option<&PgDatabaseError> {
    database_error(error)?.try_downcast_ref()
}

fn database_error(error: &DbErr) -> Option<&dyn DatabaseError> {
    match sqlx_error(error)? {
        sqlx::Error::Database(error) => Some(error.as_ref()),
        _ => None,
    }
}

/// The error of sqlx, if this is one.
pub(crate) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}

/// Whether another attempt to connect may succeed soon: the server is starting, stopping or being replaced.
pub(crate) fn is_temporary(error: &sqlx::Error) -> bool {
    match error {
        // sqlx reports an untrusted certificate this way.
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
        // A proxy without a server ends the connection in the middle of the protocol.
        sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Configuration(_) => true,
        sqlx::Error::Database(error) => {
            let code = code_of(error.as_ref());
            postgres::TEMPORARY.iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

/// Why the database cannot be used. Of the server's error only the message is shown, because its details repeat data.
pub(crate) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => untrusted(error),
        sqlx::Error::Io(error) => unreachable(error),
        sqlx::Error::Protocol(problem) => {
            format!("something else than PostgreSQL answers, or the server is being replaced ({problem})")
        }
        sqlx::Error::Tls(error) => untrusted(error),
        sqlx::Error::Database(error) => {
            let code = code_of(error.as_ref());
            let known = postgres::REASONS.iter().find(|(known, _)| *known == code);
            known.map_or_else(|| error.message().to_owned(), |(_, reason)| (*reason).to_owned())
        }
        sqlx::Error::PoolTimedOut => "it does not answer".to_owned(),
        other => root(other).to_string(),
    }
}

/// The code of an error, or the one that PostgreSQL has for what pgbouncer reports as a violation of the protocol.
fn code_of(error: &dyn DatabaseError) -> &str {
    let code = error.try_downcast_ref::<PgDatabaseError>().map_or("", PgDatabaseError::code);
    match postgres::OF_PGBOUNCER.iter().find(|(text, _)| error.message().contains(text)) {
        Some((_, meant)) if code == postgres::PROTOCOL_VIOLATION => meant,
        _ => code,
    }
}

fn untrusted(error: &impl Display) -> String {
    format!("TLS fails ({error}); see sslmode and sslrootcert in database.url")
}

fn unreachable(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind()) {
        return "the server, or a proxy in front of it, has ended the connection".to_owned();
    }
    format!(
        "cannot reach the server ({error}); is it running, and are host and port in database.url correct?"
    )
}
