//! A file in the making: in a folder of its own beside the place where it belongs, and there only
//! when it is whole.
//!
//! The folder can be entered by its owner alone and goes away with the draft, so that neither a
//! failure nor a full disk leaves half a file behind, and nobody else sees any of it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::connect::create_private;
use crate::store::StoreError;

/// How often the folder of a draft is emptied.
const TRIES: usize = 100;

/// A file in the making.
pub(crate) struct Draft {
    folder: TempDir,
}

impl Draft {
    /// Begins a file that belongs at this place: empty, and for its owner alone.
    pub(crate) fn beside(place: &Path) -> Result<Self, StoreError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".roms-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let draft = builder.tempdir_in(folder_of(place)).map(|folder| Self { folder });
        let draft = draft.map_err(|error| refused("write to the folder of", place, error))?;
        create_private(&draft.path()).map_err(|error| refused("write to the folder of", place, error))?;
        Ok(draft)
    }

    /// Where it is made.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("draft")
    }

    /// Makes it durable, and puts it where nothing is yet.
    pub(crate) fn publish(self, place: &Path) -> Result<(), StoreError> {
        self.sync(place)?;
        match fs::hard_link(self.path(), place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists { path: place.to_owned() });
            }
            // Not every file system has links; the place was free a moment ago.
            Err(_) => fs::rename(self.path(), place).map_err(|error| refused("write", place, error))?,
            Ok(()) => {}
        }
        sync_folder_of(place)
    }

    /// Makes it durable, and puts it in the place of what is there, in one step.
    pub(crate) fn publish_over(self, place: &Path) -> Result<(), StoreError> {
        self.sync(place)?;
        fs::rename(self.path(), place).map_err(|error| refused("write", place, error))?;
        sync_folder_of(place)
    }

    fn sync(&self, place: &Path) -> Result<(), StoreError> {
        let synced = File::options().write(true).open(self.path()).and_then(|file| file.sync_all());
        synced.map_err(|error| refused("write", place, error))
    }
}

impl Drop for Draft {
    /// SQLite may still be writing: what it makes while its folder is emptied keeps that alive.
    fn drop(&mut self) {
        let folder = self.folder.path();
        for _ in 0..TRIES {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                _ => return,
            }
        }
    }
}

/// Refuses a place where something is, be it a broken link.
pub(crate) fn refuse_existing(place: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(place) {
        Ok(_) => Err(StoreError::Exists { path: place.to_owned() }),
        Err(_) => Ok(()),
    }
}

/// Makes new names in a file's folder durable.
pub(crate) fn sync_folder_of(file: &Path) -> Result<(), StoreError> {
    // Windows opens no folders, and keeps their names safe itself.
    if cfg!(windows) {
        return Ok(());
    }
    let folder = folder_of(file);
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| refused("write to the folder", folder, error))
}

/// What could not be done with which file, and why.
pub(crate) fn refused(action: &'static str, path: &Path, error: io::Error) -> StoreError {
    StoreError::File { action, path: path.to_owned(), error }
}

/// The folder of a file; of a bare name, where the program runs.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
