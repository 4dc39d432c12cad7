//! Answers to requests with an `Idempotency-Key`, for 24 hours. They are in the database, so that another process and
//! the next start know them too.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::store::entity::idempotency_keys::{ActiveModel, Column, Entity};
use crate::store::{Store, StoreError};

/// How long an answer is kept.
const LIFETIME: TimeDelta = TimeDelta::hours(24);
/// A key without an answer belongs to a request that is being processed. After this time its process must have ended.
const PROCESSING_TIME: TimeDelta = TimeDelta::minutes(1);

/// The state of a key when a request arrives with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyClaim {
    /// The key is new. This request must be processed.
    New,
    /// The first request with this key is still being processed.
    InProgress,
    /// The first request had another body.
    OtherBody,
    /// The first request had this answer.
    Answered {
        /// The status code.
        status: i32,
        /// The body.
        answer: String,
    },
}

impl Store {
    /// Claims a key for a request with this body. Both are hashes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn claim_idempotency_key(
        &self,
        key: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<KeyClaim, StoreError> {
        let abandoned = Condition::all()
            .add(Column::Id.eq(key))
            .add(Column::Status.is_null())
            .add(Column::CreatedAt.lt(now - PROCESSING_TIME));
        let ended = Condition::any().add(Column::CreatedAt.lt(now - LIFETIME)).add(abandoned);
        Entity::delete_many().filter(ended).exec(&self.writer).await?;
        let row = ActiveModel {
            id: Set(key.to_owned()),
            body_sha256: Set(body.to_owned()),
            status: Set(None),
            answer: Set(None),
            created_at: Set(now),
        };
        let unless_taken = OnConflict::column(Column::Id).do_nothing().to_owned();
        let added =
            Entity::insert_many([row]).on_conflict(unless_taken).exec_without_returning(&self.writer).await?;
        if added > 0 {
            return Ok(KeyClaim::New);
        }
        // The writer sees a row that another process has just committed.
        let row = Entity::find_by_id(key).one(&self.writer).await?;
        Ok(match row {
            // The first request failed in the meantime.
            None => KeyClaim::InProgress,
            Some(row) if row.body_sha256 != body => KeyClaim::OtherBody,
            Some(row) => match row.status.zip(row.answer) {
                Some((status, answer)) => KeyClaim::Answered { status, answer },
                None => KeyClaim::InProgress,
            },
        })
    }

    /// Keeps the answer to the request that claimed a key.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn save_idempotent_answer(
        &self,
        key: &str,
        status: i32,
        answer: &str,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Status, Expr::val(status))
            .col_expr(Column::Answer, Expr::val(answer))
            .filter(Column::Id.eq(key))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Gives a key back whose request has failed, so that the sender can try again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn release_idempotency_key(&self, key: &str) -> Result<(), StoreError> {
        Entity::delete_by_id(key).exec(&self.writer).await?;
        Ok(())
    }
}
