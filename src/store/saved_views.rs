//! The lists of orders that the group saved under a name, for the side of the web page.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::saved_views::{ActiveModel, Column, Entity};
use super::{Store, StoreError};

/// The most views that are listed.
const MAX_VIEWS: u64 = 100;

/// A list of orders with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The query of its URL.
    pub query: String,
}

impl Store {
    /// All views, by name.
    pub async fn saved_views(&self) -> Result<Vec<SavedView>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::Name).limit(MAX_VIEWS).all(&self.readers).await?;
        Ok(rows.into_iter().map(|row| SavedView { id: row.id, name: row.name, query: row.query }).collect())
    }

    /// Saves a view. It replaces the one with the same name.
    pub async fn save_view_as(
        &self,
        name: &str,
        query: &str,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = ActiveModel {
            name: Set(name.to_owned()),
            query: Set(query.to_owned()),
            created_by: Set(actor.to_owned()),
            created_at: Set(now),
            ..Default::default()
        };
        let columns = [Column::Query, Column::CreatedBy, Column::CreatedAt];
        let replace = OnConflict::column(Column::Name).update_columns(columns).to_owned();
        Entity::insert(row).on_conflict(replace).exec(&self.writer).await?;
        Ok(())
    }

    /// Deletes a view. Does nothing if there is none with this id.
    pub async fn delete_saved_view(&self, id: i64) -> Result<(), StoreError> {
        Entity::delete_many().filter(Column::Id.eq(id)).exec(&self.writer).await?;
        Ok(())
    }
}
