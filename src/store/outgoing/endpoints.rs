//! Stores the endpoints that receive events.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::queue::{Target, give_up};
use crate::store::entity::outbox;
use crate::store::entity::webhook_endpoints::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};
use crate::token::{SigningSecret, TokenName};
use crate::webhook::{EndpointUrl, EventTypes};

/// After a rotation, messages are signed with the old secret too for this long.
const ROTATION_PERIOD: TimeDelta = TimeDelta::days(1);

/// The settings of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Where events are posted.
    pub url: EndpointUrl,
    /// The events that it receives.
    pub event_types: EventTypes,
    /// Whether its orders hold personal data.
    pub personal_data: bool,
    /// Whether its address may be private, such as that of a program on the same machine.
    pub allow_private: bool,
}

/// A stored endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: EndpointSettings,
    /// The secrets that sign its messages: the current one, and after a rotation the old one.
    pub secrets: Vec<SigningSecret>,
    /// The person who created it: `discord:` and the user's id, `token:` and its name, `api` or `cli`.
    pub created_by: String,
    /// When it was created. UTC.
    pub created_at: DateTime<Utc>,
    /// Since when it receives nothing; `None` if it is in use. UTC.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why it receives nothing.
    pub disabled_reason: Option<String>,
    /// Since when every message has failed. UTC.
    pub failing_since: Option<DateTime<Utc>>,
}

impl Endpoint {
    fn read(row: Model, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let old = row.old_secret.filter(|_| row.old_secret_until.is_some_and(|end| end > now));
        Ok(Self {
            id: row.id,
            name: row.name,
            settings: EndpointSettings {
                url: row.url.parse().map_err(|_| StoreError::Corrupt("url"))?,
                event_types: row.event_types.parse().map_err(|_| StoreError::Corrupt("event_types"))?,
                personal_data: row.personal_data,
                allow_private: row.allow_private,
            },
            secrets: [Some(row.secret), old].into_iter().flatten().map(SigningSecret::new).collect(),
            created_by: row.created_by,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
        })
    }
}

impl EndpointSettings {
    fn fill(self, row: &mut ActiveModel) {
        row.url = Set(self.url.expose().to_string());
        row.event_types = Set(self.event_types.to_string());
        row.personal_data = Set(self.personal_data);
        row.allow_private = Set(self.allow_private);
    }
}

impl Store {
    /// Creates an endpoint, and returns its row id and secret. The secret cannot be shown again.
    ///
    /// # Errors
    /// [`StoreError::EndpointExists`] if another endpoint has the name, and if the database or the system's source of
    /// random numbers fails.
    pub async fn create_endpoint(
        &self,
        name: &TokenName,
        settings: EndpointSettings,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<(i64, SigningSecret), StoreError> {
        let secret = new_secret()?;
        let transaction = self.writer.begin().await?;
        if Entity::find().filter(Column::Name.eq(name.as_str())).count(&transaction).await? > 0 {
            return Err(StoreError::EndpointExists(name.to_string()));
        }
        let mut row = ActiveModel {
            name: Set(name.to_string()),
            secret: Set(secret.expose().to_owned()),
            created_by: Set(actor.to_owned()),
            created_at: Set(now),
            ..Default::default()
        };
        settings.fill(&mut row);
        let id = Entity::insert(row).exec(&transaction).await?.last_insert_id;
        transaction.commit().await?;
        Ok((id, secret))
    }

    /// All endpoints, oldest first.
    pub async fn endpoints(&self, now: DateTime<Utc>) -> Result<Vec<Endpoint>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::Id).all(&self.readers).await?;
        rows.into_iter().map(|row| Endpoint::read(row, now)).collect()
    }

    /// The endpoint with this row id.
    pub async fn endpoint(&self, id: i64, now: DateTime<Utc>) -> Result<Option<Endpoint>, StoreError> {
        let row = Entity::find_by_id(id).one(&self.readers).await?;
        row.map(|row| Endpoint::read(row, now)).transpose()
    }

    /// The endpoint with this name.
    pub async fn endpoint_named(
        &self,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Endpoint>, StoreError> {
        let row = Entity::find().filter(Column::Name.eq(name)).one(&self.readers).await?;
        row.map(|row| Endpoint::read(row, now)).transpose()
    }

    /// Changes the settings of an endpoint. Returns whether it exists.
    pub async fn change_endpoint(&self, id: i64, settings: EndpointSettings) -> Result<bool, StoreError> {
        let mut row = ActiveModel::default();
        settings.fill(&mut row);
        let changed = Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(&self.writer).await?;
        Ok(changed.rows_affected > 0)
    }

    /// Disables an endpoint for this reason. What is waiting for it counts as dead; it can be replayed.
    pub async fn disable_endpoint(
        &self,
        id: i64,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let transaction = self.writer.begin().await?;
        let row = ActiveModel {
            disabled_at: Set(Some(now)),
            disabled_reason: Set(Some(reason.to_owned())),
            ..Default::default()
        };
        Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(&transaction).await?;
        give_up(&transaction, Target::Endpoint(id), "the endpoint was disabled").await?;
        Ok(transaction.commit().await?)
    }

    /// Enables an endpoint again. Returns whether it exists.
    pub async fn enable_endpoint(&self, id: i64) -> Result<bool, StoreError> {
        let row = ActiveModel {
            disabled_at: Set(None),
            disabled_reason: Set(None),
            failing_since: Set(None),
            ..Default::default()
        };
        let changed = Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(&self.writer).await?;
        Ok(changed.rows_affected > 0)
    }

    /// Deletes an endpoint with its deliveries. Returns whether it existed.
    pub async fn delete_endpoint(&self, id: i64) -> Result<bool, StoreError> {
        let transaction = self.writer.begin().await?;
        let (target, _) = Target::Endpoint(id).columns();
        outbox::Entity::delete_many()
            .filter(outbox::Column::Target.eq(target))
            .filter(outbox::Column::TargetId.eq(id))
            .exec(&transaction)
            .await?;
        let deleted = Entity::delete_by_id(id).exec(&transaction).await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Gives an endpoint a new secret. For a day, messages are signed with the old one too. Returns `None` if there is no
    /// such endpoint.
    pub async fn rotate_endpoint_secret(
        &self,
        id: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<SigningSecret>, StoreError> {
        let secret = new_secret()?;
        let rotated = Entity::update_many()
            .col_expr(Column::OldSecret, Expr::col(Column::Secret))
            .col_expr(Column::OldSecretUntil, Expr::val(now + ROTATION_PERIOD))
            .col_expr(Column::Secret, Expr::val(secret.expose()))
            .filter(Column::Id.eq(id))
            .exec(&self.writer)
            .await?;
        Ok((rotated.rows_affected > 0).then_some(secret))
    }

    /// Records since when every message to this endpoint has failed; `None` if the last one arrived.
    pub async fn set_failing_since(&self, id: i64, since: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let row = ActiveModel { failing_since: Set(since), ..Default::default() };
        Entity::update_many().set(row).filter(Column::Id.eq(id)).exec(&self.writer).await?;
        Ok(())
    }
}

fn new_secret() -> Result<SigningSecret, StoreError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| StoreError::NoRandom)?;
    Ok(SigningSecret::from_random(random))
}
