//! The filters of lists that are shown in Discord: a button holds the id of one, which works after
//! a restart too.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::store::entity::discord_views::{ActiveModel, Column, Entity};
use crate::store::{Store, StoreError};

/// How long a view is kept that nobody uses.
const KEPT_UNUSED: TimeDelta = TimeDelta::days(30);
/// A view is not marked as used more often than this.
const MARKED_EVERY: TimeDelta = TimeDelta::days(1);

impl Store {
    /// Keeps a text, and gives its id: the same for the same text. Ids are never given twice.
    /// Texts that nobody has used for 30 days are dropped.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_view(&self, text: &str, now: DateTime<Utc>) -> Result<i64, StoreError> {
        Entity::delete_many().filter(Column::UsedAt.lt(now - KEPT_UNUSED)).exec(&self.writer).await?;
        let row = ActiveModel { text: Set(text.to_owned()), used_at: Set(now), ..Default::default() };
        let again = OnConflict::column(Column::Text).update_column(Column::UsedAt).to_owned();
        let saved = Entity::insert(row).on_conflict(again).exec(&self.writer).await?;
        Ok(saved.last_insert_id)
    }

    /// The text of an id, which counts as used now; `None` where it was dropped.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn view(&self, id: i64) -> Result<Option<String>, StoreError> {
        let Some(view) = Entity::find_by_id(id).one(&self.readers).await? else { return Ok(None) };
        let now = Utc::now();
        if now - view.used_at >= MARKED_EVERY {
            Entity::update_many()
                .col_expr(Column::UsedAt, now.into())
                .filter(Column::Id.eq(id))
                .exec(&self.writer)
                .await?;
        }
        Ok(Some(view.text))
    }
}
