//! Stores the sessions of the web page. Only a hash of the secret in a browser's cookie is kept.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::log::{self, AccessEvent, AccessEventKind};
use super::tokens::random;
use crate::config::Level;
use crate::store::entity::sessions::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};
use crate::token::{Secret, SecretHash};

/// A session ends this long after it began.
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// A session ends this long after its last use.
const IDLE_TIME: TimeDelta = TimeDelta::days(7);
/// Maximum sessions of one person or token. Beginning another one ends the oldest.
const MAX_SESSIONS: u64 = 20;
/// Maximum sessions in a list.
const MAX_LISTED: u64 = 200;

/// The person or token that a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A Discord user.
    User {
        /// The user's id.
        id: i64,
        /// The level that the user had most recently.
        level: KnownLevel,
    },
    /// The token with this row id. Its scopes are those of the session.
    Token(i64),
}

/// A level, and when Discord confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownLevel {
    /// The level.
    pub level: Level,
    /// When the roles were read. UTC.
    pub read_at: DateTime<Utc>,
}

/// A session to create.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The person or token that the session belongs to.
    pub holder: Holder,
    /// The name of that person or token.
    pub name: String,
    /// The IP address of the browser.
    pub peer: Option<String>,
}

/// A stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Row id.
    pub id: i64,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// The person or token that the session belongs to.
    pub holder: Holder,
    /// The name that this person or token had at the sign-in.
    pub name: String,
    /// The IP address of the browser when it signed in.
    pub peer: Option<String>,
    /// When it was begun. UTC.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute. UTC.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest. UTC.
    pub expires_at: DateTime<Utc>,
}

impl Holder {
    fn condition(&self) -> Condition {
        Condition::all().add(match self {
            Self::User { id, .. } => Column::UserId.eq(*id),
            Self::Token(id) => Column::TokenId.eq(*id),
        })
    }
}

impl Session {
    /// The maximum lifetime of a session.
    pub const LIFETIME: TimeDelta = LIFETIME;

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now || self.last_used_at + IDLE_TIME <= now
    }

    /// The name of the person or token in the access log and in the history of orders.
    #[must_use]
    pub fn actor(&self) -> String {
        actor(&self.holder, &self.name)
    }
}

fn actor(holder: &Holder, name: &str) -> String {
    match holder {
        Holder::User { id, .. } => format!("discord:{id}"),
        Holder::Token(_) => format!("token:{name}"),
    }
}

/// An entry of the access log about a session.
fn event(
    kind: AccessEventKind,
    holder: &Holder,
    name: &str,
    actor: String,
    at: DateTime<Utc>,
) -> AccessEvent {
    let token = matches!(holder, Holder::Token(_)).then(|| name.to_owned());
    let detail = match holder {
        // `name_in` reads it.
        Holder::User { id, level } => Some(format!("discord:{id} {name}, {}", level.level.as_str())),
        Holder::Token(_) => None,
    };
    AccessEvent { detail, actor: Some(actor), ..AccessEvent::new(kind, token, at) }
}

/// The name of the person in an entry of the access log about their session.
fn name_in<'a>(detail: &'a str, actor: &str) -> Option<&'a str> {
    let (name, _level) = detail.strip_prefix(actor)?.strip_prefix(' ')?.rsplit_once(", ")?;
    Some(name)
}

impl TryFrom<Model> for Session {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let level = |name: &str| Level::ALL.into_iter().find(|level| level.as_str() == name);
        let known = row.level.as_deref().and_then(level).zip(row.level_read_at);
        let holder = match (row.user_id, row.token_id, known) {
            (Some(id), None, Some((level, read_at))) => {
                Holder::User { id, level: KnownLevel { level, read_at } }
            }
            (None, Some(token), None) => Holder::Token(token),
            _ => return Err(StoreError::Corrupt("level")),
        };
        Ok(Self {
            id: row.id,
            hash: SecretHash::from_hex(&row.sha256).ok_or(StoreError::Corrupt("sha256"))?,
            holder,
            name: row.name,
            peer: row.peer,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        })
    }
}

impl Store {
    /// The names that Discord users had at their last sign-in, by their actors (`discord:` and an id). Users who have not
    /// signed in to the web page within the time that the access log covers are left out, and so are other actors.
    pub async fn names_of_users(
        &self,
        actors: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, String>, StoreError> {
        let users: Vec<&str> = actors.into_iter().filter(|actor| actor.starts_with("discord:")).collect();
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let details = log::last_details(&self.readers, AccessEventKind::SignedIn, users).await?;
        let names = details.into_iter().filter_map(|(actor, detail)| {
            let actor = actor?;
            let name = name_in(&detail?, &actor)?.to_owned();
            Some((actor, name))
        });
        Ok(names.collect())
    }

    /// Begins a session, and returns the secret for the browser's cookie. Deletes sessions whose time is
    /// over.
    ///
    /// # Errors
    /// If the database or the system's source of random numbers fails.
    pub async fn create_session(&self, new: NewSession, now: DateTime<Utc>) -> Result<Secret, StoreError> {
        let NewSession { holder, name, peer } = new;
        let secret = Secret::from_random(random()?);
        let (user_id, token_id, known) = match &holder {
            Holder::User { id, level } => (Some(*id), None, Some(*level)),
            Holder::Token(id) => (None, Some(*id), None),
        };
        let transaction = self.writer.begin().await?;
        let ended =
            Condition::any().add(Column::ExpiresAt.lte(now)).add(Column::LastUsedAt.lte(now - IDLE_TIME));
        Entity::delete_many().filter(ended).exec(&transaction).await?;
        let others: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(holder.condition())
            .order_by_desc(Column::Id)
            .offset(MAX_SESSIONS - 1)
            .limit(MAX_LISTED)
            .into_tuple()
            .all(&transaction)
            .await?;
        if !others.is_empty() {
            Entity::delete_many().filter(Column::Id.is_in(others)).exec(&transaction).await?;
        }
        let row = ActiveModel {
            sha256: Set(secret.hash().to_string()),
            user_id: Set(user_id),
            token_id: Set(token_id),
            name: Set(name.clone()),
            level: Set(known.map(|known| known.level.as_str().to_owned())),
            level_read_at: Set(known.map(|known| known.read_at)),
            peer: Set(peer.clone()),
            created_at: Set(now),
            last_used_at: Set(now),
            expires_at: Set(now + LIFETIME),
            ..Default::default()
        };
        Entity::insert(row).exec_without_returning(&transaction).await?;
        let event = event(AccessEventKind::SignedIn, &holder, &name, actor(&holder, &name), now);
        log::save(&transaction, vec![AccessEvent { peer, ..event }]).await?;
        transaction.commit().await?;
        Ok(secret)
    }

    /// The session whose secret has this hash. Its time may be over; see [`Session::is_expired`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        let row = Entity::find().filter(Column::Sha256.eq(hash.to_string())).one(&self.readers).await?;
        row.map(Session::try_from).transpose()
    }

    /// The sessions that have not ended, the most recently used first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sessions(&self, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        let rows =
            Entity::find().order_by_desc(Column::LastUsedAt).order_by_desc(Column::Id).limit(MAX_LISTED);
        let sessions = rows.all(&self.readers).await?.into_iter().map(Session::try_from);
        Ok(sessions.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|it| !it.is_expired(now)).collect())
    }

    /// Records that a session was used, and its person's level.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn save_session_use(
        &self,
        session: i64,
        known: Option<KnownLevel>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut update = Entity::update_many().col_expr(Column::LastUsedAt, Expr::val(now));
        if let Some(KnownLevel { level, read_at }) = known {
            update = update
                .col_expr(Column::Level, Expr::val(level.as_str()))
                .col_expr(Column::LevelReadAt, Expr::val(read_at));
        }
        update.filter(Column::Id.eq(session)).exec(&self.writer).await?;
        Ok(())
    }

    /// Ends the session with this row id. Returns whether there was one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_session(&self, id: i64, actor: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        Ok(self.end_sessions(Condition::all().add(Column::Id.eq(id)), actor, now).await? > 0)
    }

    /// Ends all sessions of a person or token, and returns how many there were.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_sessions_of(
        &self,
        holder: &Holder,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.end_sessions(holder.condition(), actor, now).await
    }

    async fn end_sessions(
        &self,
        which: Condition,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let transaction = self.writer.begin().await?;
        let rows = Entity::find().filter(which).all(&transaction).await?;
        let ended = rows.into_iter().map(Session::try_from).collect::<Result<Vec<_>, _>>()?;
        if ended.is_empty() {
            return Ok(0);
        }
        let ids = ended.iter().map(|session| session.id);
        Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&transaction).await?;
        let events = ended.iter().map(|session| {
            event(AccessEventKind::SignedOut, &session.holder, &session.name, actor.to_owned(), now)
        });
        log::save(&transaction, events.collect()).await?;
        transaction.commit().await?;
        Ok(ended.len())
    }
}
