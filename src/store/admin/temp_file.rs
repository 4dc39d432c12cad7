//! A temporary file that is moved to its destination when it is complete.
//!
//! It lies in a temporary folder beside the destination that only its owner can enter. The folder is deleted when the
//! value is dropped, so that neither an error nor a full disk leaves an incomplete file behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::store::StoreError;

/// How often deleting the folder is tried.
const MAX_DELETE_ATTEMPTS: usize = 100;

/// A file that is being written.
pub(crate) struct TempFile {
    folder: TempDir,
}

impl TempFile {
    /// Creates an empty file for this destination, readable only by its owner.
    pub(crate) fn beside(destination: &Path) -> Result<Self, StoreError> {
        let temp_file = private_folder(folder_of(destination)).map(|folder| Self { folder });
        let temp_file =
            temp_file.map_err(|error| file_error("write to the folder of", destination, error))?;
        create_private(&temp_file.path())
            .map_err(|error| file_error("write to the folder of", destination, error))?;
        Ok(temp_file)
    }

    /// The path of the temporary file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("database")
    }

    /// Syncs the file to disk and moves it to the destination, where no file exists.
    pub(crate) fn publish(self, destination: &Path) -> Result<(), StoreError> {
        self.sync(destination)?;
        match fs::hard_link(self.path(), destination) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists(destination.to_owned()));
            }
            // Not every file system has hard links; the destination was free a moment ago.
            Err(_) => fs::rename(self.path(), destination)
                .map_err(|error| file_error("write", destination, error))?,
            Ok(()) => {}
        }
        sync_folder_of(destination)
    }

    /// Syncs the file to disk and replaces the file at the destination in one step.
    pub(crate) fn publish_over(self, destination: &Path) -> Result<(), StoreError> {
        self.sync(destination)?;
        fs::rename(self.path(), destination).map_err(|error| file_error("write", destination, error))?;
        sync_folder_of(destination)
    }

    fn sync(&self, destination: &Path) -> Result<(), StoreError> {
        let synced = File::options().write(true).open(self.path()).and_then(|file| file.sync_all());
        synced.map_err(|error| file_error("write", destination, error))
    }
}

/// Creates a temporary folder that only its owner can enter.
pub(crate) fn private_folder(parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".roms-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

impl Drop for TempFile {
    /// SQLite may still be creating files in the folder, so deleting it is tried more than once.
    fn drop(&mut self) {
        let folder = self.folder.path();
        for _ in 0..MAX_DELETE_ATTEMPTS {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                _ => return,
            }
        }
    }
}

/// Fails if something exists at the destination, even a broken link.
pub(crate) fn refuse_existing(destination: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(destination) {
        Ok(_) => Err(StoreError::Exists(destination.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Syncs the folder of a file, so that new names in it are durable.
pub(crate) fn sync_folder_of(file: &Path) -> Result<(), StoreError> {
    // Windows cannot open folders, and makes names durable by itself.
    if cfg!(windows) {
        return Ok(());
    }
    let folder = folder_of(file);
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| file_error("write to the folder", folder, error))
}

/// The error of an operation on a file.
pub(crate) fn file_error(action: &'static str, path: &Path, error: io::Error) -> StoreError {
    StoreError::File { action, path: path.to_owned(), error }
}

/// The folder of a file; the current folder for a bare name.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates the file if it does not exist, readable only by its owner. SQLite gives its side files the same mode.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
