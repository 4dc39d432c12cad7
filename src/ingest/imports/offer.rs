//! Files that people import. ROMS stores the file until its rows are stored, so that it can show a preview first and
//! continue the import later, also in another process.

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::{ImportError, ImportPlan};
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

/// A file that was read, and the order of each row. Nothing is stored yet.
#[derive(Debug)]
pub struct ReadImport {
    /// The import to add.
    pub new: NewImport,
    /// The columns of the file.
    pub columns: Vec<MappedColumn>,
    /// Its rows.
    pub plan: ImportPlan,
}

/// The answer to a file, or to a request to undo an import.
#[derive(Clone, Debug)]
pub enum Offered {
    /// The id of a new import. Its rows are not stored yet.
    New(i64),
    /// The earlier import of the same file: running, interrupted or finished.
    Again(Box<Import>),
}

fn hash_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

impl Ingest {
    fn reading(&self, kind: Option<Kind>, mapping: Vec<(String, Field)>) -> Reading {
        Reading { timezone: self.orders.timezone, currency: self.orders.currency, kind, mapping }
    }

    /// Reads a file, and finds the order of each row.
    ///
    /// # Errors
    /// If the file cannot be read, and if the database fails.
    pub async fn read_import(&self, offered: OfferedFile, actor: &str) -> Result<ReadImport, ImportError> {
        let OfferedFile { name, content, kind, mapping } = offered;
        let reading = self.reading(kind, mapping);
        let (content, file) = read(content, reading.clone()).await;
        let file = file?;
        let fields = file.columns.iter().map(|column| (column.heading.clone(), column.field.clone()));
        let new = NewImport {
            kind: file.kind,
            file_name: name,
            hash: hash_of(&content),
            mapping: fields.collect(),
            actor: actor.to_owned(),
            rows: file.rows.len() as u64,
            undoes: None,
            content: Some(content),
        };
        let columns = file.columns.clone();
        Ok(ReadImport { new, columns, plan: self.plan_file(file, reading).await? })
    }

    /// Reads a file, and stores it for the preview and the import.
    ///
    /// # Errors
    /// If the file cannot be read, and if the database fails.
    pub async fn offer_import(&self, offered: OfferedFile, actor: &str) -> Result<Offered, ImportError> {
        let read = self.read_import(offered, actor).await?;
        self.offer(read.new).await
    }

    /// Stores a file whose columns are unknown, so that a person can choose their fields.
    ///
    /// # Errors
    /// If the file holds no table, and if the database fails.
    pub async fn offer_for_mapping(&self, offered: OfferedFile, actor: &str) -> Result<i64, ImportError> {
        let OfferedFile { name, content, kind, mapping } = offered;
        let (kind, columns) = files::columns(&content, &self.reading(kind, mapping))?;
        let new = NewImport {
            kind,
            file_name: name,
            hash: hash_of(&content),
            mapping: columns.into_iter().map(|column| (column.heading, column.field)).collect(),
            actor: actor.to_owned(),
            rows: 0,
            undoes: None,
            content: Some(content),
        };
        Ok(self.store.add_import(new, clock::now()).await?)
    }

    /// The columns of a stored file that cannot be read as it is.
    ///
    /// # Errors
    /// If its file is gone or holds no table, and if the database fails.
    pub async fn columns_of(&self, import: &Import) -> Result<Vec<MappedColumn>, ImportError> {
        let content = self.store.import_content(import.id).await?.ok_or(ImportError::Gone)?;
        Ok(files::columns(&content, &self.reading(Some(import.kind), import.mapping.clone()))?.1)
    }

    /// Adds an import, unless the same file was imported before.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn offer(&self, new: NewImport) -> Result<Offered, ImportError> {
        match self.store.same_import(&new.hash, new.kind, &new.mapping).await? {
            Some(import) => {
                if let Some(content) = new.content {
                    // A purge may have deleted the file of an interrupted import.
                    self.store.keep_import_content(import.id, content).await?;
                }
                Ok(Offered::Again(Box::new(import)))
            }
            None => Ok(Offered::New(self.store.add_import(new, clock::now()).await?)),
        }
    }

    /// Changes the kind and the fields of the columns of an import whose rows are not stored yet, also if the file cannot
    /// be read in this way.
    ///
    /// # Errors
    /// If the file is gone, and if the database fails.
    pub async fn remap_import(
        &self,
        import: &Import,
        kind: Kind,
        mapping: Vec<(String, Field)>,
    ) -> Result<(), ImportError> {
        let content = self.store.import_content(import.id).await?.ok_or(ImportError::Gone)?;
        let reading = self.reading(Some(kind), mapping);
        let (content, file) = read(content, reading.clone()).await;
        let (columns, rows) = match file {
            Ok(file) => (file.columns, file.rows.len() as u64),
            Err(error) if error.is_about_columns() => (files::columns(&content, &reading)?.1, 0),
            Err(error) => return Err(error.into()),
        };
        let fields: Vec<_> = columns.into_iter().map(|column| (column.heading, column.field)).collect();
        self.store.remap_import(import.id, kind, &fields, rows).await?;
        Ok(())
    }

    /// Adds an import that undoes another one. Its rows are not stored yet. An interrupted import is undone as far as it
    /// went.
    ///
    /// # Errors
    /// If the import is undone already, and if the database fails.
    pub async fn offer_undo(&self, import: &Import, actor: &str) -> Result<Offered, ImportError> {
        self.check_undo(import).await?;
        let rows = self.plan_undo(import.id).await?.len() as u64;
        self.offer(NewImport::undo(import, actor, rows)).await
    }

    /// Refuses to undo an import once more. An interrupted undo may be continued.
    ///
    /// # Errors
    /// If the import is undone already, and if the database fails.
    pub async fn check_undo(&self, import: &Import) -> Result<(), ImportError> {
        let Some(undo) = import.undone_by else { return Ok(()) };
        match self.store.import(undo).await? {
            Some(undo) if undo.state != ImportState::Running => Err(ImportError::Undone(undo.id)),
            _ => Ok(()),
        }
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
            return Ok((Vec::new(), self.plan_undo(undone).await?));
        }
        let content = self.store.import_content(import.id).await?.ok_or(ImportError::Gone)?;
        let reading = self.reading(Some(import.kind), import.mapping.clone());
        let file = read(content, reading.clone()).await.1?;
        let columns = file.columns.clone();
        Ok((columns, self.plan_file(file, reading).await?))
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
