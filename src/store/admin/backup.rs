//! A copy of the database, taken while orders arrive.

use std::path::Path;

use super::draft::{Draft, refuse_existing};
use super::file;
use crate::config::DatabaseUrl;
use crate::store::StoreError;

/// How much a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Rows of `orders`.
    pub orders: i64,
    /// Rows of `webhook_logs`.
    pub logs: i64,
}

/// Writes the database as it stands at this moment to a new file, which only its owner can read.
/// What was committed before is in it. The file is there when it is whole, checked and durable,
/// and not before.
///
/// # Errors
/// When there is no database, something is at `to` already, or the copy cannot be written or is
/// damaged. Then nothing is left at `to`.
pub async fn backup(url: &DatabaseUrl, to: &Path) -> Result<Contents, StoreError> {
    let path = url.sqlite_path().ok_or(StoreError::NoFile)?;
    refuse_existing(to)?;
    let database = file::open(path, |options| options).await?;
    let draft = Draft::beside(to)?;
    let contents = file::copy(&database, path, &draft.path()).await?;
    database.close().await?;
    draft.publish(to)?;
    Ok(contents)
}
