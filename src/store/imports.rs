//! Stores imports: the file, the person, the progress, and the counts of outcomes.

pub(crate) mod claims;
pub(crate) mod lookups;
pub(crate) mod mappings;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::imports::{ActiveModel, Column, Entity, Model};
use super::{Store, StoreError};
use crate::files::{Field, ImportCounts, Kind, RowOutcome};
use claims::CLAIM_LIFETIME;

/// An import that was previewed but not started may be deleted after this time. It is deleted when the next
/// import is added.
const UNUSED_LIFETIME: TimeDelta = TimeDelta::days(1);

/// The state of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// The preview was shown; nothing is stored yet.
    Shown,
    /// Its rows are being stored, or ROMS stopped while they were.
    Running,
    /// All its rows are stored.
    Finished,
    /// It was interrupted, and ended because a person undid it. The remaining rows are never stored.
    Stopped,
}

impl ImportState {
    const ALL: [Self; 4] = [Self::Shown, Self::Running, Self::Finished, Self::Stopped];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
        }
    }
}

/// A file that a person imported, or the undo of another import.
#[derive(Clone, Debug)]
pub struct Import {
    /// Row id.
    pub id: i64,
    /// The kind of the file.
    pub kind: Kind,
    /// Its name.
    pub file_name: String,
    /// SHA-256 of its content.
    pub hash: String,
    /// The fields of its columns.
    pub mapping: Vec<(String, Field)>,
    /// The person, as the history of orders names them: `discord:` and the user's id, `token:` and the
    /// token's name, `page` or `cli`.
    pub actor: String,
    /// Its state.
    pub state: ImportState,
    /// How many rows it has.
    pub rows: u64,
    /// How many rows the writer has handled.
    pub done: u32,
    /// How many rows have each outcome so far.
    pub counts: ImportCounts,
    /// The import that it undoes.
    pub undoes: Option<i64>,
    /// The import that has undone it, unless that undo was undone, too.
    pub undone_by: Option<i64>,
    /// When the process that stores its rows last renewed its claim. UTC.
    pub claimed_at: Option<DateTime<Utc>>,
    /// Whether the process that stored its rows has stopped before the last row.
    pub is_interrupted: bool,
    /// When the import was added. UTC.
    pub created_at: DateTime<Utc>,
    /// When the import was finished. UTC.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A new import.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// The kind of the file.
    pub kind: Kind,
    /// Its name.
    pub file_name: String,
    /// SHA-256 of its content.
    pub hash: String,
    /// The fields of its columns.
    pub mapping: Vec<(String, Field)>,
    /// The person.
    pub actor: String,
    /// How many rows it has.
    pub rows: u64,
    /// The import that it undoes.
    pub undoes: Option<i64>,
    /// The content of the file, which is kept until all rows are stored. `None` for an undo.
    pub content: Option<Vec<u8>>,
}

impl NewImport {
    /// The undo of an import. `rows` is the number of orders that it changes.
    #[must_use]
    pub fn undo(import: &Import, actor: &str, rows: u64) -> Self {
        Self {
            kind: Kind::Undo,
            file_name: import.file_name.clone(),
            hash: format!("undo:{}", import.id),
            mapping: Vec::new(),
            actor: actor.to_owned(),
            rows,
            undoes: Some(import.id),
            content: None,
        }
    }
}

impl Store {
    /// Adds an import in the state `Shown`, and returns its id. Deletes older imports that were never
    /// started.
    pub async fn add_import(&self, import: NewImport, now: DateTime<Utc>) -> Result<i64, StoreError> {
        Entity::delete_many()
            .filter(Column::State.eq(ImportState::Shown.as_str()))
            .filter(Column::CreatedAt.lt(now - UNUSED_LIFETIME))
            .exec(&self.writer)
            .await?;
        let row = ActiveModel {
            kind: Set(import.kind.as_str().to_owned()),
            file_name: Set(import.file_name),
            hash: Set(import.hash),
            mapping: Set(mappings::to_text(&import.mapping)),
            actor: Set(import.actor),
            state: Set(ImportState::Shown.as_str().to_owned()),
            row_count: Set(i64::try_from(import.rows).unwrap_or(i64::MAX)),
            done: Set(0),
            undoes: Set(import.undoes),
            content: Set(import.content),
            created_at: Set(now),
            finished_at: Set(None),
            owner: Set(None),
            claimed_at: Set(None),
            created: Set(0),
            updated: Set(0),
            unchanged: Set(0),
            not_found: Set(0),
            ambiguous: Set(0),
            bad: Set(0),
            ..Default::default()
        };
        Ok(Entity::insert(row).exec(&self.writer).await?.last_insert_id)
    }

    /// The import with this id.
    pub async fn import(&self, id: i64) -> Result<Option<Import>, StoreError> {
        Ok(self.find_imports(Column::Id.eq(id), 1).await?.pop())
    }

    /// Imports that were started, newest first.
    pub async fn imports(&self, limit: u64) -> Result<Vec<Import>, StoreError> {
        self.find_imports(Column::State.ne(ImportState::Shown.as_str()), limit).await
    }

    /// The id, the name of the file and the undone import of each of these imports.
    pub async fn import_files(
        &self,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<Vec<(i64, String, Option<i64>)>, StoreError> {
        let found = Entity::find().filter(Column::Id.is_in(ids)).select_only();
        let columns = found.columns([Column::Id, Column::FileName, Column::Undoes]);
        Ok(columns.into_tuple().all(&self.readers).await?)
    }

    async fn find_imports(&self, condition: Expr, limit: u64) -> Result<Vec<Import>, StoreError> {
        // Leave out the content, which may be large; only `import_content` reads it.
        let columns = [
            Column::Id,
            Column::Kind,
            Column::FileName,
            Column::Hash,
            Column::Mapping,
            Column::Actor,
            Column::State,
            Column::RowCount,
            Column::Done,
            Column::Undoes,
            Column::CreatedAt,
            Column::FinishedAt,
            Column::Owner,
            Column::ClaimedAt,
            Column::Created,
            Column::Updated,
            Column::Unchanged,
            Column::NotFound,
            Column::Ambiguous,
            Column::Bad,
        ];
        let rows = Entity::find()
            .select_only()
            .columns(columns)
            .expr_as(Expr::val(Option::<Vec<u8>>::None), "content")
            .filter(Condition::all().add(condition))
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        let undone =
            if rows.is_empty() { HashMap::new() } else { claims::undone_imports(&self.readers).await? };
        let with_undo = |import: Import| Import { undone_by: undone.get(&import.id).copied(), ..import };
        let mut imports: Vec<_> = rows.into_iter().filter_map(import).map(with_undo).collect();
        if imports.iter().any(|import| import.state == ImportState::Running) {
            let claimed_since = claims::shared_now(&self.readers).await? - CLAIM_LIFETIME;
            for import in imports.iter_mut().filter(|import| import.state == ImportState::Running) {
                import.is_interrupted = import.claimed_at.is_none_or(|at| at < claimed_since);
            }
        }
        Ok(imports)
    }

    /// The content of the file of an import; `None` if it is not kept.
    pub async fn import_content(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let content = Entity::find_by_id(id).select_only().column(Column::Content);
        let content = content.into_tuple::<Option<Vec<u8>>>().one(&self.readers).await?;
        Ok(content.flatten())
    }

    /// Changes the kind and the mapping of an import that was not started.
    pub async fn remap_import(
        &self,
        id: i64,
        kind: Kind,
        mapping: &[(String, Field)],
        rows: u64,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Kind, kind.as_str().into())
            .col_expr(Column::Mapping, mappings::to_text(mapping).into())
            .col_expr(Column::RowCount, i64::try_from(rows).unwrap_or(i64::MAX).into())
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq(ImportState::Shown.as_str()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Keeps the content of the file of an import that is not finished, if it is not kept already.
    pub async fn keep_import_content(&self, id: i64, content: Vec<u8>) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Content, content.into())
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq(ImportState::Running.as_str()))
            .filter(Column::Content.is_null())
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Deletes an import that was not started. Returns false if it was started.
    pub async fn forget_import(&self, id: i64) -> Result<bool, StoreError> {
        let deleted = Entity::delete_many()
            .filter(Column::Id.eq(id))
            .filter(Column::State.eq(ImportState::Shown.as_str()))
            .exec(&self.writer)
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Deletes all imports that were not started, and the files of all others.
    pub(crate) async fn forget_import_files(&self) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::State.eq(ImportState::Shown.as_str()))
            .exec(&self.writer)
            .await?;
        Entity::update_many()
            .col_expr(Column::Content, Expr::val(Option::<Vec<u8>>::None))
            .filter(Column::Content.is_not_null())
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}

/// Pairs the column of each outcome with its count.
fn columns(counts: ImportCounts) -> impl Iterator<Item = (Column, i64)> {
    let column = |outcome| match outcome {
        RowOutcome::Created => Column::Created,
        RowOutcome::Updated => Column::Updated,
        RowOutcome::Unchanged => Column::Unchanged,
        RowOutcome::NotFound => Column::NotFound,
        RowOutcome::Ambiguous => Column::Ambiguous,
        RowOutcome::Bad => Column::Bad,
    };
    counts.each().map(move |(outcome, count)| (column(outcome), i64::try_from(count).unwrap_or(i64::MAX)))
}

/// Reads an import from its row; `None` if a later release wrote a kind or state that this one does not know.
fn import(row: Model) -> Option<Import> {
    let mut counts = ImportCounts::default();
    let each = [row.created, row.updated, row.unchanged, row.not_found, row.ambiguous, row.bad];
    for (outcome, count) in RowOutcome::ALL.into_iter().zip(each) {
        counts.add_many(outcome, u64::try_from(count).unwrap_or(0));
    }
    Some(Import {
        id: row.id,
        kind: Kind::from_name(&row.kind)?,
        file_name: row.file_name,
        hash: row.hash,
        mapping: mappings::from_text(&row.mapping),
        actor: row.actor,
        state: ImportState::ALL.into_iter().find(|state| state.as_str() == row.state)?,
        rows: u64::try_from(row.row_count).unwrap_or(0),
        done: u32::try_from(row.done).unwrap_or(u32::MAX),
        counts,
        undoes: row.undoes,
        undone_by: None,
        claimed_at: row.claimed_at,
        is_interrupted: false,
        created_at: row.created_at,
        finished_at: row.finished_at,
    })
}
