//! What can go wrong with the database.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

use sea_orm::sqlx::{self, error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};
use sea_orm::{DbErr, RuntimeErr};

/// The database failed. The texts say what to do and never repeat stored data.
#[derive(thiserror::Error)]
pub enum StoreError {
    /// The URL is none that is known.
    #[error("database.url is neither of the form sqlite://path nor postgres://user:password@host/database")]
    Url,
    /// What is for files, asked of a server.
    #[error(
        "the database is on a PostgreSQL server, which has its own tools for this: pg_dump --format=custom and \
         pg_restore"
    )]
    NoFile,
    /// The file cannot be made or opened.
    #[error(
        "cannot open the database file {path}: {reason}; give database.url a path in a folder that this user may write to"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The file is something else.
    #[error("{path} is not an SQLite database; move it away or give database.url another path")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The server cannot be reached, or cannot serve.
    #[error("cannot use the database {url}: {reason}")]
    Server {
        /// Host and database.
        url: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A name that SQLite cannot be told.
    #[error("the name of {path} is not UTF-8; give it another one")]
    Path {
        /// The file.
        path: PathBuf,
    },
    /// Nothing is there that could be read.
    #[error("there is no database at {path}")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Something is where a new file belongs.
    #[error("{path} exists, and is not overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The open file is not the one that the path leads to.
    #[error(
        "the database file {path} was removed or replaced while ROMS is using it; put it back, or restart ROMS to use \
         what is there now"
    )]
    FileReplaced {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else has the database open.
    #[error("{path} is in use; stop roms and whatever else has it open, then try again")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The write-ahead log cannot be emptied.
    #[error("somebody reads from the database for so long that its write-ahead log cannot be emptied")]
    LogInUse,
    /// The file is a database of something else.
    #[error("{path} is no database of roms")]
    NotRoms {
        /// The file.
        path: PathBuf,
    },
    /// The file is not sound.
    #[error("{path} is damaged: {finding}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing that SQLite found.
        finding: String,
    },
    /// A file or folder cannot be dealt with as it must be.
    #[error("cannot {action} {path}: {error}")]
    File {
        /// What was to be done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// A later release made the schema.
    #[error(
        "the database was made by a newer release of roms (it has the unknown migration {migration}); update roms, or use another database"
    )]
    NewerSchema {
        /// The first migration that this release does not know.
        migration: String,
    },
    /// A stored row cannot be read back.
    #[error("the stored value of {column} cannot be read")]
    Corrupt {
        /// Where.
        column: &'static str,
    },
    /// Another process has created the same order in the meantime.
    #[error("another process has created the same order")]
    Raced,
    /// The database did not answer in time.
    #[error("the database does not answer")]
    Silent,
    /// The database itself reports an error.
    #[error("the database reports: {}", reported(.0))]
    Database(DbErr),
}

impl fmt::Debug for StoreError {
    /// As shown: what is inside repeats data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The innermost cause. Those around it only repeat it, so that they are not given as sources.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root)
}

/// The database's words, less those of PostgreSQL that repeat data: all about a value.
fn reported(error: &DbErr) -> String {
    match postgres_error(error) {
        Some(error) if error.code().starts_with(POSTGRES_BAD_VALUE) => {
            format!("a value that it cannot take (SQLSTATE {})", error.code())
        }
        Some(error) => format!("{} (SQLSTATE {})", error.message(), error.code()),
        None => root(error).to_string(),
    }
}

/// Primary result codes of SQLite that are the statement's own fault: too big, a constraint, a
/// type. <https://sqlite.org/rescode.html>
const SQLITE_FAULTS_OF_THE_DATA: [i32; 3] = [18, 19, 20];

/// PostgreSQL's class of errors about a value.
const POSTGRES_BAD_VALUE: &str = "22";
/// Classes and codes of PostgreSQL that are the statement's own fault: a value, a constraint, a
/// limit such as that of an index, a trigger that refuses.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const POSTGRES_FAULTS_OF_THE_DATA: [&str; 4] = [POSTGRES_BAD_VALUE, "23", "54", "P0001"];
/// Codes of PostgreSQL for two transactions in each other's way: the same in a row, in a circle.
const POSTGRES_RACES: [&str; 2] = ["40001", "40P01"];
/// PostgreSQL's code for a value that another row has, and the constraints for which that may
/// mean: another process was faster.
const POSTGRES_UNIQUE: &str = "23505";
const POSTGRES_RACED_FOR: [&str; 2] = ["orders_order_number_key", "webhook_logs_source_key_key"];

/// Primary result code of SQLite for a lock that somebody else holds.
const SQLITE_BUSY: i32 = 5;
/// Primary result code of SQLite for a file that is damaged.
const SQLITE_CORRUPT: i32 = 11;
/// Primary result codes of SQLite for a file that is damaged, or no database.
const UNREADABLE: [i32; 2] = [SQLITE_CORRUPT, 26];

impl StoreError {
    /// Whether somebody else holds the lock that was asked for.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::LogInUse => true,
            Self::Database(error) => sqlite_code(error) == Some(SQLITE_BUSY),
            _ => false,
        }
    }

    /// Whether the file makes no sense to SQLite.
    pub(crate) fn is_unreadable(&self) -> bool {
        match self {
            Self::NotADatabase { .. } => true,
            Self::Database(error) => sqlite_code(error).is_some_and(|code| UNREADABLE.contains(&code)),
            _ => false,
        }
    }

    /// The error of somebody who reads this file: where it makes no sense to SQLite, it is damaged.
    pub(crate) fn of_damaged(self, path: &Path) -> Self {
        match self {
            Self::Database(error) if sqlite_code(&error) == Some(SQLITE_CORRUPT) => {
                Self::Damaged { path: path.to_owned(), finding: root(&error).to_string() }
            }
            other => other,
        }
    }

    /// Whether the data is at fault, so that trying again is of no use. All else (busy, full,
    /// gone) passes, or hits every message alike.
    #[must_use]
    pub fn is_fault_of_data(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Corrupt { .. }) };
        let sqlite = sqlite_code(error).is_some_and(|code| SQLITE_FAULTS_OF_THE_DATA.contains(&code));
        let postgres = postgres_error(error).is_some_and(|error| {
            POSTGRES_FAULTS_OF_THE_DATA.iter().any(|class| error.code().starts_with(class))
        });
        (sqlite || postgres) && !self.is_race()
    }

    /// Whether another process came in between, so that the same transaction, begun again, sees
    /// what that one did and goes through.
    #[must_use]
    pub fn is_race(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Raced) };
        postgres_error(error).is_some_and(|error| {
            let raced_for = error.constraint().is_some_and(|name| POSTGRES_RACED_FOR.contains(&name));
            POSTGRES_RACES.contains(&error.code()) || error.code() == POSTGRES_UNIQUE && raced_for
        })
    }
}

/// The primary result code of SQLite's error.
pub(crate) fn sqlite_code(error: &DbErr) -> Option<i32> {
    extended_sqlite_code(error).map(|extended| extended & 0xff)
}

/// The extended result code of SQLite's error.
pub(crate) fn extended_sqlite_code(error: &DbErr) -> Option<i32> {
    let error = database_error(error)?;
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse().ok()
}

/// PostgreSQL's error.
pub(crate) fn postgres_error(error: &DbErr) -> Option<&PgDatabaseError> {
    database_error(error)?.try_downcast_ref()
}

fn database_error(error: &DbErr) -> Option<&dyn DatabaseError> {
    match sqlx_error(error)? {
        sqlx::Error::Database(error) => Some(error.as_ref()),
        _ => None,
    }
}

/// The driver's error.
pub(crate) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}
