//! Saved mappings: which field each column of a file holds, under a name, for files that arrive regularly.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::files::{Field, Kind};
use crate::store::entity::import_mappings::{ActiveModel, Column, Entity, Model};
use crate::store::entity::rows::to_json;
use crate::store::{Store, StoreError};

/// Maximum mappings in a list.
const MAX_MAPPINGS: u64 = 100;

/// A saved mapping from headings to fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedMapping {
    /// Its name.
    pub name: String,
    /// The kind of file that it is for.
    pub kind: Kind,
    /// Headings and fields.
    pub mapping: Vec<(String, Field)>,
}

impl Store {
    /// All mappings, by name.
    pub async fn saved_mappings(&self) -> Result<Vec<SavedMapping>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::Name).limit(MAX_MAPPINGS).all(&self.readers).await?;
        Ok(rows.into_iter().filter_map(mapping).collect())
    }

    /// The mapping of this name.
    pub async fn saved_mapping(&self, name: &str) -> Result<Option<SavedMapping>, StoreError> {
        let row = Entity::find().filter(Column::Name.eq(name)).one(&self.readers).await?;
        Ok(row.and_then(mapping))
    }

    /// Saves a mapping. It replaces the one with the same name.
    pub async fn save_mapping(
        &self,
        saved: &SavedMapping,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = ActiveModel {
            name: Set(saved.name.clone()),
            kind: Set(saved.kind.as_str().to_owned()),
            mapping: Set(to_text(&saved.mapping)),
            created_by: Set(actor.to_owned()),
            created_at: Set(now),
            ..Default::default()
        };
        let columns = [Column::Kind, Column::Mapping, Column::CreatedBy, Column::CreatedAt];
        let replace = OnConflict::column(Column::Name).update_columns(columns).to_owned();
        Entity::insert(row).on_conflict(replace).exec(&self.writer).await?;
        Ok(())
    }
}

fn mapping(row: Model) -> Option<SavedMapping> {
    Some(SavedMapping { name: row.name, kind: Kind::from_name(&row.kind)?, mapping: from_text(&row.mapping) })
}

/// A mapping as JSON: a list of pairs, because two columns may have the same heading.
pub(crate) fn to_text(mapping: &[(String, Field)]) -> String {
    let pairs = mapping.iter().map(|(heading, field)| (heading.as_str(), field.to_string()));
    to_json(&pairs.collect::<Vec<_>>())
}

/// Reads a mapping from that JSON. Leaves out fields that this release does not know.
pub(crate) fn from_text(text: &str) -> Vec<(String, Field)> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text).unwrap_or_default();
    pairs.into_iter().filter_map(|(heading, field)| Some((heading, field.parse().ok()?))).collect()
}
