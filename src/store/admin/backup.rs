//! Backs up an SQLite database while orders arrive.

use std::path::Path;

use sea_orm::DatabaseConnection;

use super::file;
use super::temp_file::{TempFile, refuse_existing};
use crate::config::DatabaseUrl;
use crate::store::StoreError;

/// How many rows a backup contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Rows of `orders`.
    pub orders: i64,
    /// Rows of `webhook_logs`.
    pub logs: i64,
}

/// Writes everything that is committed at this moment to a new file, which only its owner can read. The file appears
/// at `to` when it is complete, checked and synced to disk.
///
/// # Errors
/// If there is no database, a file exists at `to`, or the copy cannot be written or is damaged. Then nothing is left
/// at `to`.
pub async fn backup(url: &DatabaseUrl, to: &Path) -> Result<Contents, StoreError> {
    let path = url.sqlite_path().ok_or(StoreError::NoFile)?;
    refuse_existing(to)?;
    let database = file::open(path, |options| options).await?;
    let contents = write_copy(&database, path, to).await?;
    database.close().await?;
    Ok(contents)
}

/// Copies the open database at `path` to the new file `to`.
pub(crate) async fn write_copy(
    database: &DatabaseConnection,
    path: &Path,
    to: &Path,
) -> Result<Contents, StoreError> {
    refuse_existing(to)?;
    let temp_file = TempFile::beside(to)?;
    let copied = file::copy(database, path, &temp_file.path()).await;
    let contents = copied.map_err(StoreError::with_restore_hint)?;
    temp_file.publish(to)?;
    Ok(contents)
}
