//! Copies an SQLite database before an upgrade changes its tables, so that one can go back to the release before.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::backup::write_copy;
use super::file;
use crate::store::StoreError;

/// Copies with the same name that may exist: older ones are kept.
const MAX_COPIES: u32 = 1000;

/// Copies the committed state of the database at `path` to `<path>.before-<version of this release>`, or to
/// that name with a number if it exists. The caller holds the write lock.
pub(crate) async fn copy(path: &Path) -> Result<(), StoreError> {
    let database = file::open(path, |options| options).await?;
    let mut copied = Err(StoreError::Exists(path.to_owned()));
    for number in 1..MAX_COPIES {
        let to = copy_path(path, number);
        copied = write_copy(&database, path, &to).await;
        match &copied {
            Ok(_) => {
                tracing::info!("before the upgrade of the database, it was copied to {}", to.display());
                break;
            }
            Err(StoreError::Exists(_)) => {}
            Err(_) => break,
        }
    }
    database.close().await?;
    copied.map(drop)
}

fn copy_path(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(concat!(".before-", env!("CARGO_PKG_VERSION")));
    if number > 1 {
        name.push(format!("-{number}"));
    }
    name.into()
}
