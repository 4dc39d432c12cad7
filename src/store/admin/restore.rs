//! Replaces an SQLite database with a backup, and keeps the old file beside it.
//!
//! No process may go on writing to the old file, and its write-ahead log must not be applied to the new one. So
//! [`claim`] first locks the old file exclusively, which SQLite allows only if no other process has it open, and moves
//! the log into it. Then the new file takes its name in one step.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::temp_file::{TempFile, file_error, folder_of};
use super::{connect, file};
use crate::config::DatabaseUrl;
use crate::store::{Contents, StoreError};

/// Endings of the files that SQLite keeps beside a database.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The result of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The contents of the database now.
    pub contents: Contents,
    /// Where the previous database is kept.
    pub kept: Option<PathBuf>,
}

/// Replaces the database at `url` with the backup in the file `from`.
///
/// # Errors
/// If `from` is damaged, not a ROMS database, of a newer release or the database itself, or if the database is in use. Then the database
/// stays as it was.
pub async fn restore(url: &DatabaseUrl, from: &Path) -> Result<Restored, StoreError> {
    let path = url.sqlite_path().ok_or(StoreError::NoFile)?;
    // If this is a link, its target is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::canonicalize(from).is_ok_and(|from| from == path) {
        return Err(StoreError::IsTheDatabase(from.to_owned()));
    }
    let claim = if path.exists() { claim(&path).await? } else { None };

    let temp_file = TempFile::beside(&path)?;
    let contents = copy_checked(from, &temp_file.path()).await.map_err(|error| error.of_damaged(from))?;
    give_to_owner(&temp_file, &path)?;
    let kept = keep(&path, claim.is_some())?;
    temp_file.publish_over(&path)?;
    drop(claim);
    Ok(Restored { contents, kept })
}

/// Checks a backup and copies it.
async fn copy_checked(from: &Path, to: &Path) -> Result<Contents, StoreError> {
    let source = open_source(from).await?;
    file::check(&source, from).await?;
    let contents = file::copy(&source, from, to).await?;
    source.close().await?;
    Ok(contents)
}

/// Opens a backup without creating files beside it, since it may lie in a read-only folder. A backup with a write-ahead
/// log beside it may be in use, so it is opened normally.
async fn open_source(from: &Path) -> Result<DatabaseConnection, StoreError> {
    let alone = !with_suffix(from, "-wal").exists();
    file::open(from, move |options| options.read_only(alone).immutable(alone)).await
}

/// Locks the database exclusively, after moving everything committed into its one file. `None` if it is so damaged
/// that no process can be using it.
async fn claim(path: &Path) -> Result<Option<DatabaseConnection>, StoreError> {
    let claimed = async {
        // In this mode SQLite locks the file before it reads anything, so that this detects other users even of a
        // damaged file.
        let alone = |options: SqliteConnectOptions| options.locking_mode(SqliteLockingMode::Exclusive);
        let probe = file::open(path, move |options| alone(without_waiting(options))).await?;
        probe.execute_unprepared("BEGIN EXCLUSIVE; COMMIT").await?;
        probe.close().await?;

        let claim = file::open(path, without_waiting).await?;
        claim.execute_unprepared("PRAGMA journal_mode = DELETE").await?;
        claim.execute_unprepared("BEGIN EXCLUSIVE").await?;
        // The lock excludes readers only without a write-ahead log.
        let is_alone = connect::pragma(&claim, "journal_mode").await? == "delete";
        Ok(is_alone.then_some(claim))
    };
    let in_use = || StoreError::InUse(path.to_owned());
    match claimed.await {
        Ok(Some(claim)) => Ok(Some(claim)),
        Ok(None) => Err(in_use()),
        Err(error) if StoreError::is_busy(&error) => Err(in_use()),
        Err(error) if error.is_unreadable() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fails at once if a lock is not free.
fn without_waiting(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.busy_timeout(Duration::ZERO)
}

/// Keeps the old file under a second name, so that the first name always leads to a file. Side files that could not be
/// moved into it are kept with it.
fn keep(path: &Path, is_claimed: bool) -> Result<Option<PathBuf>, StoreError> {
    let kept = with_suffix(path, &format!(".before-restore-{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
    let failed = |error| file_error("keep the database as", &kept, error);
    let exists = path.exists();
    if exists {
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(failed(error)),
            // Not every file system has hard links.
            Err(_) => fs::rename(path, &kept).map_err(failed)?,
            Ok(()) => {}
        }
    }
    if !is_claimed {
        for suffix in SIDE_FILES {
            match fs::rename(with_suffix(path, suffix), with_suffix(&kept, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
    }
    Ok(exists.then_some(kept))
}

/// Gives the file to the owner of the file that it replaces, or else of the folder: the user that runs ROMS must be
/// able to open it even if another user restores it.
#[cfg(unix)]
fn give_to_owner(temp_file: &TempFile, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{MetadataExt, chown};
    let failed = |error| file_error("find the owner of", path, error);
    let before = if path.exists() { path } else { folder_of(path) };
    let (before, own) =
        (fs::metadata(before).map_err(failed)?, fs::metadata(temp_file.path()).map_err(failed)?);
    if (before.uid(), before.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    match chown(temp_file.path(), Some(before.uid()), Some(before.gid())) {
        // Only the administrator may give files away; for other users the file stays their own.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Err(file_error("change the owner of", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn give_to_owner(_: &TempFile, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
