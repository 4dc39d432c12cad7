//! Stores the filters of lists in Discord. The buttons of a list carry the id of its filter, so that they still work
//! after a restart.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::store::entity::discord_views::{ActiveModel, Column, Entity};
use crate::store::{Store, StoreError};

/// An unused view is deleted after this time.
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// `used_at` is updated at most this often.
const USED_AT_PRECISION: TimeDelta = TimeDelta::days(1);

impl Store {
    /// Stores a text and returns its id. The same text has the same id, and ids are never reused. Deletes texts that
    /// were not used for 30 days.
    pub async fn save_view(&self, text: &str, now: DateTime<Utc>) -> Result<i64, StoreError> {
        Entity::delete_many().filter(Column::UsedAt.lt(now - LIFETIME)).exec(&self.writer).await?;
        let row = ActiveModel { text: Set(text.to_owned()), used_at: Set(now), ..Default::default() };
        let update = OnConflict::column(Column::Text).update_column(Column::UsedAt).to_owned();
        let saved = Entity::insert(row).on_conflict(update).exec(&self.writer).await?;
        Ok(saved.last_insert_id)
    }

    /// The text with this id, which counts as used now; `None` if it was deleted.
    pub async fn view(&self, id: i64) -> Result<Option<String>, StoreError> {
        let Some(view) = Entity::find_by_id(id).one(&self.readers).await? else { return Ok(None) };
        let now = Utc::now();
        if now - view.used_at >= USED_AT_PRECISION {
            Entity::update_many()
                .col_expr(Column::UsedAt, now.into())
                .filter(Column::Id.eq(id))
                .exec(&self.writer)
                .await?;
        }
        Ok(Some(view.text))
    }
}
