//! Notices when the file of an open SQLite database is removed or replaced.
//!
//! SQLite goes on writing to the file that it opened, even if no path leads to that file any more. Everything that
//! is stored from then on is lost when ROMS stops.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::StoreError;

/// The file of an open database; nothing for a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct DatabaseFile(Option<Arc<OpenFile>>);

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    identity: Identity,
}

impl DatabaseFile {
    /// Remembers the file that was just opened.
    pub(crate) fn opened(path: &Path) -> io::Result<Self> {
        Ok(Self(Some(Arc::new(OpenFile { path: path.to_owned(), identity: identity(path)? }))))
    }

    /// Checks that the path still leads to the open file. Two numbers from the system are compared, which takes a
    /// microsecond.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let Some(open) = &self.0 else { return Ok(()) };
        match identity(&open.path) {
            Ok(found) if found == open.identity => Ok(()),
            _ => Err(StoreError::FileReplaced(open.path.clone())),
        }
    }
}

/// Device and inode. The system gives them to no other file while the database is open.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere the system does not let anybody remove or replace an open file.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    path.metadata().map(drop)
}
