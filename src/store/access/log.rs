//! The access log: tokens that were created, revoked or used from a new address, and refused requests.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::store::entity::access_log::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};

/// Older entries are deleted.
const LIFETIME: TimeDelta = TimeDelta::days(90);

/// The kind of an entry of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessEventKind {
    /// A token was created.
    Created,
    /// A token was revoked.
    Revoked,
    /// A token was used from an address for the first time, as far as this process knows.
    NewAddress,
    /// Requests were refused.
    Refused,
}

/// An entry of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEvent {
    /// Row id; 0 for a new entry.
    pub id: i64,
    /// The kind of event, as [`AccessEventKind::as_str`].
    pub kind: String,
    /// The token's name, if ROMS knows the token.
    pub token: Option<String>,
    /// The address of the client.
    pub peer: Option<String>,
    /// More about it: the scopes of a new token, or why and on which route requests were refused.
    pub detail: Option<String>,
    /// The person who created or revoked the token: `discord:` and the user's id, or `cli`.
    pub actor: Option<String>,
    /// How many requests the entry stands for.
    pub count: i64,
    /// When. UTC.
    pub at: DateTime<Utc>,
}

impl AccessEventKind {
    /// The name in the database, the API and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Revoked => "revoked",
            Self::NewAddress => "new_address",
            Self::Refused => "refused",
        }
    }
}

impl AccessEvent {
    /// A new entry about this token.
    #[must_use]
    pub fn new(kind: AccessEventKind, token: Option<String>, at: DateTime<Utc>) -> Self {
        let kind = kind.as_str().to_owned();
        Self { id: 0, kind, token, peer: None, detail: None, actor: None, count: 1, at }
    }
}

impl From<Model> for AccessEvent {
    fn from(row: Model) -> Self {
        let Model { id, event, token, peer, detail, actor, count, created_at } = row;
        Self { id, kind: event, token, peer, detail, actor, count, at: created_at }
    }
}

impl Store {
    /// Adds entries to the access log, and deletes those older than 90 days.
    pub async fn save_access_events(&self, events: Vec<AccessEvent>) -> Result<(), StoreError> {
        let Some(newest) = events.iter().map(|event| event.at).max() else { return Ok(()) };
        save(&self.writer, events).await?;
        Entity::delete_many().filter(Column::CreatedAt.lt(newest - LIFETIME)).exec(&self.writer).await?;
        Ok(())
    }

    /// Whether the access log says that the token with this name was used from this address.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_used_token_from(&self, name: &str, peer: &str) -> Result<bool, StoreError> {
        let entries = Entity::find()
            .filter(Column::Event.eq(AccessEventKind::NewAddress.as_str()))
            .filter(Column::Token.eq(name))
            .filter(Column::Peer.eq(peer));
        Ok(entries.count(&self.readers).await? > 0)
    }

    /// Entries of the access log, newest first; only those older than the row `before`, if it is given.
    pub async fn access_events(
        &self,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<AccessEvent>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
        if let Some(before) = before {
            select = select.filter(Column::Id.lt(before));
        }
        let rows = select.all(&self.readers).await?;
        Ok(rows.into_iter().map(AccessEvent::from).collect())
    }
}

/// Adds entries on this connection.
pub(crate) async fn save(
    connection: &impl ConnectionTrait,
    events: Vec<AccessEvent>,
) -> Result<(), StoreError> {
    let rows = events.into_iter().map(|event| ActiveModel {
        event: Set(event.kind),
        token: Set(event.token),
        peer: Set(event.peer),
        detail: Set(event.detail),
        actor: Set(event.actor),
        count: Set(event.count),
        created_at: Set(event.at),
        ..Default::default()
    });
    Entity::insert_many(rows).exec_without_returning(connection).await?;
    Ok(())
}
