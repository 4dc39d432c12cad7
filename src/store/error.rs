//! What can go wrong with the database.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// The database failed. The texts say what to do and never repeat stored data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is none that is known.
    #[error("database.url is not of the form sqlite://path")]
    Url,
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
    /// The database itself reports an error.
    #[error("the database reports: {}", root(.0))]
    Database(DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The innermost cause. Those around it only repeat it, so that they are not given as sources.
pub(super) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root)
}

/// Primary result codes of SQLite that are the statement's own fault: too big, a constraint, a
/// type. <https://sqlite.org/rescode.html>
const FAULTS_OF_THE_DATA: [i32; 3] = [18, 19, 20];

/// Primary result code of SQLite for a lock that somebody else holds.
const SQLITE_BUSY: i32 = 5;
/// Primary result code of SQLite for a file that is damaged.
const SQLITE_CORRUPT: i32 = 11;
/// Primary result codes of SQLite for a file that is damaged, or no database.
const UNREADABLE: [i32; 2] = [SQLITE_CORRUPT, 26];

impl StoreError {
    /// Whether somebody else holds the lock that was asked for.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::LogInUse => true,
            Self::Database(error) => sqlite_code(error) == Some(SQLITE_BUSY),
            _ => false,
        }
    }

    /// Whether the file makes no sense to SQLite.
    pub(super) fn is_unreadable(&self) -> bool {
        match self {
            Self::NotADatabase { .. } => true,
            Self::Database(error) => sqlite_code(error).is_some_and(|code| UNREADABLE.contains(&code)),
            _ => false,
        }
    }

    /// The error of somebody who reads this file: where it makes no sense to SQLite, it is damaged.
    pub(super) fn of_damaged(self, path: &Path) -> Self {
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
        match self {
            Self::Corrupt { .. } => true,
            Self::Database(error) => {
                sqlite_code(error).is_some_and(|code| FAULTS_OF_THE_DATA.contains(&code))
            }
            _ => false,
        }
    }
}

/// The primary result code of SQLite's error.
pub(super) fn sqlite_code(error: &DbErr) -> Option<i32> {
    extended_sqlite_code(error).map(|extended| extended & 0xff)
}

/// The extended result code of SQLite's error.
pub(super) fn extended_sqlite_code(error: &DbErr) -> Option<i32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(error) = error.as_ref() else { return None };
    error.code()?.parse().ok()
}
