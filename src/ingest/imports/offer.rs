//! Files that people upload on the page and in Discord. ROMS stores the file until its rows are stored, so
//! that it can show a preview first and continue the import after a restart.

use tokio::task::spawn_blocking;

use super::{ImportError, ImportPlan, ImportSource, hash_of};
use crate::clock;
use crate::files::{self, Field, ImportFile, Kind, MappedColumn, Reading};
use crate::ingest::Ingest;
use crate::store::{Import, ImportState, NewImport};

/// A file that a person uploads.
#[derive(Clone, Debug)]
pub struct OfferedFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// The kind, if the person chose it.
    pub kind: Option<Kind>,
    /// Columns for which the person chose the field.
    pub mapping: Vec<(String, Field)>,
}

/// The answer to an uploaded file.
#[derive(Clone, Debug)]
pub enum Offered {
    /// The id of a new import. Its rows are not stored yet.
    New(i64),
    /// The earlier import of the same file, finished or running.
    Again(Box<Import>),
}

impl Ingest {
    fn reading(&self, kind: Option<Kind>, mapping: Vec<(String, Field)>) -> Reading {
        Reading { timezone: self.orders.timezone, currency: self.orders.currency, kind, mapping }
    }

    /// Reads a file, and stores it for the preview and the import.
    ///
    /// # Errors
    /// If the file cannot be read, and if the database fails.
    pub async fn offer_import(&self, offered: OfferedFile, actor: &str) -> Result<Offered, ImportError> {
        let OfferedFile { name, content, kind, mapping } = offered;
        let (content, file) = read(content, self.reading(kind, mapping)).await;
        let file = file?;
        let columns = file.columns.iter().map(|column| (column.heading.clone(), column.field.clone()));
        let new = NewImport {
            kind: file.kind,
            file_name: name,
            hash: hash_of(&content),
            mapping: columns.collect(),
            actor: actor.to_owned(),
            rows: file.rows.len() as u64,
            undoes: None,
            content: Some(content),
        };
        Ok(match self.same_import(&new).await? {
            Some(import) => Offered::Again(Box::new(import)),
            None => Offered::New(self.store.add_import(new, clock::now()).await?),
        })
    }

    /// Changes the kind and the fields of the columns of an import whose rows are not stored yet.
    ///
    /// # Errors
    /// If the file cannot be read in this way, and if the database fails.
    pub async fn remap_import(
        &self,
        import: &Import,
        kind: Kind,
        mapping: Vec<(String, Field)>,
    ) -> Result<(), ImportError> {
        let content = self.store.import_content(import.id).await?.ok_or(ImportError::Gone)?;
        let file = read(content, self.reading(Some(kind), mapping)).await.1?;
        let columns = file.columns.into_iter().map(|column| (column.heading, column.field));
        let columns: Vec<_> = columns.collect();
        self.store.remap_import(import.id, file.kind, &columns, file.rows.len() as u64).await?;
        Ok(())
    }

    /// Adds an import that undoes another one, and returns its id. Its rows are not stored yet.
    ///
    /// # Errors
    /// If the import is not finished, and if the database fails.
    pub async fn offer_undo(&self, import: &Import, actor: &str) -> Result<i64, ImportError> {
        if import.state != ImportState::Finished {
            return Err(ImportError::Unfinished);
        }
        let rows = self.plan_import(ImportSource::Undo(import.id)).await?.len() as u64;
        Ok(self.store.add_import(NewImport::undo(import, actor, rows), clock::now()).await?)
    }

    /// Reads the columns and the rows of an import that is not finished.
    ///
    /// # Errors
    /// If its file is gone, and if the database fails.
    pub async fn offered_rows(
        &self,
        import: &Import,
    ) -> Result<(Vec<MappedColumn>, ImportPlan), ImportError> {
        if let Some(undone) = import.undoes {
            return Ok((Vec::new(), self.plan_import(ImportSource::Undo(undone)).await?));
        }
        let content = self.store.import_content(import.id).await?.ok_or(ImportError::Gone)?;
        let reading = self.reading(Some(import.kind), import.mapping.clone());
        let file = read(content, reading.clone()).await.1?;
        let columns = file.columns.clone();
        Ok((columns, self.plan_import(ImportSource::File { file, reading }).await?))
    }
}

/// Reads a file on a blocking thread, because parsing takes long. Returns its bytes, too.
async fn read(content: Vec<u8>, reading: Reading) -> (Vec<u8>, Result<ImportFile, files::FileError>) {
    let read = spawn_blocking(move || {
        let file = files::read(&content, &reading);
        (content, file)
    });
    let unreadable = || files::FileError::Workbook("reading it failed".to_owned());
    read.await.unwrap_or_else(|_| (Vec::new(), Err(unreadable())))
}
