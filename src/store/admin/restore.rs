//! A backup put in the place of the database, which is kept beside it.
//!
//! What must not happen: that a process goes on writing to a file that is no longer the database,
//! and that the write-ahead log of the old file is applied to the new one. So the old file is
//! locked against everybody first, which SQLite grants only where nobody else has it open, and its
//! log is folded into it under that lock. The new file then takes its name in one step.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::draft::{Draft, folder_of, refused};
use super::{connect, file};
use crate::config::DatabaseUrl;
use crate::store::{Contents, StoreError};

/// What SQLite keeps beside a database.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the database holds now.
    pub contents: Contents,
    /// Where the database that was there before is kept.
    pub kept: Option<PathBuf>,
}

/// Puts the database in the file `from` in the place of the one at `url`.
///
/// # Errors
/// When `from` is damaged, no database of ROMS or one of a later release, and when the database
/// is in use. Then it is left as it was.
pub async fn restore(url: &DatabaseUrl, from: &Path) -> Result<Restored, StoreError> {
    let path = url.sqlite_path().ok_or(StoreError::NoFile)?;
    // Where a link leads to the database, it is the database that is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::canonicalize(from).is_ok_and(|from| from == path) {
        return Err(StoreError::Exists { path: from.to_owned() });
    }
    let claim = if path.exists() { claim(&path).await? } else { None };

    let draft = Draft::beside(&path)?;
    let contents = copy_sound(from, &draft.path()).await.map_err(|error| error.of_damaged(from))?;
    give_to_owner(&draft, &path)?;
    let kept = keep(&path, claim.is_some())?;
    draft.publish_over(&path)?;
    drop(claim);
    Ok(Restored { contents, kept })
}

/// Copies a backup if it is sound.
async fn copy_sound(from: &Path, to: &Path) -> Result<Contents, StoreError> {
    let source = open_source(from).await?;
    file::check(&source, from).await?;
    let contents = file::copy(&source, from, to).await?;
    source.close().await?;
    Ok(contents)
}

/// Opens a backup without leaving a trace beside it. A file that nobody has open may lie where
/// nothing can be written; one with a log beside it may be in use.
async fn open_source(from: &Path) -> Result<DatabaseConnection, StoreError> {
    let alone = !with_suffix(from, "-wal").exists();
    file::open(from, move |options| options.read_only(alone).immutable(alone)).await
}

/// Locks the database against everybody, with everything that was committed in its one file.
/// `None` where it is so damaged that nobody can be using it.
async fn claim(path: &Path) -> Result<Option<DatabaseConnection>, StoreError> {
    let claimed = async {
        // In this mode SQLite wants the whole file for itself before it looks at anything in it,
        // so that this tells even of a damaged file whether somebody has it open.
        let alone = |options: SqliteConnectOptions| options.locking_mode(SqliteLockingMode::Exclusive);
        let probe = file::open(path, move |options| alone(at_once(options))).await?;
        probe.execute_unprepared("BEGIN EXCLUSIVE; COMMIT").await?;
        probe.close().await?;

        let claim = file::open(path, at_once).await?;
        claim.execute_unprepared("PRAGMA journal_mode = DELETE").await?;
        claim.execute_unprepared("BEGIN EXCLUSIVE").await?;
        // Only without a write-ahead log is that lock one against readers too.
        let is_alone = connect::pragma(&claim, "journal_mode").await? == "delete";
        Ok(is_alone.then_some(claim))
    };
    let in_use = || StoreError::InUse { path: path.to_owned() };
    match claimed.await {
        Ok(Some(claim)) => Ok(Some(claim)),
        Ok(None) => Err(in_use()),
        Err(error) if StoreError::is_busy(&error) => Err(in_use()),
        Err(error) if error.is_unreadable() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A lock that is not free now is refused at once.
fn at_once(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.busy_timeout(Duration::ZERO)
}

/// Gives the file that is there a second name, so that its first one is never without a file.
/// Side files that nobody could fold into it go with it.
fn keep(path: &Path, is_claimed: bool) -> Result<Option<PathBuf>, StoreError> {
    let kept = with_suffix(path, &format!(".before-restore-{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
    let failed = |error| refused("keep the database as", &kept, error);
    let exists = path.exists();
    if exists {
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(failed(error)),
            // Not every file system has links.
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

/// Whoever runs ROMS must be able to open the file also where somebody else restores it: it
/// belongs to the owner of the one that it replaces, else to the owner of the folder.
#[cfg(unix)]
fn give_to_owner(draft: &Draft, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{MetadataExt, chown};
    let failed = |error| refused("find the owner of", path, error);
    let before = if path.exists() { path } else { folder_of(path) };
    let (before, own) = (fs::metadata(before).map_err(failed)?, fs::metadata(draft.path()).map_err(failed)?);
    if (before.uid(), before.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    match chown(draft.path(), Some(before.uid()), Some(before.gid())) {
        // Only the administrator may give files away; for anybody else it is their own.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Err(refused("change the owner of", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn give_to_owner(_: &Draft, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
