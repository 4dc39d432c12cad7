//! The access log: tokens that were created, revoked or used from a new address, people who signed in and out, and
//! refused requests.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
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
    /// A person signed in to the web page.
    SignedIn,
    /// A session of the web page was ended by a person.
    SignedOut,
}

/// Which entries of the access log to list. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// Only rows older than this one.
    pub before: Option<i64>,
    /// Only this kind.
    pub kind: Option<AccessEventKind>,
    /// Only about the token with this name.
    pub token: Option<String>,
}

/// An entry of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEvent {
    /// Row id; 0 for a new entry.
    pub id: i64,
    /// The kind of event.
    pub kind: AccessEventKind,
    /// The token's name, if ROMS knows the token.
    pub token: Option<String>,
    /// The address of the client.
    pub peer: Option<String>,
    /// Details: the scopes of a new token, the reason and route of refused requests, or the person of a
    /// session.
    pub detail: Option<String>,
    /// The person: `discord:` and the user's id, `token:` and a name, `cli`, or `roms` itself.
    pub actor: Option<String>,
    /// How many requests the entry stands for.
    pub count: i64,
    /// When. UTC.
    pub at: DateTime<Utc>,
}

impl AccessEventKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Revoked, Self::NewAddress, Self::Refused, Self::SignedIn, Self::SignedOut];

    /// The name in the database, the API and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Revoked => "revoked",
            Self::NewAddress => "new_address",
            Self::Refused => "refused",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Created => "token created",
            Self::Revoked => "token revoked",
            Self::NewAddress => "used from a new address",
            Self::Refused => "refused",
            Self::SignedIn => "signed in",
            Self::SignedOut => "signed out",
        }
    }
}

impl AccessEvent {
    /// A new entry about this token.
    #[must_use]
    pub fn new(kind: AccessEventKind, token: Option<String>, at: DateTime<Utc>) -> Self {
        Self { id: 0, kind, token, peer: None, detail: None, actor: None, count: 1, at }
    }
}

impl TryFrom<Model> for AccessEvent {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let Model { id, event, token, peer, detail, actor, count, created_at } = row;
        let kind = AccessEventKind::ALL.into_iter().find(|kind| kind.as_str() == event);
        let kind = kind.ok_or(StoreError::Corrupt("event"))?;
        Ok(Self { id, kind, token, peer, detail, actor, count, at: created_at })
    }
}

/// The actor and the detail of the newest entry of this kind with each of these actors.
pub(crate) async fn last_details(
    connection: &impl ConnectionTrait,
    kind: AccessEventKind,
    actors: Vec<&str>,
) -> Result<Vec<(Option<String>, Option<String>)>, StoreError> {
    let newest = Query::select()
        .expr(Column::Id.max())
        .from(Entity)
        .and_where(Column::Event.eq(kind.as_str()))
        .and_where(Column::Actor.is_in(actors))
        .group_by_col(Column::Actor)
        .take();
    let entries = Entity::find().filter(Column::Id.in_subquery(newest)).select_only();
    Ok(entries.columns([Column::Actor, Column::Detail]).into_tuple().all(connection).await?)
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

    /// Entries of the access log, newest first.
    pub async fn access_events(
        &self,
        filter: &AccessFilter,
        limit: u64,
    ) -> Result<Vec<AccessEvent>, StoreError> {
        let AccessFilter { before, kind, token } = filter;
        let conditions = Condition::all()
            .add_option(before.map(|before| Column::Id.lt(before)))
            .add_option(kind.map(|kind| Column::Event.eq(kind.as_str())))
            .add_option(token.as_deref().map(|token| Column::Token.eq(token)));
        let select = Entity::find().filter(conditions).order_by_desc(Column::Id).limit(limit);
        select.all(&self.readers).await?.into_iter().map(AccessEvent::try_from).collect()
    }
}

/// Adds entries on this connection.
pub(crate) async fn save(
    connection: &impl ConnectionTrait,
    events: Vec<AccessEvent>,
) -> Result<(), StoreError> {
    let rows = events.into_iter().map(|event| ActiveModel {
        event: Set(event.kind.as_str().to_owned()),
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
